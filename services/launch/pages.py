"""Door: people (HTML). The launches ahead, and one launch with its date, its why, and who knows."""

from fastapi import APIRouter

from services.launch.handlers.deciding import Deciding
from shared.runtime.clock import Clock
from shared.web.live import EventStream
from shared.web.pages import Pages


def build_routers(deciding: Deciding, sheets: Pages, live: EventStream, clock: Clock) -> list[APIRouter]:
    return []
