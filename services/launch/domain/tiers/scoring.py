"""How loud a launch is, outside (market) and inside (internal), and why, in one sentence. No dates here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.launch.domain.policy import TIERS, Gate, Policy, louder
from shared.contracts.feature import FeatureSnapshot
from shared.contracts.launch import Tier

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
