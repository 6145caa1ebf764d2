"""Placing blocks: the first free date, or an earlier one after others made room (ejection), the cheapest wins.

Every attempt is taken back by the journal unless it is the best. Work is counted in steps, never in seconds, so that
the same input gives the same plan on every machine. Which blocks to place again is decided in improve.py.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.launch.domain.scheduling.engine.ejection import Ejections
from services.launch.domain.scheduling.engine.forced import Forced
from services.launch.domain.scheduling.engine.model import DAYS_A_WEEK, next_day
from services.launch.domain.scheduling.engine.schedule import NEVER, OUT, Schedule

Dates = list[tuple[int, int]]  # (block, day)

Option = tuple[int, int, tuple[int, tuple[int, ...]]]  # (estimated total, least total, (day, who leaves))


class Reach(NamedTuple):
    """How far a block looks for room: levels of ejection, sets of leaving blocks for each date, options tried."""

    depth: int
    width: int
    tries: int


class Search:
    """`forced` says what must happen anyway, `latest` are the deadlines, `budget` the steps to spend."""

    def __init__(self, schedule: Schedule, forced: Forced, latest: list[int]) -> None:
        self.schedule = schedule
        self.floor = forced.dates  # where blocks that are out must go at least
        self.held = forced.stuck
        self.latest = latest
        self.failed = 0  # the last block for which there was no day at all
        self.locked: set[int] = set(forced.stuck)
        self.waiting: frozenset[int] = frozenset()  # out, and to be placed after the block at hand
        self.ejections = Ejections(schedule, latest, self.locked)
        self.steps = 0
        self.budget = 0
        self.reach = Reach(1, 3, 20)

    def allow(self, steps: int) -> None:
        self.budget = self.spent + steps

    @property
    def spent(self) -> int:
        return self.steps + self.ejections.steps

    @property
    def tired(self) -> bool:
        return self.spent >= self.budget

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
        schedule = self.schedule
        days, first_week = schedule.days[block], schedule.calendar.first_week
        seen, room = -1, False
        for at in range(bisect_left(days, self.earliest(block)), len(days)):
            day = days[at]
            week = (day - 1) // DAYS_A_WEEK
            if day > last:
                break
            if week != seen:
                self.steps += 1
                seen, room = week, schedule.has_room(block, week - first_week)
            if room and not schedule.is_near(block, day):
                return day
        return OUT

    def choices(self, block: int, last: int) -> Iterator[tuple[int, bool]]:
        """Days worth a look from the earliest on, and whether the block fits there, up to the first that does.

        Within a week only lines tell days apart: its first day is looked at, and the first one far enough from others.
        """
        schedule = self.schedule
        days, first_week = schedule.days[block], schedule.calendar.first_week
        seen, near = -1, False
        for at in range(bisect_left(days, self.earliest(block)), len(days)):
            day = days[at]
            week = (day - 1) // DAYS_A_WEEK
            if day > last:
                return
            if week == seen and not near:
                continue
            was, near = near and week == seen, schedule.is_near(block, day)
            if was and near:
                continue
            seen = week
            self.steps += 1
            fits = not near and schedule.has_room(block, week - first_week)
            yield day, fits
            if fits:
                return

    def insert(self, block: int, limit: int, depth: int) -> bool:
        """Place the block, and all who leave for it, with a total below the limit. False changes nothing.

        The total counts every block that is still out with the least it must pay then, so that a cheap date that
        drives many others away does not look cheap.
        """
        if depth <= 0 or self.tired:
            return self._insert_plainly(block, limit)
        best: Dates | None = None
        for options in self._options(block, limit):
            for _, least, option in sorted(options)[: self.reach.tries]:
                found = self._attempt((block, *option), limit, depth) if least < limit else None
                if found is not None:
                    limit, best = found
            if best is not None:
                self.apply(best)
                return True
        return False

    def _options(self, block: int, limit: int) -> Iterator[list[Option]]:
        """Where the block may go, in groups: the next group is only of use when nothing in those before succeeds.

        A group ends before the dates that cost more than the best estimate in it.
        """
        base = self.total()
        found, best = list[Option](), NEVER
        for day, fits in self.choices(block, self.latest[block]):
            price = base + self.schedule.price(block, day)
            if price >= limit:
                break
            if price >= best:
                yield found
                found, best = [], NEVER
            found += [(price, price, (day, ()))] if fits else self._ejecting(block, day, price)
            best = min(best, *(one[0] for one in found), NEVER)
        yield found

    def _ejecting(self, block: int, day: int, price: int) -> list[Option]:
        self.steps += 3
        return [
            (price + leaving.price, price + leaving.least, (day, leaving.blocks))
            for leaving in self.ejections.sets(block, day, self.reach.width)
        ]

    def _insert_plainly(self, block: int, limit: int) -> bool:
        schedule = self.schedule
        day = self.first_free(block, self.latest[block])
        if day == OUT:
            self.failed = block
        if day == OUT or schedule.cost + schedule.price(block, day) >= limit:
            return False
        mark = len(schedule.journal)
        self.steps += 2
        schedule.put(block, day)
        if self.insert_all(self._push(block, day), limit, 0):
            return True
        schedule.undo(mark)
        return False

    def _attempt(self, option: tuple[int, int, tuple[int, ...]], limit: int, depth: int) -> tuple[int, Dates] | None:
        """Try one option and take it back: the total and the dates it leads to, if below the limit."""
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
        found = (self.total(), self.changes(mark)) if placed else None
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
        before = self.waiting
        placed = True
        while rest and placed:
            block = next(one for one in rest if not self._waits(one, rest))
            rest.remove(block)
            self.waiting = before.union(rest)
            placed = self.insert(block, limit, depth)
        self.waiting = before
        return placed and self.total() < limit

    def _waits(self, block: int, rest: Sequence[int]) -> bool:
        return len(rest) > 1 and any(other in rest for other, _ in self.schedule.blocks.before[block])

    def total(self) -> int:
        """Cost of all blocks that are placed, and the least the waiting ones must pay after them."""
        schedule = self.schedule
        if not self.waiting:
            return schedule.cost
        total = schedule.cost
        least: dict[int, int] = {}
        for block in sorted(self.waiting, key=schedule.blocks.rank.__getitem__):
            day = next_day(schedule.days[block], self._least(block, least))
            if day is None:
                return NEVER
            least[block] = day
            total += schedule.price(block, day)
        return total

    def _least(self, block: int, least: dict[int, int]) -> int:
        schedule = self.schedule
        first = max(schedule.home[block], schedule.own[block])
        for other, lag in schedule.blocks.before[block]:
            first = max(first, (schedule.date[other] or least.get(other, 0)) + lag)
        return first

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
