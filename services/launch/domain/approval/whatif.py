"""What would happen: the very decision, made on the state as it is, and not told. Nothing is stored.

Slips of features and persons' edits, in any number; what comes of them is summed up in outcome.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from services.launch.domain.approval.outcome import Outcome, sum_up
from services.launch.domain.decide.hearing import hear
from services.launch.domain.decide.persons import Edit, edit
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.state import State, evolve
from shared.contracts.cause import Cause, Source
from shared.contracts.feature import FeatureChange, FeatureKind, Target
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import CauseId, Day, Word


class Slip(Word):
    """A feature that would be ready on another day, or would be cancelled (`ready_on` None)."""

    feature: str
    ready_on: Day | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is supposed, and where it was said, for whoever said it wrongly."""

    what: Slip | Edit
    where: str = "$"


def simulate(state: State, steps: Sequence[Step], scene: Scene) -> Outcome:
    """What would happen if these features moved, all at once, and persons then did this, one after the other.

    Raises:
        RefusedError: there is no such feature, or an edit could not be done; says at which step.
    """
    acts = list(_acts(state, steps, scene))
    world = state if len(acts) == 1 else overlay(state)
    messages: list[LaunchesChanged] = []
    for number, act in enumerate(acts):
        if messages:
            evolve(world, messages[-1], scene.now, scene.calendar)
        messages.append(act(world, -number))  # no revision of ours, so that no proposal's id is one that exists
    return sum_up(state, messages, scene)


def overlay(state: State) -> State:
    """A copy that can change without changing the state, made as a state is loaded."""
    world = State(state.portfolio)
    world.fill(state.features.values(), state.launches.values(), state.proposals.values())
    return world


def _acts(state: State, steps: Sequence[Step], scene: Scene) -> Iterator[Callable[[State, int], LaunchesChanged]]:
    changes = [_change(state, one.what, one.where) for one in steps if isinstance(one.what, Slip)]
    if changes:
        yield lambda world, revision: hear(world, _cause(steps, scene), changes, scene, revision)
    for one in steps:
        if isinstance(one.what, Edit):
            yield partial(_edit, one.what, one.where, scene)


def _edit(command: Edit, where: str, scene: Scene, world: State, revision: int) -> LaunchesChanged:
    try:
        return edit(world, command, scene, revision)
    except RefusedError as refusal:
        raise RefusedError(str(refusal), where + refusal.where.removeprefix("$"), missing=refusal.missing) from None


def _change(state: State, slip: Slip, where: str) -> FeatureChange:
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


def _cause(steps: Sequence[Step], scene: Scene) -> Cause:
    source = Source(tool="launch", source_id="launch", occurred_at=scene.now, observed_at=scene.now)
    supposed = ", and ".join(_say(one.what) for one in steps if isinstance(one.what, Slip))
    return Cause(id=CauseId("launch:simulation"), kind="observation", summary=f"What if {supposed}?", source=source)


def _say(slip: Slip) -> str:
    return f"{slip.feature} were ready on {slip.ready_on}" if slip.ready_on else f"{slip.feature} were cancelled"
