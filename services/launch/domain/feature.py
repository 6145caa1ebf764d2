"""How late teams ship what they promised, and the day that makes likely for a target that names none.

Working days between the last day first promised for a stage and the day it shipped. What a feature remembers of this is
in `KnownFeature.slips`; in `Slips` it is counted by team.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.launch.domain.calendar import FAR, Calendar
from services.launch.domain.policy import Policy
from shared.contracts.feature import FeatureChange, FeatureSnapshot
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import Day, Word


class Slip(Word):
    """A stage of a feature that shipped: by which team, and how many working days late; 0: not late."""

    stage: str | None
    team: str
    days: int


class Likely(Word):
    """The day by which a team has shipped in `percentile` of 100 cases: `days` working days after the promise."""

    day: Day
    team: str
    percentile: int
    days: int


@dataclass(slots=True)
class Slips:
    """Every slip there was, by team, the shortest first."""

    by_team: dict[str, list[int]] = field(default_factory=dict)

    def add(self, slips: Sequence[Slip]) -> None:
        """Count these too."""
        for slip in slips:
            insort(self.by_team.setdefault(slip.team, []), slip.days)

    def remove(self, slips: Sequence[Slip]) -> None:
        """No longer count these, which were counted."""
        for slip in slips:
            days = self.by_team[slip.team]
            del days[bisect_left(days, slip.days)]
            if not days:
                del self.by_team[slip.team]

    def percentile(self, team: str, percentile: int, least: int) -> int | None:
        """The fewest working days within which so many of 100 shipped; None with fewer than `least` to go by."""
        days = self.by_team.get(team, [])
        return days[-(-percentile * len(days) // 100) - 1] if len(days) >= least else None


FUZZY = frozenset({"month", "quarter", "half", "year"})

"""Resolutions of targets that name no day."""


class KnownFeature(Word):
    """A feature as launch knows it."""

    snapshot: FeatureSnapshot
    confident_since: Day | None = None
    shipped_on: Day | None = None
    promised: Day | None = None
    """The last day of the first target that it had at its stage."""
    slips: tuple[Slip, ...] = ()
    """How late its stages shipped, of those that had been promised."""
    likely: Likely | None = None
    """The day that counts instead of the last one of a fuzzy target, as things were when it last changed."""

    @property
    def id(self) -> str:
        """The feature's id."""
        return self.snapshot.id

    @property
    def is_cancelled(self) -> bool:
        """Whether there is nothing left to tell."""
        return self.snapshot.status == "cancelled"

    @property
    def is_shipped(self) -> bool:
        """Whether it is live."""
        return self.snapshot.status == "shipped"

    @property
    def ready_on(self) -> date | None:
        """The day it shipped, else the likely one, else the last day of its target; None while nobody knows it."""
        if self.is_shipped:
            return self.shipped_on
        return self.likely.day if self.likely else _latest(self.snapshot)


def learn(
    known: Mapping[str, KnownFeature], changes: Iterable[FeatureChange], slips: Slips, calendar: Calendar, today: date
) -> dict[str, KnownFeature]:
    """What is known of features after their changes. `slips` are those before them."""
    news: dict[str, KnownFeature] = {}
    for change in changes:
        name = change.feature.id
        news[name] = _follow(news.get(name) or known.get(name), change.feature, slips, calendar, today)
    return news


def _follow(
    previous: KnownFeature | None, feature: FeatureSnapshot, slips: Slips, calendar: Calendar, today: date
) -> KnownFeature:
    since = previous.confident_since if previous else None
    shipped_on = previous.shipped_on if previous and previous.is_shipped else today
    same = previous if previous and previous.snapshot.stage == feature.stage else None
    return KnownFeature(
        snapshot=feature,
        confident_since=(since or today) if _is_confident(feature, calendar.policy) else None,
        shipped_on=shipped_on if feature.status == "shipped" else None,
        promised=(same.promised if same else None) or _latest(feature),
        slips=_slips(previous, same, feature, calendar, today),
        likely=_likely(feature, slips, calendar),
    )


def _latest(feature: FeatureSnapshot) -> date | None:
    latest = feature.target.latest if feature.target else None
    return latest and min(latest, FAR)


def _slips(
    previous: KnownFeature | None, same: KnownFeature | None, feature: FeatureSnapshot, calendar: Calendar, today: date
) -> tuple[Slip, ...]:
    """Those before, the one of the stage that has just shipped, and without that of one that was taken back."""
    before = previous.slips if previous else ()
    if same is None or same.is_shipped == (feature.status == "shipped"):
        return before
    others = tuple(slip for slip in before if slip.stage != feature.stage)
    if same.is_shipped or same.promised is None or feature.owner_team is None:
        return others
    days = calendar.count_working_days(same.promised, today, ())
    return (*others, Slip(stage=feature.stage, team=feature.owner_team, days=days))


def _likely(feature: FeatureSnapshot, slips: Slips, calendar: Calendar) -> Likely | None:
    """The last day is never too late: a team that is ready before it makes an earlier date possible, not promised."""
    rule, latest, team = calendar.policy.targets, _latest(feature), feature.owner_team
    if rule.fuzzy == "latest" or latest is None or team is None or not is_fuzzy(feature):
        return None
    days = slips.percentile(team, rule.percentile, rule.least_history)
    if not days:
        return None
    day = min(FAR, calendar.after_working_days(latest, days, ()))
    return Likely(day=day, team=team, percentile=rule.percentile, days=days)


def is_fuzzy(feature: FeatureSnapshot) -> bool:
    """Whether its target names no day."""
    return feature.target is not None and feature.target.resolution in FUZZY


def waits_for(known: KnownFeature) -> str | None:
    """What keeps a launch of this feature from having a date at all; None if nothing does."""
    feature = known.snapshot
    if feature.status == "paused":
        return f"{feature.ref} is paused"
    if known.ready_on is not None:
        return None
    if feature.target is None:
        return f"{feature.ref} has no target yet"
    if feature.release:
        return f"{feature.ref} waits for a day of release {feature.release}"
    return f"{feature.ref} has a target without a day"


def _is_confident(feature: FeatureSnapshot, policy: Policy) -> bool:
    if feature.status == "shipped":
        return True
    if feature.target is None or feature.target.latest is None or feature.health == "off_track":
        return False
    return feature.confidence is None or feature.confidence >= policy.confident_from


def features_of(snapshot: LaunchSnapshot, view: Mapping[str, KnownFeature]) -> list[KnownFeature]:
    """The features of a launch as they are known now."""
    return [view[feature.id] for feature in snapshot.features if feature.id in view]
