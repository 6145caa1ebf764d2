"""All rules, in order: the one place that says what a launch's day may be.

Plans, persons' edits, approvals, undo, explanations and the check before a commit ask here. Own rules (`bounds`,
`violations`, `find_earliest`) look at one launch; `crowding` at the others, who are where a `Board` says. The engine
keeps the same rules in arrays that scheduling/compile.py makes from these.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from services.launch.domain.calendar import ONE_DAY, SOFT, Calendar
from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature, waits_for
from services.launch.domain.policy import louder
from services.launch.domain.rules.audience import Audiences, Crowding, Spacing
from services.launch.domain.rules.days import Frozen, Limits, TrainDay, Workday
from services.launch.domain.rules.lead import after_ready, notice_of
from services.launch.domain.rules.order import After, Apart, Together
from services.launch.domain.rules.readiness import Boarding, LeadAfterReady, Notice, Ready
from services.launch.domain.rules.room import Capacity, Slots
from services.launch.domain.rules.rule import Board, Bound, Rule, Situation, Spot, Violation
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import Day

RULES: tuple[Rule, ...] = (
    Ready(),
    Boarding(),
    LeadAfterReady(),
    Notice(),
    Limits(),
    Workday(),
    Frozen(),
    TrainDay(),
    After(),
    Together(),
    Capacity(),
    Slots(),
    Spacing(),
    Apart(),
    Crowding(),
)
"""Own rules first. In this order they are told."""

BETWEEN = frozenset(name for rule in RULES if rule.is_planned for name in rule.names)
"""The rules by which launches keep each other from a day and that plans keep, as chains and conflicts name them."""

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
        tier=louder(snapshot.market_tier, snapshot.internal_tier),
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


def first_quiet(
    shape: LaunchSnapshot, first: date, last: date, audiences: Audiences, calendar: Calendar
) -> date | None:
    """The first day that the calendar and its audiences leave to the launch; None if there is none up to `last`."""
    tier = louder(shape.market_tier, shape.internal_tier)
    day, _ = next_allowed(first, tier, shape.regions, last, calendar)
    while day and audiences.against(shape, day, calendar):
        day, _ = next_allowed(day + ONE_DAY, tier, shape.regions, last, calendar)
    return day


def crowding(spot: Spot, board: Board) -> list[Violation]:
    """Every rule between launches that keeps one from its day, the others as they are on the board."""
    return [broken for rule in RULES for broken in rule.between(spot, board)]


def check(situation: Situation, spot: Spot, board: Board) -> list[Violation]:
    """Every rule that keeps a launch from a day, by itself and because of others."""
    return [*violations(situation, spot.day, board.calendar), *crowding(spot, board)]
