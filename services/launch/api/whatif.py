"""What if: simulations of slips and edits. Nothing is stored."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.launch.api.asked import UNDER, EditBody, Words
from services.launch.api.proposals import refused
from services.launch.domain.approval.whatif import Outcome, Slip, simulate, simulate_edit
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.state import State
from services.launch.handlers.deciding import Deciding
from services.launch.store import reading
from shared.contracts.words import Day, LaunchId, PortfolioId
from shared.runtime.clock import Clock
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError


class SlipBody(BaseModel):
    """A feature, and the day on which it would be ready; null: it would be cancelled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: Words
    ready_on: Day | None


class WhatIfEdit(EditBody):
    """A person's edit of a launch, as `PATCH` takes it."""

    launch: Words


class WhatIfBody(BaseModel):
    """Events, all at once, or one edit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Words | None = None
    events: Annotated[tuple[SlipBody, ...], Field(max_length=200)] = ()
    edit: WhatIfEdit | None = None
    stage: Literal["S1", "S2", "S3"] | None = None


def build_simulations(deciding: Deciding, clock: Clock) -> APIRouter:
    """`POST simulations`."""
    router = APIRouter(prefix=UNDER)

    @router.post("/simulations")
    async def simulations(portfolio: PortfolioPath, body: WhatIfBody) -> dict[str, Any]:
        """What would happen; nothing does. S3 is S2 here: a solver does not run while somebody waits."""
        if bool(body.events) == bool(body.edit):
            raise ProblemError(422, "expected either `events` or an `edit`", where="$")
        await require_known(deciding, portfolio)
        scene = Scene(deciding.calendar, clock(), "S2" if body.stage == "S3" else body.stage)

        def ask(state: State) -> Outcome:
            if body.edit:
                edit = EditBody(**body.edit.model_dump(exclude={"launch"}, exclude_unset=True))
                return simulate_edit(state, edit.command(LaunchId(body.edit.launch), "simulation"), scene)
            slips = [Slip(feature=one.feature, ready_on=one.ready_on) for one in body.events]
            return simulate(state, slips, scene)

        try:
            return show_outcome(await deciding.look(portfolio, ask), body.name)
        except RefusedError as refusal:
            raise refused(refusal) from None

    return router


async def require_known(deciding: Deciding, portfolio: PortfolioId) -> None:
    """404 if nothing was ever heard of the portfolio."""
    async with deciding.database.reading() as connection:
        if not await reading.read_revision(connection, portfolio):
            raise ProblemError(404, f"nothing is known of portfolio {portfolio}")


def show_outcome(outcome: Outcome, name: str | None) -> dict[str, Any]:
    """What would happen, as the API shows it."""
    message = outcome.message
    return {
        "dry_run": True,
        "name": name,
        "stage": outcome.stage,
        "cost": outcome.cost,
        "moves": [
            {
                "launch": one.launch,
                "name": one.name,
                "from": one.before,
                "to": one.after,
                "needs_approval": one.waits,
                "cost": one.cost,
                "why": one.why,
            }
            for one in outcome.moves
        ],
        "proposals": [one.model_dump(mode="json") for one in message.proposals],
        "conflicts": [one.model_dump(mode="json") for one in message.conflicts],
        "opportunities": [one.model_dump(mode="json") for one in message.opportunities],
    }
