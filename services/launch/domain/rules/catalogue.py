"""All rules, in order: the one place that says what a launch's day may be.

Plans, persons' edits, approvals, undo, explanations and the check before a commit ask here. Own rules (`bounds`,
`violations`, `find_earliest`) look at one launch; `crowding` at the others, who are where a `Board` says. The engine
keeps the same rules in arrays that scheduling/compile.py makes from these.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, cast

from services.launch.domain.calendar import ONE_DAY, SOFT, Calendar, Context
from services.launch.domain.feature import KnownFeature, waits_for
from services.launch.domain.launch import tier_of
from services.launch.domain.rules.audience import CROWDING, Crowding
from services.launch.domain.rules.between import Apart, Capacity, InOrder, Slots, Together, followers_of
from services.launch.domain.rules.lead import after_ready, notice_of
from services.launch.domain.rules.own import (
    Boarding,
    DayLimits,
    LeadAfterReady,
    NotFrozen,
    NoticeGiven,
    Ready,
    TrainDay,
    Workday,
)
from services.launch.domain.rules.rule import Board, Bound, LaunchDates, Rule, Situation, Spot, Violation
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import Day, LaunchId

RULES: tuple[Rule, ...] = (
    Ready(),
    Boarding(),
    LeadAfterReady(),
    NoticeGiven(),
    DayLimits(),
    Workday(),
    NotFrozen(),
    TrainDay(),
    InOrder(),
    Together(),
    Capacity(),
    Slots(),
    Apart(),
    Crowding(),
)
"""Own rules first. In this order they are told."""

BETWEEN = frozenset(name for rule in RULES if rule.is_planned for name in rule.names)
"""The rules by which launches keep each other from a day and that plans keep, as chains and conflicts name them."""

ROOM = BETWEEN - CROWDING
"""Those that leave a launch no room; who crowds a segment is told otherwise (decisions/conflicts.py)."""

REMEMBERED_DAYS = 65_536


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest date, or what it waits for; the bound that decided, and the steps of the calendar after it."""

    date: Day | None
    waits_for: str | None = None
    bound: Bound | None = None
    steps: tuple[Violation, ...] = ()


def situation_of(snapshot: LaunchSnapshot, features: Iterable[KnownFeature], context: Context) -> Situation:
    """What decides the dates of the launch."""
    return Situation(
        tier=tier_of(snapshot),
        regions=snapshot.regions,
        features=tuple(known for known in features if not known.is_cancelled),
        today=context.today,
        notice=notice_of(snapshot, context.policy, context.today),
        after_ready=after_ready(snapshot, context.policy, context.today),
        not_before=snapshot.not_before,
        not_after=snapshot.not_after,
    )


def bounds(situation: Situation, calendar: Calendar) -> Iterator[Bound]:
    """All lower bounds of a launch: of each feature whose day is known, a person's, and tomorrow."""
    for rule in RULES:
        yield from rule.bounds(situation, calendar)


def violations(situation: Situation, day: date, calendar: Calendar) -> list[Violation]:
    """Every rule that the day breaks by itself, with its sentence; empty if the launch may be on that day."""
    found: list[Violation] = []
    for rule in RULES:
        found += rule.against(situation, day, calendar)
        early = (bound for bound in rule.bounds(situation, calendar) if bound.day > day)
        found += (Violation(bound.constraint, bound.detail, feature=bound.feature, day=bound.day) for bound in early)
    breaks = of_day(day, situation.tier, situation.regions, calendar)
    return found + [broken for broken in breaks if broken.constraint != SOFT]


