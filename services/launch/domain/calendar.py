"""The policy's calendar (working days, freezes, trains: counted and found), and the now of one decision.

What the calendar forbids is said in rules/.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.launch.domain.policy import Freeze, Policy, Region
from shared.contracts.launch import Tier

SOFT = "soft_freeze"

"""A rule that keeps automatic dates away and lets a person's stand."""

ONE_DAY = timedelta(days=1)

FAR = date(9000, 1, 1)

"""No day is later, so that adding to a day cannot leave the calendar: anybody may write the year 9999."""

REMEMBERED_DAYS = 65_536


class Calendar:
    """The policy's calendar. Its answers are remembered; it has no other state."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.zone = ZoneInfo(policy.anchor_zone)
        self.remembered: dict[tuple[object, ...], tuple[object, ...]] = {}
        """What the rules have said of days, for them to look up."""
        self.after_working_days = lru_cache(maxsize=REMEMBERED_DAYS)(self._after_working_days)
        self.before_working_days = lru_cache(maxsize=REMEMBERED_DAYS)(self._before_working_days)
        self.group_of = {launch: name for name, ids in policy.together.items() for launch in ids}
        """The group of each launch that shares its date with others."""
        self._holidays = {name: frozenset(region.holidays) for name, region in policy.regions.items()}

    def day_of(self, instant: datetime) -> date:
        """The day that an instant belongs to, in the anchor zone."""
        return min(instant.astimezone(self.zone).date(), FAR)

    def start_of(self, day: date) -> datetime:
        """The instant at which a day begins in the anchor zone."""
        return datetime.combine(day, time(), self.zone)

    def is_workday(self, day: date, regions: Iterable[str] = ()) -> bool:
        """Whether people work on this day in every region."""
        return not any(True for _ in self.idle_regions(day, regions))

    def _after_working_days(self, day: date, count: int, regions: tuple[str, ...]) -> date:
        """The day `count` working days later."""
        while count:
            day += ONE_DAY
            count -= self.is_workday(day, regions)
        return day

    def _before_working_days(self, day: date, count: int, regions: tuple[str, ...]) -> date:
        """The day `count` working days earlier."""
        while count:
            day -= ONE_DAY
            count -= self.is_workday(day, regions)
        return day

    def count_working_days(self, first: date, last: date, regions: tuple[str, ...]) -> int:
        """Working days after `first` up to `last`; 0 if that is no later."""
        days = range(1, (last - first).days + 1)
        return sum(self.is_workday(first + timedelta(days=one), regions) for one in days)

    def next_train(self, day: date) -> date:
        """The first train on or after the day, whatever else is against it."""
        cadence = timedelta(weeks=self.policy.trains.every_weeks)
        return day + (self.policy.trains.anchor - day) % cadence

    def boards(self, tier: Tier) -> bool:
        """Whether launches of the tier leave by train."""
        return self.policy.tiers[tier].boards_train

    def rides(self, tier: Tier, day: date) -> bool:
        """Whether a launch of the tier on this day leaves by train."""
        return self.boards(tier) and self.next_train(day) == day

    def cutoff_of(self, train: date) -> date:
        """The day on which it is settled who rides on a train."""
        return train - timedelta(days=self.policy.trains.cutoff_days)

    def freezes(self, first: date, last: date) -> Iterator[tuple[date, date, Freeze]]:
        """The policy's freezes from one day to another, each with its first and last day."""
        days = [first + timedelta(days=one) for one in range((last - first).days + 1)]
        for freeze in self.policy.freezes:
            for frozen, run in groupby(days, lambda day: _covers(freeze, day, self.policy.default_region)):  # noqa: B023 - used at once
                span = list(run) if frozen else []
                if span:
                    yield span[0], span[-1], freeze

    def idle_regions(self, day: date, regions: Iterable[str]) -> Iterator[str]:
        """The regions in which nobody works on the day; `""` is that of launches that name none."""
        for name in tuple(regions) or ("",):
            region = self.policy.regions.get(name, self.policy.default_region)
            if day.isoweekday() in region.weekend or day in self._holidays.get(name, region.holidays):
                yield name

    def freezes_on(self, day: date, tier: Tier, regions: tuple[str, ...]) -> Iterator[Freeze]:
        """The policy's freezes that hold the day for a launch of this tier in these regions."""
        for freeze in self.policy.freezes:
            here = freeze.regions is None or not set(freeze.regions).isdisjoint(regions)
            here = here and (
                freeze.teams is None or any(load.team in freeze.teams for load in self.policy.load.get(tier, ()))
            )
            if here and tier in freeze.tiers and _covers(freeze, day, self.policy.default_region):
                yield freeze


def _covers(freeze: Freeze, day: date, region: Region) -> bool:
    if freeze.first and freeze.last:
        return freeze.first <= day <= freeze.last
    if freeze.each_year_from and freeze.each_year_to:
        return _within_year(f"{day:%m-%d}", freeze.each_year_from, freeze.each_year_to)
    return day >= _begin_of_quarters_end(
        day.year, (day.month - 1) // 3, freeze.last_working_days_of_quarter, region.weekend
    )


def _within_year(text: str, first: str, last: str) -> bool:
    return first <= text <= last if first <= last else text >= first or text <= last


@lru_cache(maxsize=REMEMBERED_DAYS)
def _begin_of_quarters_end(year: int, quarter: int, count: int, weekend: tuple[int, ...]) -> date:
    """The first of the last `count` working days of a quarter (0 to 3), or its first day if it has fewer."""
    first = date(year, 3 * quarter + 1, 1)
    begin = date(year + quarter // 3, 3 * (quarter + 1) % 12 + 1, 1)
    while count and begin > first:
        begin -= ONE_DAY
        count -= begin.isoweekday() not in weekend
    return begin


@dataclass(frozen=True, slots=True)
class Context:
    """The decision's now and its policy's calendar."""

    calendar: Calendar
    now: datetime
    stage: str | None = None
    """How hard to look for a better plan; None: what the policy says."""
    solver: Callable[[Any], Any] | None = None
    """For the third stage; what it takes and gives is between the engine and it (scheduling/engine/closure.py)."""

    @property
    def reached(self) -> str:
        """How hard is really looked: without a solver the third stage is the second."""
        stage = self.stage or self.policy.objective.stage
        return "S2" if stage == "S3" and self.solver is None else stage

    @property
    def today(self) -> date:
        """The day of `now` in the anchor zone."""
        return self.calendar.day_of(self.now)

    @property
    def policy(self) -> Policy:
        """The policy that the decision reads."""
        return self.calendar.policy


class RefusedError(Exception):
    """A person's command cannot be carried out; the text says why and what would be right."""

    def __init__(self, message: str, where: str = "$", *, missing: bool = False) -> None:
        super().__init__(message)
        self.where = where
        """JSON path into the command."""
        self.missing = missing
        """What the command names does not exist."""
