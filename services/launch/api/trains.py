"""Which trains leave, with whom, and which audiences hear too much."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from services.launch.api.asked import UNDER
from services.launch.domain.trains import crowdings, rides
from services.launch.handlers.deciding import Deciding
from services.launch.store.writing import load_state
from shared.web.plumbing import PortfolioPath


def build_trains(deciding: Deciding) -> APIRouter:
    """`…/trains`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/trains")
    async def list_trains(portfolio: PortfolioPath) -> dict[str, Any]:
        """Trains ahead by segment with passengers, strength and the notes' lines; too much for one audience; flags."""
        async with deciding.database.reading() as connection:
            state = await load_state(connection, portfolio)
        calendar, launches = deciding.calendar, list(state.launches.values())
        most = calendar.policy.trains.misses
        return {
            "trains": [asdict(one) for one in rides(launches, list(state.features.values()), calendar)],
            "audiences": [asdict(one) for one in crowdings(launches, calendar)],
            "missed": sorted(one.id for one in launches if one.is_open and one.trains_missed >= most),
        }

    return router
