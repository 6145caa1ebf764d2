"""The search engine, asked on the live schedule for a plan for those who must go; the schedule is afterwards as it was.

Who must go, and what becomes of the plan, is decided in draft.py.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from services.launch.domain.scheduling.engine.closure import Solver
from services.launch.domain.scheduling.engine.engine import PlanRun
from services.launch.domain.scheduling.engine.explain import Causes
from services.launch.domain.scheduling.engine.forced import Forced
from services.launch.domain.scheduling.engine.model import Event, Plan, next_day
from services.launch.domain.scheduling.engine.schedule import OUT
from services.launch.domain.scheduling.engine_state import EngineState, LiveDeadlines, LivePlanner, feature_of
from services.launch.domain.scheduling.request import FoundDates, OutdatedError, PlannedMove, PlanRequest
from shared.contracts.words import LaunchId


class _Run(PlanRun):
    """A run whose event is whatever presses: launches that must go, or that have no room at home."""

    def __init__(
        self, planner: LivePlanner, solver: Solver | None, forced: Collection[str], cramped: Collection[str]
    ) -> None:
        pressing = {*forced, *cramped}
        super().__init__(planner, Event("event", feature_of(min(pressing))), solver)
        block_of = planner.schedule.blocks.block_of
        self.features = frozenset(map(feature_of, pressing))
        self.blocks = sorted({block_of[launch] for launch in pressing})
        self.grown = frozenset(block_of[launch] for launch in cramped)

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
        days = {blocks[launch]: day.toordinal() for launch, day in found.days.items()}
        if any(days.get(block, schedule.home[block]) < first for block, first in self.forced.dates.items()):
            raise OutdatedError
        for block in sorted(days):
            schedule.take(block)
        for block in sorted(days):
            schedule.put(block, days[block])
        if Causes(schedule, sorted(days), self.features, self.grown).unexplained():
            raise OutdatedError
        return self._explain("S3", found.lower_bound)


def solve(
    engine: EngineState,
    forced: Mapping[str, int],
    cramped: Collection[str] = (),
    locked: Collection[LaunchId] = (),
    request: PlanRequest | None = None,
) -> Plan:
    """A plan for those who must go: not before a day, or because there is no room where they stand.

    `locked` make no room for anybody, nor does who is very near. Without a request the first stage is enough.

    Raises:
        OutdatedError: what was found already is no plan for them.
    """
    schedule, planner = engine.schedule, engine.planner
    today = date.fromordinal(schedule.portfolio.today)
    near = engine.calendar.after_working_days(today, engine.calendar.policy.objective.frozen_working_days, ())
    planner.deadlines = LiveDeadlines(schedule)
    planner.locked = {block for launch in locked if (block := engine.block(launch)) is not None}
    planner.locked |= {
        block for block, home in enumerate(schedule.home) if today.toordinal() <= home <= near.toordinal()
    }
    for launch, day in forced.items():
        block = schedule.blocks.block_of[launch]
        schedule.features[feature_of(launch)] = (day, OUT)
        schedule.own[block] = max(schedule.own[block], day)
    try:
        run = _Run(planner, request.context.solver if request else None, forced, cramped)
        if request and request.found:
            return run.follow(request.found)
        return run.plan(request.context.reached if request else "S1")
    finally:
        schedule.undo(0)
        for launch in forced:
            schedule.features[feature_of(launch)] = (OUT, OUT)
            schedule.own[schedule.blocks.block_of[launch]] = OUT


def planned_moves(engine: EngineState, plan: Plan, forced: Mapping[str, int]) -> Iterator[PlannedMove]:
    """What a plan moves, with what each move costs; those of `forced` must."""
    schedule, paid = engine.schedule, set[int]()
    for move in plan.moves:
        block = schedule.blocks.block_of[move.launch]
        least = max((forced.get(entry.id, OUT) for entry in schedule.blocks.members[block]), default=OUT)
        once = block not in paid  # a group pays once
        paid.add(block)
        yield PlannedMove(
            launch=LaunchId(move.launch),
            before=date.fromordinal(move.before),
            after=date.fromordinal(move.after),
            chain=tuple(step for step in move.why if step.launch),
            price=schedule.price(block, move.after) if once else 0,
            forced=schedule.price(block, least) if once and least > move.before else 0,
        )
