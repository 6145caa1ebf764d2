"""What a launch is, given its features: name, tiers, places, and, once it has a date or none, its state.

No dates are found here.
"""

from collections.abc import Collection, Sequence
from datetime import date

from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch, carry, derive
from services.launch.domain.policy import louder
from services.launch.domain.scheduling.request import Placement
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


def reshape(
    snapshot: LaunchSnapshot,
    features: Sequence[KnownFeature],
    by_hand: Collection[str],
    context: Context,
    settled: Settled | None = None,
) -> LaunchSnapshot:
    """The launch with what its features give now, and the tiers `settled` for it; a person's own words stay."""
    derived = {name: value for name, value in derive(features).items() if name not in by_hand}
    active = [one.snapshot for one in features if not one.is_cancelled]
    if active:
        present = snapshot.market_tier if snapshot.revision else None
        derived |= (settled or settle_by_person(snapshot, active, context.calendar, present)).fields()
    return snapshot.model_copy(update={**derived, "features": tuple(carry(one) for one in features)})


def is_worth_telling(snapshot: LaunchSnapshot, features: Sequence[KnownFeature], by_hand: Collection[str]) -> bool:
    """Whether there is a launch at all: something to tell, and loud enough, or chosen by a person."""
    loud = louder(snapshot.market_tier, snapshot.internal_tier) != NOTES_ONLY
    return any(not one.is_cancelled for one in features) and (loud or "features" in by_hand)


def state_of(
    snapshot: LaunchSnapshot, features: Sequence[KnownFeature], day: date | None, context: Context
) -> LaunchState:
    """The state of a launch ahead: held while a feature is paused, once all are live, or when its pin was missed."""
    active = [one for one in features if not one.is_cancelled]
    if any(one.snapshot.status == "paused" for one in active):
        return "held"
    if day and (all(one.is_shipped for one in active) or day <= context.today):
        return "held"
    return "announced" if snapshot.state == "announced" else "planned"


def hands(launch: Launch | None) -> frozenset[str]:
    """The fields that a person has set."""
    return frozenset(launch.by_hand if launch else ())


def place(
    shape: LaunchSnapshot, features: Sequence[KnownFeature], placement: Placement, context: Context
) -> LaunchSnapshot:
    """The launch on the date that was found for it, with the state and the train that follow."""
    tier = louder(shape.market_tier, shape.internal_tier)
    day = placement.date
    return shape.model_copy(
        update={
            "date": day,
            "waits_for": placement.waits_for,
            "train": day if day and context.calendar.rides(tier, day) else None,
            "state": state_of(shape, features, day, context),
        }
    )
