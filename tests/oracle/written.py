"""The policy in the words of docs/reference/planner-files.md: regions, teams by week, trains, freezes. No launches.

Written anew from the policy's data; nothing of the engine's frame or of the calendar is used.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from services.launch.domain.policy import TIERS, Constraints, Freeze, Policy, Region

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
WEEKS_BEFORE = 10


def write_policy(policy: Policy, year: int) -> dict[str, Any]:
    """All of a portfolio but its launches and their features, from some weeks before the year to the horizon."""
    first = date(year, 1, 1) - WEEKS_BEFORE * WEEK
    last = date((date(year, 12, 31) + timedelta(days=policy.horizon_days)).year, 12, 31)
    return {
        "horizon": last.isoformat(),
        "policy": {
            "soak_days": dict.fromkeys(TIERS, 0),
            "lead_days": dict.fromkeys(TIERS, 0),
            "apart_days": policy.apart_days,
        },
        "regions": [_region(name, region) for name, region in {"": policy.default_region, **policy.regions}.items()],
        "freezes": list(_freezes(policy, first, last)),
        "trains": {tier: _trains(policy, first, last) for tier, rule in policy.tiers.items() if rule.boards_train},
        "teams": list(_teams(policy, first, last)),
        "features": [],
    }


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
