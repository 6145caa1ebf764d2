"""The list: what is launched when, how loud, in which state, with how much slack or waiting for what."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import Launch
from services.launch.domain.policy import TIERS
from services.launch.domain.questions.capacity import Used, read_capacity
from services.launch.domain.rules.catalogue import find_earliest, situation_of
from services.launch.handlers.deciding import Deciding
from services.launch.pages.asked import ask, ask_launches, choose_portfolio, is_filtered, wants_csv
from services.launch.pages.drawing import Ahead, draw, earlier_date, find_proposed
from services.launch.store import reading
from services.launch.store.listing import list_launches, write_place
from services.launch.store.proposals import list_proposals
from services.launch.store.receipts import count_receipts
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock
from shared.web.drawing import LoadBand
from shared.web.pages import Pages, with_query
from shared.web.sheets import csv_response

WEEKS = 26
STATES = ("ahead", "planned", "held", "announced", "launched", "cancelled")
HEAD = ("id", "name", "date", "market_tier", "internal_tier", "state", "waits_for", "slack_days", "features", "pinned")


def build_launches(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/`."""
    router = APIRouter()

    @router.get("/")
    async def launches(request: Request) -> Response:
        wish = ask_launches(request)
        async with deciding.database.reading() as connection:
            portfolio, portfolios = await choose_portfolio(request, connection)
            found = await list_launches(connection, portfolio, wish)
            known = await _features(connection, portfolio, found)
            knows = await count_receipts(connection, portfolio, [launch.id for launch in found])
            waiting = await list_proposals(connection, portfolio, "open")
            moment = await reading.read_moment(connection, portfolio)
        context = Context(deciding.calendar, clock())
        rows = [_row(launch, known, context, knows.get(launch.id, {})) for launch in found]
        if wants_csv(request):
            return csv_response(f"launches-{portfolio}", HEAD, [_cells(row) for row in rows])
        loads = await _loads(request, deciding, pages, portfolio, context)
        ahead = Ahead(
            launches=found,
            known=known,
            slack={row["id"]: row["slack"] for row in rows},
            proposed=find_proposed(waiting),
            loads=loads,
            lanes=ask(request, "lanes") or "",
        )
        drawing, drawn = draw(pages.say(request, "launches.drawing"), ahead, context, pages.reader(request))
        return pages.render(
            request,
            "launches.html",
            portfolio=portfolio,
            portfolios=portfolios,
            waiting=len(waiting),
            rows=rows,
            states=STATES,
            tiers=TIERS[:3],
            filtered=is_filtered(request),
            shown_state=wish.state or "",
            older=with_query(request, after=write_place(found[-1])) if len(found) == wish.limit else "",
            drawing=drawing,
            drawn=drawn,
            live_url=f"/launch/events?portfolio={portfolio}",
            live_revision=moment,
        )

    return router


async def _features(
    connection: AsyncConnection, portfolio: PortfolioId, launches: Sequence[Launch]
) -> dict[str, KnownFeature]:
    ids = sorted({feature.id for launch in launches for feature in launch.snapshot.features})
    return {feature.id: feature for feature in await reading.find_features(connection, portfolio, ids)}


async def _loads(
    request: Request, deciding: Deciding, pages: Pages, portfolio: PortfolioId, context: Context
) -> list[LoadBand]:
    """How full each team's weeks are; nothing under a policy without teams."""
    if not context.policy.teams:
        return []
    used = await deciding.query_locked(portfolio, lambda state: read_capacity(state, context, WEEKS))
    return [
        _load(request, pages, portfolio, team, list(weeks)) for team, weeks in groupby(used, lambda week: week.team)
    ]


def _load(request: Request, pages: Pages, portfolio: PortfolioId, team: str, weeks: Sequence[Used]) -> LoadBand:
    full = sum(week.used >= week.capacity for week in weeks if week.used)
    text = pages.say(request, "launches.full", team=team, count=full)
    shares = {week.monday: week.used / week.capacity if week.capacity else float(week.used > 0) for week in weeks}
    return LoadBand(team, shares, text, f"/launch/capacity?portfolio={quote(portfolio)}")


def _row(
    launch: Launch, known: Mapping[str, KnownFeature], context: Context, knows: Mapping[str, int]
) -> dict[str, Any]:
    """What the list says of one launch."""
    return {
        "id": launch.id,
        "one": launch.snapshot,
        "before": earlier_date(launch),
        "slack": find_slack(launch, known, context),
        "conflicts": launch.conflicts,
        "told": sum(knows.values()),
        "know": sum(knows.get(state, 0) for state in ("acknowledged", "seen")),
    }


def find_slack(launch: Launch, known: Mapping[str, KnownFeature], context: Context) -> int | None:
    """Days by which its features may slip without moving the launch; None where that says nothing."""
    day = launch.snapshot.date
    if not launch.is_open or day is None:
        return None
    features = features_of(launch.snapshot, known)
    earliest = find_earliest(situation_of(launch.snapshot, features, context), context.calendar).date
    return (day - earliest).days if earliest and earliest <= day else None


def _cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    snapshot = row["one"]
    refs = " ".join(feature.id for feature in snapshot.features)
    return (
        *(
            snapshot.id,
            snapshot.name,
            snapshot.date,
            snapshot.market_tier,
            snapshot.internal_tier,
            snapshot.state,
            snapshot.waits_for,
        ),
        *(row["slack"], refs, snapshot.pin.reason if snapshot.pin else None),
    )
