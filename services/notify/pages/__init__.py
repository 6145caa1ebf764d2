"""The door for people: who knows and who does not, one person's inbox, the mail link's page, coverage, the ripple."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI

from services.notify.handlers.acknowledgements import AcknowledgementHandlers
from services.notify.pages.coverage import build_coverage_pages
from services.notify.pages.inbox import build_inbox_pages
from services.notify.pages.links import build_link_pages
from services.notify.pages.overview import build_overview_pages
from services.notify.pages.ripple import build_ripple_pages
from shared.runtime.foundation import Foundation
from shared.web.doors import require_access
from shared.web.pages import Pages, require_own_page


def build_pages(foundation: Foundation, acknowledgements: AcknowledgementHandlers, app: FastAPI) -> None:
    """Put every page under `/notify`. Only the mail link's page needs no token but its own."""
    pages = Pages("notify", Path(__file__).parent.parent, clock=foundation.clock)
    pages.install(app)
    protected = APIRouter(dependencies=[Depends(require_access), Depends(require_own_page)])
    build_overview_pages(protected, pages, foundation)
    build_inbox_pages(protected, pages, foundation, acknowledgements)
    build_coverage_pages(protected, pages, foundation)
    build_ripple_pages(protected, pages, foundation)
    links = APIRouter(dependencies=[Depends(require_own_page)])
    build_link_pages(links, pages, foundation, acknowledgements)
    for router in (protected, links):
        app.include_router(router, prefix="/notify", include_in_schema=False)
