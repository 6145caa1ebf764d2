"""S0 (planning.md): the earliest date of one launch on its own, and everything that speaks against a date.

Lower bound = the latest of ready + soak, ready + what waits for it, notice and tomorrow; then the next day the calendar
allows. Other launches do not appear here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.launch.domain.calendar import ONE_DAY, SOFT, Break, Calendar
from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature, waits_for
from services.launch.domain.policy import Activity, louder
from services.launch.domain.rules.lead import after_ready, notice_of
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import Day


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides a launch's dates: how loud, where, and the state of its features (none of them cancelled)."""

    tier: Tier
    regions: tuple[str, ...]
    features: tuple[KnownFeature, ...]
    today: date
    notice: int | None = None
    """Working days of notice still asked for after some were waived; None: what the tier asks for."""
    after_ready: tuple[tuple[Activity, int], ...] = ()
    """What teams can begin only when the features are ready, and is neither done nor waived; with its working days."""
    not_before: date | None = None
    not_after: date | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A day before which the launch cannot be, the rule, the feature behind it, and the sentence."""

    day: date
    constraint: str
    feature: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest date, or what it waits for; the bound that decided, and the steps of the calendar after it."""

    date: Day | None
    waits_for: str | None = None
    bound: Bound | None = None
    steps: tuple[Break, ...] = ()


def find_earliest(situation: Situation, calendar: Calendar, floor: date | None = None) -> Earliest:
    """The earliest date the launch can have, not before `floor` if that is given."""
    waits = next(filter(None, map(waits_for, situation.features)), None)
    if waits or not situation.features:
        return Earliest(None, waits or "it has no feature left")
    bound = max(bounds(situation, calendar), key=lambda one: (one.day, one.feature or "", one.constraint))
    start = max(bound.day, floor) if floor else bound.day
    last = situation.today + timedelta(days=calendar.policy.horizon_days)
    found, steps = calendar.next_allowed(start, situation.tier, situation.regions, last)
    waits = None if found else f"no day up to {last} is allowed"
    return Earliest(found, waits, bound, tuple(steps))


def violations(situation: Situation, day: date, calendar: Calendar) -> list[Bound]:
    """Every rule that the day breaks, with its sentence; empty if the launch may be on that day."""
    found = [Bound(day, "ready", known.id, waits) for known in situation.features if (waits := waits_for(known))]
    found += [bound for bound in bounds(situation, calendar) if bound.day > day]
    if situation.not_after and day > situation.not_after:
        found.append(Bound(day, "not_after", None, f"a person wants it by {situation.not_after} at the latest"))
    breaks = calendar.broken(day, situation.tier, situation.regions)
    return found + [Bound(day, one.constraint, None, one.detail) for one in breaks if one.constraint != SOFT]


def bounds(situation: Situation, calendar: Calendar) -> Iterator[Bound]:
    """All lower bounds of a launch: of each feature whose day is known, a person's, and tomorrow."""
    for known in situation.features:
        yield from _of_feature(known, situation, calendar)
    if situation.not_before:
        told = f"a person wants it on {situation.not_before} at the earliest"
        yield Bound(situation.not_before, "not_before", None, told)
    tomorrow = situation.today + ONE_DAY
    yield Bound(tomorrow, "today", None, f"a launch needs at least a day: not before {tomorrow}")


def _of_feature(known: KnownFeature, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
    ready = known.ready_on
    if ready is None:
        return
    rule = calendar.policy.tiers[situation.tier]
    day = _ready(known, ready, situation.today)
    told = _told(known, ready, day)
    settled = day + timedelta(days=rule.soak_days)
    yield Bound(settled, "ready", known.id, f"{told}; plus {rule.soak_days} days to settle: {settled}")
    if rule.boards_train:
        boarding = day + timedelta(days=calendar.policy.trains.cutoff_days)
        detail = f"{told}; a train is boarded {calendar.policy.trains.cutoff_days} days before: {boarding}"
        yield Bound(boarding, "train", known.id, detail)
    for activity, days in situation.after_ready:
        begun = calendar.after_working_days(day, days, situation.regions)
        detail = f"{told}; {activity.name} ({activity.team}) needs {days} working days after that: {begun}"
        yield Bound(begun, "lead", known.id, detail)
    yield _notice(known, situation, calendar)


def _notice(known: KnownFeature, situation: Situation, calendar: Calendar) -> Bound:
    asked = calendar.policy.tiers[situation.tier].lead_working_days
    lead = asked if situation.notice is None else min(asked, situation.notice)
    since = known.confident_since or situation.today
    day = calendar.after_working_days(since, lead, situation.regions)
    told = f"confident since {since}" if known.confident_since else "not confident yet"
    left = f"{lead} working days of notice" + (f" ({asked - lead} waived)" if lead < asked else "")
    return Bound(day, "notice", known.id, f"{known.snapshot.ref} is {told}; {left}: {day}")


def _told(known: KnownFeature, ready: date, day: date) -> str:
    ref, likely, target = known.snapshot.ref, known.likely, known.snapshot.target
    if known.is_shipped:
        return f"{ref} shipped on {ready}"
    if day > ready:
        return f"{ref} is overdue since {ready} and can be ready today"
    if likely is None or target is None:
        return f"{ref} is ready on {ready}"
    within = f"{likely.days} working days of its {target.resolution}"
    return f"{ref} is ready on {ready}, as {likely.team} ships {likely.percentile} of 100 within {within}"


def shortfalls(situation: Situation, day: date, calendar: Calendar) -> Iterator[tuple[Activity, int, int]]:
    """What a launch on the day leaves too little time for: the activity, working days asked for, and those left."""
    ready = [_ready(one, one.ready_on, situation.today) for one in situation.features if one.ready_on]
    for activity, days in situation.after_ready:
        kept = calendar.count_working_days(max(ready, default=day), day, situation.regions)
        if kept < days:
            yield activity, days, kept


def _ready(known: KnownFeature, ready: date, today: date) -> date:
    """The day on which the feature can be ready: what is overdue can be today."""
    return ready if known.is_shipped else max(ready, today)


def late_features(situation: Situation, day: date, calendar: Calendar) -> Sequence[str]:
    """The features that keep a launch from the day."""
    return sorted({one.feature for one in violations(situation, day, calendar) if one.feature})


def situation_of(snapshot: LaunchSnapshot, features: Sequence[KnownFeature], context: Context) -> Situation:
    """What decides the dates of the launch."""
    active = tuple(one for one in features if not one.is_cancelled)
    tier = louder(snapshot.market_tier, snapshot.internal_tier)
    notice = notice_of(snapshot, context.policy, context.today)
    return Situation(
        tier=tier,
        regions=snapshot.regions,
        features=active,
        today=context.today,
        notice=notice,
        after_ready=after_ready(snapshot, context.policy, context.today),
        not_before=snapshot.not_before,
        not_after=snapshot.not_after,
    )
