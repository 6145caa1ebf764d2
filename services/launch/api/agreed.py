"""How loud a launch is and why, its lead-time contract, and what persons agree on for both."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.launch.api.asked import UNDER, IdempotencyKey, Words
from services.launch.api.reads import find
from services.launch.api.shown import show, show_lead, show_tier
from services.launch.api.writes import carry_out
from services.launch.domain.calendar import Context
from services.launch.domain.decisions.person import Edit, Overriding, Waiving
from services.launch.domain.launch import Launch
from services.launch.domain.rules.lead import contract, ready_on
from services.launch.handlers.deciding import Deciding
from services.launch.store import reading
from shared.contracts.launch import Tier
from shared.contracts.words import Day, PortfolioId, canonical_json
from shared.runtime.clock import Clock, derive_id
from shared.web.plumbing import PortfolioPath


class OverrideBody(BaseModel):
    """Another loudness until a day; `approved_by` is the second name that T1 and T2 need."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    market_tier: Tier
    internal_tier: Tier | None = None
    reason: Words
    by: Words
    approved_by: Words | None = None
    until: Day


class WaiverBody(BaseModel):
    """Lead of one activity, given up until a day to keep the launch's date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    activity: Words
    reason: Words
    by: Words
    approved_by: Words | None = None
    until: Day


class ByBody(BaseModel):
    """Who does it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Words = "api"


def build_tier(deciding: Deciding, clock: Clock) -> APIRouter:
    """`…/launches/{id}/tier`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/launches/{launch}/tier")
    async def get_tier(portfolio: PortfolioPath, launch: str) -> dict[str, Any]:
        """Why this tier: score, inputs with evidence, gates, the nearest flip, what holds it, who overrode it."""
        async with deciding.database.reading() as connection:
            found = await find(connection, portfolio, launch)
            known = await reading.find_features(connection, portfolio, [one.id for one in found.snapshot.features])
        return show_tier(found, known, Context(deciding.calendar, clock()))

    @router.put("/launches/{launch}/tier/override")
    async def override(
        portfolio: PortfolioPath, launch: str, body: OverrideBody, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Decide the tier until a day; the clock ends it. T1 and T2 need a second name."""
        wish = Overriding(
            market=body.market_tier,
            internal=body.internal_tier,
            reason=body.reason,
            approved_by=body.approved_by,
            until=body.until,
        )
        asked = _Asked(portfolio, launch, body.by, idempotency_key)
        return show(await _act(deciding, clock, asked, body, {"override": wish}))

    @router.delete("/launches/{launch}/tier/override")
    async def end_override(
        portfolio: PortfolioPath, launch: str, by: Words = "api", idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Let the policy decide the tier again."""
        asked = _Asked(portfolio, launch, by, idempotency_key)
        return show(await _act(deciding, clock, asked, ByBody(by=by), {"end_override": True}))

    return router


def build_activities(deciding: Deciding, clock: Clock) -> APIRouter:
    """`…/launches/{id}/activities` and `…/waivers`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/launches/{launch}/activities")
    async def list_activities(portfolio: PortfolioPath, launch: str) -> dict[str, Any]:
        """Until when each team must have begun what, soonest first."""
        async with deciding.database.reading() as connection:
            found = await find(connection, portfolio, launch)
            known = await reading.find_features(connection, portfolio, [one.id for one in found.snapshot.features])
        context = Context(deciding.calendar, clock())
        leads = contract(found.snapshot, context.calendar, context.today, ready_on(known))
        return {"launch": launch, "date": found.snapshot.date, "items": [show_lead(one) for one in leads]}

    @router.post("/launches/{launch}/activities/{activity}/complete")
    async def complete(
        portfolio: PortfolioPath, launch: str, activity: str, body: ByBody, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Say that an activity is done: from then on it does not move any more."""
        asked = _Asked(portfolio, launch, body.by, idempotency_key)
        return show(await _act(deciding, clock, asked, body, {"complete": (activity,)}))

    @router.post("/launches/{launch}/waivers", status_code=201)
    async def waive(
        portfolio: PortfolioPath, launch: str, body: WaiverBody, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Keep the date with less lead for one activity: by name, approved by somebody else, until a day."""
        wish = Waiving(activity=body.activity, reason=body.reason, approved_by=body.approved_by or "", until=body.until)
        asked = _Asked(portfolio, launch, body.by, idempotency_key)
        return show(await _act(deciding, clock, asked, body, {"waive": wish}))

    return router


class _Asked:
    """Who asks for which launch; `key` makes a repeated request the same act."""

    def __init__(self, portfolio: PortfolioId, launch: str, by: str, key: str | None) -> None:
        self.portfolio, self.launch, self.by, self.key = portfolio, launch, by, key


async def _act(deciding: Deciding, clock: Clock, asked: _Asked, body: BaseModel, fields: dict[str, Any]) -> Launch:
    async with deciding.database.reading() as connection:
        found = await find(connection, asked.portfolio, asked.launch)
    content = canonical_json([sorted(fields), body.model_dump(mode="json")])
    request = asked.key or derive_id(asked.portfolio, asked.launch, found.version, content)
    command = Edit(launch=found.id, by=asked.by, request=request, **fields)
    return await carry_out(deciding, asked.portfolio, command, clock, None)
