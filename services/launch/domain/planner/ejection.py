"""Who would have to leave so that a block fits on a date: small sets of blocks, the cheapest first.

Looks at the schedule and changes nothing. Whether to eject anybody is decided in search.py.
"""

from collections.abc import Iterator

from services.launch.domain.planner.allowed import next_day
from services.launch.domain.planner.schedule import NEVER, Schedule

POOL = 8  # candidates looked at for one crowded week
LARGEST = 5  # blocks ejected at once

Candidate = tuple[int, int, int]  # (price, block, units in the crowded week)


class Ejections:
    """`latest` are the deadlines; `locked` blocks stay where they are."""

    def __init__(self, schedule: Schedule, latest: list[int], locked: set[int]) -> None:
        self._schedule = schedule
        self._latest = latest
        self._locked = locked

    def price(self, block: int) -> int:
        """Estimate what it costs to push the block from where it is to its next date."""
        schedule = self._schedule
        if schedule.pinned[block] or block in self._locked:
            return NEVER
        now = schedule.date[block]
        day = next_day(schedule.days[block], now + 1)
        if day is None or day > self._latest[block]:
            return NEVER
        return schedule.nudge[block] if now == schedule.home[block] else schedule.weight[block] * (day - now)

    def sets(self, block: int, day: int, width: int) -> list[tuple[int, tuple[int, ...]]]:
        """Return at most `width` sets, each with the estimated price."""
        must = self._must(block, day)
        if must is None:
            return []
        crowds = self._crowds(block, day)
        if not crowds:
            return [self._priced(must)]
        pools = {at: self._pool(at) for at, _ in crowds}
        starts: list[frozenset[int]] = [must]
        starts += [must | {other} for at, _ in crowds for _, other, _ in pools[at][: width - 1]]
        found = {done for start in starts if (done := self._complete(start, crowds, pools)) is not None}
        return sorted(self._priced(one) for one in found)[:width]

    def _priced(self, blocks: frozenset[int]) -> tuple[int, tuple[int, ...]]:
        return sum(self.price(other) for other in blocks), tuple(sorted(blocks))

    def _must(self, block: int, day: int) -> frozenset[int] | None:
        """Blocks on the same segments and too close on the same line, or None when one of them cannot leave."""
        schedule = self._schedule
        week = schedule.week(day)
        must = set(schedule.near(block, day)) if schedule.scopes[block] else set()
        for at in schedule.segments[block]:
            must |= schedule.speakers.get(at + week, set())
        if len(must) > LARGEST or any(self.price(other) >= NEVER for other in must):
            return None
        return frozenset(must)

    def _crowds(self, block: int, day: int) -> list[tuple[int, int]]:
        """Weeks of teams without room, and how many units are missing, the worst first."""
        week, free = self._schedule.week(day), self._schedule.free
        short = [(at + week, units - free[at + week]) for at, units in self._schedule.profile[block]]
        return sorted((one for one in short if one[1] > 0), key=lambda one: (-one[1], one[0]))

    def _pool(self, at: int) -> list[Candidate]:
        schedule = self._schedule
        found = []
        for other in schedule.users[at]:
            price = self.price(other)
            if price < NEVER:
                found.append((price, other, schedule.load[other][at - schedule.week(schedule.date[other])]))
        found.sort()
        return found[:POOL]

    def _complete(
        self, start: frozenset[int], crowds: list[tuple[int, int]], pools: dict[int, list[Candidate]]
    ) -> frozenset[int] | None:
        """Add the candidates with the best price for a unit until every week has room."""
        chosen = set(start)
        for at, short in crowds:
            missing = short - sum(self._units(other, at) for other in chosen)
            for _, other, units in self._best(pools[at], chosen, missing):
                if missing <= 0:
                    break
                chosen.add(other)
                missing -= units
            if missing > 0 or len(chosen) > LARGEST:
                return None
        return frozenset(chosen)

    def _best(self, pool: list[Candidate], chosen: set[int], missing: int) -> Iterator[Candidate]:
        if missing <= 0:
            return iter(())
        rest = (one for one in pool if one[1] not in chosen)
        return iter(sorted(rest, key=lambda one: (one[0] * 12 // min(one[2], missing), one)))

    def _units(self, block: int, at: int) -> int:
        schedule = self._schedule
        return schedule.load[block].get(at - schedule.week(schedule.date[block]), 0)
