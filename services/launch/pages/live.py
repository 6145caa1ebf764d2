"""Live events: open pages of a portfolio hear that something is new, and fetch themselves again."""

import re

from fastapi import APIRouter, Request, Response

from services.launch.store.reading import read_moment
from shared.contracts.words import PORTFOLIO_PATTERN
from shared.runtime.database import Database
from shared.web.live import EventStream


def build_live(database: Database) -> APIRouter:
    """`/launch/events?portfolio=`."""
    router = APIRouter()

    async def read(portfolio: str) -> int:
        async with database.reading() as connection:
            return await read_moment(connection, portfolio)

    stream = EventStream(read)

    @router.get("/events")
    async def events(request: Request, portfolio: str = "default") -> Response:
        known = re.fullmatch(PORTFOLIO_PATTERN, portfolio)
        return stream.response(request, portfolio) if known else Response(status_code=404)

    return router
