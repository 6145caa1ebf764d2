"""What a launch is, given its features: name, tiers, places, and, once it has a date or none, its state.

No dates are found here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from services.launch.domain.dates import Situation
from services.launch.domain.decide.scene import Scene
from services.launch.domain.launch import Launch, carry, derive
from services.launch.domain.leads import after_ready, notice_of
from services.launch.domain.policy import louder
from services.launch.domain.readiness import Known
from services.launch.domain.tiers.retiering import Settled, settle_by_person
from shared.contracts.launch import LaunchSnapshot, LaunchState
from shared.contracts.words import LaunchId

NOTES_ONLY = "T4"


def blank(launch: LaunchId) -> LaunchSnapshot:
    """A launch of which nothing is known yet."""
    return LaunchSnapshot(
        id=launch,
        name="",
        market_tier="T4",
        internal_tier="T4",
        tier_reason="",
        state="planned",
        date=None,
        features=(),
        revision=0,
    )


def features_of(snapshot: LaunchSnapshot, view: Mapping[str, Known]) -> list[Known]:
    """The features of a launch as they are known now."""
    return [view[one.id] for one in snapshot.features if one.id in view]


def reshape(
    snapshot: LaunchSnapshot,
    features: Sequence[Known],
    by_hand: Collection[str],
    scene: Scene,
    settled: Settled | None = None,
) -> LaunchSnapshot:
    """The launch with what its features give now, and the tiers `settled` for it; a person's own words stay."""
    derived = {name: value for name, value in derive(features).items() if name not in by_hand}
    active = [one.snapshot for one in features if not one.is_cancelled]
    if active:
        present = snapshot.market_tier if snapshot.revision else None
        derived |= (settled or settle_by_person(snapshot, active, scene.calendar, present)).fields()
    return snapshot.model_copy(update={**derived, "features": tuple(carry(one) for one in features)})


def situation_of(snapshot: LaunchSnapshot, features: Sequence[Known], scene: Scene) -> Situation:
    """What decides the dates of the launch."""
    active = tuple(one for one in features if not one.is_cancelled)
    tier = louder(snapshot.market_tier, snapshot.internal_tier)
    notice = notice_of(snapshot, scene.policy, scene.today)
    return Situation(
        tier=tier,
        regions=snapshot.regions,
        features=active,
        today=scene.today,
        notice=notice,
        after_ready=after_ready(snapshot, scene.policy, scene.today),
        not_before=snapshot.not_before,
        not_after=snapshot.not_after,
    )


def is_worth_telling(snapshot: LaunchSnapshot, features: Sequence[Known], by_hand: Collection[str]) -> bool:
    """Whether there is a launch at all: something to tell, and loud enough, or chosen by a person."""
    loud = louder(snapshot.market_tier, snapshot.internal_tier) != NOTES_ONLY
    return any(not one.is_cancelled for one in features) and (loud or "features" in by_hand)


def state_of(snapshot: LaunchSnapshot, features: Sequence[Known], day: date | None, scene: Scene) -> LaunchState:
    """The state of a launch ahead: held while a feature is paused, once all are live, or when its pin was missed."""
    active = [one for one in features if not one.is_cancelled]
    if any(one.snapshot.status == "paused" for one in active):
        return "held"
    if day and (all(one.is_shipped for one in active) or day <= scene.today):
        return "held"
    return "announced" if snapshot.state == "announced" else "planned"


def hands(launch: Launch | None) -> frozenset[str]:
    """The fields that a person has set."""
    return frozenset(launch.by_hand if launch else ())
