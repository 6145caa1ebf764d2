"""Door: people. The log of what changed and what it led to, one observation, the features and their history."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

from services.roadmap.pages.features import build_feature_page, build_list_page
from services.roadmap.pages.live import build_live
from services.roadmap.pages.log import build_log_pages
from shared.runtime.foundation import Foundation
from shared.web.pages import Pages


def build_pages(foundation: Foundation, app: FastAPI) -> list[APIRouter]:
    """All pages, to be put under `/roadmap`; static files and problem pages are installed on the app."""
    pages = Pages("roadmap", Path(__file__).parent.parent, clock=foundation.clock)
    pages.install(app)
    return [
        build_live(foundation.database),
        build_log_pages(pages, foundation.database),
        build_list_page(pages, foundation.database),
        build_feature_page(pages, foundation.database),
    ]
