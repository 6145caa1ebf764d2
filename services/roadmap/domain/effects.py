"""What the others have told us: what observations led to, and what slips would move. Values only.

Nothing that roadmap decides reads them.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.contracts.words import CauseId, PortfolioId

SHOWN_LAUNCHES: Final = 200
USUAL_DAYS: Final = 21
"""The slip that is shown where there is room for one."""


class TouchedLaunch(BaseModel):
    """A launch that a cause touched: its date before and now."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    tier: str
    kinds: tuple[str, ...]
    was_on: date | None
    on: date | None


class LaunchEffect(NamedTuple):
    """What one cause did to launches; empty when it touched none."""

    portfolio: PortfolioId
    cause_id: CauseId
    launches: tuple[TouchedLaunch, ...]


class PersonTold(NamedTuple):
    """One person's standing with one revision of one launch or feature."""

    subject_kind: str
    subject_id: str
    subject_revision: int
    person: str
    state: str


class PeopleEffect(NamedTuple):
    """Who had to be told of one cause; empty when nobody is concerned."""

    portfolio: PortfolioId
    cause_id: CauseId
    people: tuple[PersonTold, ...]


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


def gather_launches(
    effects: Sequence[LaunchEffect],
) -> dict[tuple[PortfolioId, CauseId], tuple[TouchedLaunch, ...]]:
    """One entry a cause, its launches in the order in which they were touched."""
    found: dict[tuple[PortfolioId, CauseId], tuple[TouchedLaunch, ...]] = {}
    for effect in effects:
        key = (effect.portfolio, effect.cause_id)
        found[key] = (*found.get(key, ()), *effect.launches)[:SHOWN_LAUNCHES]
    return found


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
