"""Asks the engine for a plan on the engine schedule, or lays out there a plan that was found elsewhere.

The schedule is afterwards as it was. What becomes of the plan is for arranging.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.launch.domain.calendar import SOFT
from services.launch.domain.rules.catalogue import BETWEEN
from services.launch.domain.scheduling.engine.allowed import next_day
from services.launch.domain.scheduling.engine.closure import Solver
from services.launch.domain.scheduling.engine.engine import PlanRun
from services.launch.domain.scheduling.engine.explain import Causes, Reason, reasons
from services.launch.domain.scheduling.engine.forced import Forced
from services.launch.domain.scheduling.engine.model import ChainStep as Step
from services.launch.domain.scheduling.engine.model import EntryConflict as Stuck
from services.launch.domain.scheduling.engine.model import Event, Plan
from services.launch.domain.scheduling.engine.schedule import OUT
from services.launch.domain.scheduling.engine_state import EngineState, LiveDeadlines, LivePlanner, Trial, feature_of
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId


class OutdatedError(Exception):
    """Dates were found for a portfolio that is another one now."""


@dataclass(frozen=True, slots=True)
class FoundDates:
    """The days of all launches that a plan moves, which need not be looked for again, and what was proved of it."""

    days: Mapping[LaunchId, date]
    lower_bound: int


@dataclass(frozen=True, slots=True)
class Means:
    """How to come to a plan: how hard to look, for S3 with which solver, or what was found already."""

    stage: str = "S1"
    solver: Solver | None = None
    found: FoundDates | None = None


@dataclass(frozen=True, slots=True)
class Pressing:
    """Who must go: not before a day, or because there is no room where they stand, unless others make some."""

    forced: Mapping[str, int]
    cramped: Collection[str] = ()

    @property
    def launches(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.forced, *self.cramped))


class _Run(PlanRun):
    """A run whose event is whatever presses."""

    def __init__(self, planner: LivePlanner, solver: Solver | None, pressing: Pressing) -> None:
        super().__init__(planner, Event("event", feature_of(min(pressing.launches))), solver)
        block_of = planner.schedule.blocks.block_of
        self.features = frozenset(map(feature_of, pressing.launches))
        self.blocks = sorted({block_of[name] for name in pressing.launches})
        self.grown = frozenset(block_of[name] for name in pressing.cramped)

    def _seeds(self) -> list[int]:
        return self.blocks

    def _force(self) -> Forced:
        """What must move, and what must be placed again because it has no room at home."""
        forced, schedule = super()._force(), self.schedule
        for block in sorted(self.grown - forced.dates.keys() - forced.stuck):
            day = None if block in self.held else next_day(schedule.days[block], schedule.home[block])
            if day is None:
                forced.stuck.add(block)
            else:
                forced.dates[block] = day
        return forced

    def follow(self, found: FoundDates) -> Plan:
        """The plan with these dates, explained like any other.

        Raises:
            OutdatedError: it leaves out a launch that must move, or moves one that has no reason to.
        """
        schedule, blocks = self.schedule, self.schedule.blocks.block_of
        if not found.days.keys() <= blocks.keys():
            raise OutdatedError
        self.forced = self._force()
        days = {blocks[name]: day.toordinal() for name, day in found.days.items()}
        if any(days.get(block, schedule.home[block]) < first for block, first in self.forced.dates.items()):
            raise OutdatedError
        for block in sorted(days):
            schedule.take(block)
        for block in sorted(days):
            schedule.put(block, days[block])
        if Causes(schedule, sorted(days), self.features, self.grown).unexplained():
            raise OutdatedError
        return self._explain("S3", found.lower_bound)


def solve(engine: EngineState, pressing: Pressing, locked: Collection[LaunchId], means: Means) -> Plan:
    """A plan for what presses.

    Raises:
        OutdatedError: what was found is no plan for them.
    """
    schedule, planner = engine.schedule, engine.planner
    planner.deadlines = LiveDeadlines(schedule)
    planner.locked = {block for name in locked if (block := engine.block(name)) is not None} | _frozen(engine)
    for name, day in pressing.forced.items():
        block = schedule.blocks.block_of[name]
        schedule.features[feature_of(name)] = (day, OUT)
        schedule.own[block] = max(schedule.own[block], day)
    try:
        work = _Run(planner, means.solver, pressing)
        if means.found:
            return work.follow(means.found)
        return work.plan(means.stage)
    finally:
        schedule.undo(0)
        for name in pressing.forced:
            schedule.features[feature_of(name)] = (OUT, OUT)
            schedule.own[schedule.blocks.block_of[name]] = OUT


def _frozen(engine: EngineState) -> set[int]:
    """Blocks so near that nothing moves them to make room."""
    schedule, calendar = engine.schedule, engine.calendar
    today = date.fromordinal(schedule.portfolio.today)
    last = calendar.after_working_days(today, calendar.policy.objective.frozen_working_days, ()).toordinal()
    return {block for block, home in enumerate(schedule.home) if today.toordinal() <= home <= last}


@dataclass(frozen=True, slots=True)
class Demand:
    """A launch that S0 has looked at: where it stands (None: nowhere) and the earliest day it must go to.

    `fixed`: it is on that day whatever comes of it. `waited`: a move of it was to be decided, so that there may be no
    room for it where it stands.
    """

    id: LaunchId
    shape: LaunchSnapshot
    home: date | None
    day: date | None
    fixed: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True)
class OtherLaunches:
    """Launches that were not asked: those without a date now, and those that make no room for anybody.

    `waiting` are to go once a person says so; `left` are where a person has left them, although there is no room.
    """

    gone: Collection[LaunchId] = ()
    waiting: Collection[LaunchId] = ()
    left: Collection[LaunchId] = ()


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """A launch that had a date and gets a later one, with the chain of launches from the event to it."""

    launch: LaunchId
    before: date
    after: date
    chain: tuple[Step, ...]
    price: int
    forced: int
    """What its own rules make it pay at least; 0 for one that only makes room."""


@dataclass(slots=True)
class EngineResult:
    """A plan. `placed` are first dates, each with what kept the launch from the day it asked for."""

    moves: list[PlannedMove] = field(default_factory=list)
    placed: dict[LaunchId, tuple[date | None, tuple[Step, ...]]] = field(default_factory=dict)
    stuck: list[Stuck] = field(default_factory=list)
    mark: int = 0
    """The sketch's place before the moves."""
    lower_bound: int = 0
    stage: str = "S0"
    cramped: frozenset[LaunchId] = frozenset()
    """Launches that were asked and had no room where they stand: they go, or others do."""

    @property
    def cost(self) -> int:
        """What all moves cost together; launches of one group count once."""
        return sum(one.price for one in self.moves)


