"""The cause that an observation becomes when it changes something: one act, one id, all along the road."""

from datetime import datetime
from typing import Final

from services.roadmap.domain.observation import Observation
from shared.contracts.cause import Cause, Source
from shared.contracts.words import CauseId

NATIVE: Final = "native"
"""The source of everything that comes by the API, the topic or a file."""


def derive_cause_id(source_id: str, observation_id: str) -> CauseId:
    """`<source>:<observation id>`, also before anybody knows whether the observation changes anything."""
    return CauseId(f"{source_id}:{observation_id}")


def build_cause(source_id: str, observation: Observation, summary: str, received_at: datetime) -> Cause:
    """The cause as every service will carry it."""
    feature = observation.feature
    return Cause(
        id=derive_cause_id(source_id, observation.id),
        kind="release_moved" if observation.release else "observation",
        summary=summary,
        source=Source(
            tool=source_id,
            source_id=source_id,
            ref=observation.ref,
            url=feature.url if feature else None,
            actor=feature.actor if feature else None,
            occurred_at=observation.at,
            observed_at=received_at,
        ),
    )
