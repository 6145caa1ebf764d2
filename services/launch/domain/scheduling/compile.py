"""The catalogue of rules in the words of the engine: what is limited by weeks, who keeps away from whom, allowed days.

The frame reaches from some weeks before this year to the end of the year in which the horizon lies, so that a state
that was kept and one that was loaded today have the same one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import cast

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import TIERS, Follows, Policy
from services.launch.domain.rules.audience import audience_of
from services.launch.domain.rules.catalogue import RULES, of_day
from services.launch.domain.rules.rule import Distance, WeeklyLimit
from services.launch.domain.scheduling.engine.blocks import Members
from services.launch.domain.scheduling.engine.model import (
    DAYS_A_WEEK,
    REST,
    Costs,
    Entry,
    Lag,
    Line,
    PlanningProblem,
    Scope,
    TeamWeeks,
    Work,
    WorkingDays,
    week_of,
)
from shared.contracts.launch import LaunchSnapshot, Tier

WEEKS_BEFORE = 10
WEEKLY = tuple(rule for rule in RULES if isinstance(rule, WeeklyLimit))
DISTANCES = tuple(rule for rule in RULES if isinstance(rule, Distance))

Kind = tuple[Tier, tuple[str, ...]]


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
            proximity=tuple((one.within_days, one.factor) for one in objective.proximity),
            announced_factor=objective.announced_factor,
            fixed_days=objective.fixed_days,
        ),
        regions=(),
        freezes=(),
        trains={},
        teams=tuple(team_of(rule, resource, weeks, policy) for rule in WEEKLY for resource in rule.resources(policy)),
        features=(),
        launches=(),
        touches=policy.audience.touches_per_week,
        train_days=frozenset(_train_days(calendar, base * DAYS_A_WEEK + 1, horizon)),
    )


def _train_days(calendar: Calendar, first: int, last: int) -> Iterator[int]:
    day = calendar.next_train(date.fromordinal(first)).toordinal()
    yield from range(day, last + 1, calendar.policy.trains.every_weeks * DAYS_A_WEEK)


def row_of(rule: WeeklyLimit, resource: str, policy: Policy) -> str:
    """The row of a resource: its name where the rule lists it, else the rule's too, so that no two rules share one."""
    return resource if resource in rule.resources(policy) else f"{rule.names[0]}: {resource}"


def team_of(rule: WeeklyLimit, resource: str, weeks: range, policy: Policy) -> TeamWeeks:
    """A resource that a rule limits by weeks, as the engine counts it."""
    mondays = [date.fromordinal(week * DAYS_A_WEEK + 1) for week in weeks]
    return TeamWeeks(
        id=row_of(rule, resource, policy),
        first_week=weeks.start,
        capacity=tuple(rule.limit(resource, monday, policy) for monday in mondays),
        constraint=rule.names[0],
        name=resource,
    )


def work_of(shape: LaunchSnapshot, tier: Tier, policy: Policy) -> tuple[Work, ...]:
    """What the launch takes of everything that rules limit by weeks."""
    return tuple(
        Work(row_of(rule, use.resource, policy), use.offset, use.units)
        for rule in WEEKLY
        for use in rule.uses(shape, tier, policy)
    )


def scopes_of(shape: LaunchSnapshot, tier: Tier, policy: Policy) -> tuple[Scope, ...]:
    """Where the launch keeps days from others."""
    apart = [(Line(rule.names[0], *key), days) for rule in DISTANCES for key, days in rule.scopes(shape, tier, policy)]
    rest = policy.audience.rest_days
    return (*apart, *((Line(REST, segment, ""), rest + 1) for segment in audience_of(shape) if rest))


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
        kinds = frozenset((cast("Tier", one.tier), one.regions) for one in members)
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
        for one in of_day(date.fromordinal(day), cast("Tier", launch.tier), launch.regions, self.calendar):
            yield one.constraint, one.detail

    def _of(self, kind: Kind) -> tuple[int, ...]:
        if kind not in self.by_kind:
            self.by_kind[kind] = tuple(self._allowed(kind))
        return self.by_kind[kind]

    def _allowed(self, kind: Kind) -> Iterator[int]:
        tier, regions = kind
        day, last, step = date.fromordinal(self.frame.today), date.fromordinal(self.frame.horizon), timedelta(days=1)
        if self.calendar.boards(tier):
            day, step = self.calendar.next_train(day), timedelta(weeks=self.calendar.policy.trains.every_weeks)
        while day <= last:
            if not of_day(day, tier, regions, self.calendar):
                yield day.toordinal()
            day += step
