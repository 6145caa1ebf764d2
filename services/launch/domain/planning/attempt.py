"""One attempt at a plan on a sketch: what everybody wants, the engine's moves, first dates, and the checker's word.

Nothing is told here; joint.py does, once an attempt holds.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

from services.launch.domain.launch import Launch
from services.launch.domain.planning.arranging import Arranged, Asked, Others, arrange, crowd, place, reasons_against
from services.launch.domain.planning.looking import look
from services.launch.domain.planning.openings import find_candidates, find_openings
from services.launch.domain.planning.parts import judge, moved_ids, settle, wait
from services.launch.domain.planning.resident import Sketch
from services.launch.domain.planning.words import CHECKER, Alone, Attempt, Dated, Shapes, Table, Wanted
from services.launch.domain.pricing import price
from services.launch.domain.verifying.verifier import Plan
from shared.contracts.launch import Conflict, LaunchSnapshot, Link, Option, Proposal
from shared.contracts.words import LaunchId


def attempt(asked: Mapping[LaunchId, Wanted], alone: Alone, table: Table, touched: Mapping[str, Proposal]) -> Attempt:
    work = Attempt(dict(asked), {one.id: alone(one) for one in asked.values()})
    with Sketch(table.resident) as sketch:
        closed = find_candidates(sketch.resident, work, alone, table)
        for launch in sorted(name for name, dated in work.alone.items() if dated.undone):
            _take_back(sketch, work, launch, alone, table)
        waiting = {move.launch for one in table.state.proposals.values() if one.id not in touched for move in one.moves}
        others = Others(table.gone, waiting, table.state.cramped - work.wanted.keys())
        waited = {move.launch for one in touched.values() for move in one.moves} | table.state.cramped
        objects = [_ask(one, work.alone[one.id], waited) for one in work.wanted.values()]
        work.arranged = arrange(sketch, objects, others, table.means)
        shapes = Shapes(table.state, work.wanted)
        sent_on = {one.id for one in work.wanted.values() if one.floor and one.floor.by_itself}
        parts = judge(work.arranged, shapes, table.state.launches, table.scene, sent_on)
        if table.instead_of:
            parts = [wait(part, f"it would replace {table.instead_of}, which waits for a person") for part in parts]
        work.parts = settle(sketch, parts, work.arranged.mark)
        last = table.scene.today + timedelta(days=table.scene.policy.horizon_days)
        place(sketch, objects, work.arranged, last)
        look(sketch, work, table)
        work.openings = find_openings(sketch.resident, closed, table)
        _verify(sketch, work, table, shapes)
    return work


def _ask(wanted: Wanted, dated: Dated, waited: Collection[LaunchId]) -> Asked:
    fixed = (wanted.pinned or dated.stays) and wanted.date is not None
    home = dated.date if dated.undone else wanted.date
    return Asked(wanted.id, wanted.shape, home, dated.date, fixed, wanted.id in waited)


def _take_back(sketch: Sketch, work: Attempt, launch: LaunchId, alone: Alone, table: Table) -> None:
    """Let a launch go back to where it was, and those that made room for it; if it does not fit, it moves as usual."""
    day = work.alone[launch].date
    entry = sketch.resident.entry(work.wanted[launch].shape, day) if day else None
    mark = sketch.mark()
    sketch.set(launch, entry)
    if entry is None or crowd(sketch.resident, launch, entry.date):
        sketch.back(mark)
        work.alone[launch] = alone(work.wanted[launch], undo=False)
        return
    cause = table.state.launches[launch].dated_by
    beside = (one for one in table.state.launches.values() if one.dated_by == cause and one.id not in work.wanted)
    for other in sorted(beside, key=lambda one: one.id):
        if _made_room(other):
            _follow_back(sketch, work, other, table)


def _made_room(launch: Launch) -> bool:
    last = launch.moves[-1] if launch.moves else None
    return last is not None and last.made_room and last.later == launch.snapshot.date and launch.is_open


def _follow_back(sketch: Sketch, work: Attempt, launch: Launch, table: Table) -> None:
    day, snapshot = launch.moves[-1].earlier, launch.snapshot
    entry = sketch.resident.entry(snapshot, day)
    if snapshot.pin or entry is None or day <= table.scene.today:
        return
    mark = sketch.mark()
    sketch.set(launch.id, entry)
    if reasons_against(sketch.resident, launch.id, entry.date):
        sketch.back(mark)
        return
    work.days[launch.id] = day
    work.taken_back.add(launch.id)
    work.steps[launch.id] = (Link(launch=launch.id, detail=f"{snapshot.name} had made room and can go back to {day}"),)


def _verify(sketch: Sketch, work: Attempt, table: Table, shapes: Mapping[LaunchId, LaunchSnapshot]) -> None:
    """Ask the checker; what it refuses does not happen: everybody stays, new launches are dated on their own."""
    wrong = table.resident.verifier.judge(_written(work, table, shapes), table.scene.today)
    if not wrong:
        return
    sketch.back(0)
    work.parts, work.arranged, work.steps, work.conflicts = [], Arranged(), {}, {}
    work.days = {name: _unplanned(one, work.alone[name]) for name, one in work.wanted.items()}
    detail = f"the plan was not applied: {wrong[0].rule}: {', '.join(wrong[0].launches)}: {wrong[0].detail}"
    held = {name for name, day in work.days.items() if day != work.alone[name].date} or sorted(work.wanted)[:1]
    for name in sorted(held):
        cost = price(work.wanted[name].shape, work.alone[name].date, table.scene, work.wanted[name].date)
        option = Option(action="plan_by_hand", detail="Choose the date by hand.", cost=cost)
        work.conflicts[name] = [Conflict(launch=name, constraint=CHECKER, detail=detail, options=(option,))]


def _unplanned(wanted: Wanted, dated: Dated) -> date | None:
    return wanted.date if wanted.date and dated.date else dated.date


def _written(work: Attempt, table: Table, shapes: Mapping[LaunchId, LaunchSnapshot]) -> Plan:
    """The attempt as the checker is told of it."""
    before = table.state.standing
    changed = {name: day for name, day in work.days.items() if before.get(name) != day}
    waiting = moved_ids([part for part in work.parts if part.because])
    others = {move.launch for one in table.state.proposals.values() for move in one.moves} - work.wanted.keys()
    situations = {name: one.situation for name, one in work.wanted.items()}
    for name in sorted(changed.keys() - situations.keys()):
        if revived := table.revive(table.state.launches[name]):
            situations[name] = revived.situation
    return Plan(
        shapes=shapes,
        before=before,
        changes={**changed, **dict.fromkeys(table.gone)},
        asked={name: one.date for name, one in work.wanted.items()},
        were={name: known.snapshot for name in work.wanted if (known := table.state.launches.get(name))},
        features={name: one.features for name, one in situations.items()},
        declared={*_declared(work), *waiting, *others, *(work.arranged.cramped if waiting else ())},
        undone={*work.taken_back, *(name for name, dated in work.alone.items() if dated.undone)},
    )


def _declared(work: Attempt) -> Iterator[LaunchId]:
    """Launches that stand where a person holds them, or of which it is said what is wrong."""
    yield from work.conflicts
    for name, one in work.wanted.items():
        if one.pinned or work.alone[name].conflicts:
            yield name
