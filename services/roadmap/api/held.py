"""Door: what could not be judged. Listed over all portfolios; each can be tried again, or given up by a person.

What the inboxes parked is shared.web's; `inloop parked` shows both.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.api.parameters import UNDER, Name, PageQuery, SourceId
from services.roadmap.domain.causes import NATIVE
from services.roadmap.handlers.accepting import Acceptance
from services.roadmap.store.observations import drop_held, release_held
from services.roadmap.store.queries import list_held, load_observation
from services.roadmap.store.sums import count_waiting
from shared.contracts.words import PortfolioId
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

Act = Callable[[AsyncConnection, PortfolioId, int], Awaitable[bool]]


def build_held(acceptance: Acceptance) -> APIRouter:
    """The list, and what a person may do. An observation is named as when it is read: by its id, or `seq:<number>`."""
    router = APIRouter()
    database = acceptance.database

    async def act_on(portfolio: PortfolioId, source: str, observation_id: str, act: Act) -> None:
        async with database.locked([portfolio]) as batch:
            row = await load_observation(batch.connection, portfolio, source, observation_id)
            if row is None or not await act(batch.connection, portfolio, row["seq"]):
                raise ProblemError(404, "no observation of this id is held", where="path observation_id")

    @router.get("/held")
    async def held(query: Annotated[PageQuery, Query()]) -> dict[str, Any]:
        """Observations that could not be judged, oldest first; `total` counts also those beyond `limit`."""
        async with database.reading() as connection:
            items = await list_held(connection, query.limit)
            return {"items": items, "total": (await count_waiting(connection))["held"]}

    @router.post(UNDER + "/observations/{observation_id:path}/retry", status_code=202)
    async def retry(portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE) -> dict[str, bool]:
        """Have it judged again, soon."""
        await act_on(portfolio, source, observation_id, release_held)
        acceptance.bell.ring()
        return {"released": True}

    @router.delete(UNDER + "/observations/{observation_id:path}")
    async def drop(portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE) -> dict[str, bool]:
        """Give it up: it counts as refused, its bytes and the reason are kept, and its id may be sent again."""
        await act_on(portfolio, source, observation_id, drop_held)
        return {"dropped": True}

    return router
