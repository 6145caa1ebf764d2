"""The dates of the launches that an act concerns. `plan_dates` is the one place where a date is chosen by itself.

S0: each launch on its own, only ever to a later date, and nothing while the date still holds. A planner that weighs
launches against each other takes the place of this function, not of its callers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.dates import Bound, Earliest, Situation, bounds, find_earliest, violations
from services.launch.domain.decide.scene import Scene
from services.launch.domain.launch import Launch
from shared.contracts.launch import Conflict, Link, Option
from shared.contracts.words import Day, LaunchId


@dataclass(frozen=True, slots=True)
class Wanted:
    """A launch that needs a date: its situation, the date it has or has lost, whether only a person may move it."""

    id: LaunchId
    situation: Situation
    date: Day | None = None
    last_date: Day | None = None
    pinned: bool = False
    launch: Launch | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """The date found or what it waits for, the steps that led there, and what speaks against a pinned date."""

    date: Day | None
    waits_for: str | None = None
    links: tuple[Link, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    earliest: Day | None = None
    undone: bool = False


def plan_dates(wanted: Sequence[Wanted], scene: Scene) -> Mapping[LaunchId, Dated]:
    """A date for every launch asked for, given its features as they are now."""
    return {one.id: _plan_date(one, scene) for one in wanted}


def _plan_date(wanted: Wanted, scene: Scene) -> Dated:
    calendar = scene.calendar
    earliest = find_earliest(wanted.situation, calendar)
    if wanted.pinned and wanted.date:
        return Dated(wanted.date, earliest=earliest.date, conflicts=_conflicts(wanted, earliest, scene))
    if earliest.waits_for:
        return Dated(None, earliest.waits_for, links=(Link(detail=earliest.waits_for, constraint="ready"),))
    undone = _undo(wanted, scene)
    if undone:
        return Dated(undone, earliest=earliest.date, undone=True)
    if wanted.date and not violations(wanted.situation, wanted.date, calendar):
        return Dated(wanted.date, earliest=earliest.date)
    floor = wanted.date or wanted.last_date
    found = find_earliest(wanted.situation, calendar, floor)
    return Dated(found.date, found.waits_for, tuple(_steps(wanted, found, floor, calendar)), earliest=earliest.date)


def _undo(wanted: Wanted, scene: Scene) -> date | None:
    """The date before the launch's own automatic moves, if the situation before them is back and it is still free."""
    launch = wanted.launch
    if launch is None or not launch.moves or launch.moves[-1].later != wanted.date:
        return None
    ready = {one.id: one.ready_on for one in wanted.situation.features}
    oldest = scene.now - timedelta(days=scene.policy.undo_within_days)
    for move in launch.moves:
        same = move.tier == wanted.situation.tier and move.ready == ready and move.at >= oldest
        if same and not violations(wanted.situation, move.earlier, scene.calendar):
            return move.earlier
    return None


def _steps(wanted: Wanted, found: Earliest, floor: date | None, calendar: Calendar) -> Iterator[Link]:
    """From the bound that decided, over the calendar's rules, to the date."""
    bound = found.bound
    if bound and (floor is None or bound.day > floor):
        yield Link(feature=bound.feature, constraint=bound.constraint, detail=bound.detail)
    elif wanted.date is None:
        yield Link(constraint="told", detail=f"it was planned for {floor} before, and by itself no date comes earlier")
    situation = wanted.situation
    start = max(bound.day, floor) if bound and floor else bound.day if bound else floor
    breaks = {one.constraint: one for one in found.steps}
    against = (
        {one.constraint: one for one in calendar.broken(start, situation.tier, situation.regions)} if start else {}
    )
    breaks |= {"train": against["train"]} if "train" in against else against
    for name in sorted(breaks):
        yield Link(constraint=name, detail=breaks[name].detail)


def _conflicts(wanted: Wanted, earliest: Earliest, scene: Scene) -> tuple[Conflict, ...]:
    """One conflict for each rule that the pinned date breaks, each with ways out."""
    day = wanted.date
    if day is None:
        return ()
    against: dict[str, Bound] = {}
    for bound in violations(wanted.situation, day, scene.calendar):
        against.setdefault(_rule(bound, day, scene), bound)
    if not against:
        return ()
    options = tuple(_options(wanted, earliest, day, scene))
    return tuple(
        Conflict(launch=wanted.id, constraint=rule, detail=bound.detail, options=options)
        for rule, bound in sorted(against.items())
    )


def _rule(bound: Bound, day: date, scene: Scene) -> str:
    return "missed" if bound.constraint == "today" and day <= scene.today else bound.constraint


def _options(wanted: Wanted, earliest: Earliest, day: date, scene: Scene) -> Iterator[Option]:
    if earliest.date:
        days = (earliest.date - day).days
        yield Option(action="move_pin", detail=f"Move the pin from {day} to {earliest.date}.", cost=abs(days))
    late = {one.feature for one in bounds(wanted.situation, scene.calendar) if one.feature and one.day > day}
    rest = [one for one in wanted.situation.features if one.id not in late]
    if late and rest:
        detail = f"Launch without {', '.join(sorted(late))}; the others can make {day}."
        yield Option(action="drop_feature", detail=detail, cost=len(late))
    yield Option(action="announce_now_ship_later", detail=f"Announce on {day} what will ship later, and say so.")
