"""What would happen: the very decision, made on the state as it is, and not told. One question, asked three ways.

`simulate` tries out slips and edits; `compare` a scenario, which is these under a name and may extend another; `sweep`
a feature's slip by so many days (blast radius). Nothing is stored.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.decisions.message import DecisionContext, build_message
from services.launch.domain.decisions.person import Edit, edit
from services.launch.domain.decisions.verdict import cause_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State, evolve
from shared.contracts.cause import Cause, Source
from shared.contracts.feature import FeatureChange, FeatureKind, Target
from shared.contracts.launch import (
    BlastRadius,
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchKind,
    Opportunity,
    Proposal,
)
from shared.contracts.words import CauseId, Day, LaunchId, Word


@dataclass(frozen=True, slots=True)
class SimulatedMove:
    """A launch whose date would be another one; `waits`: a person would have to say so."""

    launch: LaunchId
    name: str
    before: date | None
    after: date | None
    waits: bool
    cost: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What would be told, move by move, by launch; and what it would cost."""

    moves: tuple[SimulatedMove, ...]
    stage: str
    proposals: tuple[Proposal, ...]
    conflicts: tuple[Conflict, ...]
    opportunities: tuple[Opportunity, ...]

    @property
    def cost(self) -> int:
        """Of all moves, by the policy's objective."""
        return sum(move.cost for move in self.moves)


def sum_up(state: State, messages: Sequence[LaunchesChanged], context: Context) -> SimulationResult:
    """What all messages together would make of the state, which is still as it was before the first."""
    proposals = {proposal.id: proposal for message in messages for proposal in message.proposals}
    moves = {move.launch: move for move in (*_moved(messages, context), *_waiting(state, proposals, context))}
    return SimulationResult(
        moves=tuple(_pay_once([moves[name] for name in sorted(moves)], context)),
        stage=context.reached,
        proposals=tuple(proposals.values()),
        conflicts=tuple(conflict for found in _conflicts(messages).values() for conflict in found),
        opportunities=tuple(
            {opportunity.launch: opportunity for message in messages for opportunity in message.opportunities}.values()
        ),
    )


def _pay_once(moves: Sequence[SimulatedMove], context: Context) -> Iterator[SimulatedMove]:
    """The moves; of a group that moves together the first one pays, as in a plan."""
    group_of = context.calendar.group_of
    paid = set()
    for move in moves:
        shared = (group_of.get(move.launch, move.launch), move.before, move.after)
        yield replace(move, cost=0) if shared in paid else move
        paid.add(shared)


def differences(
    one: SimulationResult, other: SimulationResult
) -> Iterator[tuple[LaunchId, str, date | None, date | None]]:
    """The launches that the one would put on other dates than the other: id, name, the other's date, the one's."""
    ours, theirs = ({move.launch: move for move in result.moves} for result in (one, other))
    for launch, move in sorted({**theirs, **ours}.items()):
        day, instead = (moves[launch].after if launch in moves else move.before for moves in (ours, theirs))
        if day != instead:
            yield launch, move.name, instead, day


def _moved(messages: Sequence[LaunchesChanged], context: Context) -> Iterator[SimulatedMove]:
    changes: dict[LaunchId, list[LaunchChange]] = {}
    for message in messages:
        for change in message.changes:
            changes.setdefault(change.launch.id, []).append(change)
    for listed in changes.values():
        before, after = listed[0].before, listed[-1].launch
        if before and before.date != after.date:
            last = next(
                change for change in reversed(listed) if change.before and change.before.date != change.launch.date
            )
            why = tuple(link.detail for link in last.why)
            cost = context.policy.objective.price(before, after.date, context.today)
            yield SimulatedMove(after.id, after.name, before.date, after.date, waits=False, cost=cost, why=why)


def _waiting(state: State, proposals: Mapping[str, Proposal], context: Context) -> Iterator[SimulatedMove]:
    for move in (move for proposal in proposals.values() if proposal.state == "open" for move in proposal.moves):
        launch = state.launches.get(move.launch)
        if launch and launch.snapshot.date != move.later_date:
            snapshot = launch.snapshot
            cost = context.policy.objective.price(snapshot, move.later_date, context.today)
            yield SimulatedMove(
                snapshot.id, snapshot.name, snapshot.date, move.later_date, waits=True, cost=cost, why=(move.detail,)
            )


def _conflicts(messages: Sequence[LaunchesChanged]) -> dict[LaunchId, list[Conflict]]:
    found: dict[LaunchId, list[Conflict]] = {}
    for message in messages:
        for change in message.changes:
            launch = change.launch.id
            if LaunchKind.CONFLICT_OPENED in change.kinds:
                found[launch] = [conflict for conflict in message.conflicts if conflict.launch == launch]
            elif LaunchKind.CONFLICT_CLOSED in change.kinds:
                found.pop(launch, None)
    return found


