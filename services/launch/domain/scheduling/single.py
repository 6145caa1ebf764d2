"""S0: the date of one launch by its own features and calendar, only ever later, and nothing while the date still holds.

Where the policy binds launches to each other, the plan takes that as what each one asks for at least. Other launches do
not appear here.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.feature import waits_for
from services.launch.domain.rules.catalogue import Earliest, bounds, find_earliest, of_day, violations
from services.launch.domain.rules.own import shortfalls
from services.launch.domain.rules.rule import Violation
from services.launch.domain.scheduling.request import DateRequest, Placement
from shared.contracts.launch import Conflict, Link, Option


def date_alone(wanted: DateRequest, context: Context, *, undo: bool = True) -> Placement:
    """S0: the launch's date by its own features and calendar; `undo` allows taking its own moves back."""
    calendar = context.calendar
    earliest = find_earliest(wanted.situation, calendar)
    if wanted.pinned and wanted.date:
        return Placement(wanted.date, earliest=earliest.date, conflicts=_conflicts(wanted, earliest, context))
    if earliest.waits_for:
        return Placement(None, earliest.waits_for, links=(Link(detail=earliest.waits_for, constraint="ready"),))
    undone = _undo(wanted, context) if undo else None
    if undone:
        return Placement(undone, earliest=earliest.date, undone=True)
    held_until = wanted.floor.day if wanted.floor else None
    held = wanted.date and held_until and wanted.date < held_until
    if wanted.date and not held and not violations(wanted.situation, wanted.date, calendar):
        return Placement(wanted.date, earliest=earliest.date)
    floor = max(filter(None, (wanted.date or _lost(wanted), held_until)), default=None)
    found = find_earliest(wanted.situation, calendar, floor)
    steps = (*(wanted.floor.because if wanted.floor else ()), *_steps(wanted, found, floor, calendar))
    placement = Placement(found.date, found.waits_for, steps, earliest=earliest.date)
    last = wanted.situation.not_after
    return _too_late(wanted, placement, last, context) if last and found.date and found.date > last else placement


def _lost(wanted: DateRequest) -> date | None:
    """The date it has lost and should not come before, unless a person wants it earlier."""
    last = wanted.situation.not_after
    return None if last and wanted.last_date and wanted.last_date > last else wanted.last_date


def _too_late(wanted: DateRequest, placement: Placement, last: date, context: Context) -> Placement:
    """A launch that cannot be by the last day it may have: it keeps the date it has, and everybody sees that."""
    day = placement.date or last
    why = next((f": {link.detail}" for link in placement.links), "")
    detail = f"a person wants it by {last} at the latest, and the earliest day for it is {day}{why}"
    cost = context.policy.objective.price(wanted.shape, day, context.today, last)
    allow = Option(action="move_not_after", detail=f"Let it be on {day}.", cost=cost)
    options = (allow, *_ways_out(wanted, wanted.date or last, context))
    conflict = Conflict(launch=wanted.id, constraint="not_after", detail=detail, options=options)
    return replace(
        placement,
        date=wanted.date,
        waits_for=None if wanted.date else detail,
        links=(Link(constraint="not_after", detail=detail),),
        conflicts=(conflict,),
        stays=True,
    )


def _undo(wanted: DateRequest, context: Context) -> date | None:
    """The date before the launch's own automatic moves, if the situation before them is back and it is still free."""
    launch = wanted.launch
    if launch is None or not launch.moves or launch.moves[-1].later != wanted.date:
        return None
    ready = {feature.id: feature.ready_on for feature in wanted.situation.features}
    oldest = context.now - timedelta(days=context.policy.undo_within_days)
    for move in launch.moves:
        same = move.tier == wanted.situation.tier and move.ready == ready and move.at >= oldest
        same = same and (wanted.floor is None or move.earlier >= wanted.floor.day)
        if same and not move.made_room and not violations(wanted.situation, move.earlier, context.calendar):
            return move.earlier
    return None


