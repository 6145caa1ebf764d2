"""The lead-time contract of one launch: until when each team must have begun what, and what became of it.

Anchored to the launch's date and re-dated with it; what is completed never moves. No date is chosen here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import OPEN_STATES
from services.launch.domain.policy import Activity, Policy
from shared.contracts.launch import Completed, LaunchSnapshot, Link, Waiver

LeadState = Literal["completed", "waived", "late", "today", "ahead", "undated"]

PRESSING = ("late", "today")

AFTER_READY = "ready"

"""The anchor of activities that need the features."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One activity of one launch. `days` before the launch, negative after it; `begin_by` is the last day to begin.

    `room`: working days between the features being ready and the launch, where the activity waits for them.
    """

    activity: Activity
    days: int
    begin_by: date | None
    state: LeadState
    completed: Completed | None = None
    waiver: Waiver | None = None
    room: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes it before the launch."""
        return self.completed is None and self.waiver is None and self.days > 0


def contract(snapshot: LaunchSnapshot, calendar: Calendar, today: date, ready_on: date | None = None) -> Sequence[Lead]:
    """Every activity that the launch's tiers ask for, soonest first, and those completed though no longer asked for."""
    done = {one.activity: one for one in snapshot.completed}
    waived = {one.activity: one for one in snapshot.waivers if one.until > today}
    found = [
        _lead(activity, snapshot, calendar, today, ready_on)
        for activity in calendar.policy.activities
        if activity.id in done or days_of(activity, snapshot) is not None
    ]
    full = [_settle(one, done.get(one.activity.id), waived.get(one.activity.id)) for one in found]
    return sorted(full, key=lambda one: (one.begin_by or date.max, -one.days))


def days_of(activity: Activity, snapshot: LaunchSnapshot) -> int | None:
    """Working days before the launch by which it must have begun; None if the tier does not ask for it."""
    return activity.days.get(snapshot.market_tier if activity.axis == "market" else snapshot.internal_tier)


def notice_of(snapshot: LaunchSnapshot, policy: Policy, today: date) -> int | None:
    """Working days of notice that are still asked for after somebody has waived some; None: what the tier asks for."""
    waived = {one.activity for one in snapshot.waivers if one.until > today}
    if not waived:
        return None
    asked = {one.id: days for one in policy.activities if (days := days_of(one, snapshot)) is not None}
    return max((days for name, days in asked.items() if name not in waived), default=0)


def after_ready(snapshot: LaunchSnapshot, policy: Policy, today: date) -> tuple[tuple[Activity, int], ...]:
    """What waits for the features to be ready and is neither done nor waived, with the working days it needs."""
    settled = {one.activity for one in snapshot.completed}
    settled |= {one.activity for one in snapshot.waivers if one.until > today}
    waiting = (one for one in policy.activities if one.anchor == AFTER_READY and one.id not in settled)
    return tuple((one, days) for one in waiting if (days := days_of(one, snapshot) or 0) > 0)


def ready_on(features: Iterable[KnownFeature]) -> date | None:
    """The day on which the last feature is ready; None while one has no day."""
    days = [one.ready_on for one in features if not one.is_cancelled]
    return None if None in days else max((one for one in days if one), default=None)


def begins_next(snapshot: LaunchSnapshot, calendar: Calendar, now: datetime) -> datetime | None:
    """When the last day to begin something open dawns next."""
    if snapshot.date is None or snapshot.state not in OPEN_STATES:
        return None
    today = calendar.day_of(now)
    settled = {one.activity for one in snapshot.completed}
    settled |= {one.activity for one in snapshot.waivers if one.until > today}
    soonest = min(
        (
            day
            for one in calendar.policy.activities
            if (days := days_of(one, snapshot) or 0) > 0 and one.id not in settled
            if (day := calendar.before_working_days(snapshot.date, days, snapshot.regions)) > today
        ),
        default=None,
    )
    return calendar.start_of(soonest) if soonest else None


