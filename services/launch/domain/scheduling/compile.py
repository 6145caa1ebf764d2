"""The policy in the words of the engine: teams by week, work and weight by tier, allowed days. No launches yet.

The frame reaches from some weeks before this year to the end of the year in which the horizon lies, so that a state
that was kept and one that was loaded today have the same one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import TIERS, Constraints, Follows
from services.launch.domain.scheduling.engine.blocks import Members
from services.launch.domain.scheduling.engine.model import (
    DAYS_A_WEEK,
    Costs,
    Entry,
    Lag,
    PlanningProblem,
    TeamWeeks,
    Work,
    WorkingDays,
    iso_week,
    week_of,
)
from shared.contracts.launch import Tier

WEEKS_BEFORE = 10

Kind = tuple[str, tuple[str, ...]]


def frame_of(calendar: Calendar, today: date) -> PlanningProblem:
    """An empty portfolio for this year's decisions."""
    policy = calendar.policy
    base = week_of(date(today.year, 1, 1).toordinal()) - WEEKS_BEFORE
    horizon = date((date(today.year, 12, 31) + timedelta(days=policy.horizon_days)).year, 12, 31).toordinal()
    weeks = range(base, week_of(horizon) + 1)
    objective = policy.objective
    return PlanningProblem(
        today=base * DAYS_A_WEEK + 1,
        horizon=horizon,
        policy=Costs(
            soak=dict.fromkeys(TIERS, 0),
            lead=dict.fromkeys(TIERS, 0),
            weight={tier: objective.weight.get(tier, 1) for tier in TIERS},
            apart={str(tier): days for tier, days in policy.apart_days.items()},
            proximity=tuple((one.within_days, one.factor) for one in objective.proximity),
            announced_factor=objective.announced_factor,
            fixed_days=objective.fixed_days,
        ),
        regions=(),
        freezes=(),
        trains={},
        teams=tuple(_teams(policy, weeks)),
        features=(),
        launches=(),
    )


def _teams(policy: Constraints, weeks: range) -> Iterator[TeamWeeks]:
    names = {week: iso_week(week) for week in weeks}
    for name, team in policy.teams.items():
        yield TeamWeeks(name, weeks.start, tuple(team.weeks.get(names[week], team.weekly) for week in weeks))
    for slot in policy.slots:
        yield TeamWeeks(slot_of(slot.team, slot.tier), weeks.start, tuple(slot.most for _ in weeks))


def slot_of(team: str, tier: Tier) -> str:
    """The name under which the engine counts a team's launches of a tier, as if they were work."""
    return f"{team} ({tier} launches)"


def work_of(policy: Constraints) -> dict[Tier, tuple[Work, ...]]:
    """What a launch of each tier needs of each team that has a capacity."""
    return {tier: tuple(_work(policy, tier)) for tier in TIERS}


def _work(policy: Constraints, tier: Tier) -> Iterator[Work]:
    for load in policy.load.get(tier, ()):
        if load.team in policy.teams:
            yield from (Work(load.team, week, load.units) for week in range(load.from_week, load.to_week + 1))
    yield from (Work(slot_of(one.team, one.tier), 0, 1) for one in policy.slots if one.tier == tier)


@dataclass(slots=True)
class Days:
    """Allowed days by tier and regions, as the engine asks for them; the rules are the domain calendar's."""

    calendar: Calendar
    frame: PlanningProblem
    by_kind: dict[Kind, tuple[int, ...]]
    merged: dict[frozenset[Kind], tuple[int, ...]]
    working: dict[tuple[str, ...], tuple[int, ...]] = field(default_factory=dict)

    @property
    def first_week(self) -> int:
        """The week from which the engine counts."""
        return week_of(self.frame.today)

    def days(self, members: Members) -> tuple[int, ...]:
        """Sorted days on which every member may be."""
        kinds = frozenset((one.tier, one.regions) for one in members)
        if kinds not in self.merged:
            sets = [frozenset(self._of(kind)) for kind in kinds]
            self.merged[kinds] = tuple(sorted(frozenset.intersection(*sets)))
        return self.merged[kinds]

    def lag(self, follows: Follows, regions: tuple[str, ...]) -> Lag:
        """How long a launch in these regions comes after the other."""
        if not follows.lag_working_days:
            return follows.lag_days
        if regions not in self.working:
            days = range(self.frame.today, self.frame.horizon + 1)
            worked = (day for day in days if self.calendar.is_workday(date.fromordinal(day), regions))
            self.working[regions] = (*worked, self.frame.horizon + 1)
        return WorkingDays(follows.lag_working_days, self.working[regions])

    def broken(self, launch: Entry, day: int) -> Iterator[tuple[str, str]]:
        """The rules of the calendar against a day: (constraint, sentence)."""
        for one in self.calendar.broken(date.fromordinal(day), launch.tier, launch.regions):
            yield one.constraint, one.detail

    def _of(self, kind: Kind) -> tuple[int, ...]:
        if kind not in self.by_kind:
            self.by_kind[kind] = tuple(self._allowed(kind))
        return self.by_kind[kind]

    def _allowed(self, kind: Kind) -> Iterator[int]:
        tier, regions = kind
        day, last, step = date.fromordinal(self.frame.today), date.fromordinal(self.frame.horizon), timedelta(days=1)
        if self.calendar.boards(tier):  # type: ignore[arg-type]  # the engine's tiers are plain text
            day, step = self.calendar.next_train(day), timedelta(weeks=self.calendar.policy.trains.every_weeks)
        while day <= last:
            if not self.calendar.broken(day, tier, regions):
                yield day.toordinal()
            day += step
