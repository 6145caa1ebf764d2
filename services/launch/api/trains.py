"""Which trains leave, with whom, and which audiences hear too much."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from services.launch.api.asked import UNDER
from services.launch.domain.calendar import Context
from services.launch.domain.questions.trains import read_departures
from services.launch.handlers.deciding import Deciding
from shared.runtime.clock import Clock
from shared.web.plumbing import PortfolioPath


def build_trains(deciding: Deciding, clock: Clock) -> APIRouter:
    """`…/trains`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/trains")
    async def list_trains(portfolio: PortfolioPath) -> dict[str, Any]:
        """Trains ahead by segment with passengers, strength and notes; what crowds an audience; trains missed."""
        context = Context(deciding.calendar, clock())
        return asdict(await deciding.query_locked(portfolio, lambda state: read_departures(state, context)))

    return router
