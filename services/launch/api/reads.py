"""Launches, one launch, why its date, the sums."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.api.asked import UNDER, AskedLaunches
from services.launch.api.shown import etag, show, show_answer, show_told
from services.launch.domain.calendar import Context
from services.launch.domain.launch import Launch
from services.launch.domain.questions.explain import explain_day
from services.launch.handlers.deciding import Deciding
from services.launch.store import listing, reading
from services.launch.store.proposals import list_proposals
from services.launch.store.receipts import count_receipts, load_receipts
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError


def build_list(database: Database) -> APIRouter:
    """Many launches."""
    router = APIRouter(prefix=UNDER)

    @router.get("/launches")
    async def list_launches(portfolio: PortfolioPath, asked: Annotated[AskedLaunches, Query()]) -> dict[str, Any]:
        """By day, those without a day last; `next` is what `after` takes for the next page, null on the last."""
        async with database.reading() as connection:
            found = await listing.list_launches(connection, portfolio, asked.wish())
            knows = await count_receipts(connection, portfolio, [launch.id for launch in found])
        items = [{**show(launch), "who_knows": knows.get(launch.id, {})} for launch in found]
        return {"items": items, "next": listing.write_place(found[-1]) if len(found) == asked.limit else None}

    return router


def build_one(deciding: Deciding, clock: Clock) -> APIRouter:
    """One launch, and why its date."""
    router = APIRouter(prefix=UNDER)
    database = deciding.database

    @router.get("/launches/{launch}")
    async def get_launch(portfolio: PortfolioPath, launch: str, response: Response) -> dict[str, Any]:
        """One launch, its history (newest first) and who knows of its newest revision."""
        async with database.reading() as connection:
            found = await find(connection, portfolio, launch)
            history = await reading.load_history(connection, portfolio, launch)
            receipts = await load_receipts(connection, portfolio, launch)
        response.headers["etag"] = etag(found)
        return {
            **show(found),
            "history": [show_told(told) for told in history],
            "who_knows": [
                {
                    "person": receipt.person,
                    "state": receipt.state,
                    "revision": receipt.revision,
                    "evidence": receipt.evidence,
                    "at": receipt.at,
                }
                for receipt in receipts
            ],
        }

    @router.get("/launches/{launch}/explain")
    async def explain(
        portfolio: PortfolioPath, launch: str, day: Annotated[date | None, Query()] = None
    ) -> dict[str, Any]:
        """Why this date, or why not another one: in sentences, the bounds, and every rule against the day."""
        async with database.reading() as connection:
            found = await find(connection, portfolio, launch)
            waiting = await list_proposals(connection, portfolio, "open", launch=launch)
        context = Context(deciding.calendar, clock())
        answer = await deciding.query_locked(portfolio, lambda state: explain_day(state, found.id, day, context))
        return {**show_answer(found, answer), "proposals": [kept.proposal.id for kept in waiting]}

    return router


def build_sums(deciding: Deciding) -> APIRouter:
    """Whether every cause was answered, and by which policy."""
    router = APIRouter(prefix=UNDER)
    database = deciding.database

    @router.get("/conservation")
    async def conservation(
        portfolio: PortfolioPath, until: Annotated[int | None, Query(ge=0)] = None
    ) -> dict[str, Any]:
        """Causes heard up to a revision of roadmap, against causes told; without `until`, up to the last one heard."""
        async with database.reading() as connection:
            cut = await reading.last_heard(connection, portfolio) if until is None else until
            return await reading.read_conservation(connection, portfolio, cut)

    @router.get("/policy")
    async def policy(portfolio: PortfolioPath) -> dict[str, Any]:
        """The policy that decisions of this portfolio read."""
        rules = deciding.calendar.policy
        return {"portfolio": portfolio, "id": rules.digest(), "policy": rules.model_dump(mode="json")}

    return router


async def find(connection: AsyncConnection, portfolio: PortfolioId, launch: str) -> Launch:
    """The launch, or 404."""
    found = await reading.find_launch(connection, portfolio, launch) if "\x00" not in launch else None
    if found is None:
        raise ProblemError(404, f"there is no launch {launch!r:.80} in {portfolio}")
    return found
