"""Why a block cannot sit on a date, all others as they are: every broken rule, with numbers and culprits.

The one source of explanations, whoever made the plan. It looks and changes nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from services.launch.domain.planner.model import Launch, iso_day, iso_week
from services.launch.domain.planner.schedule import Schedule


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


def _calendar(schedule: Schedule, launch: Launch, day: int) -> Iterator[Reason]:
    for name, detail in schedule.calendar.broken(launch, day):
        yield Reason(name, launch.id, detail, frozenset())


def _features(schedule: Schedule, launch: Launch, day: int) -> Iterator[Reason]:
    policy = schedule.policy
    for name in sorted(set(launch.features)):
        ready, confident = schedule.features[name]
        if day < ready + policy.soak[launch.tier]:
            yield Reason("ready", launch.id, f"{name} ready {iso_day(ready)}", frozenset(), name)
        if day < confident + policy.lead[launch.tier]:
            yield Reason("notice", launch.id, f"{name} confident since {iso_day(confident)}", frozenset(), name)


def _after(schedule: Schedule, launch: Launch, day: int) -> Iterator[Reason]:
    for name, lag in sorted(set(launch.after)):
        other = schedule.blocks.block_of[name]
        if day < schedule.date[other] + lag:
            detail = f"{lag} days after {name} on {iso_day(schedule.date[other])}"
            yield Reason("after", launch.id, detail, frozenset([other]))


def _capacity(schedule: Schedule, block: int, day: int) -> Iterator[Reason]:
    week = schedule.week(day)
    for at, units in sorted(schedule.profile[block]):
        free = schedule.free[at + week]
        if free >= units:
            continue
        row, column = divmod(at + week, schedule.width)
        team, absolute = schedule.teams[row], column - schedule.pad + schedule.calendar.first_week
        listed = absolute - team.first_week
        capacity = team.capacity[listed] if 0 <= listed < len(team.capacity) else 0
        detail = f"{team.id} {iso_week(absolute)}: {capacity - free} of {capacity} used, {units} needed"
        offset = column - schedule.pad - week
        launch = next(
            one.id for one in schedule.blocks.members[block] if any(w[:2] == (team.id, offset) for w in one.work)
        )
        yield Reason("capacity", launch, detail, frozenset(schedule.users[at + week]))


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
        others = {other for date, other in schedule.lines[scope] if abs(date - day) < gap}
        if others:
            launch = next(one.id for one in schedule.blocks.members[block] if (one.line, one.tier) == scope)
            dates = " ".join(
                f"{name} {iso_day(schedule.date[other])}"
                for other in sorted(others)
                for name in _names(schedule, {other})
            )
            yield Reason("apart", launch, f"{gap} days from {dates} in {scope[0]}", frozenset(others))


def _names(schedule: Schedule, blocks: set[int]) -> list[str]:
    return [schedule.blocks.members[other][0].id for other in sorted(blocks)]