def of_day(day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> tuple[Violation, ...]:
    """What the calendar has against the day for a launch of the tier in the regions, soft freezes among it."""
    key = (day, tier, regions)
    found = calendar.remembered.get(key)
    if found is None:
        if len(calendar.remembered) >= REMEMBERED_DAYS:
            calendar.remembered.clear()
        found = tuple(broken for rule in RULES for broken in rule.of_day(day, tier, regions, calendar))
        calendar.remembered[key] = found
    return cast("tuple[Violation, ...]", found)


def find_earliest(situation: Situation, calendar: Calendar, floor: date | None = None) -> Earliest:
    """The earliest date the launch can have by itself (S0), not before `floor` if that is given.

    The latest of all bounds, then the next day that the calendar allows.
    """
    waits = next(filter(None, map(waits_for, situation.features)), None)
    if waits or not situation.features:
        return Earliest(None, waits or "it has no feature left")
    bound = max(bounds(situation, calendar), key=lambda one: (one.day, one.feature or "", one.constraint))
    start = max(bound.day, floor) if floor else bound.day
    last = situation.today + timedelta(days=calendar.policy.horizon_days)
    found, steps = next_allowed(start, situation.tier, situation.regions, last, calendar)
    waits = None if found else f"no day up to {last} is allowed"
    return Earliest(found, waits, bound, tuple(steps))


def next_allowed(
    day: date, tier: Tier, regions: tuple[str, ...], last: date, calendar: Calendar
) -> tuple[date | None, list[Violation]]:
    """The first day from `day` to `last` that the calendar allows, and what kept the launch from the days before it."""
    step, steps = ONE_DAY, dict[str, Violation]()
    if calendar.boards(tier):
        day, step = calendar.next_train(day), timedelta(weeks=calendar.policy.trains.every_weeks)
    while day <= last:
        breaks = of_day(day, tier, regions, calendar)
        if not breaks:
            return day, list(steps.values())
        for broken in breaks:
            steps.setdefault(broken.constraint, broken)
        day += step
    return None, list(steps.values())


def first_quiet(shape: LaunchSnapshot, first: date, last: date, board: Board) -> date | None:
    """The first day that the calendar and its audiences leave to the launch; None if there is none up to `last`."""
    tier, rule = tier_of(shape), Crowding()
    day, _ = next_allowed(first, tier, shape.regions, last, board.calendar)
    while day and any(True for _ in rule.between(Spot(shape, day), board)):
        day, _ = next_allowed(day + ONE_DAY, tier, shape.regions, last, board.calendar)
    return day


def crowding(spot: Spot, board: Board) -> list[Violation]:
    """Every rule between launches that keeps one from its day, the others as they are on the board."""
    return [broken for rule in RULES for broken in rule.between(spot, board)]


def check(situation: Situation, spot: Spot, board: Board) -> list[Violation]:
    """Every rule that keeps a launch from a day, by itself and because of others."""
    return [*violations(situation, spot.day, board.calendar), *crowding(spot, board)]


# ---- a plan before it happens

NEVER_DECLARED = frozenset({"pin", "right-only"})
ShapeOf = Mapping[LaunchId, LaunchSnapshot]


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """What a decision would do: where everybody was, who would be elsewhere, and what the launches are by then.

    `changes`: days of launches that may differ from those before; None: nowhere. `asked`: the dates that those have
    whom it asks about, a person's where one gives it; `were`: what they were before. `situations`: as they are now, of
    every launch that it asks about or moves. `declared`: launches of which something is said to be wrong, or that wait.
    """

    shapes: ShapeOf
    before: LaunchDates
    changes: Mapping[LaunchId, date | None]
    asked: Mapping[LaunchId, date | None] = field(default_factory=dict)
    were: ShapeOf = field(default_factory=dict)
    situations: Mapping[LaunchId, Situation] = field(default_factory=dict)
    declared: Collection[str] = ()
    undone: Collection[LaunchId] = ()
    """Launches that go back to where they were."""

    def moved(self) -> set[LaunchId]:
        """Launches on another date, or with one for the first or the last time."""
        return {name for name, day in self.changes.items() if self.before.get(name) != day}

    def day_of(self, launch: LaunchId) -> date | None:
        """Where the launch would be."""
        return self.changes[launch] if launch in self.changes else self.before.get(launch)


class Broken(NamedTuple):
    """A rule that a plan breaks without saying so, and the launches that break it together, the first one above all."""

    rule: str
    launches: tuple[LaunchId, ...]
    detail: str


def check_plan(plan: CheckedPlan, calendar: Calendar, today: date) -> list[Broken]:
    """Every rule that the plan breaks and does not declare; empty when it holds.

    A plan must not break a rule between launches, or of days, that held before; and nobody whom it asks about, or moves
    to an earlier day, may be too early for the own features, or after a person's last day.
    """
    moved = plan.moved()
    found = [*_unasked(plan, moved), *_too_early(plan, calendar), *_newly_broken(plan, moved, calendar, today)]
    return [broken for broken in found if not _is_declared(broken, plan, moved)]


def _unasked(plan: CheckedPlan, moved: set[LaunchId]) -> Iterator[Broken]:
    """What no plan may do by itself: move a pin, or bring a date forward that it does not take back."""
    for name in sorted({*moved, *plan.asked}):
        start, end = plan.asked.get(name, plan.before.get(name)), plan.day_of(name)
        if start and end and plan.shapes[name].pin and start != end:
            yield Broken("pin", (name,), f"is pinned to {start} and moved to {end}")
        if start and end and end < start and name not in plan.undone:
            yield Broken("right-only", (name,), f"{end} is before {start}")


def _too_early(plan: CheckedPlan, calendar: Calendar) -> Iterator[Broken]:
    for name, situation in sorted(plan.situations.items()):
        day = plan.day_of(name)
        if day is None:
            continue
        nearer = name in plan.asked or day < plan.before.get(name, date.max)
        for rule in RULES:
            for broken in rule.against(situation, day, calendar):
                if nearer or broken.constraint == "not_after":
                    yield Broken(broken.constraint, (name,), broken.detail)
            for bound in rule.bounds(situation, calendar) if nearer else ():
                if bound.day > day and bound.constraint != "today":
                    yield Broken(bound.constraint, (name,), bound.detail)


def _newly_broken(plan: CheckedPlan, moved: set[LaunchId], calendar: Calendar, today: date) -> Iterator[Broken]:
    """The rules of days and between launches that the changed ones, or who comes after them, did not break before."""
    old = Board(calendar, today, plan.before, lambda name: plan.were.get(name) or plan.shapes[name])
    new = Board(calendar, today, plan.before, plan.shapes.__getitem__, plan.changes)
    changed = moved | {name for name, shape in plan.were.items() if _needs_other(shape, plan.shapes[name])}
    follow = {other for name in changed for other in followers_of(name, calendar.policy)}
    for name in sorted(changed | follow):
        day = new.day_of(name)
        if day is None:
            continue
        spot = Spot(plan.shapes[name], day)
        for broken, launches in _broken_at(spot, new):
            if not _stood(broken, launches, old):
                first = [name] if name in launches else []  # else only those of its group do
                yield Broken(broken.constraint, (*first, *sorted(launches - {name})), broken.detail)


def _broken_at(spot: Spot, board: Board) -> Iterator[tuple[Violation, frozenset[LaunchId]]]:
    """What is broken at the spot, each time with all who break it: of distances each pair."""
    for broken in of_day(spot.day, spot.tier, spot.shape.regions, board.calendar):
        if broken.constraint != SOFT:
            yield broken, frozenset([spot.shape.id])
    for broken in crowding(spot, board):
        own = frozenset(broken.together or (spot.shape.id,))
        for others in [[other] for other in broken.by] if broken.each else [broken.by]:
            yield broken, own.union(others)


def _needs_other(was: LaunchSnapshot, now: LaunchSnapshot) -> bool:
    """Whether it needs something else of days and of others than before."""
    same = (was.product_line, was.segments, was.regions, tier_of(was))
    return same != (now.product_line, now.segments, now.regions, tier_of(now))


def _stood(broken: Violation, launches: frozenset[LaunchId], old: Board) -> bool:
    """Whether all these broke the same rule, over the same thing, before."""
    spots = [Spot(old.shape_of(name), day) for name in sorted(launches) if (day := old.day_of(name))]
    return len(spots) == len(launches) and any(
        (before.constraint, before.subject) == (broken.constraint, broken.subject) and launches <= all_of_them
        for spot in spots
        for before, all_of_them in _broken_at(spot, old)
    )


def _is_declared(broken: Broken, plan: CheckedPlan, moved: set[LaunchId]) -> bool:
    """Whether the plan says it itself: of the follower where one is too early after another, else of one of them.

    What is said of one excuses nobody who is moved there.
    """
    if broken.rule in NEVER_DECLARED:
        return False
    if broken.rule == "after":
        return broken.launches[0] in plan.declared
    said = set(broken.launches).intersection(plan.declared)
    return bool(said) and not moved.intersection(broken.launches) - said
