"""The ways out for a launch without room, and what they cost: dates by the objective, room in units.

Also whom it helps that others leave room. Moves nothing but on the trial.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.launch.domain.calendar import Context
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, Launch
from services.launch.domain.portfolio import State
from services.launch.domain.reasons import plainly
from services.launch.domain.rules.catalogue import ROOM
from services.launch.domain.scheduling.engine.explain import Reason
from services.launch.domain.scheduling.engine.model import EntryConflict, iso_week
from services.launch.domain.scheduling.engine_state import EngineState, Trial, engine_state_of
from services.launch.domain.scheduling.request import PlanRequest, Shapes
from services.launch.domain.scheduling.single import date_alone
from shared.contracts.launch import Conflict, LaunchSnapshot, Opportunity, Option
from shared.contracts.words import LaunchId


def conflicts_of_pin(
    engine: EngineState, launch: LaunchId, earliest: date | None, shapes: Shapes
) -> Iterator[Conflict]:
    """Rules between launches that a pinned date breaks, each with ways out."""
    schedule, block, day = engine.schedule, engine.schedule.blocks.block_of[launch], engine.entries[launch].date
    first = max(day, earliest.toordinal() if earliest else day)
    reasons = [reason for reason in engine.crowd(launch, day) if reason.constraint in ROOM]
    for rule in dict.fromkeys(reason.constraint for reason in reasons):
        same = [reason for reason in reasons if reason.constraint == rule]
        free = engine.first_free(launch, first, schedule.portfolio.horizon)
        if free:
            detail = f"Move the pin to {date.fromordinal(free)}."
            options = [Option(action="move_pin", detail=detail, cost=schedule.price(block, free))]
        else:
            options = [_wait_for_room(engine, launch)]
        options += _let_others_go(engine, same)
        options += _borrow(engine, launch, day) if rule == "capacity" else ()
        yield _conflict(launch, rule, same[-1].detail, options, shapes)


def no_room_up_to_horizon(engine: EngineState, stuck: EntryConflict, first: date | None, shapes: Shapes) -> Conflict:
    """What the engine could not place, or not keep: where room is missing on the day that it wants."""
    launch = LaunchId(stuck.launch)
    wanted = first.toordinal() if first else engine.entries[launch].date
    options = (*_borrow(engine, launch, wanted), _wait_for_room(engine, launch))
    return _conflict(launch, stuck.constraint, stuck.detail, options, shapes)


def no_room_in_time(trial: Trial, launch: LaunchId, last: date, context: Context, shapes: Shapes) -> Conflict:
    """No day up to the last one that a person allows; what the first day after it would be."""
    engine, shape, mark = trial.engine, shapes[launch], trial.mark()
    entry = engine.entry(shape, last, fixed=False) if launch not in engine.entries else None
    if entry:
        trial.set(launch, entry)
    free = engine.first_free(launch, last.toordinal() + 1, engine.schedule.portfolio.horizon)
    day = date.fromordinal(free or engine.schedule.portfolio.horizon)
    told = f"Let it be on {day}." if free else f"Let it wait until there is room; no day up to {day} is free."
    cost = context.policy.objective.price(shape, day, context.today, last)
    allow = Option(action="move_not_after", detail=told, cost=cost)
    options = (allow, *_borrow(engine, launch, last.toordinal()))
    trial.back(mark)
    detail = f"a person wants it by {last} at the latest, and there is no room for it up to then"
    return _conflict(launch, "not_after", detail, options, shapes)


def _conflict(launch: LaunchId, rule: str, detail: str, options: Collection[Option], shapes: Shapes) -> Conflict:
    """The conflict and its ways out in people's words."""
    ways = tuple(way.model_copy(update={"detail": plainly(way.detail, shapes.name)}) for way in options)
    return Conflict(launch=launch, constraint=rule, detail=plainly(detail, shapes.name), options=ways)


def _borrow(engine: EngineState, launch: str, day: int) -> Iterator[Option]:
    """The units of work that are missing for the launch on the day, over all teams and weeks, if any are."""
    schedule, block = engine.schedule, engine.schedule.blocks.block_of[launch]
    mark, week = len(schedule.journal), schedule.week(day)
    schedule.take(block)
    lent = [need for need in schedule.profile[block] if schedule.team_at(need[0]).constraint == "capacity"]
    missing = {at + week: units - schedule.free[at + week] for at, units in lent}
    schedule.undo(mark)
    schedule.journal.clear()
    short = {at: units for at, units in sorted(missing.items()) if units > 0}
    if short:
        parts = [f"{units} more of {_name(engine, at)}" for at, units in short.items()]
        yield Option(action="borrow_capacity", detail=f"Find {', '.join(parts)}.", cost=sum(short.values()))


