"""How loud a launch is, outside (market) and inside (internal), why, and whether that changes by itself.

First the score and the gates, then what keeps a tier as it is for now or asks a person. No dates are found here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import OPEN_STATES, Launch, tier_of
from services.launch.domain.policy import TIERS, Gate, Policy, louder
from shared.contracts.feature import FeatureSnapshot
from shared.contracts.launch import LaunchSnapshot, Tier, TierOverride

TOP = 3

QUIETEST = TIERS[-1]


@dataclass(frozen=True, slots=True)
class Flip:
    """The smallest change of one input that gives another tier outside; `to` 3 means the input's value 3."""

    tier: Tier
    input: str
    to: int

    def __str__(self) -> str:
        return f"{self.tier} if {self.input.replace('_', ' ')} goes to {self.to}"


@dataclass(frozen=True, slots=True)
class Tiering:
    """Both axes, the score (0-100), the sentence that gives the reason, and what the sentence rests on."""

    market: Tier
    internal: Tier
    score: int
    reason: str
    feature: str = ""
    gates: tuple[str, ...] = ()
    """Open gates, as `stage ga`; `no proof` among them when that keeps the launch down."""
    provisional: bool = False
    flip: Flip | None = None
    """The nearest one: to a louder tier, from the loudest to a quieter one."""

    @property
    def loudest(self) -> Tier:
        """What dates follow: the louder of the two axes."""
        return louder(self.market, self.internal)


def values_of(feature: FeatureSnapshot) -> dict[str, int]:
    """The inputs that somebody has given, 0-3."""
    return {name: impact.value for name, impact in feature.impact.items()}


def score(values: Mapping[str, int], policy: Policy) -> int:
    """100 · Σ(weight · input) / (3 · Σ weight), rounded down; a feature without inputs scores 0."""
    return 100 * weigh(values, policy) // (TOP * sum(policy.weights.values()))


def weigh(values: Mapping[str, int], policy: Policy) -> int:
    """Σ(weight · input)."""
    return sum(weight * values.get(name, 0) for name, weight in policy.weights.items())


def assess(feature: FeatureSnapshot, policy: Policy, present: Tier | None = None) -> Tiering:
    """The tier of one feature's launch; a score just across a border does not flip `present`, the launch's tier now."""
    scale = _Scale(feature, policy, present)
    values = values_of(feature)
    points = score(values, policy)
    market, internal = scale.market(values), scale.internal(values)
    flip = scale.flip(values, market, louder=market != TIERS[0])
    reasons = [f"score {points} gives {scale.by_score(points)}", *scale.asked(values)]
    if scale.is_provisional:
        reasons.append(f"provisional, so no money outside: confidence {feature.confidence} is low")
    reasons += [str(flip)] if flip else []
    sentence = "; ".join(reasons)
    return Tiering(
        market=market,
        internal=louder(market, internal),
        score=points,
        reason=sentence[0].upper() + sentence[1:] + ".",
        feature=feature.ref,
        gates=scale.open_gates(values),
        provisional=scale.is_provisional,
        flip=flip,
    )


def assess_all(features: Sequence[FeatureSnapshot], policy: Policy, present: Tier | None = None) -> Tiering:
    """The tier of a launch of several features: on each axis the loudest of them, with that one's reason."""
    if len(features) == 1:
        return assess(features[0], policy, present)
    found = [assess(one, policy, present) for one in features]
    first = min(found, key=lambda one: (one.market, one.internal, -one.score))
    internal = min(one.internal for one in found)
    return Tiering(
        market=first.market,
        internal=internal,
        score=first.score,
        reason=f"By {first.feature}: {first.reason}",
        feature=first.feature,
        gates=first.gates,
        provisional=first.provisional,
        flip=first.flip if first.flip and first.flip.tier < first.market else None,
    )


def nearest_fall(feature: FeatureSnapshot, policy: Policy, present: Tier | None) -> Flip | None:
    """The smallest fall of one input that makes the launch quieter outside."""
    scale, values = _Scale(feature, policy, present), values_of(feature)
    return scale.flip(values, scale.market(values), louder=False)


def flips(features: Sequence[FeatureSnapshot], policy: Policy, present: Tier) -> tuple[Flip | None, Flip | None]:
    """The nearest changes of one input of the loudest feature: to a louder tier than the present one, to a quieter."""
    if not features:
        return None, None
    computed = assess_all(features, policy, present)
    first = next((one for one in features if one.ref == computed.feature), features[0])
    rise = computed.flip if computed.flip and computed.flip.tier < present else None
    return rise, nearest_fall(first, policy, present)


def open_gates(features: Sequence[FeatureSnapshot], policy: Policy) -> frozenset[str]:
    """Every gate that is open for these features, with the feature: when they differ, a gate has flipped."""
    return frozenset(
        f"{one.ref}: {gate}" for one in features for gate in _Scale(one, policy, None).open_gates(values_of(one))
    )