def run_engine(trial: Trial, asked: Sequence[Demand], others: OtherLaunches, means: Means) -> EngineResult:
    """Plan for all of them; the trial ends with the launches that moved on their new dates.

    First dates are for `place` to find, once it is known which moves happen.
    """
    engine = trial.engine
    for launch in sorted(others.gone):
        trial.set(launch, None)
    in_order = sorted(asked, key=lambda each: each.id)
    changed = {one.id for one in in_order if _stand(trial, one)}
    forced: dict[str, int] = {}
    cramped = set()
    for one in in_order:
        entry = engine.entries.get(one.id)
        if entry is None or one.fixed or one.day is None:
            continue
        if one.day.toordinal() > entry.date:
            forced[one.id] = one.day.toordinal()
        elif (one.waited or one.id in changed) and reasons_against(engine, one.id, entry.date, others.waiting):
            cramped.add(one.id)
    forced |= {name: day for name, day in _followers(engine, asked) if name not in forced}
    pressing = Pressing(forced, cramped)
    locked = {*others.waiting, *others.left}
    return _plan(trial, pressing, locked, means) if pressing.launches else EngineResult(mark=trial.mark())


def _stand(trial: Trial, asked: Demand) -> bool:
    """Put the launch where it stands; whether that, or what it needs there, is new."""
    engine = trial.engine
    home = asked.day if asked.fixed else asked.home
    mates = engine.mates(asked.id)
    if asked.day and not home and mates:
        home = date.fromordinal(engine.entries[mates[0]].date)
    entry = engine.entry(asked.shape, home, fixed=asked.fixed) if home and asked.day else None
    changed = engine.entries.get(asked.id) != entry
    if changed:
        trial.set(asked.id, entry)
    return changed


