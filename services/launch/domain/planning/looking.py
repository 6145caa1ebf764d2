"""What an attempt's sketch says: where everybody is, what kept them from elsewhere, and what cannot be had at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.why import plainly
from services.launch.domain.planner.model import Conflict as Stuck
from services.launch.domain.planner.model import Launch as Entry
from services.launch.domain.planner.model import Link as Step
from services.launch.domain.planning.arranging import Moved, crowd
from services.launch.domain.planning.parts import moved_ids
from services.launch.domain.planning.resident import Resident, Sketch
from services.launch.domain.planning.running import Means, Pressing, run
from services.launch.domain.planning.ways_out import borrow, wait_for_room, ways_out
from services.launch.domain.planning.words import Attempt, Dated, Shapes, Table
from services.launch.domain.pricing import price
from shared.contracts.launch import Conflict, LaunchSnapshot, Link, Option
from shared.contracts.words import LaunchId


def look(sketch: Sketch, work: Attempt, table: Table) -> None:
    """Read off the sketch where everybody is now, and why."""
    waiting = moved_ids([part for part in work.parts if part.because])
    shapes = Shapes(table.state, work.wanted)

    def link(step: Step) -> Link:
        rule = "slots" if step.constraint == "capacity" and " launches)" in step.detail else step.constraint
        return Link(launch=step.launch, constraint=rule, detail=plainly(step.detail, shapes.name))

    for launch, (day, steps) in work.arranged.placed.items():
        work.days[launch] = day
        work.steps[launch] = tuple(map(link, steps))
    for move in (move for part in work.parts for move in part.moves):
        work.days[move.launch] = move.before if move.launch in waiting else move.after
        work.steps[move.launch] = tuple(map(link, _steps(sketch.resident, move, work.alone.get(move.launch))))
    _look_at_wanted(sketch, work, table, shapes)
    _look_at_stuck(sketch, work, table.scene, shapes)


def _look_at_stuck(sketch: Sketch, work: Attempt, scene: Scene, shapes: Shapes) -> None:
    for stuck in work.arranged.stuck:
        shape = shapes[LaunchId(stuck.launch)]
        last = _last_day(sketch.resident, stuck)
        conflict = _no_room(sketch, shape, last, scene) if last else _stuck(sketch.resident, stuck, work)
        work.conflicts.setdefault(shape.id, []).append(_say_plainly(conflict, shapes))
    for launch, wanted in work.wanted.items():
        last = wanted.shape.not_after
        if last and work.days[launch] is None and work.alone[launch].date:
            conflict = _no_room(sketch, wanted.shape, last, scene)
            work.conflicts.setdefault(launch, []).append(_say_plainly(conflict, shapes))


def _last_day(resident: Resident, stuck: Stuck) -> date | None:
    """The last day that persons allow the launch, or one that shares its date, if that is what it cannot keep."""
    day = resident.last_day(stuck.launch)
    bounded = stuck.constraint == "horizon" and day < resident.schedule.portfolio.horizon
    return date.fromordinal(day) if bounded else None


def _steps(resident: Resident, move: Moved, dated: Dated | None) -> list[Step]:
    """Who drove it on: its chain, or what kept a launch that must move from its first day."""
    if not move.forced:
        return [step for step in move.chain if step.constraint not in {"ready", "notice"}]
    first = dated.date.toordinal() if dated and dated.date else 0
    found = crowd(resident, move.launch, first) if 0 < first < move.after.toordinal() else []
    return [Step(one.launch, one.constraint, one.detail) for one in found]


def _look_at_wanted(sketch: Sketch, work: Attempt, table: Table, shapes: Shapes) -> None:
    resident = sketch.resident
    for launch, wanted in work.wanted.items():
        entry, dated = resident.entries.get(launch), work.alone[launch]
        work.days.setdefault(launch, date.fromordinal(entry.date) if entry else dated.date)
        if wanted.pinned and entry and entry.date > table.scene.today.toordinal():
            work.conflicts[launch] = list(_crowded(resident, launch, entry.date, dated, shapes))
            work.alone[launch] = _price_pin(sketch, launch, entry, dated)
        work.earliest[launch] = _earliest(resident, launch, dated.earliest)


def _price_pin(sketch: Sketch, launch: LaunchId, entry: Entry, dated: Dated) -> Dated:
    """What it would cost to move the pin: the move itself, and those of whoever would make room."""
    if not dated.conflicts or not dated.earliest or dated.earliest.toordinal() <= entry.date:
        return dated
    mark = sketch.mark()
    sketch.set(launch, replace(entry, pinned=False))
    plan = run(sketch.resident, Pressing({launch: dated.earliest.toordinal()}), (), Means())
    sketch.back(mark)
    others = len(plan.moves) - 1
    day = next((date.fromordinal(one.after) for one in plan.moves if one.launch == launch), dated.earliest)
    detail = f"Move the pin to {day}" + (f"; {others} more would make room." if others > 0 else ".")
    option = Option(action="move_pin", detail=detail, cost=plan.cost)
    conflicts = tuple(
        one.model_copy(update={"options": tuple(option if o.action == "move_pin" else o for o in one.options)})
        for one in dated.conflicts
    )
    return replace(dated, conflicts=conflicts)


def _no_room(sketch: Sketch, shape: LaunchSnapshot, last: date, scene: Scene) -> Conflict:
    """No day up to the last one that a person allows; what the first day after it would be."""
    resident, mark = sketch.resident, sketch.mark()
    entry = resident.entry(shape, last, fixed=False) if shape.id not in resident.entries else None
    if entry:
        sketch.set(shape.id, entry)
    free = resident.first_free(shape.id, last.toordinal() + 1, resident.schedule.portfolio.horizon)
    day = date.fromordinal(free or resident.schedule.portfolio.horizon)
    told = f"Let it be on {day}." if free else f"Let it wait until there is room; no day up to {day} is free."
    allow = Option(action="move_not_after", detail=told, cost=price(shape, day, scene, last))
    options = (allow, *borrow(resident, shape.id, last.toordinal()))
    sketch.back(mark)
    detail = f"a person wants it by {last} at the latest, and there is no room for it up to then"
    return Conflict(launch=shape.id, constraint="not_after", detail=detail, options=options)


def _stuck(resident: Resident, stuck: Stuck, work: Attempt) -> Conflict:
    launch = LaunchId(stuck.launch)
    first = work.alone[launch].date if launch in work.alone else None
    wanted = first.toordinal() if first else resident.entries[launch].date
    options = (*borrow(resident, launch, wanted), wait_for_room(resident, launch))
    return Conflict(launch=launch, constraint=stuck.constraint, detail=stuck.detail, options=options)


def _crowded(resident: Resident, launch: LaunchId, day: int, dated: Dated, shapes: Shapes) -> Iterator[Conflict]:
    """Rules between launches that a pinned date breaks, each with ways out."""
    reasons = crowd(resident, launch, day)
    first = max(day, dated.earliest.toordinal() if dated.earliest else day)
    for rule in dict.fromkeys(one.constraint for one in reasons):
        same = [one for one in reasons if one.constraint == rule]
        options = tuple(ways_out(resident, launch, day, first, same))
        conflict = Conflict(launch=launch, constraint=rule, detail=same[-1].detail, options=options)
        yield _say_plainly(conflict, shapes)


def _say_plainly(one: Conflict, shapes: Shapes) -> Conflict:
    """The conflict and its ways out in people's words."""
    ways = tuple(way.model_copy(update={"detail": plainly(way.detail, shapes.name)}) for way in one.options)
    return one.model_copy(update={"detail": plainly(one.detail, shapes.name), "options": ways})


def _earliest(resident: Resident, launch: LaunchId, earliest: date | None) -> date | None:
    """The earliest day with everybody else where they are."""
    if earliest is None or launch not in resident.entries:
        return earliest
    now = resident.entries[launch].date
    free = resident.first_free(launch, earliest.toordinal(), now)
    return date.fromordinal(free) if free else date.fromordinal(now)
