"""Which trains leave with whom, whom an audience hears too often, who has missed trains."""

from fastapi import APIRouter, Request, Response

from services.launch.domain.calendar import Context
from services.launch.domain.questions.trains import Ride, read_departures
from services.launch.handlers.deciding import Deciding
from services.launch.pages.asked import choose_portfolio, wants_csv
from services.launch.store.reading import name_launches
from shared.runtime.clock import Clock
from shared.web.pages import Pages
from shared.web.sheets import csv_response

HEAD = ("train", "segment", "launches", "strength", "asked", "cutoff", "notes")


def build_trains_page(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/trains`."""
    router = APIRouter()

    @router.get("/trains")
    async def trains(request: Request) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        context = Context(deciding.calendar, clock())
        found = await deciding.query_locked(portfolio, lambda state: read_departures(state, context))
        if wants_csv(request):
            return csv_response(f"trains-{portfolio}", HEAD, [_cells(ride) for ride in found.trains])
        riders = {name for ride in found.trains for name in ride.launches}
        riders |= {name for crowd in found.audiences for name in crowd.launches}
        async with deciding.database.reading() as connection:
            names = await name_launches(connection, portfolio, riders)
        return pages.render(request, "trains.html", portfolio=portfolio, found=found, names=names)

    return router


def _cells(one: Ride) -> tuple[object, ...]:
    return (
        *(one.day, one.segment, " ".join(one.launches), one.strength, one.asked, one.cutoff),
        "; ".join(one.notes),
    )
