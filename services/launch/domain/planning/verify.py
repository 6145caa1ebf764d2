"""A second opinion on every plan before it happens: the independent checker, on the launches that it can concern.

The portfolio is written anew from the policy, in the words of planner-interchange.md; nothing of the engine's frame is
used. A plan must not break a rule that held before, except where it says so.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.launch.domain.calendar import Calendar
from services.launch.domain.constraints import Constraints, Follows
from services.launch.domain.planner_check import Violation, World
from services.launch.domain.policy import TIERS, Freeze, Policy, Region
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
Dates = Mapping[LaunchId, date]
Shapes = Mapping[LaunchId, LaunchSnapshot]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verifier:
    """The policy in the checker's words, from some weeks before a day to the end of the horizon."""

    calendar: Calendar
    written: dict[str, Any]
    reach: range
    """Weeks, counted from a launch's own, that it can matter to."""

    @classmethod
    def of(cls, calendar: Calendar, year: int) -> "Verifier":
        """For decisions of this year."""
        policy = calendar.policy
        first = date(year, 1, 1) - 10 * WEEK
        last = date((date(year, 12, 31) + timedelta(days=policy.horizon_days)).year, 12, 31)
        regions = {"": policy.default_region, **policy.regions}
        loads = [load for some in policy.load.values() for load in some]
        reach = range(
            min((load.from_week for load in loads), default=0), max((load.to_week for load in loads), default=0) + 1
        )
        written = {
            "horizon": last.isoformat(),
            "policy": {
                "soak_days": dict.fromkeys(TIERS, 0),
                "lead_days": dict.fromkeys(TIERS, 0),
                "apart_days": policy.apart_days,
            },
            "regions": [_region(name, region) for name, region in regions.items()],
            "freezes": list(_freezes(policy, first, last)),
            "trains": {tier: _trains(policy, first, last) for tier, rule in policy.tiers.items() if rule.boards_train},
            "teams": list(_teams(policy, first, last)),
            "features": [],
        }
        return cls(calendar, written, reach)

    def judge(self, shapes: Shapes, before: Dates, after: Dates, today: date) -> list[Violation]:
        """The rules that these dates break and the old ones did not, around the launches whose date changes."""
        touched = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        days = [day for name in touched for dates in (before, after) if (day := dates.get(name))]
        if not days:
            return []
        weeks = self._near(days)
        old = self._world(shapes, before, weeks, today)
        new = self._world(shapes, after, weeks, today)
        known = {_key(one): set(one.launches) for one in old.violations()}
        return [one for one in new.violations() if set(one.launches) - known.get(_key(one), set())]

    def _near(self, days: Collection[date]) -> set[date]:
        """The Mondays of all weeks whose launches can meet one on these days."""
        span = len(self.reach) + 2
        mondays = {day - timedelta(days=day.weekday()) for day in days}
        return {monday + at * WEEK for monday in mondays for at in range(-span, span + 1)}

    def _world(self, shapes: Shapes, dates: Dates, weeks: set[date], today: date) -> World:
        linked = {name for one in self.calendar.policy.after for name in (one.launch, one.after)}
        linked |= {name for group in self.calendar.policy.together.values() for name in group}
        chosen = {
            name: day for name, day in dates.items() if day - timedelta(days=day.weekday()) in weeks or name in linked
        }
        launches = [_launch(shapes[name], day, self.calendar, chosen) for name, day in sorted(chosen.items())]
        return World({**self.written, "today": today.isoformat(), "launches": launches})


def _key(one: Violation) -> Key:
    """What is broken, without the numbers."""
    if one.rule in {"capacity", "spacing"}:
        return one.rule, one.detail.partition(":")[0]
    return one.rule, " ".join(one.launches)


