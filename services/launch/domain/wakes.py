"""When the clock next has something to do with a launch, its day apart.

A last day to begin, the end of what a person allowed for a time, the end of a tier's rest. What the clock then does is
decided elsewhere.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

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


def _instants(launch: Launch, features: Mapping[str, Known], calendar: Calendar, now: datetime) -> Iterator[datetime]:
    one = launch.snapshot
    if one.override:
        yield calendar.start_of(one.override.until)
    for waiver in one.waivers:
        yield calendar.start_of(waiver.until)
    dawn = begins_next(one, calendar, now)
    if dawn:
        yield dawn
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
