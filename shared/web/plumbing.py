"""The routes about the plumbing, the same for every service: what was told, how far it is, what is parked."""

import json
from base64 import b64encode
from itertools import groupby
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.words import PORTFOLIO_PATTERN, PortfolioId
from shared.runtime.foundation import Foundation
from shared.runtime.inbox import list_parked, show_parked
from shared.runtime.outbox import read_changes, republish
from shared.web.problems import ProblemError

PortfolioPath = Annotated[PortfolioId, Path(pattern=PORTFOLIO_PATTERN)]
"""A portfolio id in a route's path."""


class RevisionRange(BaseModel):
    """Which revisions to send again, both ends included."""

    model_config = ConfigDict(extra="forbid", strict=True)

    first: int = Field(alias="from", ge=1)
    last: int = Field(alias="to", ge=1)


def plumbing_routers(foundation: Foundation) -> list[APIRouter]:
    """What was told, how far the service is, and what is parked; under `/<service>/api/v1`."""
    return [_told(foundation), _heads_router(foundation), _parked_router(foundation)]


def _told(foundation: Foundation) -> APIRouter:
    router = APIRouter()

    @router.get("/portfolios/{portfolio}/changes")
    async def changes(
        portfolio: PortfolioPath,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """The service's messages after a revision, whole and in order; `next` is what `after` takes then."""
        async with foundation.database.reading() as connection:
            rows = await read_changes(connection, portfolio, after, limit)
        items = [
            _joined([json.loads(row.body) for row in parts]) for _, parts in groupby(rows, lambda row: row.revision)
        ]
        return {"items": items, "next": items[-1]["revision"] if items else after}

    @router.post("/portfolios/{portfolio}/republish", status_code=202)
    async def send_again(portfolio: PortfolioPath, revisions: RevisionRange) -> dict[str, int]:
        """Send these revisions to the topic again; readers notice what they have had."""
        rows = await republish(foundation.database, portfolio, revisions.first, revisions.last)
        return {"rows": rows}

    return router


def _heads_router(foundation: Foundation) -> APIRouter:
    router = APIRouter()

    @router.get("/portfolios/{portfolio}/heads")
    async def heads(portfolio: PortfolioPath) -> dict[str, Any]:
        """How far the service is: its own revision, those it has applied, and what is still under way."""
        return await _heads(foundation, portfolio)

    return router


def _parked_router(foundation: Foundation) -> APIRouter:
    router = APIRouter()

    @router.get("/parked")
    async def parked() -> dict[str, Any]:
        """Messages that could not be applied, over all portfolios."""
        return {"items": [_readable(row) for row in await list_parked(foundation.database)]}

    @router.get("/parked/{topic}/{portfolio}")
    async def parked_one(topic: str, portfolio: PortfolioPath) -> dict[str, Any]:
        """One of them: its body, its headers, and why."""
        row = await show_parked(foundation.database, topic, portfolio)
        if row is None:
            raise ProblemError(404, f"nothing of {portfolio} is parked in {topic}")
        return _readable(row)

    @router.post("/parked/{topic}/{portfolio}/retry")
    async def retry(topic: str, portfolio: PortfolioPath) -> dict[str, bool]:
        """Apply it and all behind it now; `applied` is false when it, or one behind it, failed."""
        await parked_one(topic, portfolio)
        return {"applied": await foundation.inboxes[topic].unpark(portfolio)}

    @router.delete("/parked/{topic}/{portfolio}")
    async def drop(topic: str, portfolio: PortfolioPath) -> dict[str, bool]:
        """Give it up, and apply what waits behind it; `applied` is false when one of those failed."""
        await parked_one(topic, portfolio)
        return {"applied": await foundation.inboxes[topic].skip(portfolio)}

    return router


async def _heads(foundation: Foundation, portfolio: PortfolioId) -> dict[str, Any]:
    """How far the service is: its own revision, what it has heard, what is still on the way."""
    async with foundation.database.reading() as connection:
        own = await connection.execute(sa.text("SELECT revision FROM portfolio WHERE id = :p"), {"p": portfolio})
        heard = await connection.execute(
            sa.text("SELECT topic, revision, waiting, parked FROM reader WHERE portfolio = :p"), {"p": portfolio}
        )
        unpublished = await connection.execute(
            sa.text("SELECT count(*) FROM outbox WHERE published_at IS NULL AND portfolio = :p"), {"p": portfolio}
        )
        readers = list(heard)
        return {
            "revision": own.scalar() or 0,
            "heard": {row.topic: row.revision for row in readers},
            "waiting": [row.topic for row in readers if row.waiting],
            "parked": [row.topic for row in readers if row.parked],
            "unpublished": unpublished.scalar_one(),
        }


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole message from the JSON of its parts."""
    whole, *others = parts
    for other in others:
        for name, value in other.items():
            if isinstance(value, list):
                whole[name] = whole[name] + value
    return whole | {"part": 1, "parts": 1}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Bytes as text where they are text, else as base64."""
    return {name: _text(value) if isinstance(value, bytes) else value for name, value in row.items()}


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + b64encode(value).decode()
