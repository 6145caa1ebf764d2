"""The log: each observation in plain words, newest first, with what it led to; and one observation on its own."""

from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response

from services.roadmap.domain.causes import NATIVE
from services.roadmap.domain.effects import TouchedLaunch
from services.roadmap.pages.asked import CSV_ROWS, PAGE, ask_log, choose_portfolio, wants_csv, with_after
from services.roadmap.pages.terms import build_terms
from services.roadmap.store.queries import count_news, list_log, load_observation
from shared.contracts.feature import FeatureKind
from shared.runtime.database import Database
from shared.web.doors import require_access
from shared.web.pages import PageProblemError, Pages, with_query
from shared.web.sheets import csv_response

STATES: Final = ("caused", "noop", "stale", "duplicate", "refused", "received", "held")
COLUMNS: Final = ("seq", "observation_id", "at", "received_at", "state", "ref", "summary", "why", "cause_id")
HEAD: Final = (*COLUMNS, "kinds", "launches", "people told", "people who know")


def build_log_pages(pages: Pages, database: Database) -> APIRouter:
    """`/roadmap/` and `/roadmap/observations/{id}`."""
    router = APIRouter(dependencies=[Depends(require_access)])

    @router.get("/")
    async def log(request: Request) -> Response:
        wanted = ask_log(request)
        as_file = wants_csv(request)
        async with database.reading() as connection:
            portfolio, known = await choose_portfolio(request, connection)
            rows = await list_log(connection, portfolio, wanted, CSV_ROWS if as_file else PAGE)
            news = await count_news(connection, portfolio)
        if as_file:
            return csv_response(f"roadmap-{portfolio}", HEAD, [_sheet_row(row) for row in rows])
        return pages.render(
            request,
            "log.html",
            **build_terms(pages, request),
            portfolio=portfolio,
            portfolios=known,
            entries=[build_entry(row) for row in rows],
            filtered=_is_filtered(request),
            kinds=[kind.value for kind in FeatureKind],
            states=STATES,
            older=with_after(request, rows[-1]["seq"]) if len(rows) == PAGE else "",
            newer=with_query(request) if wanted.after else "",
            live_url=f"/roadmap/events?portfolio={portfolio}",
            live_revision=news,
        )

    @router.get("/observations/{observation_id:path}")
    async def observation(request: Request, observation_id: str) -> Response:
        async with database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
            row = await load_observation(connection, portfolio, NATIVE, observation_id.replace("\x00", ""))
            news = await count_news(connection, portfolio)
        if row is None:
            raise PageProblemError(404, pages.say(request, "one.unknown"), pages.say(request, "one.unknown_how"))
        return pages.render(
            request,
            "observation.html",
            **build_terms(pages, request),
            portfolio=portfolio,
            entry=build_entry(row),
            body=show_body(row["body"]),
            times=row["times_received"],
            live_url=f"/roadmap/events?portfolio={portfolio}",
            live_revision=news,
        )

    return router


def build_entry(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the log as the templates take it: launches as values, and apart those that moved."""
    launches = [TouchedLaunch.model_validate(one) for one in row["launches"]]
    return {**row, "launches": launches, "moved": [one for one in launches if one.was_on != one.on]}


def show_body(body: bytes) -> str:
    """The bytes as they came, as far as a page can show them."""
    return body.decode(errors="replace").replace("\x00", "\N{SYMBOL FOR NULL}")


def _is_filtered(request: Request) -> bool:
    return any(request.query_params.get(name) for name in ("q", "kind", "ref", "state"))


def _sheet_row(row: dict[str, Any]) -> list[Any]:
    entry = build_entry(row)
    launches = "; ".join(f"{one.name}: {one.was_on or '-'} to {one.on or '-'}" for one in entry["launches"])
    return [
        *(row[name] for name in COLUMNS),
        ", ".join(row["kinds"]),
        launches,
        row["told"],
        row["acknowledged"],
    ]
