"""When the clock next has something to do with a launch, its day apart.

A last day to begin, the end of what a person allowed for a time, the end of a tier's rest, the day on which its train
is settled. What the clock then does is decided elsewhere.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from services.launch.domain.audiences.boarding import settles_on
from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.leads import begins_next
from services.launch.domain.readiness import Known
from services.launch.domain.tiers.retiering import rests_until
from services.launch.domain.tiers.scoring import assess_all


def wakes_at(launch: Launch, features: Mapping[str, Known], calendar: Calendar, now: datetime) -> datetime | None:
    """The first such instant after `now`; None if there is none."""
    if launch.snapshot.state not in OPEN_STATES:
        return None
    return min((one for one in _instants(launch, features, calendar, now) if one > now), default=None)


def waits_for_train(launch: Launch, features: Mapping[str, Known], calendar: Calendar, now: datetime) -> bool:
    """Whether the launch was to be woken now because its train is settled, and for nothing else."""
    settled = settles_on(launch, calendar)
    if launch.wakes_at != now or settled is None or calendar.start_of(settled) != now:
        return False
    before = now - timedelta(microseconds=1)
    return sum(one == now for one in _instants(launch, features, calendar, before)) == 1


def _instants(launch: Launch, features: Mapping[str, Known], calendar: Calendar, now: datetime) -> Iterator[datetime]:
    one = launch.snapshot
    if one.override:
        yield calendar.start_of(one.override.until)
    for waiver in one.waivers:
        yield calendar.start_of(waiver.until)
    dawn = begins_next(one, calendar, now)
    if dawn:
        yield dawn
    settled = settles_on(launch, calendar)
    if settled:
        yield calendar.start_of(settled)
    rest = rests_until(launch, calendar)
    if rest and rest > now and not one.override and _would_change(launch, features, calendar):
        yield rest


def _would_change(launch: Launch, features: Mapping[str, Known], calendar: Calendar) -> bool:
    """Whether its tier would be another one if it were not at rest."""
    one = launch.snapshot
    active = [features[part.id] for part in one.features if part.id in features]
    snapshots = [known.snapshot for known in active if not known.is_cancelled]
    if not snapshots:
        return False
    computed = assess_all(snapshots, calendar.policy, one.market_tier)
    return (computed.market, computed.internal) != (one.market_tier, one.internal_tier)
