"""What would happen: the very decision, made on the state as it is, and not told. Nothing is stored.

A slip of a feature or a person's edit; every feature by some days is radius.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.decide.hearing import hear
from services.launch.domain.decide.persons import Edit, edit
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.planner.model import iso_week
from services.launch.domain.planning.arranging import crowd
from services.launch.domain.planning.words import resident_of
from services.launch.domain.policy import louder
from services.launch.domain.state import State
from shared.contracts.cause import Cause, Source
from shared.contracts.feature import FeatureChange, FeatureKind, FeatureSnapshot, Target
from shared.contracts.launch import LaunchesChanged, LaunchSnapshot
from shared.contracts.words import CauseId, Day, LaunchId, Word


class Slip(Word):
    """A feature that would be ready on another day, or would be cancelled (`ready_on` None)."""

    feature: str
    ready_on: Day | None


@dataclass(frozen=True, slots=True)
class Moving:
    """A launch whose date would be another one; `waits`: a person would have to say so."""

    launch: LaunchId
    name: str
    before: date | None
    after: date | None
    waits: bool
    cost: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be told, move by move, and what it would cost."""

    message: LaunchesChanged
    moves: tuple[Moving, ...]
    stage: str

    @property
    def cost(self) -> int:
        """Of all moves, by the policy's objective."""
        return sum(one.cost for one in self.moves)


def simulate(state: State, slips: Sequence[Slip], scene: Scene) -> Outcome:
    """What would happen if these features moved, all at once.

    Raises:
        RefusedError: there is no such feature.
    """
    changes = [_change(state, slip) for slip in slips]
    return _outcome(state, hear(state, _cause(scene), changes, scene, 0), scene)


def simulate_edit(state: State, command: Edit, scene: Scene) -> Outcome:
    """What would happen if a person did this; raises RefusedError as the edit itself would."""
    return _outcome(state, edit(state, command, scene, 0), scene)


def keeps_from(state: State, launch: LaunchId, day: date, scene: Scene) -> list[tuple[str, str, list[str]]]:
    """The rules between launches that keep a launch from a day: (rule, sentence, the launches in the way)."""
    snapshot = state.launches[launch].snapshot
    crowds = state.audiences.against(snapshot, day, scene.calendar)
    heard = [(one.constraint, one.detail, [str(each) for each in one.by]) for one in crowds]
    resident = resident_of(state, scene)
    if resident.block(launch) is None or not scene.policy.binds:
        return heard
    members = resident.schedule.blocks.members
    found = [
        (one.constraint, one.detail, sorted(each.id for block in one.culprits for each in members[block]))
        for one in crowd(resident, launch, day.toordinal())
    ]
    return [*found, *heard]


def _change(state: State, slip: Slip) -> FeatureChange:
    known = state.features.get(slip.feature)
    if known is None:
        raise RefusedError(f"no such feature: {slip.feature}", "$.events", missing=True)
    before = known.snapshot
    if slip.ready_on is None:
        after = before.model_copy(update={"status": "cancelled", "version": before.version + 1})
        return FeatureChange(kinds=(FeatureKind.CANCELLED,), feature=after, before=before)
    day = slip.ready_on
    target = Target(as_written={"on": day.isoformat()}, earliest=day, latest=day, resolution="day")
    after = before.model_copy(update={"target": target, "version": before.version + 1})
    return FeatureChange(kinds=(_kind(before, day),), feature=after, before=before)


def _kind(before: FeatureSnapshot, day: date) -> FeatureKind:
    was = before.target.latest if before.target else None
    return FeatureKind.PULLED_IN if was and day < was else FeatureKind.DELAYED


def _cause(scene: Scene) -> Cause:
    source = Source(tool="launch", source_id="launch", occurred_at=scene.now, observed_at=scene.now)
    return Cause(id=CauseId("launch:simulation"), kind="observation", summary="What if", source=source)


def _outcome(state: State, message: LaunchesChanged, scene: Scene) -> Outcome:
    waiting = {move.launch: move for one in message.proposals if one.state == "open" for move in one.moves}
    moves = [
        _moving(one.launch, one.before, one.launch.date, tuple(link.detail for link in one.why), scene)
        for one in message.changes
        if one.before and one.before.date != one.launch.date
    ]
    for name, move in waiting.items():
        snapshot = state.launches[name].snapshot
        found = _moving(snapshot, snapshot, move.later_date, (move.detail,), scene)
        moves.append(replace(found, waits=True))
    stage = scene.stage or scene.policy.objective.stage
    moves.sort(key=lambda one: one.launch)
    return Outcome(message, tuple(moves), "S2" if stage == "S3" else stage if scene.policy.binds else "S0")


def _moving(
    shape: LaunchSnapshot, before: LaunchSnapshot, after: date | None, why: tuple[str, ...], scene: Scene
) -> Moving:
    cost = _price(before, before.date, after, scene) if before.date and after else 0
    return Moving(shape.id, shape.name, before.date, after, waits=False, cost=cost, why=why)


def _price(shape: LaunchSnapshot, before: date | None, after: date | None, scene: Scene) -> int:
    if before is None or after is None:
        return 0
    objective = scene.policy.objective
    weight = objective.weight.get(louder(shape.market_tier, shape.internal_tier), 1)
    weight *= objective.announced_factor if shape.state == "announced" else 1
    ahead = (before - scene.today).days
    factors = (one.factor for one in objective.proximity if one.within_days is None or ahead <= one.within_days)
    return weight * next(factors, 1) * (objective.fixed_days + abs((after - before).days))


@dataclass(frozen=True, slots=True)
class Used:
    """A team's ISO week: units used, units there are, and the launches that use them."""

    team: str
    week: str
    used: int
    capacity: int
    launches: tuple[str, ...]


def read_capacity(state: State, scene: Scene, weeks: int) -> list[Used]:
    """Each team's next weeks, from this one on; nothing without teams."""
    teams = scene.policy.teams
    if not teams:
        return []
    schedule = resident_of(state, scene).schedule
    first = schedule.week(scene.today.toordinal())
    found = []
    for name, team in sorted(teams.items()):
        for week in range(first, first + weeks):
            at = schedule.row[name] + week
            label = iso_week(week + schedule.calendar.first_week)
            capacity = team.weeks.get(label, team.weekly)
            users = sorted(one.id for block in schedule.users[at] for one in schedule.blocks.members[block])
            found.append(Used(name, label, capacity - schedule.free[at], capacity, tuple(users)))
    return found
