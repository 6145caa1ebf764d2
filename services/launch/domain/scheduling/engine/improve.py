"""Making a plan cheaper: place moved blocks again, one by one, then several at once, within the steps allowed.

Nothing here is worse than what it started from. The choice of blocks is pseudo-random but fixed: the same input
always takes the same road.
"""

from collections.abc import Sequence

from services.launch.domain.scheduling.engine.schedule import NEVER, OUT, Schedule
from services.launch.domain.scheduling.engine.search import Dates, Reach, Search

MODULUS = 2**31 - 1

FACTOR = 48271

CONSTRUCT_STEPS = 1500

RESCUE_STEPS = 6000


def construct(search: Search, forced: list[int], lower_bound: int) -> bool:
    """Find a first plan: place the forced blocks, which are out, in several orders and keep the cheapest."""
    schedule = search.schedule
    limit, best = NEVER, None
    for usual, depth, order in _orders(search, forced):
        if best is not None and (not usual or limit <= lower_bound):
            break
        search.reach = Reach(depth, 3, 20)
        search.ejections.forget()
        search.allow(CONSTRUCT_STEPS if usual else RESCUE_STEPS)
        if search.insert_in_order(order, limit, depth):
            limit, best = schedule.cost, search.changes(0)
        schedule.undo(len(forced))
    if best is not None:
        search.apply(best)
    return best is not None


def _orders(search: Search, forced: list[int]) -> list[tuple[bool, int, list[int]]]:
    """(usual, depth, order): others than the usual ones only when nothing succeeds; the last tells who has no day."""
    schedule = search.schedule
    heavy = sorted(forced, key=lambda one: (-schedule.weight[one], schedule.home[one], one))
    early = sorted(forced, key=lambda one: (schedule.home[one], -schedule.weight[one], one))
    tight = sorted(forced, key=lambda one: (search.latest[one], -schedule.weight[one], one))
    usual = [(True, 1, heavy), (True, 1, early), (True, 0, heavy)]
    return [*usual, (False, 1, tight), (False, 2, tight), (False, 2, heavy), (False, 3, tight), (False, 0, heavy)]


