"""What an event forces, whatever else is done: longest paths, deadlines, and a floor under the cost.

Everything here holds for every right-only plan. No search and no decision.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from services.launch.domain.scheduling.engine.model import last_day, next_day
from services.launch.domain.scheduling.engine.schedule import NEVER, Schedule


@dataclass(slots=True)
class Forced:
    """`dates` of blocks that must move, `broken` pinned blocks that cannot hold, `stuck` blocks without any date."""

    dates: dict[int, int] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    overrun: set[int] = field(default_factory=set)  # of the broken ones, those whose predecessors come too late
    stuck: set[int] = field(default_factory=set)


def first_day(schedule: Schedule, block: int, dates: dict[int, int]) -> tuple[int, int]:
    """Return the earliest day by features and the earliest by predecessors on the given (else baseline) dates."""
    after = 0
    for other, lag in schedule.blocks.before[block]:
        after = max(after, dates.get(other, schedule.home[other]) + lag)
    return schedule.own[block], after


def force(schedule: Schedule, seeds: Iterable[int], held: set[int]) -> Forced:
    """Follow the event through the order of the launches; `held` blocks stay, as they have no date to go to."""
    forced = Forced()
    rank, order = schedule.blocks.rank, schedule.blocks.order
    heap = sorted({rank[block] for block in seeds})
    done = set(heap)
    while heap:
        block = order[heappop(heap)]
        if not _force_one(schedule, block, forced, held):
            continue
        for other, _ in schedule.blocks.behind[block]:
            if rank[other] not in done:
                done.add(rank[other])
                heappush(heap, rank[other])
    return forced


def _force_one(schedule: Schedule, block: int, forced: Forced, held: set[int]) -> bool:
    """Decide about one block; True when it must move."""
    own, after = first_day(schedule, block, forced.dates)
    first = max(own, after)
    if first <= schedule.home[block]:
        return False
    if schedule.pinned[block]:
        forced.broken.add(block)
        if after > schedule.home[block]:
            forced.overrun.add(block)
        return False
    day = next_day(schedule.days[block], first)
    if day is None or block in held:
        forced.stuck.add(block)
        return False
    forced.dates[block] = day
    return True


class Deadlines:
    """Latest date of each block that keeps its own last day, those of its successors, and every pinned successor.

    A successor that breaks anyway does not count.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.latest = [0] * len(schedule.home)
        for block in reversed(schedule.blocks.order):
            self.latest[block] = self._of(block, frozenset())

    def _of(self, block: int, freed: frozenset[int]) -> int:
        schedule = self._schedule
        latest = schedule.last[block]
        for other, lag in schedule.blocks.behind[block]:
            if other in freed:
                continue
            if schedule.pinned[other]:
                latest = min(latest, schedule.home[other] - lag)
            else:
                latest = min(latest, last_day(schedule.days[other], self.latest[other]) - lag)
        return latest

    def without(self, freed: frozenset[int]) -> list[tuple[int, int]]:
        """Free these blocks, pinned or with a last day, from being kept; returns what to give to `restore`."""
        rank = self._schedule.blocks.rank
        before = {rank[other] for block in freed for other, _ in self._schedule.blocks.before[block]}
        changed = []
        heap = sorted(-place for place in before)
        while heap:
            block = self._schedule.blocks.order[-heappop(heap)]
            latest = self._of(block, freed)
            if latest == self.latest[block]:
                continue
            changed.append((block, self.latest[block]))
            self.latest[block] = latest
            for other, _ in self._schedule.blocks.before[block]:
                heappush(heap, -rank[other])
        return changed

    def restore(self, changed: list[tuple[int, int]]) -> None:
        for block, latest in reversed(changed):
            self.latest[block] = latest


def floor_cost(schedule: Schedule, forced: Forced) -> int:
    """Less than this no plan costs: each forced block pays for its date and for the cheapest way to make room there.

    The forced blocks must be out of the schedule and all others at home. A block that might make room for several
    is charged once: whoever was looked at for one forced block is free for the next.
    """
    paid: set[int] = set()
    return sum(_cheapest(schedule, block, day, paid) for block, day in sorted(forced.dates.items()))


def _cheapest(schedule: Schedule, block: int, first: int, paid: set[int]) -> int:
    best, seen = NEVER, set[int]()
    days = schedule.days[block]
    for day in days[bisect_left(days, first) :]:
        price = schedule.price(block, day)
        if price >= best:
            break
        best = min(best, price + _room(schedule, block, day, (paid, seen)))
    paid |= seen
    return schedule.price(block, first) if best >= NEVER else best


def _room(schedule: Schedule, block: int, day: int, marks: tuple[set[int], set[int]]) -> int:
    """Least price of the moves without which the block does not fit on the day."""
    paid, seen = marks
    week = schedule.week(day)
    crowds = [(units - schedule.free[at + week], at + week) for at, units in schedule.profile[block]]
    price = 0
    for over, at in crowds:
        if over > 0:
            price = max(price, _relief(schedule, at, over, paid))
            seen |= schedule.users[at]
    speaking = set().union(*(schedule.speakers.get(at + week, ()) for at in schedule.segments[block]))
    near = set(schedule.near(block, day)) - speaking
    seen |= speaking | near
    for _, others in schedule.too_many(block, day):
        loose = [0 if other in paid else schedule.leave[other] for other in others]
        price = max(price, min(loose, default=NEVER))
        seen |= set(others)
    must = sum(schedule.leave[other] for other in speaking - paid) + sum(schedule.nudge[other] for other in near - paid)
    return min(NEVER, max(price, must))


def _relief(schedule: Schedule, at: int, over: int, paid: set[int]) -> int:
    """Least price of taking so many units out of a team's week."""
    loose = [other for other in schedule.users[at] if not schedule.pinned[other]]
    if sum(schedule.load[other][at - schedule.week(schedule.date[other])] for other in loose) < over:
        return NEVER
    return min(0 if other in paid else schedule.leave[other] for other in loose)
