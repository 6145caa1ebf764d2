"""Who would have to leave so that a block fits on a date: small sets of blocks, the cheapest first.

Looks at the schedule and changes nothing. Whether to eject anybody is decided in search.py.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from services.launch.domain.scheduling.engine.model import DAYS_A_WEEK, next_monday
from services.launch.domain.scheduling.engine.schedule import NEVER, OUT, Schedule

POOL = 6  # candidates kept for one crowded week

ASKED = 48  # candidates whose price is found out for one crowded week

LARGEST = 5  # blocks ejected at once

FARTHEST = 14  # dates looked at for a block that leaves


class EjectionCandidate(NamedTuple):
    price: int
    block: int
    units: int  # in the crowded week


class Leaving(NamedTuple):
    """Blocks that leave; `price` if each goes to its next free date, `least` if everything else made room."""

    price: int
    least: int
    blocks: tuple[int, ...]


class Ejections:
    """`latest` are the deadlines; `locked` blocks stay where they are."""

    def __init__(self, schedule: Schedule, latest: list[int], locked: set[int]) -> None:
        self._schedule = schedule
        self._latest = latest
        self._locked = locked
        self._next: dict[tuple[int, int], int] = {}  # where blocks of a kind would go from a date
        self.steps = 0

    def sets(self, block: int, day: int, width: int) -> list[Leaving]:
        """Return at most `width` sets."""
        must = self._must(block, day)
        if must is None:
            return []
        crowds = self._crowds(block, day)
        if not crowds:
            return [self._leaving(must)]
        pools = {at: self._pool(at) for at, _ in crowds}
        starts: list[frozenset[int]] = [must]
        starts += [must | {other.block} for other in pools[crowds[0][0]][:width]]
        found = {done for start in starts if (done := self._complete(start, crowds, pools)) is not None}
        return sorted(self._leaving(one) for one in found)[:width]

    # ---- prices

    def price(self, block: int) -> int:
        """What it costs when the block leaves for its next free date, with the least its successors pay then."""
        schedule = self._schedule
        if schedule.pinned[block] or block in self._locked:
            return NEVER
        now = schedule.date[block]
        day = self._next_free(block, now)
        if day == OUT:
            return NEVER
        price = schedule.price(block, day) - schedule.price(block, now)
        for other, lag in schedule.blocks.behind[block]:
            if schedule.date[other] == schedule.home[other] and schedule.home[other] < day + lag:
                price += schedule.nudge[other]
        return price

    def _next_free(self, block: int, now: int) -> int:
        """Next free date, which may be a little out of date: it only guides the choice."""
        key = (self._schedule.kind[block], now)
        if key not in self._next:
            self._next[key] = self._look_ahead(block, now)
        day = self._next[key]
        return day if day <= self._latest[block] else OUT

    def forget(self) -> None:
        """Look at all dates afresh from now on."""
        self._next.clear()

    def _look_ahead(self, block: int, now: int) -> int:
        """First free day after this week, or the last one looked at; OUT when there is none."""
        schedule = self._schedule
        days, daily = schedule.days[block], bool(schedule.scopes[block])
        week, found, asked = -1, OUT, 0  # in its own week it would not give room
        mark = len(schedule.journal)
        schedule.take(block)
        for at in range(bisect_left(days, next_monday(now)), len(days)):
            day = days[at]
            if asked > FARTHEST:
                break
            if not daily and (day - 1) // DAYS_A_WEEK == week:
                continue
            week, found, asked = (day - 1) // DAYS_A_WEEK, day, asked + 1
            if schedule.fits(block, day):
                break
        schedule.undo(mark)
        self.steps += asked + 2
        return found

    def _leaving(self, blocks: frozenset[int]) -> Leaving:
        schedule = self._schedule
        least = sum(schedule.leave[other] for other in blocks if schedule.date[other] == schedule.home[other])
        price = sum(self.price(other) for other in blocks)
        return Leaving(price, min(price, least), tuple(sorted(blocks)))

    # ---- who

    def _must(self, block: int, day: int) -> frozenset[int] | None:
        """Blocks on the same segments and too close on the same line, or None when one of them cannot leave.

        Of those that tell a segment more than it may hear in the week the cheapest leave.
        """
        schedule = self._schedule
        week = schedule.week(day)
        must = set(schedule.near(block, day)) if schedule.scopes[block] else set()
        for at in schedule.segments[block]:
            must |= schedule.speakers.get(at + week, set())
        for over, others in schedule.too_many(block, day):
            short = over - len(must.intersection(others))
            cheapest = sorted((self.price(other), other) for other in others if other not in must)
            if short > len(cheapest):
                return None
            must.update(other for _, other in cheapest[: max(0, short)])
        if len(must) > LARGEST or any(self.price(other) >= NEVER for other in must):
            return None
        return frozenset(must)

    def _crowds(self, block: int, day: int) -> list[tuple[int, int]]:
        """Weeks of teams without room, and how many units are missing, the worst first."""
        week, free = self._schedule.week(day), self._schedule.free
        short = [(at + week, units - free[at + week]) for at, units in self._schedule.profile[block]]
        return sorted((one for one in short if one[1] > 0), key=lambda one: (-one[1], one[0]))

    def _pool(self, at: int) -> list[EjectionCandidate]:
        """Users of the week who can leave, the cheapest first; no more are asked when the rest must cost more."""
        found: list[EjectionCandidate] = []
        for least, other in islice(self._by_least(at), ASKED):
            if len(found) >= POOL and least > found[-1].price:
                break
            price = self.price(other)
            if price < NEVER:
                found.append(EjectionCandidate(price, other, self._units(other, at)))
                found.sort()
                del found[POOL:]
        return found

    def _by_least(self, at: int) -> Iterator[tuple[int, int]]:
        """Unpinned users of the week by the least they must pay: guests nothing, those at home the price of leaving."""
        schedule = self._schedule
        users, date, home = schedule.users[at], schedule.date, schedule.home
        yield from sorted((0, other) for other in users if date[other] != home[other])
        yield from (one for one in schedule.residents[at] if date[one[1]] == home[one[1]])

    def _complete(
        self, start: frozenset[int], crowds: list[tuple[int, int]], pools: dict[int, list[EjectionCandidate]]
    ) -> frozenset[int] | None:
        """Add the candidates with the best price for a unit until every week has room."""
        chosen = set(start)
        for at, short in crowds:
            missing = short - sum(self._units(other, at) for other in chosen)
            for other in self._best(pools[at], chosen, missing):
                if missing <= 0:
                    break
                chosen.add(other.block)
                missing -= other.units
            if missing > 0 or len(chosen) > LARGEST:
                return None
        return frozenset(chosen)

    def _best(self, pool: list[EjectionCandidate], chosen: set[int], missing: int) -> Iterator[EjectionCandidate]:
        if missing <= 0:
            return iter(())
        rest = (one for one in pool if one.block not in chosen)
        return iter(sorted(rest, key=lambda one: (one.price * 12 // min(one.units, missing), one)))

    def _units(self, block: int, at: int) -> int:
        schedule = self._schedule
        return schedule.load[block].get(at - schedule.week(schedule.date[block]), 0)