class Improver:
    def __init__(self, search: Search, lower_bound: int) -> None:
        self.search = search
        self.schedule: Schedule = search.schedule
        self.lower_bound = lower_bound
        self.dice = 1

    def run(self, budget: int, reaches: Sequence[Reach]) -> None:
        """Improve the present plan until it is proved least or the steps are spent.

        Each reach is tried block by block; then blocks are shaken with one reach after the other.
        """
        search = self.search
        search.allow(budget)
        for reach in reaches:
            search.reach = reach
            self.settle()
        best, dates = self.schedule.cost, self.state()
        turn = 0
        while best > self.lower_bound and not search.tired and dates:
            before = self.schedule.cost
            search.reach = reaches[turn % len(reaches)]
            self.shake(2 + turn % 5)
            turn += 1
            if self.schedule.cost < before:
                self.settle()
            if self.schedule.cost < best:
                best, dates = self.schedule.cost, self.state()
        self.come_back(dates)

    def keep_order(self) -> None:
        """Let blocks that are alike move to the days they have together in the order in which they stood.

        They fit on the same days and pay the same for each, so that no plan costs more for it.
        """
        schedule, blocks = self.schedule, self.schedule.blocks
        alike: dict[tuple[int, int], list[int]] = {}
        for block in self.moved():
            if not blocks.before[block] and not blocks.behind[block]:
                alike.setdefault((schedule.kind[block], schedule.weight[block]), []).append(block)
        for group in alike.values():
            in_order = sorted(group, key=lambda block: (schedule.home[block], block))
            days = sorted(schedule.date[block] for block in group)
            pairs = list(zip(in_order, days, strict=True))
            if all(max(schedule.home[block] + 1, self.search.earliest(block)) <= day for block, day in pairs) and all(
                day <= self.search.latest[block] for block, day in pairs
            ):
                self.search.apply(pairs)

    def come_back(self, state: Dates) -> None:
        """Bring back a plan kept by `state`; blocks touched only since then go home."""
        home = self.schedule.home
        since = {block: home[block] for block, _ in self.state()}
        self.search.apply(sorted({**since, **dict(state)}.items()))

    def settle(self) -> None:
        """Repeat polishing and placing again one by one while the cost falls."""
        cost = self.schedule.cost + 1
        while self.schedule.cost < cost:
            cost = self.schedule.cost
            self.polish()
            for block in sorted(self.moved(), key=lambda one: (-self._price(one), one)):
                if self.schedule.cost <= self.lower_bound or self.search.tired:
                    break
                self.again([block, *self._behind(block)], self.search.reach.depth)
        self.polish()

    def _behind(self, block: int) -> list[int]:
        """Blocks that moved and come after this one, at any distance."""
        schedule = self.schedule
        found: list[int] = []
        rest = [block]
        while rest:
            for other, _ in schedule.blocks.behind[rest.pop()]:
                if schedule.date[other] != schedule.home[other] and other not in found:
                    found.append(other)
                    rest.append(other)
        return found

    def state(self) -> Dates:
        """Every block the plan has touched so far, with its date."""
        return self.search.changes(0)

    def moved(self) -> list[int]:
        home, date = self.schedule.home, self.schedule.date
        return [block for block, _ in self.state() if date[block] != home[block]]

    def polish(self) -> None:
        """Move every block to the earliest date it can have, all others as they are, until none is loose."""
        loose = True
        while loose:
            loose = False
            for block in sorted(self.moved(), key=lambda one: (self.schedule.blocks.rank[one], one)):
                loose |= self._earlier(block)

    def _earlier(self, block: int) -> bool:
        schedule = self.schedule
        mark = len(schedule.journal)
        now = schedule.date[block]
        schedule.take(block)
        day = self.search.first_free(block, now - 1)
        if day == OUT:
            schedule.undo(mark)
            return False
        schedule.put(block, day)
        return True

    def again(self, blocks: list[int], depth: int) -> bool:
        """Take these out and place them again in this order; kept only when the plan does not cost more."""
        schedule = self.schedule
        self.search.ejections.forget()
        cost, mark = schedule.cost, len(schedule.journal)
        for block in blocks:
            schedule.take(block)
        if self.search.insert_in_order(blocks, cost + 1, depth):
            return schedule.cost < cost
        schedule.undo(mark)
        return False

    def replace(self, blocks: list[int]) -> None:
        """Place these again where they fit first, even if that costs more; left alone when one finds no place."""
        mark = len(self.schedule.journal)
        if self.again(blocks, 0) or len(self.schedule.journal) > mark:
            return
        for block in blocks:
            self.schedule.take(block)
        if not self.search.insert_in_order(blocks, NEVER, 0):
            self.schedule.undo(mark)

    def shake(self, largest: int) -> None:
        """Take some moved blocks that are close in time out, and place them again in another order."""
        moved = self.moved()
        if not moved:
            return
        pivot = moved[self._roll(len(moved))]
        date = self.schedule.date
        near = sorted(moved, key=lambda one: (abs(date[one] - date[pivot]), one))[: 3 * largest]
        chosen = [pivot]
        while near and len(chosen) < largest:
            other = near.pop(self._roll(len(near)))
            chosen += [] if other in chosen else [other]
        chosen.insert(self._roll(len(chosen)), chosen.pop(0))
        self.search.steps += 2 * len(chosen)
        self.again(chosen, self.search.reach.depth)

    def _roll(self, sides: int) -> int:
        self.dice = self.dice * FACTOR % MODULUS
        return self.dice % sides

    def _price(self, block: int) -> int:
        return self.schedule.price(block, self.schedule.date[block])