def _steps(wanted: DateRequest, found: Earliest, floor: date | None, calendar: Calendar) -> Iterator[Link]:
    """From the bound that decided, over the calendar's rules, to the date."""
    bound, held = found.bound, wanted.floor is not None and wanted.floor.day == floor
    if bound and (floor is None or bound.day > floor):
        yield Link(feature=bound.feature, constraint=bound.constraint, detail=bound.detail)
    elif wanted.date is None and floor and not held:
        yield Link(constraint="not_earlier", detail=f"it was to be on {floor}, and by itself it does not come earlier")
    situation = wanted.situation
    start = max(bound.day, floor) if bound and floor else bound.day if bound else floor
    breaks = {rule.constraint: rule for rule in found.steps}
    against = (
        {rule.constraint: rule for rule in of_day(start, situation.tier, situation.regions, calendar)} if start else {}
    )
    breaks |= {"train": against["train"]} if "train" in against else against
    for name in sorted(breaks):
        yield Link(constraint=name, detail=breaks[name].detail)
    if floor and not held and not breaks and (bound is None or bound.day <= floor):
        yield Link(constraint="order", detail=f"a date never comes earlier by itself: not before {floor}")


def _conflicts(wanted: DateRequest, earliest: Earliest, context: Context) -> tuple[Conflict, ...]:
    """One conflict for each rule that the pinned date breaks, each with ways out."""
    day = wanted.date
    if day is None:
        return ()
    against: dict[str, Violation] = {}
    for bound in violations(wanted.situation, day, context.calendar):
        against.setdefault(_rule(bound, day, context), bound)
    if not against:
        return ()
    options = tuple(_options(wanted, earliest, day, context))
    return tuple(
        Conflict(launch=wanted.id, constraint=rule, detail=bound.detail, options=options)
        for rule, bound in sorted(against.items())
    )


def _rule(bound: Violation, day: date, context: Context) -> str:
    return "missed" if bound.constraint == "today" and day <= context.today else bound.constraint


def _options(wanted: DateRequest, earliest: Earliest, day: date, context: Context) -> Iterator[Option]:
    price = context.policy.objective.price
    if earliest.date:
        cost = price(wanted.shape, earliest.date, context.today, day)
        yield Option(action="move_pin", detail=f"Move the pin from {day} to {earliest.date}.", cost=cost)
    else:
        cost = price(wanted.shape, _last_day(context), context.today, day)
        yield Option(action="unpin", detail=f"Unpin it, so that it waits: {earliest.waits_for}.", cost=cost)
    yield from _ways_out(wanted, day, context)


def _ways_out(wanted: DateRequest, day: date, context: Context) -> Iterator[Option]:
    """What a person could do to keep the day. A feature that is told later costs what the days are worth."""
    for activity, days, kept in shortfalls(wanted.situation, day, context.calendar):
        detail = f"Waive {days - kept} of the {days} working days of {activity.name} ({activity.team})."
        yield Option(action="waive", detail=detail, cost=days - kept)
    late = _late(wanted, day, context)
    if not late:
        return
    worth = context.policy.objective.price_of_day(wanted.shape, day, context.today)
    if len(late) < len(wanted.situation.features):
        detail = f"Launch without {', '.join(sorted(late))}; the others can make {day}."
        yield Option(action="drop_feature", detail=detail, cost=worth * sum(late.values()))
    detail = f"Announce on {day} what will ship up to {max(late.values())} days later, and say so."
    yield Option(action="announce_now_ship_later", detail=detail, cost=worth * max(late.values()))


def _late(wanted: DateRequest, day: date, context: Context) -> dict[str, int]:
    """How many days later than this one each feature that is late can be told of; one without a day: all there are."""
    undated = [feature for feature in wanted.situation.features if waits_for(feature)]
    found = {feature.id: max((_last_day(context) - day).days, 1) for feature in undated}
    for bound in bounds(wanted.situation, context.calendar):
        if bound.feature and bound.day > day:
            found[bound.feature] = max((bound.day - day).days, found.get(bound.feature, 0))
    return found


def _last_day(context: Context) -> date:
    return context.today + timedelta(days=context.policy.horizon_days)
