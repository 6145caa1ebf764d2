"""The ways out for a launch without room, and what they cost: dates by the objective, room in units. Moves nothing."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.launch.domain.context import Context
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, Launch
from services.launch.domain.policy import BETWEEN
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.engine.explain import Reason
from services.launch.domain.scheduling.engine.model import iso_week
from services.launch.domain.scheduling.engine_state import EngineState, Trial, engine_state_of
from services.launch.domain.scheduling.request import PlanDraft, PlanRequest
from services.launch.domain.scheduling.run_engine import crowd
from services.launch.domain.scheduling.single import date_alone
from shared.contracts.launch import Conflict, LaunchSnapshot, Opportunity, Option
from shared.contracts.words import LaunchId


def ways_out(engine: EngineState, launch: str, day: int, first: int, reasons: Collection[Reason]) -> Iterator[Option]:
    """For a pin that others crowd by one rule: move it to the first free day, let the others go, or borrow room."""
    schedule, block = engine.schedule, engine.schedule.blocks.block_of[launch]
    free = engine.first_free(launch, first, schedule.portfolio.horizon)
    if free:
        detail = f"Move the pin to {date.fromordinal(free)}."
        yield Option(action="move_pin", detail=detail, cost=schedule.price(block, free))
    else:
        yield wait_for_room(engine, launch)
    yield from _let_others_go(engine, reasons)
    if any(one.constraint == "capacity" for one in reasons):
        yield from borrow(engine, launch, day)


def borrow(engine: EngineState, launch: str, day: int) -> Iterator[Option]:
    """The units of work that are missing for the launch on the day, over all teams and weeks, if any are."""
    schedule, block = engine.schedule, engine.schedule.blocks.block_of[launch]
    mark, week = len(schedule.journal), schedule.week(day)
    schedule.take(block)
    missing = {at + week: units - schedule.free[at + week] for at, units in schedule.profile[block]}
    schedule.undo(mark)
    schedule.journal.clear()
    short = {at: units for at, units in sorted(missing.items()) if units > 0}
    if short:
        parts = [f"{units} more of {_name(engine, at)}" for at, units in short.items()]
        yield Option(action="borrow_capacity", detail=f"Find {', '.join(parts)}.", cost=sum(short.values()))


def wait_for_room(engine: EngineState, launch: str) -> Option:
    """It has no day up to the horizon; that is as late as it can be counted."""
    schedule, block = engine.schedule, engine.schedule.blocks.block_of[launch]
    last = schedule.portfolio.horizon
    detail = f"Let it wait until there is room; no day up to {date.fromordinal(last)} is free."
    return Option(action="accept_late", detail=detail, cost=schedule.price(block, last))


def _let_others_go(engine: EngineState, reasons: Collection[Reason]) -> Iterator[Option]:
    """Each launch in the way to its own next free day, if nobody holds one of them."""
    schedule = engine.schedule
    blocks = sorted({block for one in reasons if one.constraint != "capacity" for block in one.culprits})
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
    return f"{schedule.teams[row].id} in {iso_week(column - schedule.pad + schedule.calendar.first_week)}"


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
            broken = {one.constraint for one in crowd(engine, name, day.toordinal())} if day else frozenset()
            left = tuple(one for one in launch.conflicts if one.constraint not in BETWEEN - broken)
            if left != launch.conflicts:
                found[name] = left
    return found


NEAR_DAYS = 56

MOST_CANDIDATES, MOST_OPENINGS = 40, 10


@dataclass(frozen=True, slots=True)
class OpeningCandidate:
    """A launch, the earliest day by its own rules, and the earliest there was room for."""

    launch: Launch
    first: int
    free: int


def find_candidates(engine: EngineState, work: PlanDraft, request: PlanRequest) -> list[OpeningCandidate]:
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
        launch = None if name in work.wanted else request.state.launches[LaunchId(name)]
        wanted = request.ask_again(launch) if launch else None
        earliest = date_alone(wanted, request.context, undo=False).earliest if wanted else None
        if launch and earliest and earliest.toordinal() < day:
            free = engine.first_free(name, earliest.toordinal(), day)
            found.append(OpeningCandidate(launch, earliest.toordinal(), free or day))
    return found


def find_openings(engine: EngineState, candidates: list[OpeningCandidate], request: PlanRequest) -> list[Opportunity]:
    """Those for which there is room earlier than there was."""
    found = []
    least = (request.context.today + timedelta(days=1)).toordinal()
    for one in candidates:
        free = engine.first_free(one.launch.id, max(one.first, least), one.free - 1)
        if free:
            name, day = one.launch.snapshot.name, date.fromordinal(free)
            detail = f"{name} could launch on {day} instead of {one.launch.snapshot.date}, where there is room now."
            found.append(Opportunity(launch=one.launch.id, earliest=day, detail=detail))
    return found[:MOST_OPENINGS]
