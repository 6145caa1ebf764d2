"""Take back the moves of one decision, all of them or none. Itself a plan, told as `undone`; no rule bends for it.

A launch whose own features speak against the old date goes back as well, as it stood before, with a conflict.
"""

from collections.abc import Sequence

from services.launch.domain.context import Context, RefusedError
from services.launch.domain.decisions.message import DecisionContext, Draft, build_message
from services.launch.domain.decisions.shape import place
from services.launch.domain.decisions.side_effects import collect_side_effects
from services.launch.domain.decisions.verdict import broken_rules, cause_of, refusals
from services.launch.domain.feature import features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.reasons import explain, plainly
from services.launch.domain.rules.audience import on_day
from services.launch.domain.scheduling.engine_state import Trial, engine_state_of
from services.launch.domain.scheduling.request import Placement, PlanRequest, Shapes
from services.launch.domain.scheduling.schedule import schedule
from services.launch.domain.verifying.verifier import CheckedPlan
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchesChanged, Link, Option
from shared.contracts.words import Day, LaunchId, Word


class AppliedMove(Word):
    """A move that was applied."""

    launch: LaunchId
    earlier: Day
    later: Day


class Undo(Word):
    """A person's wish to take back what was told with a revision."""

    told_revision: int
    by: str
    request: str
    moves: tuple[AppliedMove, ...]


def undo(state: State, command: Undo, context: Context, revision: int) -> LaunchesChanged:
    """Decide on it.

    Raises:
        RefusedError: it is no longer possible; says why.
    """
    if not command.moves:
        raise RefusedError(f"revision {command.told_revision} moved no launch from one date to another")
    against = [why for move in command.moves for why in _changed(state.launches[move.launch], move, context)]
    against = against or _crowded(state, command.moves, context)
    if against:
        raise RefusedError(f"it can no longer be undone: {'; '.join(dict.fromkeys(against))}")
    what = f"undid what was decided with revision {command.told_revision}"
    cause = cause_of(command.by, command.request, what, str(command.told_revision), context)
    drafts = [_draft(state, move, cause, context) for move in command.moves]
    moved = frozenset(move.launch for move in command.moves)
    request = PlanRequest(state, context, revision, state.features, touched=moved, left_alone=moved)
    drafts = collect_side_effects(
        drafts, schedule([], request), DecisionContext(state, cause, (), context, state.features)
    )
    return build_message(state.portfolio, revision, cause, (), drafts)


def _changed(launch: Launch, move: AppliedMove, context: Context) -> list[str]:
    one = launch.snapshot
    if one.date != move.later or not launch.is_open:
        return [f"{one.name} is {one.state}, on {one.date}, and not on {move.later} any more"]
    if one.pin:
        return [f"{one.name} is pinned"]
    return [f"{move.earlier} has passed"] if move.earlier <= context.today else []


def _crowded(state: State, moves: Sequence[AppliedMove], context: Context) -> list[str]:
    engine = engine_state_of(state, context)
    with Trial(engine) as trial:
        for move in moves:
            if move.launch not in engine.entries:
                trial.set(move.launch, engine.entry(state.launches[move.launch].snapshot, move.earlier))
        trial.move({move.launch: move.earlier.toordinal() for move in moves})
        found = [engine.reasons_against(move.launch, move.earlier.toordinal()) for move in moves]
    moved = [on_day(state.launches[move.launch].snapshot, move.earlier, context.calendar) for move in moves]
    audiences = state.audiences.against_all(moved, context.calendar)
    names = Shapes(state, {}).name
    against = [*(plainly(one.detail, names) for reasons in found for one in reasons), *audiences]
    return against or _checked(state, moves, context)


def _checked(state: State, moves: Sequence[AppliedMove], context: Context) -> list[str]:
    """What the independent checker has against it; what features say against an old date is told as a conflict."""
    back = {move.launch: move.earlier for move in moves}
    plan = CheckedPlan(Shapes(state, {}), state.standing, back, undone=back.keys())
    return refusals(state, plan, context)


def _draft(state: State, move: AppliedMove, cause: Cause, context: Context) -> Draft:
    launch = state.launches[move.launch]
    before = launch.snapshot
    after = place(before, features_of(before, state.features), Placement(move.earlier), context)
    option = Option(
        action="move",
        detail=f"Move it to {move.later} after all.",
        cost=context.policy.objective.price(after, move.later, context.today),
    )
    conflicts = broken_rules(state, launch.model_copy(update={"snapshot": after}), context, option)
    why = explain(cause, (), before, after, (Link(launch=launch.id, detail=cause.summary),))
    return Draft(launch, after, why, conflicts, undone=True)
