"""Blast radius: how much each feature's slip would move. A GET only answers; a POST tells it to the roadmap."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.launch.api.asked import UNDER, IdempotencyKey, Many, Words
from services.launch.api.proposals import refused
from services.launch.api.whatif import require_known
from services.launch.domain.calendar import RefusedError
from services.launch.domain.questions.simulate import SLIPS, rank
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.radius import MOST_FEATURES, RadiusQuestion, find_radius, tell
from services.launch.store import reading
from shared.contracts.words import canonical_json
from shared.runtime.clock import Clock, derive_id
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

MOST_SLIPS = 10
CalendarDays = Annotated[int, Field(ge=1, le=1000)]


class RadiusBody(BaseModel):
    """Which features (those of launches ahead, if none are named), by how many calendar days, and who asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: Annotated[Many, Field(min_length=1)] | None = None
    days: Annotated[tuple[CalendarDays, ...], Field(min_length=1, max_length=MOST_SLIPS)] = SLIPS
    by: Words = "api"


def build_radius(deciding: Deciding, clock: Clock) -> APIRouter:
    """`GET blast-radius`."""
    router = APIRouter(prefix=UNDER)

    @router.get("/blast-radius")
    async def look(
        portfolio: PortfolioPath,
        feature: Annotated[list[str] | None, Query(max_length=MOST_FEATURES)] = None,
        days: Annotated[list[CalendarDays] | None, Query(max_length=MOST_SLIPS)] = None,
    ) -> dict[str, Any]:
        """How much each feature's slip by 7, 21 and 60 days (or `days`) would move; what hurts most comes first."""
        await require_known(deciding, portfolio)
        question = RadiusQuestion(slips=tuple(days or SLIPS), features=tuple(feature) if feature else None)
        try:
            return {"items": list(rank(await find_radius(deciding, portfolio, question, clock())))}
        except RefusedError as refusal:
            raise ProblemError(404, str(refusal), where="query feature") from None

    return router


def build_radius_told(deciding: Deciding, clock: Clock) -> APIRouter:
    """`POST blast-radius`."""
    router = APIRouter(prefix=UNDER)

    @router.post("/blast-radius", status_code=201)
    async def ask(portfolio: PortfolioPath, body: RadiusBody, idempotency_key: IdempotencyKey = None) -> dict[str, Any]:
        """The same, told with `launch.changes` as an act of this person, so that the roadmap shows it."""
        await require_known(deciding, portfolio)
        async with deciding.database.reading() as connection:
            revision = await reading.read_revision(connection, portfolio)
        content = canonical_json(body.model_dump(mode="json"))
        request = idempotency_key or derive_id(portfolio, "blast-radius", str(revision), content)
        question = RadiusQuestion(slips=body.days, features=body.features)
        try:
            message = await tell(deciding, portfolio, question, (body.by, request), clock())
        except RefusedError as refusal:
            raise refused(refusal) from None
        return {
            "told_revision": message.revision,
            "summary": message.cause.summary,
            "items": list(rank(message.blast_radius)),
        }

    return router
