"""Take back the moves of one decision, all of them or none. Itself a plan, told as `undone`; no rule bends for it.

A launch whose own features speak against the old date goes back as well, as it stood before, with a conflict.
"""

from collections.abc import Sequence

from services.launch.domain.approval.approving import broken_rules, cause_of
from services.launch.domain.approval.renewing import refusals
from services.launch.domain.audiences.heard import on_day
from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import plan
from services.launch.domain.decide.placing import place
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.decide.shape import features_of
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain, plainly
from services.launch.domain.launch import Launch
from services.launch.domain.planning.arranging import reasons_against
from services.launch.domain.planning.resident import Sketch
from services.launch.domain.planning.words import Dated, Shapes, Table, resident_of
from services.launch.domain.pricing import price
from services.launch.domain.state import State
from services.launch.domain.verifying.verifier import Plan
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchesChanged, Link, Option
from shared.contracts.words import Day, LaunchId, Word


class Moved(Word):
    """A move that was applied."""

    launch: LaunchId
    earlier: Day
    later: Day


class Undo(Word):
    """A person's wish to take back what was told with a revision."""

    told_revision: int
    by: str
    request: str
    moves: tuple[Moved, ...]


def undo(state: State, command: Undo, scene: Scene, revision: int) -> LaunchesChanged:
    """Decide on it.

    Raises:
        RefusedError: it is no longer possible; says why.
    """
    if not command.moves:
        raise RefusedError(f"revision {command.told_revision} moved no launch from one date to another")
    against = [why for move in command.moves for why in _changed(state.launches[move.launch], move, scene)]
    against = against or _crowded(state, command.moves, scene)
    if against:
        raise RefusedError(f"it can no longer be undone: {'; '.join(dict.fromkeys(against))}")
    what = f"undid what was decided with revision {command.told_revision}"
    cause = cause_of(command.by, command.request, what, str(command.told_revision), scene)
    drafts = [_draft(state, move, cause, scene) for move in command.moves]
    moved = frozenset(move.launch for move in command.moves)
    table = Table(
        state,
        scene,
        revision,
        lambda one: None if one.id in moved else revive(one, state.features, scene),
        touched=moved,
    )
    drafts = complete(drafts, plan([], table), Telling(state, cause, (), scene, state.features))
    return tell(state.portfolio, revision, cause, (), drafts)


def _changed(launch: Launch, move: Moved, scene: Scene) -> list[str]:
    one = launch.snapshot
    if one.date != move.later or not launch.is_open:
        return [f"{one.name} is {one.state}, on {one.date}, and not on {move.later} any more"]
    if one.pin:
        return [f"{one.name} is pinned"]
    return [f"{move.earlier} has passed"] if move.earlier <= scene.today else []


def _crowded(state: State, moves: Sequence[Moved], scene: Scene) -> list[str]:
    resident = resident_of(state, scene)
    with Sketch(resident) as sketch:
        for move in moves:
            if move.launch not in resident.entries:
                sketch.set(move.launch, resident.entry(state.launches[move.launch].snapshot, move.earlier))
        sketch.move({move.launch: move.earlier.toordinal() for move in moves})
        found = [reasons_against(resident, move.launch, move.earlier.toordinal()) for move in moves]
    moved = [on_day(state.launches[move.launch].snapshot, move.earlier, scene.calendar) for move in moves]
    audiences = state.audiences.against_all(moved, scene.calendar)
    names = Shapes(state, {}).name
    against = [*(plainly(one.detail, names) for reasons in found for one in reasons), *audiences]
    return against or _checked(state, moves, scene)


def _checked(state: State, moves: Sequence[Moved], scene: Scene) -> list[str]:
    """What the independent checker has against it; what features say against an old date is told as a conflict."""
    back = {move.launch: move.earlier for move in moves}
    plan = Plan(Shapes(state, {}), state.standing, back, undone=back.keys())
    return refusals(state, plan, scene)


def _draft(state: State, move: Moved, cause: Cause, scene: Scene) -> Draft:
    launch = state.launches[move.launch]
    before = launch.snapshot
    after = place(before, features_of(before, state.features), Dated(move.earlier), scene)
    option = Option(action="move", detail=f"Move it to {move.later} after all.", cost=price(after, move.later, scene))
    conflicts = broken_rules(state, launch.model_copy(update={"snapshot": after}), scene, option)
    why = explain(cause, (), before, after, (Link(launch=launch.id, detail=cause.summary),))
    return Draft(launch, after, why, conflicts, undone=True)