def _followers(engine: EngineState, asked: Sequence[Demand]) -> list[tuple[str, int]]:
    """Launches that come after one of these, and are too early now."""
    schedule = engine.schedule
    found = []
    for one in asked:
        block = engine.block(one.id)
        for other, lag in schedule.blocks.behind[block] if block is not None else ():
            if schedule.home[other] < schedule.home[block or 0] + lag:
                found += [(each.id, each.date) for each in schedule.blocks.members[other]]
    return found


def _plan(trial: Trial, pressing: Pressing, locked: Collection[LaunchId], means: Means) -> EngineResult:
    engine = trial.engine
    plan = solve(engine, pressing, locked, means)
    schedule = engine.schedule
    moves = [_moved(engine, plan, at, pressing.forced) for at in range(len(plan.moves))]
    counted: set[int] = set()
    for at, one in enumerate(moves):  # a group pays once
        block = schedule.blocks.block_of[one.launch]
        if block in counted:
            moves[at] = PlannedMove(one.launch, one.before, one.after, one.chain, 0, 0)
        counted.add(block)
    mark = trial.mark()
    trial.move({one.launch: one.after.toordinal() for one in moves})
    cramped = frozenset(map(LaunchId, pressing.cramped))
    return EngineResult(moves, {}, list(plan.conflicts), mark, plan.lower_bound, plan.stage, cramped)


def _moved(engine: EngineState, plan: Plan, at: int, forced: Mapping[str, int]) -> PlannedMove:
    move = plan.moves[at]
    schedule = engine.schedule
    block = schedule.blocks.block_of[move.launch]
    least = max((forced.get(one.id, OUT) for one in schedule.blocks.members[block]), default=OUT)
    return PlannedMove(
        launch=LaunchId(move.launch),
        before=date.fromordinal(move.before),
        after=date.fromordinal(move.after),
        chain=tuple(link for link in move.why if link.launch),
        price=schedule.price(block, move.after),
        forced=schedule.price(block, least) if least > move.before else 0,
    )


def place_new(trial: Trial, asked: Sequence[Demand], arranged: EngineResult, last: date) -> None:
    """Find first dates, the loud and the early first, all others as they are."""
    engine = trial.engine
    news = [one for one in asked if one.day and one.id not in engine.entries and not one.fixed]
    for one in sorted(news, key=lambda each: (resident_tier(each), each.day or date.max, each.id)):
        entry = engine.entry(one.shape, one.day, fixed=False) if one.day else None
        if entry is None:
            continue
        trial.set(one.id, entry)
        steps = tuple(Step(each.launch, each.constraint, each.detail) for each in crowd(engine, one.id, entry.date))
        found = engine.first_free(one.id, entry.date, min(last.toordinal(), engine.last_day(one.id)))
        arranged.placed[one.id] = (date.fromordinal(found) if found else None, steps)
        if found:
            trial.move({one.id: found})
        else:
            trial.set(one.id, None)


def resident_tier(asked: Demand) -> str:
    """The louder of the two tiers, for the order of places."""
    return min(asked.shape.market_tier, asked.shape.internal_tier)


def reasons_against(engine: EngineState, launch: str, day: int, leaving: Collection[LaunchId] = ()) -> list[Reason]:
    """Every hard rule that keeps the launch (with its group) from the day, all others but `leaving` as they are."""
    schedule, block = engine.schedule, engine.block(launch)
    if block is None:
        return []
    mark = len(schedule.journal)
    for other in sorted({block, *(at for name in leaving if (at := engine.block(name)) is not None)}):
        schedule.take(other)
    found = [one for one in reasons(schedule, block, day) if one.constraint != SOFT]
    schedule.undo(mark)
    schedule.journal.clear()
    return found


def crowd(engine: EngineState, launch: str, day: int) -> list[Reason]:
    """The rules between launches that keep it from the day."""
    return [one for one in reasons_against(engine, launch, day) if one.constraint in BETWEEN]
