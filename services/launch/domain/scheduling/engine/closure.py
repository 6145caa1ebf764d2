"""Which blocks and dates an optimal plan can use at all, if it costs no more than a given amount.

Some optimal plan moves only blocks that are reached from the forced ones through conflicts, each of which adds to the
cost (docs/explanation/planning.md). What lies beyond the amount is left out, so that an exact solver sees a small
problem.
No solver here: it is handed in from outside (services/launch/optimize.py).
"""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from services.launch.domain.scheduling.engine.forced import Forced
from services.launch.domain.scheduling.engine.model import DAYS_A_WEEK
from services.launch.domain.scheduling.engine.schedule import NEVER, Schedule

MOST_BLOCKS = 700

MOST_DAYS = 20000

Domains = dict[int, list[int]]  # by block: the days it may have, home included


@dataclass(frozen=True, slots=True)
class SolverResult:
    """What a solver found: dates of all blocks it looked at (None: nothing better), and the bound it proved."""

    dates: list[tuple[int, int]] | None
    lower_bound: int


class Study:
    """An event laid out for an exact solver: forced blocks are out of the schedule, all others at home.

    `locked` blocks stay there.
    """

    def __init__(
        self, schedule: Schedule, forced: Forced, latest: list[int], best: tuple[int, int], locked: Container[int] = ()
    ) -> None:
        self.schedule = schedule
        self.forced = forced
        self.latest = latest
        self.locked = locked
        self.floor, self.best = best  # no plan costs less than floor; best is the cost of the plan there is
        self.least = sum(schedule.price(block, day) for block, day in forced.dates.items())

    def domains(self, limit: int) -> Domains | None:
        """Days by block that a plan of at most this cost can use; None when there are too many."""
        return Closure(self, limit - self.least).grow()


Solver = Callable[[Study], SolverResult]


class Closure:
    def __init__(self, study: Study, slack: int) -> None:
        self.schedule = study.schedule
        self.forced = study.forced.dates
        self.latest = study.latest
        self.locked = study.locked
        self.slack = slack
        self.critical: set[int] = set()
        self.reached: dict[int, int] = {}  # least extra cost by which a block is reached
        self._fixed: dict[int, int] = {}  # room in a team's week when only pinned blocks use it

    def grow(self) -> Domains | None:
        """Repeat until no further week can overflow."""
        while True:
            if not self._spread():
                return None
            domains = {block: self._all_days(block) for block in sorted(self.reached)}
            if sum(map(len, domains.values())) > MOST_DAYS:
                return None
            critical = self._overflowing(domains)
            if critical <= self.critical:
                return domains
            self.critical |= critical

    def _all_days(self, block: int) -> list[int]:
        days = [day for day, _ in self._days(block)]
        return days if block in self.forced else [self.schedule.home[block], *days]

    def _days(self, block: int) -> Iterator[tuple[int, int]]:
        """Days the block can afford, with its extra cost on each."""
        schedule = self.schedule
        base = self.reached[block]
        first, paid = schedule.home[block] + 1, 0
        if block in self.forced:
            first = self.forced[block]
            paid = schedule.price(block, first)
        days = schedule.days[block]
        for at in range(bisect_left(days, first), len(days)):
            extra = base + schedule.price(block, days[at]) - paid
            if extra > self.slack or days[at] > self.latest[block]:
                return
            if self._possible(block, days[at]):
                yield days[at], extra

    def _possible(self, block: int, day: int) -> bool:
        """Say whether the block fits beside the pinned ones."""
        schedule = self.schedule
        week = schedule.week(day)
        if any(self._beside_pinned(at + week) < units for at, units in schedule.profile[block]):
            return False
        others = {other for at in schedule.segments[block] for other in schedule.speakers.get(at + week, ())}
        if any(self._pinned_touches(block, at + week) >= schedule.portfolio.touches for at in schedule.audience[block]):
            return False
        return not any(schedule.pinned[other] for other in others.union(schedule.near(block, day)))

    def _pinned_touches(self, block: int, at: int) -> int:
        """What a segment hears in the week from pinned blocks alone, besides the block."""
        schedule = self.schedule
        pinned = [other for other in schedule.listening.get(at, ()) if schedule.pinned[other]]
        alone = sum(not schedule.is_aboard(other, schedule.date[other]) for other in pinned)
        return alone if schedule.rides[block] else alone + (len(pinned) > alone)

    def _beside_pinned(self, at: int) -> int:
        if at not in self._fixed:
            schedule = self.schedule
            loose = (other for other in schedule.users[at] if not schedule.pinned[other])
            units = (schedule.load[other][at - schedule.week(schedule.date[other])] for other in loose)
            self._fixed[at] = schedule.free[at] + sum(units)
        return self._fixed[at]

    def _spread(self) -> bool:
        """Walk from the forced blocks by rising extra cost; False when too many are reached."""
        self.reached = dict.fromkeys(self.forced, 0)
        heap = [(extra, block, day) for block in sorted(self.forced) for day, extra in self._days(block)]
        heap.sort()
        while heap:
            extra, block, day = heappop(heap)
            for other in self._in_the_way(block, day):
                if other in self.reached or extra + self.schedule.nudge[other] > self.slack:
                    continue
                self.reached[other] = extra
                for later, cost in self._days(other):
                    heappush(heap, (cost, other, later))
            if len(self.reached) > MOST_BLOCKS:
                return False
        return True

    def _in_the_way(self, block: int, day: int) -> set[int]:
        """Unpinned blocks whose home is touched when the block sits on the day."""
        schedule = self.schedule
        week = schedule.week(day)
        found = set(schedule.near(block, day))
        for at, _ in schedule.profile[block]:
            if at + week in self.critical:
                found |= schedule.users[at + week]
        for at in schedule.segments[block]:
            found |= schedule.speakers.get(at + week, set())
        for at in schedule.audience[block]:
            found |= schedule.listening.get(at + week, set())
        found.update(other for other, lag in schedule.blocks.behind[block] if schedule.home[other] < day + lag)
        return {other for other in found if schedule.nudge[other] < NEVER and other not in self.locked}

    def _overflowing(self, domains: Domains) -> set[int]:
        """Weeks of teams in which all who could come would not find room."""
        schedule = self.schedule
        coming: dict[int, int] = {}
        for block, days in domains.items():
            most: dict[int, int] = {}
            for week in {schedule.week(day) for day in days}:
                for at, units in schedule.profile[block]:
                    most[at + week] = max(units, most.get(at + week, 0))
            there = {} if block in self.forced else self._at_home(block)
            for at, units in most.items():
                coming[at] = coming.get(at, 0) + units - there.get(at, 0)
        return {at for at, units in coming.items() if units > schedule.free[at]}

    def _at_home(self, block: int) -> dict[int, int]:
        week = self.schedule.week(self.schedule.home[block])
        return {at + week: units for at, units in self.schedule.profile[block]}


def undominated(schedule: Schedule, domains: Domains) -> Domains:
    """Leave out later days of a week where only the price tells them apart: no line, no predecessor that moves."""
    found: Domains = {}
    for block, days in domains.items():
        if schedule.scopes[block] or any(other in domains for other, _ in schedule.blocks.before[block]):
            found[block] = days
            continue
        first: dict[int, int] = {}
        for day in days:
            first.setdefault((day - 1) // DAYS_A_WEEK, day)
        found[block] = list(first.values())
    return found