class SupposedSlip(Word):
    """A feature that would be ready on another day, or would be cancelled (`ready_on` None)."""

    feature: str
    ready_on: Day | None


@dataclass(frozen=True, slots=True)
class Supposition:
    """One thing that is supposed, and where it was said, for whoever said it wrongly."""

    what: SupposedSlip | Edit
    where: str = "$"


def simulate(state: State, steps: Sequence[Supposition], context: Context) -> SimulationResult:
    """What would happen if these features moved, all at once, and persons then did this, one after the other.

    Raises:
        RefusedError: there is no such feature, or an edit could not be done; says at which step.
    """
    acts = list(_acts(state, steps, context))
    world = state if len(acts) == 1 else overlay(state)
    messages: list[LaunchesChanged] = []
    for number, act in enumerate(acts):
        if messages:
            evolve(world, messages[-1], context.now, context.calendar)
        messages.append(act(world, -number))  # no revision of ours, so that no proposal's id is one that exists
    return sum_up(state, messages, context)


def overlay(state: State) -> State:
    """A copy that can change without changing the state, made as a state is loaded."""
    world = State(state.portfolio)
    world.fill(state.features.values(), state.launches.values(), state.proposals.values())
    return world


def _acts(
    state: State, steps: Sequence[Supposition], context: Context
) -> Iterator[Callable[[State, int], LaunchesChanged]]:
    changes = [_change(state, step.what, step.where) for step in steps if isinstance(step.what, SupposedSlip)]
    if changes:
        yield lambda world, revision: on_feature_changed(world, _cause(steps, context), changes, context, revision)
    for step in steps:
        if isinstance(step.what, Edit):
            yield partial(_edit, step.what, step.where, context)


def _edit(command: Edit, where: str, context: Context, world: State, revision: int) -> LaunchesChanged:
    try:
        return edit(world, command, context, revision)
    except RefusedError as refusal:
        raise RefusedError(str(refusal), where + refusal.where.removeprefix("$"), missing=refusal.missing) from None


def _change(state: State, slip: SupposedSlip, where: str) -> FeatureChange:
    known = state.features.get(slip.feature)
    if known is None:
        raise RefusedError(f"no such feature: {slip.feature}", f"{where}.feature", missing=True)
    before = known.snapshot
    if slip.ready_on is None:
        after = before.model_copy(update={"status": "cancelled", "version": before.version + 1})
        return FeatureChange(kinds=(FeatureKind.CANCELLED,), feature=after, before=before)
    day = slip.ready_on
    target = Target(as_written={"on": day.isoformat()}, earliest=day, latest=day, resolution="day")
    after = before.model_copy(update={"target": target, "version": before.version + 1})
    kind = FeatureKind.PULLED_IN if known.ready_on and day < known.ready_on else FeatureKind.DELAYED
    return FeatureChange(kinds=(kind,), feature=after, before=before)


def _cause(steps: Sequence[Supposition], context: Context) -> Cause:
    source = Source(tool="launch", source_id="launch", occurred_at=context.now, observed_at=context.now)
    supposed = ", and ".join(_say(step.what) for step in steps if isinstance(step.what, SupposedSlip))
    return Cause(id=CauseId("launch:simulation"), kind="observation", summary=f"What if {supposed}?", source=source)


def _say(slip: SupposedSlip) -> str:
    return f"{slip.feature} were ready on {slip.ready_on}" if slip.ready_on else f"{slip.feature} were cancelled"


MOST_SCENARIOS = 100

NAME = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$"