def by_score(points: int, policy: Policy, present: Tier | None) -> Tier:
    """The tier of a score, unless it lies in the widened band of the present one."""
    if present and _within(points, present, policy):
        return present
    return next(tier for tier in TIERS if tier == QUIETEST or points >= policy.tiers[tier].from_score)


def _within(points: int, tier: Tier, policy: Policy) -> bool:
    """Whether the score lies in the tier's band, widened by the hysteresis on both sides."""
    at = TIERS.index(tier)
    above = policy.tiers[TIERS[at - 1]].from_score if at else 101
    below = policy.tiers[tier].from_score
    return below - policy.hysteresis_points < points < above + policy.hysteresis_points


class _Scale:
    """One feature under one policy, for any values of its inputs."""

    def __init__(self, feature: FeatureSnapshot, policy: Policy, present: Tier | None) -> None:
        self.policy, self.present = policy, present
        labels = {label.casefold() for label in feature.labels}
        stage = (feature.stage or "").casefold()
        shown = stage in policy.proof.stages or not labels.isdisjoint(policy.proof.labels)
        self.has_proof = shown or feature.status == "shipped"
        self.fixed = [one for one in policy.gates if one.stage == stage or (one.label or "\x00") in labels]
        self.by_input = [one for one in policy.gates if one.input]
        self.gated = {one.input for one in self.by_input if one.market}
        low = feature.confidence is not None and feature.confidence < policy.confident_from
        self.is_provisional = low and feature.status != "shipped"
        self.most = TOP * sum(policy.weights.values())

    def by_score(self, points: int) -> Tier:
        return by_score(points, self.policy, self.present)

    def weighed(self, values: Mapping[str, int]) -> int:
        return weigh(values, self.policy)

    def gates_market(self, values: Mapping[str, int]) -> Tier:
        return min((one.market for one in self.gates(values) if one.market), default=QUIETEST)

    def gates(self, values: Mapping[str, int]) -> list[Gate]:
        """The gates that are open, in the policy's order."""
        found = [*self.fixed, *(one for one in self.by_input if values.get(one.input or "", 0) == TOP)]
        return sorted(found, key=self.policy.gates.index) if len(found) > 1 else found

    def market(self, values: Mapping[str, int]) -> Tier:
        """Outside: score and gates up, then the gate down."""
        return self._lowered(self._asked_market(values))

    def internal(self, values: Mapping[str, int]) -> Tier:
        """Inside, as the gates alone ask for it."""
        return min((one.internal for one in self.gates(values) if one.internal), default=QUIETEST)

    def open_gates(self, values: Mapping[str, int]) -> tuple[str, ...]:
        kept_down = self._asked_market(values) != self.market(values)
        return (*(_name(one) for one in self.gates(values)), *(("no proof",) if kept_down else ()))

    def asked(self, values: Mapping[str, int]) -> Iterator[str]:
        """What the gates ask for beyond the score, in sentences."""
        market, internal = self.by_score(score(values, self.policy)), QUIETEST
        for gate in self.gates(values):
            if gate.market and gate.market < market:
                yield f"{_name(gate)} asks for at least {gate.market}"
                market = gate.market
            if gate.internal and gate.internal < louder(market, internal):
                yield f"{_name(gate)} asks for at least {gate.internal} inside the house"
                internal = gate.internal
        if self.market(values) != market:
            yield f"at most {self.market(values)} until there is proof (a demo, a beta, a reference)"

    def flip(self, values: Mapping[str, int], market: Tier, *, louder: bool) -> Flip | None:
        """The smallest rise or fall of one input that really gives another tier; then the input's name decides."""
        weighed, gates = self.weighed(values), self.gates_market(values)
        for step in range(1, TOP + 1):
            for name in sorted(self.policy.weights):
                by = step if louder else -step
                to = values.get(name, 0) + by
                if not 0 <= to <= TOP:
                    continue
                if name in self.gated:
                    tier = self.market({**values, name: to})
                else:
                    tier = self._joined(weighed + by * self.policy.weights[name], gates)
                if (tier < market) if louder else (tier > market):
                    return Flip(tier, name, to)
        return None

    def _asked_market(self, values: Mapping[str, int]) -> Tier:
        return louder(self.by_score(100 * self.weighed(values) // self.most), self.gates_market(values))

    def _joined(self, weighed: int, gates: Tier) -> Tier:
        return self._lowered(louder(self.by_score(100 * weighed // self.most), gates))

    def _lowered(self, tier: Tier) -> Tier:
        return tier if self.has_proof else max(tier, self.policy.proof.loudest_without)


def _name(gate: Gate) -> str:
    return f"stage {gate.stage}" if gate.stage else f"label {gate.label}" if gate.label else f"{gate.input} {TOP}"


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
