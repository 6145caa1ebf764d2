"""What if: slips and edits tried out on the plan as it is, on their own or on top of a scenario. Nothing is stored."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.launch.api.asked import UNDER, EditBody, Words
from services.launch.api.proposals import refused
from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.person import Edit
from services.launch.domain.questions.simulate import NAME, Compared, Scenario, SimulatedMove, SupposedSlip, differences
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.scenarios import try_out
from services.launch.handlers.solving import Solving
from services.launch.store import reading
from shared.contracts.words import Day, LaunchId, PortfolioId
from shared.runtime.clock import Clock
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

ScenarioName = Annotated[str, StringConstraints(pattern=NAME)]


class SlipBody(BaseModel):
    """A feature, and the day on which it would be ready; null: it would be cancelled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: Words
    ready_on: Day | None


class SupposedEdit(EditBody):
    """A person's edit of a launch, as `PATCH` takes it."""

    launch: Words

    def supposed(self) -> Edit:
        """The domain's command."""
        edit = EditBody(**self.model_dump(exclude={"launch"}, exclude_unset=True))
        return edit.command(LaunchId(self.launch), "simulation")


class Supposed(BaseModel):
    """Events, all at once, and then edits, one after the other; at least one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: Annotated[tuple[SlipBody, ...], Field(max_length=200)] = ()
    edits: Annotated[tuple[SupposedEdit, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _each_feature_once(self) -> Self:
        names = [slip.feature for slip in self.events]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each feature can be in `events` once; more than once: {', '.join(twice)}")
        return self

    def as_scenario(self, name: str, extends: str | None) -> Scenario:
        """The domain's words."""
        events = tuple(SupposedSlip(feature=slip.feature, ready_on=slip.ready_on) for slip in self.events)
        return Scenario(name=name, events=events, edits=tuple(edit.supposed() for edit in self.edits), extends=extends)


class WhatIfBody(Supposed):
    """What is supposed; on top of a scenario, if one is named."""

    scenario: ScenarioName | None = None
    stage: Literal["S1", "S2", "S3"] | None = None


def build_simulations(deciding: Deciding, solving: Solving, clock: Clock) -> APIRouter:
    """`POST simulations`."""
    router = APIRouter(prefix=UNDER)

    @router.post("/simulations")
    async def simulations(portfolio: PortfolioPath, body: WhatIfBody) -> dict[str, Any]:
        """What would happen; nothing does. Without a solver S3 is S2, and says so in `stage`."""
        if not (body.events or body.edits or body.scenario):
            raise ProblemError(422, "expected `events`, `edits` or a `scenario`", where="$")
        await require_known(deciding, portfolio)
        context = Context(deciding.calendar, clock(), body.stage)
        try:
            asked = body.as_scenario("", body.scenario)
            return show_compared(await try_out(deciding, portfolio, asked, context, solving))
        except RefusedError as refusal:
            raise refused(refusal) from None

    return router


async def require_known(deciding: Deciding, portfolio: PortfolioId) -> None:
    """404 if nothing was ever heard of the portfolio."""
    async with deciding.database.reading() as connection:
        if not await reading.read_revision(connection, portfolio):
            raise ProblemError(404, f"nothing is known of portfolio {portfolio}")


def show_compared(compared: Compared) -> dict[str, Any]:
    """What would happen, as the API shows it: against today, and against the scenario that was extended."""
    outcome, parent = compared.outcome, compared.parent
    return {
        "dry_run": True,
        "scenario": compared.scenario.name or compared.scenario.extends,
        "stage": outcome.stage,
        "cost": outcome.cost,
        "moves": [_show_move(move) for move in outcome.moves],
        "proposals": [proposal.model_dump(mode="json") for proposal in outcome.proposals],
        "conflicts": [conflict.model_dump(mode="json") for conflict in outcome.conflicts],
        "opportunities": [opportunity.model_dump(mode="json") for opportunity in outcome.opportunities],
        "against_parent": parent
        and {
            "scenario": compared.scenario.extends,
            "cost": outcome.cost - parent.cost,
            "moves": [
                {"launch": launch, "name": name, "from": before, "to": after}
                for launch, name, before, after in differences(outcome, parent)
            ],
        },
    }


def _show_move(one: SimulatedMove) -> dict[str, Any]:
    return {
        "launch": one.launch,
        "name": one.name,
        "from": one.before,
        "to": one.after,
        "needs_approval": one.waits,
        "cost": one.cost,
        "why": one.why,
    }