class Scenario(Word):
    """Slips, all at once, and then edits, one after the other. The name is empty for one that is only asked once."""

    name: str = ""
    events: tuple[SupposedSlip, ...] = ()
    edits: tuple[Edit, ...] = ()
    extends: str | None = None

    @property
    def place(self) -> str:
        """Where its parts are, for whoever is told that one of them cannot be."""
        return f"scenario {self.name} $" if self.name else "$"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a scenario would do to the plan as it is, and what the one that it extends would."""

    scenario: Scenario
    outcome: SimulationResult
    parent: SimulationResult | None


def check(scenario: Scenario, known: Mapping[str, Scenario]) -> None:
    """Whether it can be kept among those known.

    Raises:
        RefusedError: its name is none; what it extends is not there or would extend it in turn; there are too many.
    """
    if not re.fullmatch(NAME, scenario.name):
        raise RefusedError("a name is up to 64 letters, digits, spaces, and . _ -", "$.name")
    if scenario.name not in known and len(known) >= MOST_SCENARIOS:
        raise RefusedError(f"there are {MOST_SCENARIOS} scenarios already; delete one that nobody asks any more")
    lineage(scenario, {**known, scenario.name: scenario})


def lineage(scenario: Scenario, known: Mapping[str, Scenario]) -> list[Scenario]:
    """What it extends, the first one first, and itself.

    Raises:
        RefusedError: one of them is not there, or they go round in a circle.
    """
    found, where = [scenario], "$.extends" if scenario.name else "$.scenario"
    while (above := found[-1].extends) is not None:
        parent = known.get(above)
        if parent is None:
            raise RefusedError(f"no such scenario: {above}", where)
        if parent in found:
            names = (*(layer.name for layer in found), above)
            raise RefusedError(f"it would extend itself: {' extends '.join(names)}", where)
        found.append(parent)
    return found[::-1]


def compare(state: State, line: Sequence[Scenario], context: Context) -> Compared:
    """Try out the last of a lineage, and the one before it if there is one.

    Raises:
        RefusedError: something that is supposed cannot be; says where.
    """
    parent = simulate(state, _steps(line[:-1]), context) if len(line) > 1 else None
    return Compared(line[-1], simulate(state, _steps(line), context), parent)


def _steps(line: Sequence[Scenario]) -> list[Supposition]:
    slips: dict[str, Supposition] = {}
    for scenario in line:
        slips |= {
            slip.feature: Supposition(slip, f"{scenario.place}.events[{at}]") for at, slip in enumerate(scenario.events)
        }
    edits = [
        Supposition(edit, f"{scenario.place}.edits[{at}]")
        for scenario in line
        for at, edit in enumerate(scenario.edits)
    ]
    return [*slips.values(), *edits]


SLIPS = (7, 21, 60)

"""Calendar days, where nobody asks for others."""


class RadiusAnswer(Word):
    """A person's question, with its answer: what was found on the plan from revision `since` on."""

    by: str
    request: str
    since: int
    found: tuple[BlastRadius, ...]


def sweep(state: State, feature: str, slips: Sequence[int], context: Context) -> list[BlastRadius]:
    """How many launches each slip of a feature would move, and at what cost; nothing for one without a day.

    A slip counts from the day that the launch counts with: the likely one, and today where that is over.
    """
    known = state.features.get(feature)
    if known is None or known.ready_on is None or known.is_shipped or known.is_cancelled:
        return []
    day = max(known.ready_on, context.today)
    found = []
    for days in slips:
        outcome = simulate(
            state, [Supposition(SupposedSlip(feature=feature, ready_on=day + timedelta(days=days)))], context
        )
        found.append(BlastRadius(feature=feature, slip_days=days, launches=len(outcome.moves), cost=outcome.cost))
    return found


def features_ahead(state: State) -> list[str]:
    """The features of launches ahead that have a date, those of the soonest launch first."""
    ahead = [launch for launch in state.launches.values() if launch.is_open and launch.snapshot.date]
    return list(
        dict.fromkeys(feature.id for launch in sorted(ahead, key=_place) for feature in launch.snapshot.features)
    )


def _place(launch: Launch) -> tuple[str, str]:
    return str(launch.snapshot.date), launch.id


def tell_radius(state: State, asked: RadiusAnswer, context: Context, revision: int) -> LaunchesChanged:
    """What was found, told as an act of its own: no launch changes.

    Raises:
        RefusedError: there is nothing to tell.
    """
    if not asked.found:
        raise RefusedError("no feature that was asked for has a day and is still ahead, so no slip can be tried out")
    features = len({slip.feature for slip in asked.found})
    which = "1 feature" if features == 1 else f"{features} features"
    cause = cause_of(
        asked.by, asked.request, f"asked what a slip of {which} would move, {_when(asked, revision - 1)}", None, context
    )
    about = DecisionContext(state, context, revision, state.features, cause)
    return build_message(about, ()).model_copy(update={"blast_radius": asked.found})


def _when(asked: RadiusAnswer, last: int) -> str:
    """The plan may have changed between two features: then the answer is of no single moment, and says so."""
    if last == asked.since:
        return f"as of revision {last}"
    return f"while the plan went from revision {asked.since} to {last}"


def rank(found: Sequence[BlastRadius]) -> Iterator[Mapping[str, object]]:
    """By what hurts most: features by their greatest cost, each with its slips."""
    by_feature: dict[str, list[BlastRadius]] = {}
    for slip in found:
        by_feature.setdefault(slip.feature, []).append(slip)
    for feature, listed in sorted(by_feature.items(), key=lambda pair: (-max(slip.cost for slip in pair[1]), pair[0])):
        yield {"feature": feature, "slips": [slip.model_dump() for slip in listed]}
