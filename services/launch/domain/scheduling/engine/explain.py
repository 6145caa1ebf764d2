"""Why a block cannot sit on a date, all others as they are: every broken rule, with numbers and culprits.

The one source of explanations, whoever made the plan. It looks and changes nothing.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from services.launch.domain.scheduling.engine.model import (
    REST,
    ChainStep,
    Entry,
    EntryConflict,
    EntryMove,
    iso_day,
    iso_week,
)
from services.launch.domain.scheduling.engine.schedule import Schedule


class Reason(NamedTuple):
    """A broken rule. `culprits` are blocks; an empty set with a `feature` blames the feature."""

    constraint: str
    launch: str
    detail: str
    culprits: frozenset[int]
    feature: str | None = None


def reasons(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    """All reasons. The block itself must be out of the schedule."""
    for launch in schedule.blocks.members[block]:
        yield from _calendar(schedule, launch, day)
        yield from _features(schedule, launch, day)
        yield from _after(schedule, launch, day)
    yield from _capacity(schedule, block, day)
    yield from _spacing(schedule, block, day)
    yield from _apart(schedule, block, day)
    yield from _touches(schedule, block, day)


def _calendar(schedule: Schedule, launch: Entry, day: int) -> Iterator[Reason]:
    for name, detail in schedule.calendar.broken(launch, day):
        yield Reason(name, launch.id, detail, frozenset())


def _features(schedule: Schedule, launch: Entry, day: int) -> Iterator[Reason]:
    policy = schedule.policy
    for name in sorted(set(launch.features)):
        ready, confident = schedule.features[name]
        if day < ready + policy.soak[launch.tier]:
            yield Reason("ready", launch.id, f"{name} ready {iso_day(ready)}", frozenset(), name)
        if day < confident + policy.lead[launch.tier]:
            yield Reason("notice", launch.id, f"{name} confident since {iso_day(confident)}", frozenset(), name)


def _after(schedule: Schedule, launch: Entry, day: int) -> Iterator[Reason]:
    for name, lag in sorted(set(launch.after)):
        other = schedule.blocks.block_of[name]
        if day < schedule.date[other] + lag:
            detail = f"{lag} days after {name} on {iso_day(schedule.date[other])}"
            yield Reason("after", launch.id, detail, frozenset([other]))


def _capacity(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    week = schedule.week(day)
    for at, units in sorted(schedule.profile[block], key=lambda need: (schedule.team_at(need[0]).id, need[0])):
        free = schedule.free[at + week]
        if free >= units:
            continue
        row, column = divmod(at + week, schedule.width)
        team, absolute = schedule.teams[row], column - schedule.pad + schedule.calendar.first_week
        listed = absolute - team.first_week
        capacity = team.capacity[listed] if 0 <= listed < len(team.capacity) else 0
        detail = f"{team.name or team.id} {iso_week(absolute)}: {capacity - free} of {capacity} used, {units} needed"
        offset = column - schedule.pad - week
        launch = next(
            one.id for one in schedule.blocks.members[block] if any(w[:2] == (team.id, offset) for w in one.work)
        )
        yield Reason(team.constraint, launch, detail, frozenset(schedule.users[at + week]))


def _spacing(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    week = schedule.week(day)
    for at in schedule.segments[block]:
        others = schedule.speakers.get(at + week)
        if others:
            segment = schedule.segment_names[at // schedule.width]
            launch = next(one.id for one in schedule.blocks.members[block] if segment in one.segments)
            names = " ".join(_names(schedule, others))
            detail = f"{segment} hears of {names} in {iso_week(week + schedule.calendar.first_week)}"
            yield Reason("spacing", launch, detail, frozenset(others))


def _apart(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    for scope, gap in schedule.scopes[block]:
        others = set(schedule.near_in(block, day, scope, gap))
        if others and scope.constraint == REST:
            launch = next(one.id for one in schedule.blocks.members[block] if (scope, gap) in one.scopes)
            days = ", ".join(iso_day(heard) for heard in sorted({schedule.date[other] for other in others}))
            detail = f"{scope.name} hears something else on {days}; {gap - 1} days of rest are due between"
            yield Reason(REST, launch, detail, frozenset(others))
        elif others:
            launch = next(one.id for one in schedule.blocks.members[block] if (scope, gap) in one.scopes)
            dates = " ".join(
                f"{name} {iso_day(schedule.date[other])}"
                for other in sorted(others)
                for name in _names(schedule, {other})
            )
            yield Reason(scope.constraint, launch, f"{gap} days from {dates} in {scope.name}", frozenset(others))


def _touches(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    week, most = schedule.week(day), schedule.portfolio.touches
    for at in schedule.audience[block]:
        aboard = schedule.is_aboard(block, day)
        heard = schedule.touches(at + week, aboard)
        if heard >= most:
            segment = schedule.segment_names[at // schedule.width]
            launch = next(one.id for one in schedule.blocks.members[block] if segment in one.audience)
            told = f"that makes {heard + 1} announcements to {segment}"
            detail = f"{told} in {iso_week(week + schedule.calendar.first_week)}; {most} are allowed"
            others = (
                other
                for other in schedule.listening[at + week]
                if not (aboard and schedule.is_aboard(other, schedule.date[other]))
            )
            yield Reason("touches", launch, detail, frozenset(others))


def _names(schedule: Schedule, blocks: set[int]) -> list[str]:
    return [schedule.blocks.members[other][0].id for other in sorted(blocks)]


EVENT = -1  # stands for the event where a block may stand

ORDER = ("ready", "notice", "after", "capacity", "spacing", "apart", "workday", "freeze", "train")
NO_CAUSE = frozenset({"today", "horizon", "soft_freeze"})


def _place(constraint: str) -> int:
    return ORDER.index(constraint) if constraint in ORDER else len(ORDER)


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
        found = [
            one for one in reasons(self.schedule, block, self.schedule.home[block]) if one.constraint not in NO_CAUSE
        ]
        self.schedule.undo(mark)
        return sorted(found, key=lambda one: (_place(one.constraint), one.launch, one.detail))

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

    def chain(self, block: int) -> list[ChainStep]:
        """Links from the event to the block."""
        links: list[ChainStep] = []
        at = block
        while at != EVENT:
            # A block nobody is to blame for would be a fault of the engine; its own reason is all there is to say.
            culprit, reason = self.parent.get(at) or (EVENT, self.reasons[at][0])
            links.append(ChainStep(reason.launch, reason.constraint, reason.detail))
            at = culprit
        return links[::-1]

    def moves(self) -> list[EntryMove]:
        schedule = self.schedule
        found = []
        for block in self.reasons:
            chain = self.chain(block)
            carrier = chain[-1].launch
            for launch in schedule.blocks.members[block]:
                own = () if launch.id == carrier else (ChainStep(launch.id, "together", f"same date as {carrier}"),)
                found.append(EntryMove(launch.id, schedule.home[block], schedule.date[block], (*chain, *own)))
        return sorted(found)


def conflicts(schedule: Schedule, pinned: set[int], stuck: set[int]) -> list[EntryConflict]:
    """One for each pinned launch and rule it breaks now, and one for each launch without any date."""
    found = [
        EntryConflict(launch.id, "horizon", "no date up to the horizon")
        for block in stuck
        for launch in schedule.blocks.members[block]
    ]
    for block in pinned:
        first: dict[tuple[str, str], str] = {}
        for reason in _bounds(schedule, block):
            first.setdefault((reason.launch, reason.constraint), reason.detail)
        found += [EntryConflict(launch, constraint, detail) for (launch, constraint), detail in first.items()]
    return sorted(found)


def _bounds(schedule: Schedule, block: int) -> list[Reason]:
    return [
        one for one in reasons(schedule, block, schedule.home[block]) if one.constraint in ("ready", "notice", "after")
    ]
