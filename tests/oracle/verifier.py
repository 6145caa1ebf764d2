"""The independent checker on the launches that a plan can concern: the policy and the portfolio written anew for it.

A plan must not break a rule that held before, except where it says so; and nobody whom it asks about or moves may be on
a day before its features.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, combinations, product
from typing import Any

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import TIERS, Follows, Policy
from services.launch.domain.rules.rule import LaunchDates, monday_of
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.oracle.own_rules import OwnRules
from tests.oracle.plans.rules import Book, Violation, World
from tests.oracle.written import WEEK, write_policy

Dates = Mapping[LaunchId, date]
Shapes = Mapping[LaunchId, LaunchSnapshot]
ShapeOf = Callable[[LaunchId], LaunchSnapshot]
Key = tuple[str, str]

NEVER_DECLARED = frozenset({"pin", "right-only"})


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """What a decision would do: where everybody was, who would be elsewhere, and what the launches are by then.

    `changes`: days of launches that may differ from those before; None: nowhere. `asked`: the dates that those have
    whom it asks about, a person's where one gives it; `were`: what they were before. `features`: as they are now, of
    every launch that it asks about or moves. `declared`: launches of which something is said to be wrong, or that wait.
    """

    shapes: Shapes
    before: LaunchDates
    changes: Mapping[LaunchId, date | None]
    asked: Mapping[LaunchId, date | None] = field(default_factory=dict)
    were: Shapes = field(default_factory=dict)
    features: Mapping[LaunchId, Sequence[KnownFeature]] = field(default_factory=dict)
    declared: Collection[str] = ()
    undone: Collection[LaunchId] = ()
    """Launches that go back to where they were."""

    def moved(self) -> set[LaunchId]:
        """Launches on another date, or with one for the first or the last time."""
        return {name for name, day in self.changes.items() if self.before.get(name) != day}

    def day_of(self, launch: LaunchId) -> date | None:
        """Where the launch would be."""
        return self.changes[launch] if launch in self.changes else self.before.get(launch)


@dataclass(frozen=True, slots=True)
class Verifier:
    """The policy in the checker's words, for decisions of one year."""

    policy: Policy
    written: dict[str, Any]
    book: Book
    reach: range
    """Weeks, counted from a launch's own, that it can matter to."""
    own: OwnRules
    work: dict[Tier, list[dict[str, Any]]]
    """What a launch of each tier needs of each team."""

    @classmethod
    def of(cls, calendar: Calendar, year: int) -> "Verifier":
        """For decisions of this year."""
        policy = calendar.policy
        loads = [load for some in policy.load.values() for load in some]
        reach = range(
            min((load.from_week for load in loads), default=0), max((load.to_week for load in loads), default=0) + 1
        )
        written = write_policy(policy, year)
        work = {tier: list(_work(policy, tier)) for tier in TIERS}
        return cls(policy, written, Book(written), reach, OwnRules(policy), work)

    def judge(self, plan: CheckedPlan, today: date) -> list[Violation]:
        """Every rule that the plan breaks and does not declare; empty when it holds."""
        concerned = {*plan.moved(), *plan.asked}
        found = [*_moves(plan, concerned), *self._early(plan, today), *self._between(plan, today)]
        return [one for one in found if not _is_declared(one, plan)]

    def _early(self, plan: CheckedPlan, today: date) -> Iterator[Violation]:
        """Who is asked about keeps to its features; who is moved along comes no nearer to them, and not too late."""
        for name, known in sorted(plan.features.items()):
            shape, day = plan.shapes[name], plan.day_of(name)
            if day is None:
                continue
            nearer = name in plan.asked or day < plan.before.get(name, date.max)
            broken = self.own.broken(shape, day, known, today)
            yield from (one for one in broken if nearer or one.rule == "not_after")

    def _between(self, plan: CheckedPlan, today: date) -> Iterator[Violation]:
        """The rules between launches and of the calendar that did not stand broken before."""
        changed = plan.moved() | {name for name, shape in plan.were.items() if self._is_other(shape, plan.shapes[name])}
        days = [day for name in changed for find in (plan.before.get, plan.day_of) if (day := find(name))]
        if not days:
            return
        weeks = self._near(days)
        names = {*plan.before.near(weeks), *plan.changes, *self._linked()}
        old = self._world(
            lambda name: plan.were.get(name) or plan.shapes[name], _dates(plan.before.get, names), weeks, today
        )
        new = self._world(plan.shapes.__getitem__, _dates(plan.day_of, names), weeks, today)
        before = [*old.violations(), *self._heard(lambda name: plan.were.get(name) or plan.shapes[name], old)]
        known = {_key(one): set(one.launches) for one in before}
        for one in (*new.violations(), *self._heard(plan.shapes.__getitem__, new)):
            if one.rule != "today" and set(one.launches) - known.get(_key(one), set()):
                yield one

    def _heard(self, shape_of: ShapeOf, world: World) -> Iterator[Violation]:
        """What segments hear too much of: over the week's announcements, and each two that are too close."""
        heard: dict[str, dict[tuple[date, str], list[LaunchId]]] = defaultdict(lambda: defaultdict(list))
        for name, day in world.dates.items():
            launch, shape = world.launches[name], shape_of(LaunchId(name))
            group = [one for one in world.launches.values() if one is launch or _is_with(one, launch)]
            group = [one for one in group if world.dates[one["id"]] == day]
            aboard = all(day in self.book.trains.get(one["tier"], ()) for one in group)
            told = "the train" if aboard else launch["together"] or name
            for segment in set(shape.segments) - {"everybody"} if shape.market_tier != "T4" else ():
                heard[segment][day, told].append(LaunchId(name))
        for segment, announcements in heard.items():
            weeks = defaultdict(list)
            for (day, _), names in announcements.items():
                weeks[monday_of(day)].append(names)
            for monday, some in weeks.items():
                if len(some) > self.policy.audience.touches_per_week:
                    yield Violation("touches", tuple(sorted({*chain(*some)})), f"{segment} {monday}: {len(some)}")
            for (one, ones), (other, others) in combinations(announcements.items(), 2):
                if abs((one[0] - other[0]).days) <= self.policy.audience.rest_days:
                    for pair in product(ones, others):
                        yield Violation("rest", tuple(sorted(pair)), segment)

    def _is_other(self, was: LaunchSnapshot, now: LaunchSnapshot) -> bool:
        """Whether it needs something else of others than before."""
        heard = (was.segments, was.market_tier == "T4") != (now.segments, now.market_tier == "T4")
        return heard or self._launch(was, date.min, {}) != self._launch(now, date.min, {})

    def _near(self, days: Collection[date]) -> set[date]:
        """The Mondays of all weeks whose launches can meet one on these days."""
        apart = max(self.policy.apart_days.values(), default=0) // WEEK.days
        span = max(len(self.reach), apart) + 2
        return {monday_of(day) + at * WEEK for day in days for at in range(-span, span + 1)}

    def _linked(self) -> set[LaunchId]:
        """Launches that meet others on whichever day."""
        follow = {name for one in self.policy.after for name in (one.launch, one.after)}
        return follow.union(*self.policy.together.values())

    def _world(self, shape_of: ShapeOf, dates: Dates, weeks: set[date], today: date) -> World:
        linked = self._linked()
        chosen = {name: day for name, day in dates.items() if monday_of(day) in weeks or name in linked}
        launches = [self._launch(shape_of(name), day, chosen) for name, day in sorted(chosen.items())]
        return World({**self.written, "today": today.isoformat(), "launches": launches}, book=self.book)

    def _launch(self, shape: LaunchSnapshot, day: date, known: Dates) -> dict[str, Any]:
        policy = self.policy
        tier = min(shape.market_tier, shape.internal_tier)
        return {
            "id": shape.id,
            "line": shape.product_line or shape.id,
            "tier": tier,
            "date": day.isoformat(),
            "regions": [name if name in policy.regions else "" for name in shape.regions] or [""],
            "segments": list(shape.segments) if tier in policy.spacing else [],
            "features": [],
            "pinned": shape.pin is not None,
            "announced": shape.state == "announced",
            "work": self.work[tier],
            "after": [
                {"launch": one.after, "lag_days": self._lag(one, known[one.after], shape.regions)}
                for one in policy.after
                if one.launch == shape.id and one.after in known
            ],
            "together": next((name for name, ids in policy.together.items() if shape.id in ids), None),
        }

    def _lag(self, follows: Follows, day: date, regions: tuple[str, ...]) -> int:
        """Calendar days to come after a launch on the day."""
        working = self.own.after_working_days(day, follows.lag_working_days, regions) - day
        return max(follows.lag_days, working.days)


