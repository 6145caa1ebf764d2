"""What notify hears: one cause, and what it means for each launch or untouched feature. Translated in consumers.py."""

from collections.abc import Iterable
from typing import Literal, Self

from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange, FeatureSnapshot
from shared.contracts.notify import Subject
from shared.contracts.words import Day, PersonId, PortfolioId, Word

Tier = Literal["T1", "T2", "T3", "T4"]
Level = Literal["T1", "T2", "T3", "T4", "untouched"]
"""How loud a subject is: the tier of a launch, or a feature whose change raised no launch's revision."""


class LaunchOwner(Word):
    """Who does what for a launch."""

    role: str
    person: PersonId


class News(Word):
    """One subject as a person must know it: what it is now, what it was, and why it changed.

    `teams` and `contributors` are those of now and of before, so that who is dropped still hears of it once.
    """

    subject: Subject
    level: Level
    name: str
    kinds: tuple[str, ...]
    state: str
    date: Day | None = None
    date_before: Day | None = None
    is_new: bool = False
    waits_for: str | None = None
    window: str | None = None
    window_before: str | None = None
    features: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    contributors: tuple[str, ...] = ()
    owners: tuple[LaunchOwner, ...] = ()
    segments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    product_line: str | None = None
    tier: str | None = None
    tier_before: str | None = None
    why: tuple[str, ...] = ()
    url: str | None = None

    @classmethod
    def of_feature(cls, change: FeatureChange) -> Self:
        """The change of a feature that raised no launch's revision."""
        now, before = change.feature, change.before
        both = (now,) if before is None else (now, before)
        return cls(
            subject=Subject(kind="feature", id=now.id, revision=now.version),
            level="untouched",
            name=now.title,
            kinds=change.kinds,
            state=now.status,
            is_new=before is None,
            window=_window(now),
            window_before=None if before is None else _window(before),
            features=(now.title,),
            refs=(now.id,),
            teams=unique(one.owner_team for one in both),
            contributors=unique(team for one in both for team in one.contributors),
            segments=now.segments,
            regions=now.regions,
            product_line=now.product_line,
            why=() if change.reason is None else (change.reason,),
            url=now.url,
        )


class CauseNews(Word):
    """One message of launch: its cause and the news in it, possibly none. `features`: those it speaks of."""

    portfolio: PortfolioId
    revision: int
    cause: Cause
    news: tuple[News, ...] = ()
    features: tuple[str, ...] = ()


def loudest(first: Tier, *others: Tier) -> Tier:
    """The lowest number: T1 is louder than T2."""
    return min((first, *others))


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """The values that are there, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))


def _window(feature: FeatureSnapshot) -> str | None:
    """The target as its source wrote it."""
    return None if feature.target is None else next(iter(feature.target.as_written.values()), None)
