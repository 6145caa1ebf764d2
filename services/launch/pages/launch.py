"""One launch: its date and why, its tier and why, its features, what happened to it, and who knows."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.calendar import Context
from services.launch.domain.launch import Launch
from services.launch.domain.policy import TIERS
from services.launch.domain.rules.lead import contract, ready_on
from services.launch.handlers.deciding import Deciding
from services.launch.pages.drawing import Ahead, draw, find_proposed
from services.launch.pages.launches import find_slack
from services.launch.pages.refused import Refusal
from services.launch.pages.why import answer_day, weigh
from services.launch.store import reading
from services.launch.store.proposals import list_proposals
from services.launch.store.receipts import ReceiptRow, load_receipts
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock, random_token
from shared.web.pages import PageProblemError, Pages
from shared.web.sheets import csv_response

GROUPS = ("unreachable", "open", "acknowledged", "seen", "waived", "transferred", "superseded")
"""Who knows: first whoever must still be reached."""


def build_launch(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/launches/{id}`."""
    router = APIRouter()

    @router.get("/launches/{launch}")
    async def one_launch(request: Request, launch: str) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, found = await find_shown(connection, launch)
            if request.query_params.get("format") == "csv":
                return _csv(launch, await load_receipts(connection, portfolio, launch))
        return await render_launch(request, deciding, pages, clock, found, portfolio)

    return router


async def find_shown(connection: AsyncConnection, launch: str) -> tuple[PortfolioId, Launch]:
    """The launch and its portfolio.

    Raises:
        PageProblemError: 404, there is none.
    """
    portfolio = None if "\x00" in launch else await reading.find_portfolio(connection, launch)
    found = await reading.find_launch(connection, portfolio, launch) if portfolio else None
    if portfolio is None or found is None:
        raise PageProblemError(404, "There is no such launch.", "Look it up in the list of launches.")
    return portfolio, found


async def render_launch(  # noqa: PLR0913 - a page has many sources
    request: Request,
    deciding: Deciding,
    pages: Pages,
    clock: Clock,
    launch: Launch,
    portfolio: PortfolioId,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> Response:
    """The page; `refusal` says why a person's act was not carried out."""
    async with deciding.database.reading() as connection:
        ids = [feature.id for feature in launch.snapshot.features]
        known = {feature.id: feature for feature in await reading.find_features(connection, portfolio, ids)}
        history = await reading.load_history(connection, portfolio, launch.id)
        receipts = await load_receipts(connection, portfolio, launch.id)
        waiting = await list_proposals(connection, portfolio, "open", launch=launch.id)
        moment = await reading.read_moment(connection, portfolio)
    context = Context(deciding.calendar, clock())
    slack = find_slack(launch, known, context)
    alone = Ahead([launch], known, {launch.id: slack}, find_proposed(waiting), (), "none")
    leads = contract(launch.snapshot, context.calendar, context.today, ready_on(known.values()))
    return pages.render(
        request,
        "launch.html",
        status=status,
        portfolio=portfolio,
        launch=launch,
        one=launch.snapshot,
        features=[known[name] for name in ids if name in known],
        slack=slack,
        drawing=draw(pages.say(request, "launch.drawing"), alone, context, pages.reader(request))[0],
        leads=leads,
        completable=[(lead.activity.id, lead.activity.name) for lead in leads if lead.completed is None],
        waivable=[(lead.activity.id, f"{lead.activity.name} ({lead.activity.team})") for lead in leads if lead.is_open],
        tier_options=[(tier, pages.say(request, f"tier.{tier}")) for tier in TIERS],
        told=[_entry(told) for told in history],
        dating=next((_entry(told) for told in history if _dates(told)), None),
        groups=[(state, [receipt for receipt in receipts if receipt.state == state]) for state in GROUPS],
        receipts=receipts,
        waiting=waiting,
        **weigh(launch, [known[name] for name in ids if name in known], context),
        **await answer_day(request, deciding, portfolio, launch, context),
        refusal=refusal,
        request_id=random_token()[:24],
        live_url=f"/launch/events?portfolio={portfolio}",
        live_revision=moment,
    )


def _dates(told: reading.ToldRevision) -> bool:
    before = told.change.before
    return before is None or before.date != told.change.launch.date


def _entry(told: reading.ToldRevision) -> dict[str, Any]:
    before = told.change.before
    return {
        "at": told.at,
        "cause": told.cause,
        "kinds": told.change.kinds,
        "why": told.change.why,
        "before": before.date if before else None,
        "date": told.change.launch.date,
        "moved": before is not None and before.date != told.change.launch.date,
        "revision": told.change.launch.revision,
        "material": told.change.material,
    }


def _csv(launch: str, receipts: list[ReceiptRow]) -> Response:
    head = ("person", "state", "revision", "evidence", "at")
    rows = [
        (receipt.person, receipt.state, receipt.revision, receipt.evidence, receipt.at.isoformat())
        for receipt in receipts
    ]
    return csv_response(f"who-knows-{launch}", head, rows)
