"""Placing blocks: the first free date, or an earlier one after others made room (ejection), the cheapest wins.

Every attempt is taken back by the journal unless it is the best. Work is counted in steps, never in seconds, so that
the same input gives the same plan on every machine. Which blocks to place again is decided in improve.py.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from services.launch.domain.planner.allowed import next_day
from services.launch.domain.planner.ejection import Ejections
from services.launch.domain.planner.forced import Forced
from services.launch.domain.planner.model import DAYS_A_WEEK
from services.launch.domain.planner.schedule import NEVER, OUT, Schedule

Dates = list[tuple[int, int]]  # (block, day)


class Search:
    """`forced` says what must happen anyway, `latest` are the deadlines, `budget` the steps to spend."""

    def __init__(self, schedule: Schedule, forced: Forced, latest: list[int]) -> None:
        self.schedule = schedule
        self.floor = forced.dates  # where blocks that are out must go at least
        self.held = forced.stuck
        self.latest = latest
        self.failed = 0  # the last block for which there was no day at all
        self.locked: set[int] = set(forced.stuck)
        self.ejections = Ejections(schedule, latest, self.locked)
        self.steps = 0
        self.budget = 0
        self.width = 3

    @property
    def tired(self) -> bool:
        return self.steps >= self.budget

    # ---- dates of one block

    def earliest(self, block: int) -> int:
        """First day by baseline, features and predecessors where they are (or must go at least, when out)."""
        schedule = self.schedule
        first = max(schedule.home[block], schedule.own[block])
        for other, lag in schedule.blocks.before[block]:
            day = schedule.date[other] or self.floor.get(other, schedule.home[other])
            first = max(first, day + lag)
        return first

    def first_free(self, block: int, last: int) -> int:
        """First day up to `last` on which the block fits, or OUT."""
        return next((day for day, fits in self.choices(block, last) if fits), OUT)

    def choices(self, block: int, last: int) -> Iterator[tuple[int, bool]]:
        """Days from the earliest on, and whether the block fits there, up to the first that does.

        Within a week only lines tell days apart, so a block without a line is looked at once a week.
        """
        schedule = self.schedule
        days, daily = schedule.days[block], bool(schedule.scopes[block])
        week = -1
        for at in range(bisect_left(days, self.earliest(block)), len(days)):
            day = days[at]
            if day > last:
                return
            if not daily and (day - 1) // DAYS_A_WEEK == week:
                continue
            week = (day - 1) // DAYS_A_WEEK
            self.steps += 1
            fits = schedule.fits(block, day)
            yield day, fits
            if fits:
                return

    # ---- placing

    def insert(self, block: int, limit: int, depth: int) -> bool:
        """Place the block, and all who leave for it, with a total cost below the limit. False changes nothing."""
        if depth <= 0 or self.tired:
            return self._insert_plainly(block, limit)
        best: Dates | None = None
        base = self.schedule.cost
        for day, extra, leaving in self._options(block):
            price = base + self.schedule.price(block, day)
            if price >= limit:
                break
            found = self._attempt((block, day, leaving), limit, depth) if price + extra < limit else None
            if found is not None:
                limit, best = found
        if best is None:
            return False
        self.apply(best)
        return True

    def _options(self, block: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Where the block may go: (day, estimated price of the others, who leaves); ends with the first free day."""
        for day, fits in self.choices(block, self.latest[block]):
            if fits:
                yield day, 0, ()
            else:
                for extra, leaving in self.ejections.sets(block, day, self.width):
                    yield day, extra, leaving

    def _insert_plainly(self, block: int, limit: int) -> bool:
        schedule = self.schedule
        day = self.first_free(block, self.latest[block])
        if day == OUT:
            self.failed = block
        if day == OUT or schedule.cost + schedule.price(block, day) >= limit:
            return False
        mark = len(schedule.journal)
        schedule.put(block, day)
        if self.insert_all(self._push(block, day), limit, 0):
            return True
        schedule.undo(mark)
        return False

    def _attempt(self, option: tuple[int, int, tuple[int, ...]], limit: int, depth: int) -> tuple[int, Dates] | None:
        """Try one option and take it back: the total cost and the dates it leads to, if below the limit."""
        block, day, leaving = option
        schedule = self.schedule
        mark = len(schedule.journal)
        self.steps += 2 + 2 * len(leaving)
        for other in leaving:
            schedule.take(other)
        schedule.put(block, day)
        self.locked.add(block)
        placed = self.insert_all([*leaving, *self._push(block, day)], limit, depth - 1)
        self.locked.discard(block)
        found = (schedule.cost, self.changes(mark)) if placed else None
        schedule.undo(mark)
        return found

    def _push(self, block: int, day: int) -> list[int]:
        """Take out the successors that are too early now."""
        schedule = self.schedule
        pushed = []
        for other, lag in schedule.blocks.behind[block]:
            early = OUT < schedule.date[other] < day + lag
            if early and not schedule.pinned[other] and other not in self.held:
                schedule.take(other)
                pushed.append(other)
        return pushed

    def insert_all(self, blocks: Sequence[int], limit: int, depth: int) -> bool:
        """Place all these, the heavy first, but predecessors before successors. False leaves a partial state."""
        schedule = self.schedule
        rest = sorted(blocks, key=lambda one: (-schedule.weight[one], schedule.home[one], one))
        return self.insert_in_order(rest, limit, depth)

    def insert_in_order(self, blocks: Sequence[int], limit: int, depth: int) -> bool:
        """Place all these in this order, except that predecessors go first. False leaves a partial state."""
        rest = list(blocks)
        least = {block: self._least(block) for block in rest}
        pending = sum(least.values())
        while rest:
            waiting = set(rest)
            at = next(i for i, one in enumerate(rest) if not self._waits(one, waiting))
            block = rest.pop(at)
            pending -= least[block]
            if pending >= limit or not self.insert(block, limit - pending, depth):
                return False
        return self.schedule.cost < limit

    def _waits(self, block: int, waiting: set[int]) -> bool:
        return len(waiting) > 1 and any(other in waiting for other, _ in self.schedule.blocks.before[block])

    def _least(self, block: int) -> int:
        day = next_day(self.schedule.days[block], self.earliest(block))
        return NEVER if day is None else self.schedule.price(block, day)

    # ---- whole states

    def changes(self, mark: int) -> Dates:
        """Where the blocks are that the journal touched since the mark."""
        date = self.schedule.date
        return [(block, date[block]) for block in sorted({block for block, _ in self.schedule.journal[mark:]})]

    def apply(self, dates: Dates) -> None:
        """Bring these blocks to these dates; all of them leave before the first one arrives."""
        schedule = self.schedule
        changed = [(block, day) for block, day in dates if schedule.date[block] != day]
        for block, _ in changed:
            if schedule.date[block] != OUT:
                schedule.take(block)
        for block, day in changed:
            schedule.put(block, day)