def _work(policy: Policy, tier: Tier) -> Iterator[dict[str, Any]]:
    for load in policy.load.get(tier, ()):
        if load.team in policy.teams:
            weeks = range(load.from_week, load.to_week + 1)
            yield from ({"team": load.team, "offset_weeks": at, "units": load.units} for at in weeks)
    yield from ({"team": f"{s.team}/{s.tier}", "offset_weeks": 0, "units": 1} for s in policy.slots if s.tier == tier)


def _dates(find: Callable[[LaunchId], date | None], names: Collection[LaunchId]) -> Dates:
    return {name: day for name in names if (day := find(name))}


def _moves(plan: CheckedPlan, concerned: Collection[LaunchId]) -> Iterator[Violation]:
    """What no plan may do by itself: move a pin, or bring a date forward that it does not take back."""
    for name in sorted(concerned):
        start, end = plan.asked.get(name, plan.before.get(name)), plan.day_of(name)
        if start and end and plan.shapes[name].pin and start != end:
            yield Violation("pin", (name,), f"is pinned to {start} and moved to {end}")
        if start and end and end < start and name not in plan.undone:
            yield Violation("right-only", (name,), f"{end} is before {start}")


def _is_declared(one: Violation, plan: CheckedPlan) -> bool:
    """Whether the plan says it itself: of the follower where one is too early after another, else of one of them.

    What is said of one excuses nobody who is moved there.
    """
    if one.rule in NEVER_DECLARED:
        return False
    if one.rule == "after":
        return one.launches[0] in plan.declared
    said = set(one.launches).intersection(plan.declared)
    return bool(said) and not plan.moved().intersection(one.launches) - said


def _is_with(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["together"] is not None and one["together"] == other["together"]


def _key(one: Violation) -> Key:
    """What is broken, without the numbers."""
    if one.rule in {"capacity", "spacing", "touches"}:
        return one.rule, one.detail.partition(":")[0]
    return one.rule, " ".join((*one.launches, one.detail if one.rule == "rest" else ""))
