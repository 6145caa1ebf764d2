"""Whether a launch may be on a day by itself: features ready, teams' lead, notice, and the days a person wants.

Counted anew, day by day, from the policy's data: working days in all of its regions, waivers, overdue features.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import Activity, Policy, TierRule
from shared.contracts.launch import LaunchSnapshot
from tests.oracle.plans.rules import Violation

DAY = timedelta(days=1)
Against = tuple[str, str]
"""A rule and a sentence."""


class OwnRules:
    """The rules of a policy for one launch and one day."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        regions = {"": policy.default_region, **policy.regions}
        self._off = {name: (frozenset(one.weekend), frozenset(one.holidays)) for name, one in regions.items()}

    def broken(
        self, shape: LaunchSnapshot, day: date, features: Iterable[KnownFeature], today: date
    ) -> Iterator[Violation]:
        """The rules that the day breaks: `ready`, `train` (boarding), `lead`, `notice`, `not_before`, `not_after`."""
        for rule, detail in self._against(shape, day, features, today):
            yield Violation(rule, (shape.id,), detail)

    def _against(
        self, shape: LaunchSnapshot, day: date, features: Iterable[KnownFeature], today: date
    ) -> Iterator[Against]:
        if shape.not_before and day < shape.not_before:
            yield "not_before", f"a person wants it on {shape.not_before} at the earliest"
        if shape.not_after and day > shape.not_after:
            yield "not_after", f"a person wants it by {shape.not_after} at the latest"
        for known in features:
            if known.snapshot.status != "cancelled":
                yield from self._against_feature(shape, day, known, today)

    def _against_feature(self, shape: LaunchSnapshot, day: date, known: KnownFeature, today: date) -> Iterator[Against]:
        ready, ref = _ready_on(known, today), known.snapshot.ref
        if known.snapshot.status == "paused":
            yield "ready", f"{ref} is paused"
        if ready is None:
            yield "ready", f"{ref} has no day"
            return
        yield from self._early(shape, day, ready, ref, today)
        yield from self._unnoticed(shape, day, known, today)

    def _early(self, shape: LaunchSnapshot, day: date, ready: date, ref: str, today: date) -> Iterator[Against]:
        rule, cutoff = self._rule(shape), self._policy.trains.cutoff_days
        if (day - ready).days < rule.soak_days:
            yield "ready", f"{ref} is ready on {ready}, {rule.soak_days} days are needed"
        if rule.boards_train and (day - ready).days < cutoff:
            yield "train", f"{ref} is ready on {ready}, less than {cutoff} days before"
        for one, asked in self._owed(shape, today):
            if one.anchor == "ready" and day < self.after_working_days(ready, asked, shape.regions):
                yield "lead", f"{ref} is ready on {ready}, {one.name} needs {asked} working days after that"

    def _unnoticed(self, shape: LaunchSnapshot, day: date, known: KnownFeature, today: date) -> Iterator[Against]:
        asked = self._rule(shape).lead_working_days
        if any(one.until > today for one in shape.waivers):
            asked = min(asked, max((days for _, days in self._unwaived(shape, today)), default=0))
        since = known.confident_since or today
        if day < self.after_working_days(since, asked, shape.regions):
            yield "notice", f"{known.snapshot.ref} is sure since {since}, {asked} working days are needed"

    def _rule(self, shape: LaunchSnapshot) -> TierRule:
        return self._policy.tiers[min(shape.market_tier, shape.internal_tier)]

    def _unwaived(self, shape: LaunchSnapshot, today: date) -> Iterator[tuple[Activity, int]]:
        """What the launch's tiers ask for and nobody has given up, with its working days."""
        waived = {one.activity for one in shape.waivers if one.until > today}
        tiers = {"market": shape.market_tier, "internal": shape.internal_tier}
        for one in self._policy.activities:
            if one.id not in waived and tiers[one.axis] in one.days:
                yield one, one.days[tiers[one.axis]]

    def _owed(self, shape: LaunchSnapshot, today: date) -> Iterator[tuple[Activity, int]]:
        done = {one.activity for one in shape.completed}
        return ((one, days) for one, days in self._unwaived(shape, today) if one.id not in done)

    def after_working_days(self, day: date, count: int, regions: tuple[str, ...]) -> date:
        """The day on which so many working days of all the regions have passed since."""
        off = [self._off.get(name, self._off[""]) for name in regions or ("",)]
        while count > 0:
            day += DAY
            count -= not any(day.isoweekday() in weekend or day in holidays for weekend, holidays in off)
        return day


def _ready_on(known: KnownFeature, today: date) -> date | None:
    """The day it shipped; else the last day of its target or the likely one, or today if that is over."""
    if known.snapshot.status == "shipped":
        return known.shipped_on
    latest = known.snapshot.target.latest if known.snapshot.target else None
    counts = known.likely.day if known.likely else latest
    return max(counts, today) if counts else None