def last_days(snapshot: LaunchSnapshot, calendar: Calendar, today: date) -> Iterator[Link]:
    """A sentence for everything that must begin today."""
    for one in contract(snapshot, calendar, today):
        if one.is_open and one.state == "today":
            detail = f"today is the last day to start {one.activity.name} for {snapshot.name} on {snapshot.date}"
            yield Link(launch=snapshot.id, constraint="lead", detail=f"{detail} ({one.activity.team})")


def out_of_reach(snapshot: LaunchSnapshot, day: date, calendar: Calendar, today: date) -> Sequence[Activity]:
    """Open activities that can still begin in time for the launch's date, but could not for this earlier day."""
    earlier = contract(snapshot.model_copy(update={"date": day}), calendar, today)
    missed = {one.activity.id for one in earlier if one.state == "late"}
    now = contract(snapshot, calendar, today)
    return [one.activity for one in now if one.is_open and one.state != "late" and one.activity.id in missed]


def compressed(
    before: LaunchSnapshot | None,
    after: LaunchSnapshot,
    ready: tuple[date | None, date | None],
    calendar: Calendar,
    today: date,
) -> Iterator[Link]:
    """A sentence for each open activity that a decision leaves with less lead than asked for, and than it had."""
    if after.date is None or after.state not in OPEN_STATES:
        return
    if before and ready[0] == ready[1] and _basis(before) == _basis(after):
        return
    had: Mapping[str, Lead] = (
        {one.activity.id: one for one in contract(before, calendar, today, ready[0])} if before else {}
    )
    for one in contract(after, calendar, today, ready[1]):
        if one.is_open and (said := _said(had.get(one.activity.id), one, calendar, after, today)):
            yield Link(launch=after.id, constraint="lead", detail=said)


def _basis(one: LaunchSnapshot) -> tuple[object, ...]:
    return (one.date, one.market_tier, one.internal_tier, one.regions, one.completed, one.waivers)


def _said(had: Lead | None, now: Lead, calendar: Calendar, after: LaunchSnapshot, today: date) -> str | None:
    name, waive = now.activity.name, "move the launch, or waive it by name"
    if now.state in PRESSING and (had is None or had.state not in PRESSING) and after.date:
        left = calendar.count_working_days(today, after.date, after.regions)
        return f"{name} ({now.activity.team}) needs {now.days} working days and has {left} left: {waive}"
    less = had and had.room is not None and now.room is not None and now.room < min(now.days, had.room)
    if less and had:
        return f"{name} ({now.activity.team}) needs {now.days} working days and keeps {now.room} of {had.room}: {waive}"
    return None


def _lead(activity: Activity, snapshot: LaunchSnapshot, calendar: Calendar, today: date, ready: date | None) -> Lead:
    days = days_of(activity, snapshot) or 0
    begin_by = _begin_by(snapshot, days, calendar)
    room = None
    if activity.anchor == AFTER_READY and ready and snapshot.date:
        room = calendar.count_working_days(ready, snapshot.date, snapshot.regions)
    return Lead(activity, days, begin_by, _state(begin_by, today), room=room)


def _settle(one: Lead, completed: Completed | None, waiver: Waiver | None) -> Lead:
    if completed:
        return Lead(one.activity, one.days, completed.planned, "completed", completed=completed, room=one.room)
    if waiver:
        return Lead(one.activity, one.days, one.begin_by, "waived", waiver=waiver, room=one.room)
    return one


def _begin_by(snapshot: LaunchSnapshot, days: int, calendar: Calendar) -> date | None:
    if snapshot.date is None:
        return None
    if days < 0:
        return calendar.after_working_days(snapshot.date, -days, snapshot.regions)
    return calendar.before_working_days(snapshot.date, days, snapshot.regions)


def _state(begin_by: date | None, today: date) -> LeadState:
    if begin_by is None:
        return "undated"
    return "late" if begin_by < today else "today" if begin_by == today else "ahead"
