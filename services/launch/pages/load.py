"""Who has how much to do when, asked of the plan as it is."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from services.launch.domain.calendar import Context
from services.launch.domain.questions.capacity import Used, read_capacity
from services.launch.handlers.deciding import Deciding
from services.launch.pages.asked import ask, choose_portfolio, wants_csv
from services.launch.store.reading import name_launches
from shared.runtime.clock import Clock
from shared.web.pages import Pages
from shared.web.sheets import csv_response

WEEKS = 16


def build_capacity(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/capacity`."""
    router = APIRouter()

    @router.get("/capacity")
    async def capacity(request: Request) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        context = Context(deciding.calendar, clock())
        everyone = await deciding.query_locked(portfolio, lambda state: read_capacity(state, context, WEEKS))
        team = ask(request, "team")
        used = [load for load in everyone if team in {None, load.team}]
        if wants_csv(request):
            rows = [(load.team, load.week, load.used, load.capacity, " ".join(load.launches)) for load in used]
            return csv_response(f"capacity-{portfolio}", ("team", "week", "used", "capacity", "launches"), rows)
        async with deciding.database.reading() as connection:
            names = await name_launches(connection, portfolio, {name for load in used for name in load.launches})
        return pages.render(
            request,
            "capacity.html",
            portfolio=portfolio,
            rows=_by_week(used),
            teams=_teams(used),
            all_teams=_teams(everyone),
            names=names,
        )

    return router


def _teams(used: Sequence[Used]) -> list[str]:
    return list(dict.fromkeys(load.team for load in used))


def _by_week(used: Sequence[Used]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for load in used:
        row = rows.setdefault(load.week, {"id": load.week, "first": load.monday, "cells": {}})
        row["cells"][load.team] = load
    return list(rows.values())
