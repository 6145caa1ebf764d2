"""Asks the engine for a plan on the resident schedule, or lays out there a plan that was found elsewhere.

The schedule is afterwards as it was. What becomes of the plan is for arranging.py.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from services.launch.domain.planner import Event, Plan
from services.launch.domain.planner.allowed import next_day
from services.launch.domain.planner.closure import Solver
from services.launch.domain.planner.engine import Run
from services.launch.domain.planner.explain import Causes
from services.launch.domain.planner.forced import Forced
from services.launch.domain.planner.schedule import OUT
from services.launch.domain.planning.live import LiveDeadlines, LivePlanner
from services.launch.domain.planning.resident import Resident, feature_of
from shared.contracts.words import LaunchId


class OutdatedError(Exception):
    """Dates were found for a portfolio that is another one now."""


@dataclass(frozen=True, slots=True)
class Found:
    """The days of all launches that a plan moves, which need not be looked for again, and what was proved of it."""

    days: Mapping[LaunchId, date]
    lower_bound: int


@dataclass(frozen=True, slots=True)
class Means:
    """How to come to a plan: how hard to look, for S3 with which solver, or what was found already."""

    stage: str = "S1"
    solver: Solver | None = None
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class Pressing:
    """Who must go: not before a day, or because there is no room where they stand, unless others make some."""

    forced: Mapping[str, int]
    cramped: Collection[str] = ()

    @property
    def launches(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.forced, *self.cramped))


class _Run(Run):
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

    def follow(self, found: Found) -> Plan:
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


def run(resident: Resident, pressing: Pressing, locked: Collection[LaunchId], means: Means) -> Plan:
    """A plan for what presses.

    Raises:
        OutdatedError: what was found is no plan for them.
    """
    schedule, planner = resident.schedule, resident.planner
    planner.deadlines = LiveDeadlines(schedule)
    planner.locked = {block for name in locked if (block := resident.block(name)) is not None} | _frozen(resident)
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


def _frozen(resident: Resident) -> set[int]:
    """Blocks so near that nothing moves them to make room."""
    schedule, calendar = resident.schedule, resident.calendar
    today = date.fromordinal(schedule.portfolio.today)
    last = calendar.after_working_days(today, calendar.policy.objective.frozen_working_days, ()).toordinal()
    return {block for block, home in enumerate(schedule.home) if today.toordinal() <= home <= last}