def _launch(shape: LaunchSnapshot, day: date, calendar: Calendar, known: Dates) -> dict[str, Any]:
    policy = calendar.policy
    tier = min(shape.market_tier, shape.internal_tier)
    loads = [load for load in policy.load.get(tier, ()) if load.team in policy.teams]
    work = [
        {"team": load.team, "offset_weeks": at, "units": load.units}
        for load in loads
        for at in range(load.from_week, load.to_week + 1)
    ]
    work += [{"team": f"{s.team}/{s.tier}", "offset_weeks": 0, "units": 1} for s in policy.slots if s.tier == tier]
    return {
        "id": shape.id,
        "line": shape.product_line or shape.id,
        "tier": tier,
        "date": day.isoformat(),
        "regions": list(shape.regions) or [""],
        "segments": list(shape.segments) if tier in policy.spacing else [],
        "features": [],
        "pinned": shape.pin is not None,
        "announced": shape.state == "announced",
        "work": work,
        "after": [
            {"launch": one.after, "lag_days": _lag(one, known[one.after], shape.regions, calendar)}
            for one in policy.after
            if one.launch == shape.id and one.after in known
        ],
        "together": next((name for name, ids in policy.together.items() if shape.id in ids), None),
    }


def _lag(follows: Follows, day: date, regions: tuple[str, ...], calendar: Calendar) -> int:
    """Calendar days to come after a launch on the day."""
    working = calendar.after_working_days(day, follows.lag_working_days, regions) - day
    return max(follows.lag_days, working.days)


def _region(name: str, region: Region) -> dict[str, Any]:
    return {"id": name, "weekend": list(region.weekend), "holidays": [day.isoformat() for day in region.holidays]}


def _teams(policy: Constraints, first: date, last: date) -> Iterator[dict[str, Any]]:
    weeks, monday = [], first - timedelta(days=first.weekday())
    while monday <= last:
        year, week, _ = monday.isocalendar()
        weeks.append(f"{year:04d}-W{week:02d}")
        monday += WEEK
    for name, team in policy.teams.items():
        units = [team.weeks.get(week, team.weekly) for week in weeks]
        yield {"id": name, "first_week": weeks[0], "capacity": units}
    for slot in policy.slots:
        yield {"id": f"{slot.team}/{slot.tier}", "first_week": weeks[0], "capacity": [slot.most] * len(weeks)}


def _trains(policy: Policy, first: date, last: date) -> list[str]:
    step = policy.trains.every_weeks * WEEK
    day = policy.trains.anchor + -(-(first - policy.trains.anchor) // step) * step
    return [(day + at * step).isoformat() for at in range((last - day) // step + 1)]


def _freezes(policy: Policy, first: date, last: date) -> Iterator[dict[str, Any]]:
    for freeze in (one for one in policy.freezes if not one.soft):
        needs = [tier for tier in TIERS if any(load.team in (freeze.teams or ()) for load in policy.load.get(tier, ()))]
        tiers = freeze.tiers if freeze.teams is None else [tier for tier in freeze.tiers if tier in needs]
        for start, end in _spans(freeze, first, last, policy.default_region):
            yield {
                "from": start.isoformat(),
                "to": end.isoformat(),
                "tiers": list(tiers),
                "regions": None if freeze.regions is None else list(freeze.regions),
            }


def _spans(freeze: Freeze, first: date, last: date, region: Region) -> Iterator[tuple[date, date]]:
    if freeze.first and freeze.last:
        yield freeze.first, freeze.last
    elif freeze.each_year_from and freeze.each_year_to:
        wraps = freeze.each_year_from > freeze.each_year_to
        for year in range(first.year - 1, last.year + 1):
            start = date.fromisoformat(f"{year}-{freeze.each_year_from}")
            yield start, date.fromisoformat(f"{year + wraps}-{freeze.each_year_to}")
    elif freeze.last_working_days_of_quarter:
        ends = (date(year, month, 1) - DAY for year in range(first.year, last.year + 2) for month in (1, 4, 7, 10))
        for end in ends:
            yield _back(end, freeze.last_working_days_of_quarter, region), end


def _back(day: date, count: int, region: Region) -> date:
    """The first of the last `count` working days up to the day."""
    while True:
        count -= day.isoweekday() not in region.weekend
        if not count:
            return day
        day -= DAY
