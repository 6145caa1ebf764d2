"""Who rides on which train to which segment, what goes along as a line in the notes, and what each audience hears.

Shows and flags; no date is chosen here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.policy import Audience
from services.launch.domain.readiness import Known
from services.launch.domain.tiers.scoring import assess, score, values_of

EVERYBODY = "everybody"
"""The segment of launches that name none."""


@dataclass(frozen=True, slots=True)
class Ride:
    """One train to one segment: its passengers, the sum of their scores, and quiet features for its notes."""

    day: date
    segment: str
    launches: tuple[str, ...]
    strength: int
    weak: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crowding:
    """A segment that hears more than the policy allows, with the launches and the rule."""

    segment: str
    first: date
    launches: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class _Touch:
    day: date
    launches: tuple[str, ...]


def rides(launches: Iterable[Launch], features: Sequence[Known], calendar: Calendar) -> list[Ride]:
    """Every train ahead that somebody is on, by day and segment."""
    points = {one.id: score(values_of(one.snapshot), calendar.policy) for one in features}
    aboard: dict[tuple[date, str], list[Launch]] = defaultdict(list)
    for launch in _ahead(launches):
        for segment in launch.snapshot.segments or (EVERYBODY,):
            if launch.snapshot.train:
                aboard[launch.snapshot.train, segment].append(launch)
    return [
        _ride(key, sorted(some, key=lambda one: one.id), points, features, calendar)
        for key, some in sorted(aboard.items())
    ]


def crowdings(launches: Iterable[Launch], calendar: Calendar) -> Iterator[Crowding]:
    """Where a segment hears too much in a week, or twice without rest; a train counts once."""
    for segment, touches in sorted(_touches(launches).items()):
        listed = sorted(touches.values(), key=lambda touch: (touch.day, touch.launches))
        yield from _in_a_week(segment, listed, calendar.policy.audience)
        yield from _without_rest(segment, listed, calendar.policy.audience)


def _in_a_week(segment: str, touches: Sequence[_Touch], rules: Audience) -> Iterator[Crowding]:
    for _, group in groupby(touches, key=lambda touch: touch.day.isocalendar()[:2]):
        some = list(group)
        if len(some) > rules.touches_per_week:
            detail = f"{segment} hears {len(some)} announcements in one week; {rules.touches_per_week} are allowed"
            yield Crowding(segment, some[0].day, tuple(name for one in some for name in one.launches), detail)


def _without_rest(segment: str, touches: Sequence[_Touch], rules: Audience) -> Iterator[Crowding]:
    for one, other in pairwise(touches):
        days = (other.day - one.day).days - 1
        if days < rules.rest_days:
            rest = f"{max(0, days)} days of rest"
            detail = f"{segment} has {rest} before {other.day}; {rules.rest_days} are due"
            yield Crowding(segment, one.day, (*one.launches, *other.launches), detail)


def _ahead(launches: Iterable[Launch]) -> Iterator[Launch]:
    return (one for one in launches if one.snapshot.state in OPEN_STATES and one.snapshot.date)


def _touches(launches: Iterable[Launch]) -> dict[str, dict[str, _Touch]]:
    """By segment, each announcement: a launch on its own, or all that ride on one train."""
    found: dict[str, dict[str, _Touch]] = defaultdict(dict)
    for launch in _ahead(launches):
        one = launch.snapshot
        if one.date is None or one.market_tier == "T4":
            continue
        for segment in one.segments or (EVERYBODY,):
            name = str(one.train or launch.id)
            known = found[segment].get(name)
            found[segment][name] = _Touch(one.date, (*(known.launches if known else ()), launch.id))
    return found


def _ride(
    key: tuple[date, str],
    launches: Sequence[Launch],
    points: dict[str, int],
    features: Sequence[Known],
    calendar: Calendar,
) -> Ride:
    day, segment = key
    strength = sum(max((points.get(part.id, 0) for part in one.snapshot.features), default=0) for one in launches)
    return Ride(
        day=day,
        segment=segment,
        launches=tuple(one.id for one in launches),
        strength=strength,
        weak=strength < calendar.policy.trains.least_strength,
        notes=tuple(_notes(day, segment, features, calendar)),
    )


def _notes(day: date, segment: str, features: Sequence[Known], calendar: Calendar) -> Iterator[str]:
    """Quiet features that became ready since the train before: a line each, no launch of their own."""
    before = day - timedelta(weeks=calendar.policy.trains.every_weeks)
    for one in features:
        if one.is_cancelled or one.ready_on is None or not before < one.ready_on <= day:
            continue
        concerned = segment in (one.snapshot.segments or (EVERYBODY,))
        if concerned and assess(one.snapshot, calendar.policy).loudest == "T4":
            yield f"{one.snapshot.ref}: {one.snapshot.title}"
