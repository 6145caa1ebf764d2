"""Nobody crowds a segment: what it hears in a week, and how long it rests between two announcements. One rule.

An announcement is a launch on its own, a group that launches together, or all that ride on one day's train. Launches
that name no segment bind nobody, and for touches and rest nor do those that are not told outside (market T4).
"""

from collections.abc import Iterator
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import tier_of
from services.launch.domain.rules.rule import Board, Rule, Spot, Violation, monday_of
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId

SPACING, TOUCHES, REST = "spacing", "touches", "rest"
CROWDING = frozenset({TOUCHES, REST})
"""The constraints of conflicts that say who crowds whom: of launches that crowd each other one says so, for all."""

Heard = dict[tuple[date, str], list[LaunchId]]
"""By announcement, a day and what is announced on it: the launches that it tells of."""

EVERYBODY = "everybody"
"""The segment of launches that name none; it needs no rest."""


class Crowding(Rule):
    """Each named segment hears once a week of the tiers in `spacing`, so many announcements in all, and rests between.

    `spacing`: tiers of which it hears once in an ISO week · `touches_per_week`: announcements in one · `rest_days`:
    calendar days from one to the next.
    """

    names = (SPACING, TOUCHES, REST)
    is_planned = True

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Each segment that would hear too much."""
        spaced = spot.shape.segments if spot.tier in board.policy.spacing else ()
        segments = sorted({*spaced, *audience_of(spot.shape)})
        if not segments:
            return
        reach = timedelta(days=board.policy.audience.rest_days)
        there = [other for other in board.near(spot.day - reach, spot.day + reach) if other.shape.segments]
        others = [other for other in there if other.shape.id != spot.shape.id]
        for segment in segments:
            if segment in spaced:
                yield from self._spacing(spot, segment, others, board)
            if segment in audience_of(spot.shape):
                yield from self._audience(spot, segment, others, board)

    def _spacing(self, spot: Spot, segment: str, others: list[Spot], board: Board) -> Iterator[Violation]:
        tiers, group, monday = board.policy.spacing, board.group(spot.shape.id), monday_of(spot.day)
        heard = [
            other.shape
            for other in others
            if other.tier in tiers and monday_of(other.day) == monday and segment in other.shape.segments
        ]
        strangers = [shape for shape in heard if shape.id not in group]
        if strangers:
            first = {board.calendar.group_of.get(shape.id, shape.id): shape.name for shape in reversed(strangers)}
            yield Violation(
                constraint=SPACING,
                detail=f"{segment} hears of {' '.join(sorted(first.values()))} in the week of {monday}",
                by=tuple(shape.id for shape in strangers),
                together=(spot.shape.id, *(shape.id for shape in heard if shape.id in group)),
                subject=f"{segment}, {monday}",
            )

    def _audience(self, spot: Spot, segment: str, others: list[Spot], board: Board) -> Iterator[Violation]:
        rules, own, monday = board.policy.audience, announcement_of(spot, board), monday_of(spot.day)
        heard: Heard = {}
        for other in others:
            if segment in audience_of(other.shape):
                heard.setdefault(announcement_of(other, board), []).append(other.shape.id)
        together = (spot.shape.id, *heard.pop(own, ()))
        week = [by for (day, _), by in heard.items() if monday_of(day) == monday]
        if len(week) >= rules.touches_per_week:
            told = f"that makes {len(week) + 1} announcements to {segment} in the week of {monday}"
            yield Violation(
                constraint=TOUCHES,
                detail=f"{told}; {rules.touches_per_week} are allowed",
                by=tuple(sorted(name for by in week for name in by)),
                together=together,
                subject=f"{segment}, {monday}",
            )
        close = {day: by for (day, _), by in heard.items() if abs((day - spot.day).days) <= rules.rest_days}
        if close and rules.rest_days:
            days = ", ".join(str(day) for day in sorted(close))
            yield Violation(
                constraint=REST,
                detail=f"{segment} hears something else on {days}; {rules.rest_days} days of rest are due between",
                by=tuple(sorted(name for (day, _), by in heard.items() if day in close for name in by)),
                subject=segment,
                each=True,
            )


def audience_of(shape: LaunchSnapshot) -> tuple[str, ...]:
    """The segments that hear of the launch outside."""
    return () if shape.market_tier == "T4" else tuple(sorted({*shape.segments} - {EVERYBODY}))


def announcement_of(spot: Spot, board: Board) -> tuple[date, str]:
    """The day, and what is announced on it: what the train carries, what the group launches, or the launch."""
    if all(board.calendar.rides(mate.tier, mate.day) for mate in board.together(spot)):
        return spot.day, "train"
    group = board.calendar.group_of.get(spot.shape.id)
    return spot.day, f"group {group}" if group else spot.shape.id


def on_day(shape: LaunchSnapshot, day: date, calendar: Calendar) -> LaunchSnapshot:
    """The launch planned for the day, by train if it then leaves by train."""
    rides = calendar.rides(tier_of(shape), day)
    return shape.model_copy(update={"date": day, "train": day if rides else None, "state": "planned"})
