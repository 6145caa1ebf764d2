"""Whether the moves of a proposal are still possible, and the proposal made again as things are now."""

from collections.abc import Sequence
from dataclasses import replace

from services.launch.domain.audiences.heard import on_day
from services.launch.domain.dates import violations
from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import plan
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of, situation_of
from services.launch.domain.decide.telling import tell
from services.launch.domain.decide.why import plainly
from services.launch.domain.launch import Launch
from services.launch.domain.planning.arranging import crowd
from services.launch.domain.planning.resident import Sketch
from services.launch.domain.planning.words import Shapes, Table, resident_of
from services.launch.domain.state import State
from services.launch.domain.verifying.verifier import Plan
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchesChanged, Proposal, ProposedMove
from shared.contracts.words import LaunchId


def reasons_not_to(state: State, moves: Sequence[ProposedMove], scene: Scene) -> list[str]:
    """Why the moves are no longer possible as they were proposed, all of them together."""
    found: list[str] = []
    resident = resident_of(state, scene)
    with Sketch(resident) as sketch:
        for move in moves:
            found += _changed(state.launches[move.launch], move, state, scene)
        days = {one.launch: one.later_date.toordinal() for one in moves if one.later_date}
        if found or not days.keys() <= resident.entries.keys():
            return found or ["a launch has no date any more"]
        sketch.move({str(name): day for name, day in days.items()})
        crowds = (one for name, day in sorted(days.items()) for one in crowd(resident, name, day))
        found += [plainly(one.detail, Shapes(state, {}).name) for one in crowds]
    placed = ((state.launches[one.launch].snapshot, one.later_date) for one in moves)
    moved = [on_day(snapshot, day, scene.calendar) for snapshot, day in placed if day]
    found += state.audiences.against_all(moved, scene.calendar)
    return found or refusals(state, _written(state, moves), scene)


def refusals(state: State, plan: Plan, scene: Scene) -> list[str]:
    """What the independent checker has against a plan, in sentences."""
    return [f"{one.rule}: {one.detail}" for one in resident_of(state, scene).verifier.judge(plan, scene.today)]


def _written(state: State, moves: Sequence[ProposedMove]) -> Plan:
    """The moves as the checker is told of them."""
    launches = {one.launch: state.launches[one.launch] for one in moves}
    return Plan(
        shapes=Shapes(state, {}),
        before=state.standing,
        changes={one.launch: one.later_date for one in moves},
        asked={name: one.snapshot.date for name, one in launches.items()},
        features={name: features_of(one.snapshot, state.features) for name, one in launches.items()},
    )


def _changed(launch: Launch, move: ProposedMove, state: State, scene: Scene) -> list[str]:
    one = launch.snapshot
    if one.date != move.earlier_date or not launch.is_open or one.pin or move.later_date is None:
        return [f"{one.name} is {one.state}, on {one.date}"]
    situation = situation_of(one, features_of(one, state.features), scene)
    return [bound.detail for bound in violations(situation, move.later_date, scene.calendar)]


def renew(table: Table, proposal: Proposal, cause: Cause) -> LaunchesChanged:
    """Plan again for the launches of a proposal; what comes of it takes the proposal's place."""
    state, scene = table.state, table.scene
    launches = frozenset(LaunchId(one.launch) for one in proposal.moves)
    table = replace(table, revive=lambda one: revive(one, state.features, scene), touched=launches)
    drafts = complete([], plan([], table), Telling(state, cause, (), scene, state.features))
    return tell(state.portfolio, table.revision, cause, (), drafts)
