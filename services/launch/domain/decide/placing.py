"""How a launch is asked a date for, and the launch on the date that was found. Finds no date."""

from collections.abc import Sequence

from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import situation_of, state_of
from services.launch.domain.launch import Launch
from services.launch.domain.planning.words import Dated, Wanted
from services.launch.domain.policy import louder
from services.launch.domain.readiness import Known
from shared.contracts.launch import LaunchSnapshot


def want(shape: LaunchSnapshot, features: Sequence[Known], launch: Launch | None, scene: Scene) -> Wanted:
    """What a launch of this shape asks for. Nobody counts on the date of one that was called off, unless pinned."""
    stands = shape.state != "cancelled" or shape.pin is not None
    return Wanted(
        id=shape.id,
        situation=situation_of(shape, features, scene),
        date=shape.date if stands else None,
        last_date=shape.date or (launch.last_date if launch else None),
        pinned=shape.pin is not None,
        launch=launch,
        snapshot=shape,
    )


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
