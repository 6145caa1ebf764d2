"""What an observation led to elsewhere, as far as the others have told us. Values only."""

from datetime import date
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.contracts.words import CauseId, PortfolioId

SHOWN_LAUNCHES: Final = 200


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


def gather(effects: list[LaunchEffect]) -> dict[tuple[PortfolioId, CauseId], tuple[TouchedLaunch, ...]]:
    """One entry a cause, its launches in the order in which they were touched."""
    found: dict[tuple[PortfolioId, CauseId], tuple[TouchedLaunch, ...]] = {}
    for effect in effects:
        key = (effect.portfolio, effect.cause_id)
        found[key] = (*found.get(key, ()), *effect.launches)[:SHOWN_LAUNCHES]
    return found
