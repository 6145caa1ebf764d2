"""One attempt at a plan on a trial: what everybody wants, the engine's moves, first dates, and the checker's word.

Nothing is told here; schedule.py does, once an attempt holds.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from services.launch.domain.context import Context
from services.launch.domain.launch import Launch
from services.launch.domain.reasons import plainly
from services.launch.domain.scheduling.engine.model import ChainStep as Step
from services.launch.domain.scheduling.engine.model import Entry
from services.launch.domain.scheduling.engine.model import EntryConflict as Stuck
from services.launch.domain.scheduling.engine_state import EngineState, Trial
from services.launch.domain.scheduling.parts import apply_approval_policy, moved_ids, settle, wait
from services.launch.domain.scheduling.pricing import price
from services.launch.domain.scheduling.remedies import borrow, find_candidates, find_openings, wait_for_room, ways_out
from services.launch.domain.scheduling.request import (
    CHECKER,
    DateRequest,
    Placement,
    PlanDraft,
    PlanRequest,
    Shapes,
)
from services.launch.domain.scheduling.run_engine import (
    Demand,
    EngineResult,
    Means,
    OtherLaunches,
    PlannedMove,
    Pressing,
    crowd,
    place_new,
    reasons_against,
    run_engine,
    solve,
)
from services.launch.domain.scheduling.single import date_alone
from services.launch.domain.verifying.verifier import CheckedPlan
from shared.contracts.launch import Conflict, LaunchSnapshot, Link, Option, Proposal
from shared.contracts.words import LaunchId


def draft_plan(
    asked: Mapping[LaunchId, DateRequest], request: PlanRequest, touched: Mapping[str, Proposal]
) -> PlanDraft:
    work = PlanDraft(dict(asked), {one.id: date_alone(one, request.context) for one in asked.values()})
    with Trial(request.engine) as trial:
        closed = find_candidates(trial.engine, work, request)
        for launch in sorted(name for name, placement in work.alone.items() if placement.undone):
            _take_back(trial, work, launch, request)
        waiting = {
            move.launch for one in request.state.proposals.values() if one.id not in touched for move in one.moves
        }
        others = OtherLaunches(request.gone, waiting, request.state.cramped - work.wanted.keys())
        waited = {move.launch for one in touched.values() for move in one.moves} | request.state.cramped
        objects = [_ask(one, work.alone[one.id], waited) for one in work.wanted.values()]
        work.arranged = run_engine(trial, objects, others, request.means)
        shapes = Shapes(request.state, work.wanted)
        sent_on = {one.id for one in work.wanted.values() if one.floor and one.floor.by_itself}
        parts = apply_approval_policy(work.arranged, shapes, request.state.launches, request.context, sent_on)
        if request.instead_of:
            parts = [wait(part, f"it would replace {request.instead_of}, which waits for a person") for part in parts]
        work.parts = settle(trial, parts, work.arranged.mark)
        last = request.context.today + timedelta(days=request.context.policy.horizon_days)
        place_new(trial, objects, work.arranged, last)
        read_result(trial, work, request)
        work.openings = find_openings(trial.engine, closed, request)
        _verify(trial, work, request, shapes)
    return work


def _ask(wanted: DateRequest, placement: Placement, waited: Collection[LaunchId]) -> Demand:
    fixed = (wanted.pinned or placement.stays) and wanted.date is not None
    home = placement.date if placement.undone else wanted.date
    return Demand(wanted.id, wanted.shape, home, placement.date, fixed, wanted.id in waited)


def _take_back(trial: Trial, work: PlanDraft, launch: LaunchId, request: PlanRequest) -> None:
    """Let a launch go back to where it was, and those that made room for it; if it does not fit, it moves as usual."""
    day = work.alone[launch].date
    entry = trial.engine.entry(work.wanted[launch].shape, day) if day else None
    mark = trial.mark()
    trial.set(launch, entry)
    if entry is None or crowd(trial.engine, launch, entry.date):
        trial.back(mark)
        work.alone[launch] = date_alone(work.wanted[launch], request.context, undo=False)
        return
    cause = request.state.launches[launch].dated_by
    beside = (one for one in request.state.launches.values() if one.dated_by == cause and one.id not in work.wanted)
    for other in sorted(beside, key=lambda one: one.id):
        if _made_room(other):
            _follow_back(trial, work, other, request)


def _made_room(launch: Launch) -> bool:
    last = launch.moves[-1] if launch.moves else None
    return last is not None and last.made_room and last.later == launch.snapshot.date and launch.is_open


def _follow_back(trial: Trial, work: PlanDraft, launch: Launch, request: PlanRequest) -> None:
    day, snapshot = launch.moves[-1].earlier, launch.snapshot
    entry = trial.engine.entry(snapshot, day)
    if snapshot.pin or entry is None or day <= request.context.today:
        return
    mark = trial.mark()
    trial.set(launch.id, entry)
    if reasons_against(trial.engine, launch.id, entry.date):
        trial.back(mark)
        return
    work.days[launch.id] = day
    work.taken_back.add(launch.id)
    work.steps[launch.id] = (Link(launch=launch.id, detail=f"{snapshot.name} had made room and can go back to {day}"),)


def _verify(trial: Trial, work: PlanDraft, request: PlanRequest, shapes: Mapping[LaunchId, LaunchSnapshot]) -> None:
    """Ask the checker; what it refuses does not happen: everybody stays, new launches are placement on their own."""
    wrong = request.engine.verifier.judge(_written(work, request, shapes), request.context.today)
    if not wrong:
        return
    trial.back(0)
    work.parts, work.arranged, work.steps, work.conflicts = [], EngineResult(), {}, {}
    work.days = {name: _unplanned(one, work.alone[name]) for name, one in work.wanted.items()}
    detail = f"the plan was not applied: {wrong[0].rule}: {', '.join(wrong[0].launches)}: {wrong[0].detail}"
    held = {name for name, day in work.days.items() if day != work.alone[name].date} or sorted(work.wanted)[:1]
    for name in sorted(held):
        cost = price(work.wanted[name].shape, work.alone[name].date, request.context, work.wanted[name].date)
        option = Option(action="plan_by_hand", detail="Choose the date by hand.", cost=cost)
        work.conflicts[name] = [Conflict(launch=name, constraint=CHECKER, detail=detail, options=(option,))]


def _unplanned(wanted: DateRequest, placement: Placement) -> date | None:
    return wanted.date if wanted.date and placement.date else placement.date


def _written(work: PlanDraft, request: PlanRequest, shapes: Mapping[LaunchId, LaunchSnapshot]) -> CheckedPlan:
    """The attempt as the checker is told of it."""
    before = request.state.standing
    changed = {name: day for name, day in work.days.items() if before.get(name) != day}
    waiting = moved_ids([part for part in work.parts if part.because])
    others = {move.launch for one in request.state.proposals.values() for move in one.moves} - work.wanted.keys()
    situations = {name: one.situation for name, one in work.wanted.items()}
    for name in sorted(changed.keys() - situations.keys()):
        if revived := request.ask_again(request.state.launches[name]):
            situations[name] = revived.situation
    return CheckedPlan(
        shapes=shapes,
        before=before,
        changes={**changed, **dict.fromkeys(request.gone)},
        asked={name: one.date for name, one in work.wanted.items()},
        were={name: known.snapshot for name in work.wanted if (known := request.state.launches.get(name))},
        features={name: one.features for name, one in situations.items()},
        declared={*_declared(work), *waiting, *others, *(work.arranged.cramped if waiting else ())},
        undone={*work.taken_back, *(name for name, placement in work.alone.items() if placement.undone)},
    )


def _declared(work: PlanDraft) -> Iterator[LaunchId]:
    """Launches that stand where a person holds them, or of which it is said what is wrong."""
    yield from work.conflicts
    for name, one in work.wanted.items():
        if one.pinned or work.alone[name].conflicts:
            yield name


def read_result(trial: Trial, work: PlanDraft, request: PlanRequest) -> None:
    """Read off the trial where everybody is now, and why."""
    waiting = moved_ids([part for part in work.parts if part.because])
    shapes = Shapes(request.state, work.wanted)

    def link(step: Step) -> Link:
        rule = "slots" if step.constraint == "capacity" and " launches)" in step.detail else step.constraint
        return Link(launch=step.launch, constraint=rule, detail=plainly(step.detail, shapes.name))

    for launch, (day, steps) in work.arranged.placed.items():
        work.days[launch] = day
        work.steps[launch] = tuple(map(link, steps))
    for move in (move for part in work.parts for move in part.moves):
        work.days[move.launch] = move.before if move.launch in waiting else move.after
        work.steps[move.launch] = tuple(map(link, _steps(trial.engine, move, work.alone.get(move.launch))))
    _look_at_wanted(trial, work, request, shapes)
    _look_at_stuck(trial, work, request.context, shapes)


def _look_at_stuck(trial: Trial, work: PlanDraft, context: Context, shapes: Shapes) -> None:
    for stuck in work.arranged.stuck:
        shape = shapes[LaunchId(stuck.launch)]
        last = _last_day(trial.engine, stuck)
        conflict = _no_room(trial, shape, last, context) if last else _stuck(trial.engine, stuck, work)
        work.conflicts.setdefault(shape.id, []).append(_say_plainly(conflict, shapes))
    for launch, wanted in work.wanted.items():
        last = wanted.shape.not_after
        if last and work.days[launch] is None and work.alone[launch].date:
            conflict = _no_room(trial, wanted.shape, last, context)
            work.conflicts.setdefault(launch, []).append(_say_plainly(conflict, shapes))


def _last_day(engine: EngineState, stuck: Stuck) -> date | None:
    """The last day that persons allow the launch, or one that shares its date, if that is what it cannot keep."""
    day = engine.last_day(stuck.launch)
    bounded = stuck.constraint == "horizon" and day < engine.schedule.portfolio.horizon
    return date.fromordinal(day) if bounded else None


def _steps(engine: EngineState, move: PlannedMove, placement: Placement | None) -> list[Step]:
    """Who drove it on: its chain, or what kept a launch that must move from its first day."""
    if not move.forced:
        return [step for step in move.chain if step.constraint not in {"ready", "notice"}]
    first = placement.date.toordinal() if placement and placement.date else 0
    found = crowd(engine, move.launch, first) if 0 < first < move.after.toordinal() else []
    return [Step(one.launch, one.constraint, one.detail) for one in found]


def _look_at_wanted(trial: Trial, work: PlanDraft, request: PlanRequest, shapes: Shapes) -> None:
    engine = trial.engine
    for launch, wanted in work.wanted.items():
        entry, placement = engine.entries.get(launch), work.alone[launch]
        work.days.setdefault(launch, date.fromordinal(entry.date) if entry else placement.date)
        if wanted.pinned and entry and entry.date > request.context.today.toordinal():
            work.conflicts[launch] = list(_crowded(engine, launch, entry.date, placement, shapes))
            work.alone[launch] = _price_pin(trial, launch, entry, placement)
        work.earliest[launch] = _earliest(engine, launch, placement.earliest)


def _price_pin(trial: Trial, launch: LaunchId, entry: Entry, placement: Placement) -> Placement:
    """What it would cost to move the pin: the move itself, and those of whoever would make room."""
    if not placement.conflicts or not placement.earliest or placement.earliest.toordinal() <= entry.date:
        return placement
    mark = trial.mark()
    trial.set(launch, replace(entry, pinned=False))
    plan = solve(trial.engine, Pressing({launch: placement.earliest.toordinal()}), (), Means())
    trial.back(mark)
    others = len(plan.moves) - 1
    day = next((date.fromordinal(one.after) for one in plan.moves if one.launch == launch), placement.earliest)
    detail = f"Move the pin to {day}" + (f"; {others} more would make room." if others > 0 else ".")
    option = Option(action="move_pin", detail=detail, cost=plan.cost)
    conflicts = tuple(
        one.model_copy(update={"options": tuple(option if o.action == "move_pin" else o for o in one.options)})
        for one in placement.conflicts
    )
    return replace(placement, conflicts=conflicts)


def _no_room(trial: Trial, shape: LaunchSnapshot, last: date, context: Context) -> Conflict:
    """No day up to the last one that a person allows; what the first day after it would be."""
    engine, mark = trial.engine, trial.mark()
    entry = engine.entry(shape, last, fixed=False) if shape.id not in engine.entries else None
    if entry:
        trial.set(shape.id, entry)
    free = engine.first_free(shape.id, last.toordinal() + 1, engine.schedule.portfolio.horizon)
    day = date.fromordinal(free or engine.schedule.portfolio.horizon)
    told = f"Let it be on {day}." if free else f"Let it wait until there is room; no day up to {day} is free."
    allow = Option(action="move_not_after", detail=told, cost=price(shape, day, context, last))
    options = (allow, *borrow(engine, shape.id, last.toordinal()))
    trial.back(mark)
    detail = f"a person wants it by {last} at the latest, and there is no room for it up to then"
    return Conflict(launch=shape.id, constraint="not_after", detail=detail, options=options)


def _stuck(engine: EngineState, stuck: Stuck, work: PlanDraft) -> Conflict:
    launch = LaunchId(stuck.launch)
    first = work.alone[launch].date if launch in work.alone else None
    wanted = first.toordinal() if first else engine.entries[launch].date
    options = (*borrow(engine, launch, wanted), wait_for_room(engine, launch))
    return Conflict(launch=launch, constraint=stuck.constraint, detail=stuck.detail, options=options)


def _crowded(
    engine: EngineState, launch: LaunchId, day: int, placement: Placement, shapes: Shapes
) -> Iterator[Conflict]:
    """Rules between launches that a pinned date breaks, each with ways out."""
    reasons = crowd(engine, launch, day)
    first = max(day, placement.earliest.toordinal() if placement.earliest else day)
    for rule in dict.fromkeys(one.constraint for one in reasons):
        same = [one for one in reasons if one.constraint == rule]
        options = tuple(ways_out(engine, launch, day, first, same))
        conflict = Conflict(launch=launch, constraint=rule, detail=same[-1].detail, options=options)
        yield _say_plainly(conflict, shapes)


def _say_plainly(one: Conflict, shapes: Shapes) -> Conflict:
    """The conflict and its ways out in people's words."""
    ways = tuple(way.model_copy(update={"detail": plainly(way.detail, shapes.name)}) for way in one.options)
    return one.model_copy(update={"detail": plainly(one.detail, shapes.name), "options": ways})


def _earliest(engine: EngineState, launch: LaunchId, earliest: date | None) -> date | None:
    """The earliest day with everybody else where they are."""
    if earliest is None or launch not in engine.entries:
        return earliest
    now = engine.entries[launch].date
    free = engine.first_free(launch, earliest.toordinal(), now)
    return date.fromordinal(free) if free else date.fromordinal(now)
