"""Which trains leave, with whom, and which audiences hear too much."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from services.launch.api.asked import UNDER
from services.launch.domain.decide.scene import Scene
from services.launch.domain.trains import read_departures
from services.launch.handlers.deciding import Deciding
from shared.runtime.clock import Clock
from shared.web.plumbing import PortfolioPath


def build_trains(deciding: Deciding, clock: Clock) -> APIRouter:
    """`…/trains`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/trains")
    async def list_trains(portfolio: PortfolioPath) -> dict[str, Any]:
        """Trains ahead by segment with passengers, strength and notes; what crowds an audience; trains missed."""
        scene = Scene(deciding.calendar, clock())
        return asdict(await deciding.look(portfolio, lambda state: read_departures(state, scene)))

    return router
