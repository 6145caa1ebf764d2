"""Launches that share a date, contracted into blocks, the order in which blocks follow each other, and their columns.

A `together` group is one block, any other launch is a block of its own. Blocks are numbered by their least launch
id, so that nothing depends on the order of a list. No dates and no rules here.
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from services.launch.domain.scheduling.engine.model import CycleError, Entry, Lag

Members = tuple[Entry, ...]

Edge = tuple[int, Lag]  # (other block, lag)


class Blocks:
    """`members[b]` sorted by id; `before[b]` and `behind[b]` are edges; `rank[b]` is a topological place."""

    def __init__(self, members: Sequence[Members]) -> None:
        self.members = list(members)
        self.block_of = {launch.id: at for at, block in enumerate(self.members) for launch in block}
        self.before: list[list[Edge]] = [self._edges(block) for block in self.members]
        self.behind: list[list[Edge]] = [[] for _ in self.members]
        for at, edges in enumerate(self.before):
            for other, lag in edges:
                self.behind[other].append((at, lag))
        self.order = self._topological()
        self.rank = [0] * len(self.members)
        for place, block in enumerate(self.order):
            self.rank[block] = place

    def add(self) -> None:
        """A block without launches at the end, bound to no other."""
        at = len(self.members)
        self.members.append(())
        self.before.append([])
        self.behind.append([])
        self.order.append(at)
        self.rank.append(at)

    def pop(self) -> None:
        """Take back the last `add`; the block must be empty again."""
        for column in (self.members, self.before, self.behind, self.rank):
            column.pop()
        self.order.remove(len(self.members))

    def _edges(self, block: Members) -> list[Edge]:
        """Of calendar lags behind the same block the longest counts; working days compare with nothing."""
        lags: dict[int, int] = {}
        edges: list[Edge] = []
        for launch in block:
            for name, lag in launch.after:
                other = self.block_of[name]
                if isinstance(lag, int):
                    lags[other] = max(lag, lags.get(other, lag))
                else:
                    edges.append((other, lag))
        return sorted([*lags.items(), *edges], key=lambda edge: edge[0])

    def _topological(self) -> list[int]:
        waiting = [len(edges) for edges in self.before]
        ready = [at for at, count in enumerate(waiting) if not count]
        heapify(ready)
        order = []
        while ready:
            order.append(heappop(ready))
            for other, _ in self.behind[order[-1]]:
                waiting[other] -= 1
                if not waiting[other]:
                    heappush(ready, other)
        if len(order) < len(self.members):
            raise CycleError(self._cycle(set(range(len(self.members))) - set(order)))
        return order

    def _cycle(self, left: set[int]) -> tuple[str, ...]:
        """Name one cycle among the blocks that are left, each of which has a predecessor that is left."""
        walk: list[int] = []
        at = min(left)
        while at not in walk:
            walk.append(at)
            at = next(other for other, _ in self.before[at] if other in left)
        ring = walk[walk.index(at) :][::-1]
        least = ring.index(min(ring))
        ring = ring[least:] + ring[:least]
        steps = [self._step(earlier, later) for earlier, later in zip([ring[-1], *ring], ring, strict=False)]
        names: list[str] = []
        for (_, follower), (leader, _) in zip(steps, [*steps[1:], steps[0]], strict=True):
            names += [follower] if follower == leader else [follower, leader]
        return (*names, names[0])

    def _step(self, earlier: int, later: int) -> tuple[str, str]:
        """Name the launches by which one block follows another: the predecessor and its successor."""
        return next(
            (name, launch.id)
            for launch in self.members[later]
            for name, _ in launch.after
            if self.block_of[name] == earlier
        )


def named_once(launches: Iterable[Entry]) -> list[Members]:
    """Contract the groups: every member of a group in one tuple, sorted by id."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for launch in sorted(launches, key=lambda one: one.id):
        key = ("launch", launch.id) if launch.together is None else ("group", launch.together)
        groups.setdefault(key, []).append(launch)
    return [tuple(members) for members in groups.values()]


def order_launches(members: Sequence[Members]) -> Blocks:
    """Build the blocks. Raises CycleError, also when members of one group follow each other."""
    return Blocks(members)
