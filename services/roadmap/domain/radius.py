"""What a feature's slip would move, as launch has told it. Values only; nothing that roadmap decides reads them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.contracts.words import PortfolioId

USUAL_DAYS: Final = 21
"""The slip that is shown where there is room for one."""


class SlipEffect(BaseModel):
    """So many calendar days later move so many launches; `cost` is by launch's policy."""

    model_config = ConfigDict(frozen=True)

    slip_days: int
    launches: int
    cost: int


class Radius(BaseModel):
    """The slips of one feature that were tried out together, by days, and when."""

    model_config = ConfigDict(frozen=True)

    computed_at: datetime
    slips: tuple[SlipEffect, ...]

    @property
    def usual(self) -> SlipEffect:
        """The one nearest to three weeks."""
        return min(self.slips, key=lambda one: (abs(one.slip_days - USUAL_DAYS), one.slip_days))


class ToldRadius(NamedTuple):
    """A slip of a feature, as launch told it."""

    portfolio: PortfolioId
    feature: str
    at: datetime
    slip: SlipEffect


def gather_radii(told: Sequence[ToldRadius]) -> dict[tuple[PortfolioId, str], Radius]:
    """The newest answer for each feature; slips told at one instant belong together."""
    found: dict[tuple[PortfolioId, str], Radius] = {}
    for one in told:
        key = one.portfolio, one.feature
        known = found.get(key)
        together = known.slips if known and known.computed_at == one.at else ()
        slips = sorted((*together, one.slip), key=lambda slip: slip.slip_days)
        found[key] = Radius(computed_at=one.at, slips=tuple(slips))
    return found