def _wait_for_room(engine: EngineState, launch: str) -> Option:
    """It has no day up to the horizon; that is as late as it can be counted."""
    schedule, block = engine.schedule, engine.schedule.blocks.block_of[launch]
    last = schedule.portfolio.horizon
    detail = f"Let it wait until there is room; no day up to {date.fromordinal(last)} is free."
    return Option(action="accept_late", detail=detail, cost=schedule.price(block, last))


def _let_others_go(engine: EngineState, reasons: Collection[Reason]) -> Iterator[Option]:
    """Each launch in the way to its own next free day, if nobody holds one of them."""
    schedule = engine.schedule
    blocks = sorted({block for reason in reasons if reason.constraint != "capacity" for block in reason.culprits})
    names, price = [], 0
    for block in blocks:
        other = schedule.blocks.members[block][0].id
        free = engine.first_free(other, schedule.home[block] + 1, schedule.portfolio.horizon)
        if schedule.pinned[block] or not free:
            return
        names.append(f"{other} to {date.fromordinal(free)}")
        price += schedule.price(block, free)
    if names:
        yield Option(action="move_others", detail=f"Move {', '.join(names)}.", cost=price)


def _name(engine: EngineState, at: int) -> str:
    """A place in the schedule: the team and its week."""
    schedule = engine.schedule
    row, column = divmod(at, schedule.width)
    team = schedule.teams[row]
    return f"{team.name or team.id} in {iso_week(column - schedule.pad + schedule.calendar.first_week)}"


def find_relief(
    state: State, shapes: Mapping[LaunchId, LaunchSnapshot], context: Context
) -> dict[LaunchId, tuple[Conflict, ...]]:
    """The conflicts that are left to launches that lose one, once launches are what `shapes` says; these apart."""
    found: dict[LaunchId, tuple[Conflict, ...]] = {}
    cramped = sorted(state.cramped - shapes.keys())
    if not cramped:
        return found
    engine = engine_state_of(state, context)
    with Trial(engine) as trial:
        for name, shape in sorted(shapes.items()):
            counts = shape.state in OPEN_STATES | HAPPENED_STATES
            trial.set(name, engine.entry(shape, shape.date) if counts and shape.date else None)
        for name in cramped:
            launch = state.launches[name]
            day = launch.snapshot.date
            broken = {reason.constraint for reason in engine.crowd(name, day.toordinal())} if day else frozenset()
            left = tuple(conflict for conflict in launch.conflicts if conflict.constraint not in ROOM - broken)
            if left != launch.conflicts:
                found[name] = left
    return found


NEAR_DAYS = 56

MOST_CANDIDATES, MOST_OPPORTUNITIES = 40, 10


@dataclass(frozen=True, slots=True)
class OpeningCandidate:
    """A launch, the earliest day by its own rules, and the earliest there was room for."""

    launch: Launch
    first: int
    free: int


def find_candidates(engine: EngineState, asked: Collection[LaunchId], request: PlanRequest) -> list[OpeningCandidate]:
    """Launches soon after one that goes, before it went."""
    days = [day for name in request.gone if name in engine.entries and (day := engine.entries[name].date)]
    if not days:
        return []
    near = sorted(
        (entry.date, name)
        for name, entry in engine.entries.items()
        if not entry.pinned and name not in request.gone and any(0 < entry.date - day <= NEAR_DAYS for day in days)
    )
    found = []
    for day, name in near[:MOST_CANDIDATES]:
        launch = None if name in asked else request.state.launches[LaunchId(name)]
        wanted = request.ask_again(launch) if launch else None
        earliest = date_alone(wanted, request.context, undo=False).earliest if wanted else None
        if launch and earliest and earliest.toordinal() < day:
            free = engine.first_free(name, earliest.toordinal(), day)
            found.append(OpeningCandidate(launch, earliest.toordinal(), free or day))
    return found


def find_opportunities(
    engine: EngineState, candidates: list[OpeningCandidate], request: PlanRequest
) -> list[Opportunity]:
    """Those for which there is room earlier than there was."""
    found = []
    least = (request.context.today + timedelta(days=1)).toordinal()
    for candidate in candidates:
        snapshot = candidate.launch.snapshot
        free = engine.first_free(snapshot.id, max(candidate.first, least), candidate.free - 1)
        if free:
            day = date.fromordinal(free)
            detail = f"{snapshot.name} could launch on {day} instead of {snapshot.date}, where there is room now."
            found.append(Opportunity(launch=snapshot.id, earliest=day, detail=detail))
    return found[:MOST_OPPORTUNITIES]
