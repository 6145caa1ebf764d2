"""What became of observations, one or many, and whether the sums add up."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.roadmap.api.parameters import UNDER, LogQuery, Name, SourceId, Until
from services.roadmap.domain.causes import NATIVE
from services.roadmap.store import queries, sums
from shared.runtime.database import Database
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

_AS_STORED = (
    "seq",
    "portfolio",
    "source",
    "kind",
    "ref",
    "at",
    "received_at",
    "accepted_at",
    "state",
    "why",
    "summary",
)


def build_observation_reads(database: Database) -> APIRouter:
    """The log, and one observation."""
    router = APIRouter(prefix=UNDER)

    @router.get("/observations")
    async def list_observations(portfolio: PortfolioPath, query: Annotated[LogQuery, Query()]) -> dict[str, Any]:
        """The log of observations, newest first; `next` is null on the last page."""
        filters = queries.LogFilter(**query.model_dump(exclude={"limit"}))
        async with database.reading() as connection:
            rows = await queries.list_log(connection, portfolio, filters, query.limit)
        following = rows[-1]["seq"] if len(rows) == query.limit else None
        return {"items": [show_observation(row) for row in rows], "next": following}

    @router.get("/observations/{observation_id:path}")
    async def get_observation(
        portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE
    ) -> dict[str, Any]:
        """What became of it and why. `seq:<number>` asks by its place in the log: a refused line may have no id."""
        async with database.reading() as connection:
            row = await queries.load_observation(connection, portfolio, source, observation_id)
        if row is None:
            raise ProblemError(404, "no observation of this id was ever received here", where="path observation_id")
        body = row["body"].decode(errors="replace")
        return {**show_observation(row), "body": body, "times_received": row["times_received"]}

    return router


def build_sums(database: Database) -> APIRouter:
    """Whether all that came in is accounted for."""
    router = APIRouter(prefix=UNDER)

    @router.get("/conservation")
    async def conservation(portfolio: PortfolioPath, until: Until = None) -> dict[str, Any]:
        """The sums as of a revision of ours; without one, as of now."""
        async with database.reading() as connection:
            cut = await sums.current_revision(connection, portfolio) if until is None else until
            return await sums.sum_up(connection, portfolio, cut)

    return router


def show_observation(row: dict[str, Any]) -> dict[str, Any]:
    """An observation as the API shows it: what became of it, why, and what it led to."""
    return {
        **{name: row[name] for name in _AS_STORED},
        "id": row["observation_id"],
        "where": row["path"],
        "kinds": row["kinds"],
        "cause": row["cause_id"],
        "revision": row["revision_at"],
        "led_to": {name: row[name] for name in ("launches", "told", "acknowledged", "unreachable", "told_at")},
    }
