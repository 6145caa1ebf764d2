"""Live events: open pages of a portfolio hear that there is something new, and fetch themselves again."""

import re

from fastapi import APIRouter, Depends, Request, Response

from services.roadmap.pages.asked import DEFAULT
from services.roadmap.store.queries import count_news
from shared.contracts.words import PORTFOLIO_PATTERN, PortfolioId
from shared.runtime.database import Database
from shared.web.doors import require_access
from shared.web.live import EventStream


def build_live(database: Database) -> APIRouter:
    """`/roadmap/events?portfolio=`."""
    router = APIRouter(dependencies=[Depends(require_access)])

    async def read(portfolio: str) -> int:
        async with database.reading() as connection:
            return await count_news(connection, PortfolioId(portfolio))

    stream = EventStream(read)

    @router.get("/events")
    async def events(request: Request, portfolio: str = DEFAULT) -> Response:
        known = re.fullmatch(PORTFOLIO_PATTERN, portfolio)
        return stream.response(request, portfolio) if known else Response(status_code=404)

    return router
