"""People and gaps: who knows of what is ahead, and who cannot be reached; and "me"."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.notify.pages.asked import asked_portfolio, asked_text
from services.notify.store.boards import (
    cells_of,
    count_people,
    launches_ahead,
    list_gaps,
    list_portfolios,
    portfolio_revision,
)
from services.notify.store.coverage import Found
from shared.runtime.foundation import Foundation
from shared.web.drawing import Cell, GridColumn, GridRow, coverage_grid
from shared.web.live import EventStream
from shared.web.pages import Pages, read_me, remember_me
from shared.web.sheets import csv_response

COLUMNS = 12
ROWS = 60
GAPS = 60
COUNTED = ("open", "overdue", "unreachable")


def build_overview_pages(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    """`/notify/`, `/notify/me` and `/notify/events`."""
    _build_overview(router, pages, foundation)
    _build_me(router, pages, foundation)
    _build_events(router, foundation)


def _build_overview(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    @router.get("/")
    async def overview(request: Request) -> Response:
        portfolio, now = asked_portfolio(request), foundation.clock()
        async with foundation.database.reading() as connection:
            people = await count_people(connection, portfolio, now)
            launches = await launches_ahead(connection, portfolio, COLUMNS)
            cells = await cells_of(connection, portfolio, launches)
            gaps = await list_gaps(connection, portfolio, now, GAPS)
            revision = await portfolio_revision(connection, portfolio)
            portfolios = await list_portfolios(connection)
        shown = _matching(people, asked_text(request, "q"), asked_text(request, "role"))
        if request.query_params.get("format") == "csv":
            return _sheet(portfolio, shown)
        return pages.render(
            request,
            "overview.html",
            portfolio=portfolio,
            portfolios=portfolios,
            people=shown,
            everybody=len(people),
            roles=sorted({role for one in people for role in one["roles"]}),
            gaps=gaps,
            unfilled=[{**one, "role": role} for one in launches for role in one["unfilled"]],
            totals={name: sum(one[name] for one in people) for name in COUNTED},
            grid=_grid(pages, request, portfolio, people, (launches, cells)),
            live_url=f"/notify/events?portfolio={portfolio}",
            live_revision=revision,
        )


def _sheet(portfolio: str, people: Sequence[Found]) -> Response:
    head = ["person", "name", "team", "roles", "needs their OK", "overdue", "cannot be reached"]
    rows = [
        (one["id"], one["name"], one["team"], " ".join(one["roles"]), *(one[name] for name in COUNTED))
        for one in people
    ]
    return csv_response(f"people-{portfolio}", head, rows)


def _build_me(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    @router.get("/me")
    async def me(request: Request) -> Response:
        portfolio = asked_portfolio(request)
        async with foundation.database.reading() as connection:
            people = await count_people(connection, portfolio, foundation.clock())
        chosen = request.query_params.get("person")
        person = chosen or read_me(request)
        if person not in {one["id"] for one in people} or "change" in request.query_params:
            return pages.render(request, "me.html", portfolio=portfolio, people=people)
        response = RedirectResponse(_inbox(person, portfolio), 303)
        if chosen:
            remember_me(response, chosen)
        return response


def _build_events(router: APIRouter, foundation: Foundation) -> None:
    async def read(portfolio: str) -> int:
        async with foundation.database.reading() as connection:
            return await portfolio_revision(connection, portfolio)

    stream = EventStream(read)

    @router.get("/events")
    async def events(request: Request) -> Response:
        return stream.response(request, asked_portfolio(request))


def _inbox(person: str, portfolio: str) -> str:
    return f"/notify/people/{quote(person, safe='')}?portfolio={portfolio}"


def _matching(people: Sequence[Found], text: str, role: str) -> list[Found]:
    wanted = text.casefold()
    return [
        one
        for one in people
        if wanted in f"{one['id']} {one['name']} {one['team'] or ''}".casefold() and (not role or role in one["roles"])
    ]


def _grid(
    pages: Pages,
    request: Request,
    portfolio: str,
    people: Sequence[Found],
    ahead: tuple[Sequence[Found], Sequence[Found]],
) -> Any:
    """People who are part of what is ahead, those with gaps first."""
    reader, (launches, cells) = pages.reader(request), ahead
    concerned = {one["person"] for one in cells}
    rows = [
        GridRow(one["id"], one["name"], one["team"] or ", ".join(one["roles"]), _inbox(one["id"], portfolio))
        for one in people
        if one["id"] in concerned
    ][:ROWS]
    columns = [
        GridColumn(
            one["id"],
            one["name"],
            reader.day(one["planned_on"]) if one["planned_on"] else pages.say(request, "when.no_date"),
            f"/notify/coverage/{quote(one['id'], safe='')}/{one['revision']}",
        )
        for one in launches
    ]
    drawn = {
        (one["person"], one["launch"]): Cell(one["state"], pages.say(request, f"state.{one['state']}")) for one in cells
    }
    return coverage_grid(pages.say(request, "people.grid"), rows, columns, drawn)
