"""A launch on the date that was found for it. Finds no date."""

from collections.abc import Sequence

from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import state_of
from services.launch.domain.planning.words import Dated
from services.launch.domain.policy import louder
from services.launch.domain.readiness import Known
from shared.contracts.launch import LaunchSnapshot


def place(shape: LaunchSnapshot, features: Sequence[Known], dated: Dated, scene: Scene) -> LaunchSnapshot:
    """The launch on the date that was found for it, with the state and the train that follow."""
    tier = louder(shape.market_tier, shape.internal_tier)
    day = dated.date
    return shape.model_copy(
        update={
            "date": day,
            "waits_for": dated.waits_for,
            "train": day if day and scene.calendar.rides(tier, day) else None,
            "state": state_of(shape, features, day, scene),
        }
    )
