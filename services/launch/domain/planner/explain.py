"""From the final schedule to a plan that gives its reasons: chains of causes, conflicts, moves nobody asked for.

Knows nothing of how the schedule was found, so that the words do not depend on the solver.
"""

from collections.abc import Container

from services.launch.domain.planner.model import Conflict, Link, Move
from services.launch.domain.planner.oracle import Reason, reasons
from services.launch.domain.planner.schedule import Schedule

EVENT = -1  # stands for the event where a block may stand
ORDER = ("ready", "notice", "after", "capacity", "spacing", "apart", "workday", "freeze", "train")


class Causes:
    """Why each moved block could not stay at home, and by whom the event reached it."""

    def __init__(
        self, schedule: Schedule, moved: list[int], features: Container[str], grown: frozenset[int] = frozenset()
    ) -> None:
        self.schedule = schedule
        self.features = features
        self.grown = grown  # blocks that the event itself made need more than there is at home
        self.reasons = {block: self._reasons(block) for block in moved}
        self.parent: dict[int, tuple[int, Reason]] = {}
        self._spread()

    def _reasons(self, block: int) -> list[Reason]:
        """Every reason against its old date, in the fixed order of the rules."""
        mark = len(self.schedule.journal)
        self.schedule.take(block)
        found = [one for one in reasons(self.schedule, block, self.schedule.home[block]) if one.constraint in ORDER]
        self.schedule.undo(mark)
        return sorted(found, key=lambda one: (ORDER.index(one.constraint), one.launch, one.detail))

    def _spread(self) -> None:
        """Walk from the event in widening circles, the least block first: the shortest chains, always the same."""
        blamed = self._blamed()
        circle = [EVENT]
        while circle:
            reached = [(block, culprit, reason) for culprit in circle for block, reason in blamed.get(culprit, ())]
            fresh: dict[int, tuple[int, Reason]] = {}
            for block, culprit, reason in reached:
                if block not in self.parent:
                    fresh.setdefault(block, (culprit, reason))
            self.parent |= fresh
            circle = sorted(fresh)

    def _blamed(self) -> dict[int, list[tuple[int, Reason]]]:
        """By culprit: whom it keeps from staying at home, and how."""
        blamed: dict[int, list[tuple[int, Reason]]] = {}
        for block in sorted(self.reasons):
            for reason in self.reasons[block]:
                for culprit in self._culprits(block, reason):
                    blamed.setdefault(culprit, []).append((block, reason))
        return blamed

    def _culprits(self, block: int, reason: Reason) -> list[int]:
        if reason.feature is not None:
            return [EVENT] if reason.feature in self.features else []
        moved = [other for other in sorted(reason.culprits) if other in self.reasons]
        by_event = block in self.grown or not reason.culprits.isdisjoint(self.grown - self.reasons.keys())
        return [EVENT, *moved] if by_event else moved

    def unexplained(self) -> list[int]:
        return [block for block in self.reasons if block not in self.parent]

    def chain(self, block: int) -> list[Link]:
        """Links from the event to the block."""
        links: list[Link] = []
        at = block
        while at != EVENT:
            # A block nobody is to blame for would be a fault of the engine; its own reason is all there is to say.
            culprit, reason = self.parent.get(at) or (EVENT, self.reasons[at][0])
            links.append(Link(reason.launch, reason.constraint, reason.detail))
            at = culprit
        return links[::-1]

    def moves(self) -> list[Move]:
        schedule = self.schedule
        found = []
        for block in self.reasons:
            chain = self.chain(block)
            carrier = chain[-1].launch
            for launch in schedule.blocks.members[block]:
                own = () if launch.id == carrier else (Link(launch.id, "together", f"same date as {carrier}"),)
                found.append(Move(launch.id, schedule.home[block], schedule.date[block], (*chain, *own)))
        return sorted(found)


def conflicts(schedule: Schedule, pinned: set[int], stuck: set[int]) -> list[Conflict]:
    """One for each pinned launch and rule it breaks now, and one for each launch without any date."""
    found = [
        Conflict(launch.id, "horizon", "no date up to the horizon")
        for block in stuck
        for launch in schedule.blocks.members[block]
    ]
    for block in pinned:
        first: dict[tuple[str, str], str] = {}
        for reason in _bounds(schedule, block):
            first.setdefault((reason.launch, reason.constraint), reason.detail)
        found += [Conflict(launch, constraint, detail) for (launch, constraint), detail in first.items()]
    return sorted(found)


def _bounds(schedule: Schedule, block: int) -> list[Reason]:
    return [
        one for one in reasons(schedule, block, schedule.home[block]) if one.constraint in ("ready", "notice", "after")
    ]
