"""Whether a launch becomes louder or quieter by itself, stays as it is for now, or a person is asked.

Only tiers here; what a changed tier does to the date is found elsewhere.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import OPEN_STATES, Launch, tier_of
from services.launch.domain.policy import TIERS, louder
from services.launch.domain.tiers.scoring import Tiering, assess_all, open_gates
from shared.contracts.feature import FeatureSnapshot
from shared.contracts.launch import LaunchSnapshot, Tier, TierOverride

RETIER = "retier"
"""The kind of a proposal to change a launch's tier."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The tiers that hold and their sentence; what was computed; why it does not hold, and whether to ask a person."""

    market: Tier
    internal: Tier
    reason: str
    computed: Tiering
    kept: str = ""
    ask: bool = False

    def fields(self) -> dict[str, object]:
        """The snapshot's fields."""
        return {"market_tier": self.market, "internal_tier": self.internal, "tier_reason": self.reason}


def settle(
    launch: Launch | None,
    features: Sequence[FeatureSnapshot],
    before: Sequence[FeatureSnapshot],
    calendar: Calendar,
    now: datetime,
) -> Settled:
    """The tiers of a launch whose features, none cancelled, were `before` and now are `features`."""
    policy = calendar.policy
    old = launch.snapshot if launch else None
    flipped = open_gates(before, policy) != open_gates(features, policy)
    computed = assess_all(features, policy, None if old is None or flipped else old.market_tier)
    if old and old.override:
        return overridden(old.override, computed)
    keeps = next(_keeps(launch, computed, calendar, now), None) if launch and _changes(launch, computed) else None
    if old is None or keeps is None:
        return Settled(computed.market, computed.internal, computed.reason, computed)
    why, ask = keeps
    reason = f"{computed.reason} That would be {_say(computed)}; it stays {_say_now(old)}: {why}."
    return Settled(old.market_tier, old.internal_tier, reason, computed, why, ask)


def settle_by_person(
    snapshot: LaunchSnapshot, features: Sequence[FeatureSnapshot], calendar: Calendar, present: Tier | None
) -> Settled:
    """The tiers after a person's act, which nothing holds back, or after the end of an override (`present` None)."""
    computed = assess_all(features, calendar.policy, present)
    if snapshot.override:
        return overridden(snapshot.override, computed)
    return Settled(computed.market, computed.internal, computed.reason, computed)


def overridden(override: TierOverride, computed: Tiering) -> Settled:
    """The tiers that a person has chosen, with what they would be otherwise."""
    seconds = f", approved by {override.approved_by}" if override.approved_by else ""
    reason = (
        f"{override.by} decided {override.market}{seconds}, until {override.until}: {override.reason}. "
        f"By itself it would be {_say(computed)}: {computed.reason}"
    )
    return Settled(override.market, override.internal, reason, computed)


def derive_proposal_id(launch: Launch, settled: Settled) -> str:
    """The same change of the same version of a launch is the same proposal."""
    text = "\n".join((launch.id, str(launch.version), settled.computed.market, settled.computed.internal))
    return f"P-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def rests_until(launch: Launch, calendar: Calendar) -> datetime | None:
    """Until when the tier does not change by itself again; None if it has not changed by itself."""
    rest = timedelta(hours=calendar.policy.retiering.rest_hours)
    return launch.retiered_at + rest if launch.retiered_at and rest else None


def is_locked(snapshot: LaunchSnapshot, tier: Tier, calendar: Calendar, today: date) -> bool:
    """Whether the launch is so near that a tier change is only proposed."""
    days = calendar.policy.retiering.lock_working_days.get(tier)
    if days is None or snapshot.date is None or snapshot.date < today:
        return False
    return today >= calendar.before_working_days(snapshot.date, days, snapshot.regions)


def _changes(launch: Launch, computed: Tiering) -> bool:
    old = launch.snapshot
    return old.state in OPEN_STATES and (old.market_tier, old.internal_tier) != (computed.market, computed.internal)


def _keeps(launch: Launch, computed: Tiering, calendar: Calendar, now: datetime) -> Iterator[tuple[str, bool]]:
    """What keeps the tier as it is, and whether a person is asked; the first reason is the one that is told."""
    old, rules = launch.snapshot, calendar.policy.retiering
    yield from _promised(old)
    tier = louder(tier_of(old), computed.loudest)
    if is_locked(old, tier, calendar, calendar.day_of(now)):
        yield f"it is {rules.lock_working_days[tier]} working days or less ahead, so a person decides", True
    if rules.ask_when_started and old.completed:
        yield f"work on it has started ({len(old.completed)} done), so a person decides", True
    if _steps(old, computed) > rules.most_steps:
        yield "that is more than one step at once, so a person decides", True
    until = rests_until(launch, calendar)
    if until and now < until:
        yield f"a tier changes by itself only once in {rules.rest_hours} hours", False


def _promised(old: LaunchSnapshot) -> Iterator[tuple[str, bool]]:
    if old.state == "announced":
        yield "it is announced, so a person decides", True
    if old.pin:
        yield "its date is pinned, so a person decides", True


def _steps(old: LaunchSnapshot, computed: Tiering) -> int:
    pairs = ((old.market_tier, computed.market), (old.internal_tier, computed.internal))
    return max(abs(TIERS.index(one) - TIERS.index(other)) for one, other in pairs)


def _say(computed: Tiering) -> str:
    return _pair(computed.market, computed.internal)


def _say_now(old: LaunchSnapshot) -> str:
    return _pair(old.market_tier, old.internal_tier)


def _pair(market: Tier, internal: Tier) -> str:
    return market if market == internal else f"{market} ({internal} inside)"
