"""What plans cannot hold is told as a conflict with ways out, and persons choose: no date and no tier changes here.

Too many launches of the loudest tier, crowded segments, too many trains missed in a row. Of launches that crowd each
other one says so, for all. An excess opens a conflict, its end closes it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice

from services.launch.domain.calendar import ONE_DAY
from services.launch.domain.decisions.message import DecisionContext, LaunchDecision, leave_as_it_is
from services.launch.domain.feature import features_of
from services.launch.domain.launch import OPEN_STATES, tier_of
from services.launch.domain.policy import Budget
from services.launch.domain.rules.audience import CROWDING, REST, Crowding
from services.launch.domain.rules.budget import BUDGET, BudgetCandidate, is_same_choice, over_budget
from services.launch.domain.rules.catalogue import bounds, first_quiet, of_day, situation_of
from services.launch.domain.rules.rule import Board, Spot, Violation
from services.launch.domain.rules.train import Act, count_missed
from services.launch.domain.tiers import score, values_of
from shared.contracts.launch import Conflict, LaunchKind, LaunchSnapshot, Link, Option
from shared.contracts.words import LaunchId

MISSED = "missed_trains"
"""The constraint of the flag that a launch has missed too many trains in a row."""

OF_AUDIENCES = CROWDING | {MISSED}

MOST_OTHERS = 3
"""Launches in the way for which it is said where else they could be."""


# ---- the budget of the loudest tier


def apply_tier_budget(decisions: Sequence[LaunchDecision], about: DecisionContext) -> list[LaunchDecision]:
    """The decisions with what the budget says, and those of launches that only the budget concerns."""
    budget = about.context.policy.budget
    if budget is None or not any(_counts(decision, budget) for decision in decisions):
        return list(decisions)
    launches, decided = about.state.launches, {decision.after.id for decision in decisions}
    others = [launches[name] for name in sorted(about.state.ahead[budget.tier] - decided)]
    shapes = (*(decision.after for decision in decisions), *(launch.snapshot for launch in others))
    over = over_budget([candidate for shape in shapes if (candidate := _candidate(shape, about, budget))], budget)
    weighed = []
    for decision in decisions:
        conflicts = _with_budget(decision.conflicts, decision.known_conflicts, over.get(decision.after.id))
        new = [conflict for conflict in conflicts if conflict == over.get(decision.after.id)]
        weighed.append(decision.saying(_links(new), conflicts) if conflicts != decision.conflicts else decision)
    for launch in others:
        conflicts = _with_budget(launch.conflicts, launch.conflicts, over.get(launch.id))
        if set(conflicts) != set(launch.conflicts):
            links = _links([over[launch.id]] if launch.id in over else [])
            links = links or [Link(launch=launch.id, constraint=BUDGET, detail="within the budget again")]
            weighed.append(leave_as_it_is(launch, about.cause, about.named, links, conflicts))
    return sorted(weighed, key=lambda decision: decision.after.id)


def _counts(decision: LaunchDecision, budget: Budget) -> bool:
    before = decision.launch.snapshot if decision.launch else None
    return decision.after.market_tier == budget.tier or (before is not None and before.market_tier == budget.tier)


def _candidate(shape: LaunchSnapshot, about: DecisionContext, budget: Budget) -> BudgetCandidate | None:
    if shape.date is None or shape.market_tier != budget.tier or shape.state not in OPEN_STATES:
        return None
    features = [about.view[feature.id].snapshot for feature in shape.features if feature.id in about.view]
    points = max((score(values_of(feature), about.context.policy) for feature in features), default=0)
    return BudgetCandidate(shape.id, shape.name, shape.date, points)


def _with_budget(
    conflicts: Sequence[Conflict], known: Sequence[Conflict], over: Conflict | None
) -> tuple[Conflict, ...]:
    """The conflicts with that of the budget, as it was told already if the same launches are to be chosen from."""
    others = tuple(conflict for conflict in conflicts if conflict.constraint != BUDGET)
    if over is None:
        return others
    told = (conflict for conflict in known if conflict.constraint == BUDGET and is_same_choice(conflict, over))
    return (*others, next(told, over))


def _links(conflicts: Sequence[Conflict]) -> list[Link]:
    return [
        Link(launch=conflict.launch, constraint=conflict.constraint, detail=conflict.detail) for conflict in conflicts
    ]


# ---- audiences and trains


def apply_audience_conflicts(decisions: Sequence[LaunchDecision], about: DecisionContext) -> list[LaunchDecision]:
    """The decisions with what trains and audiences leave open; also of others who crowd somebody now, or nobody."""
    shapes = {decision.after.id: decision.after for decision in decisions}
    launches, board = about.state.launches, about.state.board(about.context).reshaped(shapes)
    names = sorted((about.state.crowding | _heirs(decisions, board, about)) - shapes.keys())
    others = [LaunchDecision(launches[name], launches[name].snapshot, (), launches[name].conflicts) for name in names]
    found = _flags((*decisions, *others), board, about)
    flagged = []
    for decision in decisions:
        ours = found[decision.after.id]
        new = [conflict for conflict in ours if conflict not in decision.known_conflicts]
        flagged.append(decision.saying(_links(new), _instead_of_ours(decision.conflicts, ours)))
    for name in names:
        launch, ours = launches[name], found[name]
        conflicts = _instead_of_ours(launch.conflicts, ours)
        if conflicts != launch.conflicts:
            links = _links([conflict for conflict in ours if conflict not in launch.conflicts])
            no_longer = f"{launch.snapshot.name} no longer crowds a segment"
            links = links or [Link(launch=name, constraint=REST, detail=no_longer)]
            flagged.append(leave_as_it_is(launch, about.cause, (), links, conflicts))
    return sorted(flagged, key=lambda decision: decision.after.id)


def _instead_of_ours(conflicts: Sequence[Conflict], ours: Sequence[Conflict]) -> tuple[Conflict, ...]:
    return (*(conflict for conflict in conflicts if conflict.constraint not in OF_AUDIENCES), *ours)


def _heirs(decisions: Sequence[LaunchDecision], board: Board, about: DecisionContext) -> set[LaunchId]:
    """Whom those crowd that have said so until their day: from now on the others say it."""
    past = (decision.after for decision in decisions if decision.after.id in about.state.crowding)
    return {
        name
        for launch in past
        if launch.date and launch.date <= about.context.today
        for crowd in _crowds(launch, launch.date, board)
        for name in crowd.by
    }


def _crowds(launch: LaunchSnapshot, day: date, board: Board) -> list[Violation]:
    crowds = Crowding().between(Spot(launch, day), board)
    return [crowd for crowd in crowds if crowd.constraint in CROWDING]


def _flags(
    decisions: Sequence[LaunchDecision], board: Board, about: DecisionContext
) -> dict[LaunchId, tuple[Conflict, ...]]:
    """What stands against each launch; those that are known already are looked at first and stay as they were told."""
    context, said = about.context, set(about.state.crowding)
    found: dict[LaunchId, tuple[Conflict, ...]] = {}
    order = sorted(decisions, key=lambda each: (each.after.id not in said, each.after.pin is None, each.after.id))
    for decision in order:
        launch, crowds = decision.after, list[Violation]()
        if launch.state in OPEN_STATES and launch.date and launch.date > context.today:
            crowds = _crowds(launch, launch.date, board)
        crowds = [crowd for crowd in crowds if not _is_said(crowd, said - {launch.id})]
        said = said | {launch.id} if crowds else said - {launch.id}
        known = {conflict.constraint: conflict for conflict in decision.known_conflicts}
        conflicts = []
        for rule in sorted({crowd.constraint for crowd in crowds}):
            same = [crowd for crowd in crowds if crowd.constraint == rule]
            detail = "; ".join(crowd.detail for crowd in same)
            if rule in known and known[rule].detail == detail:
                conflicts.append(known[rule])
                continue
            others = [board.shape_of(name) for name in sorted({name for crowd in same for name in crowd.by})]
            options = tuple(_ways_out(launch, others, board, about))
            conflicts.append(Conflict(launch=launch.id, constraint=rule, detail=detail, options=options))
        found[launch.id] = (*conflicts, *_missed(decision, known, about))
    return found


def _is_said(crowd: Violation, said: Collection[LaunchId]) -> bool:
    """Whether others have said it: of a week one of them, of days of rest each of them."""
    by = set(crowd.by)
    return by <= set(said) if crowd.each else not by.isdisjoint(said)


def _ways_out(
    launch: LaunchSnapshot, others: Sequence[LaunchSnapshot], board: Board, about: DecisionContext
) -> Iterator[Option]:
    """Another day for the launch or for one of the others, or to let it be."""
    context = about.context
    last = context.today + timedelta(days=context.policy.horizon_days)
    movable = (other for other in others if other.pin is None and other.state in OPEN_STATES)
    moves = [("move_pin" if launch.pin else "move", launch)]
    moves += (("move_other", other) for other in islice(movable, MOST_OTHERS))
    for action, who in moves:
        first = (who.date or context.today) + ONE_DAY
        day = first_quiet(who, first, last, board)
        if day:
            cost = context.policy.objective.price(who, day, context.today)
            yield Option(action=action, detail=f"Move {who.name} from {who.date} to {day}.", cost=cost)
    yield Option(action="accept", detail="Let the segment hear both all the same.", cost=0)


def _missed(decision: LaunchDecision, known: Mapping[str, Conflict], about: DecisionContext) -> Iterator[Conflict]:
    """A flag for a launch that has missed too many trains in a row, until it leaves or its row ends."""
    context, after = about.context, decision.after
    if decision.launch is None or not context.calendar.boards(tier_of(after)):
        return
    kinds = (*decision.kinds, LaunchKind.UNDONE) if decision.undone else decision.kinds
    times = count_missed(decision.launch, after, Act(about.cause.id, kinds), context.calendar)
    if times < context.policy.trains.misses:
        return
    if MISSED in known:
        yield known[MISSED]
        return
    options = [Option(action="accept", detail="Let it go with its next train.", cost=0)]
    day = _without_train(after, about)
    if day:
        cost = context.policy.objective.price(after, day, context.today)
        detail = f"Announce it on its own: pin it to {day}."
        options.insert(0, Option(action="announce_alone", detail=detail, cost=cost))
    leaves = f"leaves with that of {after.train}, however weak it is" if after.train else "has no date"
    detail = f"{after.name} has missed {times} trains in a row, and {leaves}"
    yield Conflict(launch=after.id, constraint=MISSED, detail=detail, options=tuple(options))


def _without_train(launch: LaunchSnapshot, about: DecisionContext) -> date | None:
    """The first day before its train on which it could be announced on its own."""
    context, tier = about.context, tier_of(launch)
    situation = situation_of(launch, features_of(launch, about.view), context)
    day = max(bound.day for bound in bounds(situation, context.calendar) if bound.constraint != "train")
    while launch.date and day < launch.date:
        rules = of_day(day, tier, launch.regions, context.calendar)
        if all(rule.constraint == "train" for rule in rules):
            return day
        day += ONE_DAY
    return None
