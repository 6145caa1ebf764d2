"""The routes of the style page: each part once, and the four kinds of page that the services have."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from shared.web.drawing import Backdrop, MeterPart, coverage_grid, meter, ripple, sparkline, timeline
from shared.web.live import EventStream
from shared.web.pages import PageProblemError, Pages, require_own_page
from shared.web.sheets import csv_response
from tests.e2e.style_page import company


class Room:
    """What the page changes: who has acknowledged what, and a revision that rises with it."""

    def __init__(self) -> None:
        self.revision = 1
        self.states = {one["id"]: one["state"] for one in company.NOTICES}
        self.stream = EventStream(self.read)

    async def read(self, _key: str) -> int:
        return self.revision

    def acknowledge(self, notice: str) -> None:
        self.states[notice] = "acknowledged"
        self.revision += 1
        self.stream.tell("style", self.revision)


def create_app() -> FastAPI:
    """The style page's app; its clock stands still."""
    app, room = FastAPI(), Room()
    pages = Pages("style", Path(__file__).parent, clock=lambda: company.NOW)
    pages.install(app)
    app.state.room = room
    app.include_router(_showing(pages))
    app.include_router(_drawing(pages))
    app.include_router(_living(pages, room))
    return app


def _showing(pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/style/")
    async def parts(request: Request) -> Response:
        return pages.render(request, "parts.html", spark=sparkline("Slips a week", [3, 4, 2, 6, 5, 9, 4, 3]))

    @router.get("/style/launches")
    async def launches(request: Request) -> Response:
        found = company.launches_called(request.query_params.get("q", ""))
        if request.query_params.get("format") == "csv":
            rows = [[one["name"], one["tier"], one["day"]] for one in found]
            return csv_response("launches", ["name", "tier", "date"], rows)
        reader = pages.reader(request)
        bars = company.bars_of(found)
        drawn = timeline("launches", "Launches ahead", bars, reader, Backdrop(company.FREEZES, company.TRAINS))
        return pages.render(request, "launches.html", launches=found, drawn=drawn)

    return router


def _drawing(pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/style/coverage")
    async def coverage(request: Request) -> Response:
        grid = coverage_grid(
            "Who knows of the launches ahead", company.GRID_ROWS, company.GRID_COLUMNS, company.GRID_CELLS
        )
        counts = [("done", 19, "know"), ("half", 5, "told"), ("ring", 6, "open"), ("alert", 7, "unreachable")]
        bar = meter("Coverage", [MeterPart(count, tone, f"{count} {text}") for tone, count, text in counts])
        return pages.render(request, "coverage.html", grid=grid, bar=bar)

    @router.get("/style/ripple")
    async def rippled(request: Request) -> Response:
        drawn = ripple(
            "The ripple of PAY-204", "One slip, three launches, 27 people.", company.RIPPLE, pages.reader(request)
        )
        return pages.render(request, "ripple.html", drawn=drawn)

    return router


def _living(pages: Pages, room: Room) -> APIRouter:
    router = APIRouter()

    @router.get("/style/inbox")
    async def inbox(request: Request) -> Response:
        notices = [one | {"state": room.states[one["id"]]} for one in company.NOTICES]
        left = sum(one["state"] == "open" for one in notices)
        return pages.render(
            request, "inbox.html", notices=notices, left=left, live_url="/style/events", live_revision=room.revision
        )

    @router.post("/style/notices/{notice}/acknowledge", dependencies=[Depends(require_own_page)])
    async def acknowledge(notice: str) -> Response:
        room.acknowledge(notice)
        return RedirectResponse("/style/inbox", 303)

    @router.post("/style/echo", dependencies=[Depends(require_own_page)])
    async def echo(request: Request, name: Annotated[str, Form()] = "") -> Response:
        return pages.problem(request, 422, f"“{name}” is not a date.", "Write it as 2026-05-19.")

    @router.get("/style/problem")
    async def problem() -> Response:
        raise PageProblemError(404, "Nobody has this id.", "Look the person up in the list of people.")

    @router.get("/style/events")
    async def events(request: Request) -> Response:
        return room.stream.response(request, "style")

    return router
