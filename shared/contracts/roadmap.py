"""What roadmap hears and tells: the native observation and `RoadmapChanged`."""

from typing import ClassVar

from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
from shared.contracts.words import PortfolioId, Word

OBSERVATION_TYPE = "inloop.observation.reported.v1"


class RoadmapChanged(Word):
    """One cause changed one or more features of a portfolio."""

    TYPE: ClassVar[str] = "inloop.roadmap.changed.v1"
    LISTS: ClassVar[tuple[str, ...]] = ("changes",)

    portfolio: PortfolioId
    revision: int
    part: int = 1
    parts: int = 1
    cause: Cause
    changes: tuple[FeatureChange, ...]
