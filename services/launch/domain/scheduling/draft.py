"""One attempt at a plan on a trial: what everybody wants, the engine's moves, first dates, and the check.

The engine's schedule is afterwards as it was. Nothing is told here; schedule.py does, once an attempt holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from services.launch.domain.launch import tier_of
from services.launch.domain.reasons import plainly
from services.launch.domain.rules.audience import CROWDING
from services.launch.domain.rules.catalogue import CheckedPlan, check_plan
from services.launch.domain.scheduling.approval import apply_approval_policy, cut, settle
from services.launch.domain.scheduling.engine.model import ChainStep
from services.launch.domain.scheduling.engine_state import EngineState, Trial
from services.launch.domain.scheduling.remedies import (
    conflicts_of_pin,
    find_candidates,
    find_opportunities,
    no_room_in_time,
    no_room_up_to_horizon,
)
from services.launch.domain.scheduling.request import (
    CHECKER,
    DateRequest,
    PlanDraft,
    PlannedMove,
    PlanRequest,
    Shapes,
)
from services.launch.domain.scheduling.run_engine import planned_moves, solve
from services.launch.domain.scheduling.single import date_alone
from shared.contracts.launch import Conflict, Link, Option, Proposal
from shared.contracts.words import LaunchId


def draft_plan(
    asked: Mapping[LaunchId, DateRequest], request: PlanRequest, touched: Mapping[str, Proposal]
) -> PlanDraft:
    """Dates for all of them; what proposals say that are not `touched` stays as it is."""
    alone = {launch: date_alone(wanted, request.context) for launch, wanted in asked.items()}
    draft = PlanDraft(request, Trial(request.engine), Shapes(request.state, asked), asked, alone)
    with draft.trial as trial:
        candidates = find_candidates(trial.engine, asked, request) if request.gone else []
        for launch in sorted(launch for launch, placement in alone.items() if placement.undone):
            _take_back(draft, launch)
        for launch in sorted(request.gone):
            trial.set(launch, None)
        mark = _find_moves(draft, touched)
        sent_on = {launch for launch, wanted in asked.items() if wanted.floor and wanted.floor.by_itself}
        parts = cut(draft.moves, draft.lower_bound)
        parts = apply_approval_policy(parts, draft.stage, draft.shapes, request, sent_on)
        draft.parts = settle(trial, parts, mark)
        _place_new(draft)
        _read_result(draft)
        _price_pins(draft)
        if candidates:
            draft.opportunities = find_opportunities(trial.engine, candidates, request)
        _verify(draft)
    return draft


# ---- what goes back to where it was


def _take_back(draft: PlanDraft, launch: LaunchId) -> None:
    """Let a launch go back to where it was, and those that made room for it; if it does not fit, it moves as usual."""
    trial, wanted, day, launches = (
        draft.trial,
        draft.asked[launch],
        draft.alone[launch].date,
        draft.request.state.launches,
    )
    entry = trial.engine.entry(wanted.shape, day) if day else None
    mark = trial.mark()
    trial.set(launch, entry)
    if entry is None or trial.engine.crowd(launch, entry.date):
        trial.back(mark)
        draft.alone[launch] = date_alone(wanted, draft.request.context, undo=False)
        return
    cause = launches[launch].dated_by
    with_it = (other for other in launches.values() if other.dated_by == cause and other.id not in draft.asked)
    for other in sorted(with_it, key=lambda other: other.id):
        last, snapshot = other.moves[-1] if other.moves else None, other.snapshot
        made_room = last and last.made_room and last.later == snapshot.date and other.is_open
        if not (last and made_room) or snapshot.pin or last.earlier <= draft.request.context.today:
            continue
        entry = trial.engine.entry(snapshot, last.earlier)
        if entry is None:
            continue
        mark = trial.mark()
        trial.set(other.id, entry)
        if trial.engine.reasons_against(other.id, entry.date):
            trial.back(mark)
            continue
        draft.days[other.id] = last.earlier
        draft.taken_back.add(other.id)
        detail = f"{snapshot.name} had made room and can go back to {last.earlier}"
        draft.steps[other.id] = (Link(launch=other.id, detail=detail),)


# ---- the engine


def _find_moves(draft: PlanDraft, touched: Mapping[str, Proposal]) -> int:
    """Plan for all who must go; the trial ends with the launches that moved on their new dates.

    Returns the trial's place before the moves. First dates come later, once it is known which moves happen.
    """
    trial, engine, state = draft.trial, draft.engine, draft.request.state
    undecided = {move.launch for proposal in touched.values() for move in proposal.moves} | state.cramped
    waiting = {
        move.launch for name, proposal in state.proposals.items() if name not in touched for move in proposal.moves
    }
    context = draft.request.context
    frozen = context.policy.objective.frozen_working_days
    near = context.calendar.after_working_days(context.today, frozen, ()).toordinal()
    in_order = sorted(draft.asked)
    changed = {launch for launch in in_order if _stand(draft, launch)}
    forced: dict[str, int] = {}
    cramped: set[str] = set()
    for launch in in_order:
        entry, day = engine.entries.get(launch), draft.alone[launch].date
        if entry is None or day is None or draft.is_fixed(launch):
            continue
        if day.toordinal() > entry.date:
            forced[launch] = day.toordinal()
        else:
            reasons = engine.reasons_against(launch, entry.date, waiting)
            crowds = entry.date > near and any(reason.constraint in CROWDING for reason in reasons)
            if crowds or (reasons and launch in undecided | changed):
                cramped.add(launch)
    forced |= {launch: day for launch, day in _followers(draft) if launch not in forced}
    mark = trial.mark()
    if not forced and not cramped:
        return mark
    draft.stage, draft.cramped = draft.request.context.reached, frozenset(cramped)
    if cramped or draft.request.found or not _fits_as_it_is(draft, forced):
        locked = {*waiting, *(state.cramped - draft.asked.keys())}
        plan = solve(engine, forced, cramped, locked, draft.request)
        draft.stage, draft.lower_bound, draft.stuck = plan.stage, plan.lower_bound, list(plan.conflicts)
        draft.moves = list(planned_moves(engine, plan, forced))
        trial.move({move.launch: move.after.toordinal() for move in draft.moves})
    return mark


def _stand(draft: PlanDraft, launch: LaunchId) -> bool:
    """Put the launch where it stands; whether that, or what it needs there, is new."""
    engine, wanted, placement = draft.engine, draft.asked[launch], draft.alone[launch]
    fixed, day = draft.is_fixed(launch), placement.date
    home = day if fixed or placement.undone else wanted.date
    mates = engine.mates(launch)
    if day and not home and mates:
        home = date.fromordinal(engine.entries[mates[0]].date)
    entry = engine.entry(wanted.shape, home, fixed=fixed) if home and day else None
    changed = engine.entries.get(launch) != entry
    if changed:
        draft.trial.set(launch, entry)
    return changed


def _followers(draft: PlanDraft) -> Iterator[tuple[str, int]]:
    """Launches that come after one of these, and are too early now."""
    schedule = draft.engine.schedule
    for launch in draft.asked:
        block = draft.engine.block(launch)
        for other, lag in schedule.blocks.behind[block] if block is not None else ():
            if schedule.home[other] < schedule.home[block or 0] + lag:
                yield from ((entry.id, entry.date) for entry in schedule.blocks.members[other])


def _fits_as_it_is(draft: PlanDraft, forced: Mapping[str, int]) -> bool:
    """Move each launch to its first day, if all fit there with everybody else as they are: no plan costs less.

    Then there is nothing to look for. Groups and launches that follow each other are for the engine.
    """
    engine, trial = draft.engine, draft.trial
    schedule, mark = engine.schedule, trial.mark()
    moves = []
    for launch, day in forced.items():
        block = schedule.blocks.block_of[launch]
        bound = (
            len(schedule.blocks.members[block]) > 1 or schedule.blocks.before[block] or schedule.blocks.behind[block]
        )
        if bound or schedule.pinned[block]:
            return False
        price, before = schedule.price(block, day), date.fromordinal(schedule.home[block])
        moves.append(PlannedMove(LaunchId(launch), before, date.fromordinal(day), (), price, price))
    for launch, day in forced.items():
        if engine.first_free(launch, day, min(day, engine.last_day(launch))) != day:
            trial.back(mark)
            return False
        trial.move({launch: day})
    draft.moves = sorted(moves, key=lambda move: move.launch)
    draft.lower_bound = sum(move.price for move in moves)
    return True


def _place_new(draft: PlanDraft) -> None:
    """Find first dates, the loud and the early first, all others as they are."""
    trial, engine, context = draft.trial, draft.engine, draft.request.context
    last = (context.today + timedelta(days=context.policy.horizon_days)).toordinal()
    news = [
        (tier_of(wanted.shape), day, launch)
        for launch, wanted in draft.asked.items()
        if (day := draft.alone[launch].date) and launch not in engine.entries and not draft.is_fixed(launch)
    ]
    for _, day, launch in sorted(news):
        entry = engine.entry(draft.asked[launch].shape, day, fixed=False)
        if entry is None:
            continue
        trial.set(launch, entry)
        steps = tuple(_steps_against(engine, launch, entry.date))
        found = engine.first_free(launch, entry.date, min(last, engine.last_day(launch)))
        draft.placed[launch] = (date.fromordinal(found) if found else None, steps)
        if found:
            trial.move({launch: found})
        else:
            trial.set(launch, None)


# ---- what is to be told


def _read_result(draft: PlanDraft) -> None:
    """Read off the trial where everybody is now, and why."""
    engine, waiting = draft.engine, draft.waiting
    for launch, (day, steps) in draft.placed.items():
        draft.days[launch] = day
        draft.steps[launch] = _links(draft, steps)
    for move in (move for part in draft.parts for move in part.moves):
        draft.days[move.launch] = move.before if move.launch in waiting else move.after
        draft.steps[move.launch] = _links(draft, _driven_by(draft, move))
    for launch, wanted in draft.asked.items():
        entry, placement = engine.entries.get(launch), draft.alone[launch]
        draft.days.setdefault(launch, date.fromordinal(entry.date) if entry else placement.date)
        if wanted.pinned and entry and entry.date > draft.request.context.today.toordinal():
            draft.conflicts[launch] = list(conflicts_of_pin(engine, launch, placement.earliest, draft.shapes))
        earliest = placement.earliest
        if earliest and entry:  # with everybody else where they are
            free = engine.first_free(launch, earliest.toordinal(), entry.date)
            earliest = date.fromordinal(free or entry.date)
        draft.earliest[launch] = earliest
    for stuck in draft.stuck:
        launch, bound = LaunchId(stuck.launch), engine.last_day(stuck.launch)
        if stuck.constraint == "horizon" and bound < engine.schedule.portfolio.horizon:  # a day that a person gave
            conflict = no_room_in_time(
                draft.trial, launch, date.fromordinal(bound), draft.request.context, draft.shapes
            )
        else:
            first = draft.alone[launch].date if launch in draft.alone else None
            conflict = no_room_up_to_horizon(engine, stuck, first, draft.shapes)
        draft.conflicts.setdefault(launch, []).append(conflict)
    for launch, wanted in draft.asked.items():
        last = wanted.shape.not_after
        if last and draft.days[launch] is None and draft.alone[launch].date:
            conflict = no_room_in_time(draft.trial, launch, last, draft.request.context, draft.shapes)
            draft.conflicts.setdefault(launch, []).append(conflict)


def _links(draft: PlanDraft, steps: Iterable[ChainStep]) -> tuple[Link, ...]:
    return tuple(
        Link(
            launch=step.launch,
            constraint="slots" if step.constraint == "capacity" and " launches)" in step.detail else step.constraint,
            detail=plainly(step.detail, draft.shapes.name),
        )
        for step in steps
    )


def _driven_by(draft: PlanDraft, move: PlannedMove) -> Iterable[ChainStep]:
    """Who drove it on: its chain, or what kept a launch that must move from its first day."""
    if not move.forced:
        return [step for step in move.chain if step.constraint not in {"ready", "notice"}]
    first = draft.alone[move.launch].date if move.launch in draft.alone else None
    return _steps_against(draft.engine, move.launch, first.toordinal()) if first and first < move.after else ()


def _steps_against(engine: EngineState, launch: LaunchId, day: int) -> Iterator[ChainStep]:
    """What others have against the day."""
    for reason in engine.crowd(launch, day):
        yield ChainStep(reason.launch, reason.constraint, reason.detail)


def _price_pins(draft: PlanDraft) -> None:
    """What it would cost to move a pin that breaks rules: the move itself, and those of whoever would make room."""
    trial, today = draft.trial, draft.request.context.today
    for launch, wanted in draft.asked.items():
        entry, placement = draft.engine.entries.get(launch), draft.alone[launch]
        if not (wanted.pinned and entry and placement.conflicts and placement.earliest):
            continue
        if not today.toordinal() < entry.date < placement.earliest.toordinal():
            continue
        mark = trial.mark()
        trial.set(launch, replace(entry, pinned=False))
        plan = solve(trial.engine, {launch: placement.earliest.toordinal()})
        trial.back(mark)
        others = len(plan.moves) - 1
        day = next((date.fromordinal(move.after) for move in plan.moves if move.launch == launch), placement.earliest)
        detail = f"Move the pin from {date.fromordinal(entry.date)} to {day}" + (
            f"; {others} more would make room." if others > 0 else "."
        )
        option = Option(action="move_pin", detail=detail, cost=plan.cost)
        conflicts = tuple(
            conflict.model_copy(
                update={"options": tuple(option if way.action == "move_pin" else way for way in conflict.options)}
            )
            for conflict in placement.conflicts
        )
        draft.alone[launch] = replace(placement, conflicts=conflicts)


# ---- the check before anything happens


def _verify(draft: PlanDraft) -> None:
    """What the catalogue of rules refuses does not happen: everybody stays, new launches are placed on their own."""
    request, asked, alone = draft.request, draft.asked, draft.alone
    context, state, waiting = request.context, request.state, draft.waiting
    moved = {launch: day for launch, day in draft.days.items() if state.standing.get(launch) != day}
    situations = {launch: wanted.situation for launch, wanted in asked.items()}
    for launch in sorted(moved.keys() - asked.keys()):
        if again := request.ask_again(state.launches[launch]):
            situations[launch] = again.situation
    declared = {launch for launch, wanted in asked.items() if wanted.pinned or alone[launch].conflicts}
    declared |= {move.launch for proposal in state.proposals.values() for move in proposal.moves} - asked.keys()
    plan = CheckedPlan(
        shapes=draft.shapes,
        before=state.standing,
        changes={**moved, **dict.fromkeys(request.gone)},
        asked={launch: wanted.date for launch, wanted in asked.items()},
        were={launch: known.snapshot for launch in asked if (known := state.launches.get(launch))},
        situations=situations,
        declared={*declared, *draft.conflicts, *waiting, *(draft.cramped if waiting else ())},
        undone={*draft.taken_back, *(launch for launch, placement in alone.items() if placement.undone)},
    )
    wrong = check_plan(plan, context.calendar, context.today)
    if not wrong:
        return
    draft.trial.back(0)
    draft.parts, draft.moves, draft.steps, draft.conflicts, draft.stage = [], [], {}, {}, "S0"
    draft.days = {
        launch: wanted.date if wanted.date and alone[launch].date else alone[launch].date
        for launch, wanted in asked.items()
    }
    detail = f"the plan was not applied: {wrong[0].rule}: {', '.join(wrong[0].launches)}: {wrong[0].detail}"
    held = {launch for launch, day in draft.days.items() if day != alone[launch].date} or sorted(asked)[:1]
    for launch in sorted(held):
        wanted, price = asked[launch], context.policy.objective.price
        cost = price(wanted.shape, alone[launch].date, context.today, wanted.date)
        option = Option(action="plan_by_hand", detail="Choose the date by hand.", cost=cost)
        draft.conflicts[launch] = [Conflict(launch=launch, constraint=CHECKER, detail=detail, options=(option,))]
