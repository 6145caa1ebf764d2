"""How loud a launch is, outside (market) and inside (internal), and why, in one sentence. No dates here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.launch.domain.policy import TIERS, Gate, Policy, louder
from shared.contracts.feature import FeatureSnapshot
from shared.contracts.launch import Tier

TOP = 3


@dataclass(frozen=True, slots=True)
class Tiering:
    """Both axes, the score (0-100) and the sentence that gives the reason."""

    market: Tier
    internal: Tier
    score: int
    reason: str

    @property
    def loudest(self) -> Tier:
        """What dates follow: the louder of the two axes."""
        return louder(self.market, self.internal)


def score(values: dict[str, int], policy: Policy) -> int:
    """100 · Σ(weight · input) / (3 · Σ weight), rounded down; a feature without inputs scores 0."""
    total = TOP * sum(policy.weights.values())
    return 100 * sum(weight * values.get(name, 0) for name, weight in policy.weights.items()) // total


def assess(feature: FeatureSnapshot, policy: Policy, present: Tier | None = None) -> Tiering:
    """The tier of one feature's launch; a score just across a border does not flip `present`, the launch's tier now."""
    values = {name: impact.value for name, impact in feature.impact.items()}
    points = score(values, policy)
    market = _by_score(points, policy, present)
    reasons = [f"score {points} gives {market}"]
    internal: Tier = "T4"
    for gate in policy.gates:
        if _opens(gate, feature, values):
            reasons += _asks(gate, market, internal)
            market, internal = louder(market, gate.market or "T4"), louder(internal, gate.internal or "T4")
    reasons += _nearest_flip(values, market, policy)
    sentence = "; ".join(reasons)
    return Tiering(market, louder(market, internal), points, sentence[0].upper() + sentence[1:] + ".")


def assess_all(features: Sequence[FeatureSnapshot], policy: Policy, present: Tier | None = None) -> Tiering:
    """The tier of a launch of several features: on each axis the loudest of them, with that one's reason."""
    if len(features) == 1:
        return assess(features[0], policy, present)
    found = [(one, assess(one, policy, present)) for one in features]
    feature, first = min(found, key=lambda pair: (pair[1].market, pair[1].internal, -pair[1].score))
    internal = min((tiering.internal for _, tiering in found), default=first.internal)
    return Tiering(first.market, internal, first.score, f"By {feature.ref}: {first.reason}")


def _by_score(points: int, policy: Policy, present: Tier | None) -> Tier:
    if present and _within(points, present, policy):
        return present
    return next(tier for tier in TIERS if tier == TIERS[-1] or points >= policy.tiers[tier].from_score)


def _within(points: int, tier: Tier, policy: Policy) -> bool:
    """Whether the score lies in the tier's band, widened by the hysteresis on both sides."""
    at = TIERS.index(tier)
    above = policy.tiers[TIERS[at - 1]].from_score if at else 101
    below = policy.tiers[tier].from_score
    return below - policy.hysteresis_points < points < above + policy.hysteresis_points


def _opens(gate: Gate, feature: FeatureSnapshot, values: dict[str, int]) -> bool:
    if gate.stage is not None:
        return (feature.stage or "").casefold() == gate.stage
    if gate.label is not None:
        return gate.label in (label.casefold() for label in feature.labels)
    return gate.input is not None and values.get(gate.input, 0) == TOP


def _asks(gate: Gate, market: Tier, internal: Tier) -> Iterable[str]:
    what = f"stage {gate.stage}" if gate.stage else f"label {gate.label}" if gate.label else f"{gate.input} {TOP}"
    if gate.market and gate.market < market:
        yield f"{what} asks for at least {gate.market}"
    if gate.internal and gate.internal < louder(market, internal):
        yield f"{what} asks for at least {gate.internal} inside the house"


def _nearest_flip(values: dict[str, int], market: Tier, policy: Policy) -> Iterable[str]:
    """The smallest rise of one input that makes the launch louder by its score."""
    at = TIERS.index(market)
    if not at:
        return
    points = sum(weight * values.get(name, 0) for name, weight in policy.weights.items())
    needed = -(-policy.tiers[TIERS[at - 1]].from_score * TOP * sum(policy.weights.values()) // 100) - points
    rises = ((max(1, -(-needed // weight)), name) for name, weight in policy.weights.items())
    flips = [(rise, name, values.get(name, 0) + rise) for rise, name in rises if values.get(name, 0) + rise <= TOP]
    if flips:
        _, name, value = min(flips)
        tier = _by_score(score({**values, name: value}, policy), policy, None)
        yield f"{tier} if {name} goes to {value}"
