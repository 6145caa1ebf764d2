"""A plan cut into parts that hang together, and what of each part needs a person, as proposals.

A part is applied whole or not at all. Nothing is moved here but on the trial.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.launch.domain.calendar import Context
from services.launch.domain.launch import tier_of
from services.launch.domain.policy import Approval
from services.launch.domain.portfolio import RESCHEDULE
from services.launch.domain.scheduling.engine_state import Trial
from services.launch.domain.scheduling.request import PlannedMove, PlanPart, PlanRequest
from shared.contracts.launch import LaunchSnapshot, Proposal, ProposedMove
from shared.contracts.words import LaunchId, canonical_json


def cut(moves: Sequence[PlannedMove], lower_bound: int) -> list[PlanPart]:
    """The components: launches that stand in one chain belong together. `lower_bound` is that of all moves."""
    root: dict[str, str] = {}

    def find(launch: str) -> str:
        while root.setdefault(launch, launch) != launch:
            launch = root[launch]
        return launch

    for move in moves:
        for step in move.chain:
            first, second = sorted((find(step.launch), find(move.launch)))
            root[second] = first
    parts: dict[str, list[PlannedMove]] = {}
    for move in sorted(moves, key=lambda move: move.launch):
        parts.setdefault(find(move.launch), []).append(move)
    bound = lower_bound if len(parts) == 1 else 0
    return [PlanPart(tuple(listed), bound=bound) for listed in parts.values()]


def apply_approval_policy(
    parts: Sequence[PlanPart],
    stage: str,
    shapes: Mapping[LaunchId, LaunchSnapshot],
    request: PlanRequest,
    sent_on: Collection[LaunchId] = (),
) -> list[PlanPart]:
    """The parts of a plan, each with why it needs a person; how near they are is no reason for `sent_on`."""
    approval, context = request.context.policy.approval, request.context
    found = []
    for part in parts:
        because: list[str] = []
        if approval is not None:
            because += (why for move in part.moves for why in _asks(move, part, shapes[move.launch], shapes, request))
            near_days = context.policy.objective.frozen_working_days
            near = context.calendar.after_working_days(context.today, near_days, ())
            because += (
                f"{shapes[move.launch].name} is less than {near_days} working days ahead"
                for move in part.moves
                if move.launch not in sent_on and move.before <= near
            )
            because += _costs_too_much(part, stage, approval)
        if request.instead_of and not because:
            because.append(f"it would replace {request.instead_of}, which waits for a person")
        found.append(replace(part, because=tuple(dict.fromkeys(because))))
    return found


def _costs_too_much(part: PlanPart, stage: str, approval: Approval) -> Iterator[str]:
    if approval.budget is not None and part.cost > approval.budget:
        yield f"it costs {part.cost}, more than the budget of {approval.budget}"
    most = approval.most_gap_percent
    if stage == "S1" and most is not None and part.cost * 100 > part.lower_bound * (100 + most):
        yield f"it costs {part.cost} where {part.lower_bound} may be enough: there may be a plan that moves much less"


def _asks(
    move: PlannedMove,
    part: PlanPart,
    shape: LaunchSnapshot,
    shapes: Mapping[LaunchId, LaunchSnapshot],
    request: PlanRequest,
) -> Iterator[str]:
    context, approval = request.context, request.context.policy.approval or Approval(alone={})
    if shape.state == "announced":
        yield f"{shape.name} is announced"
    yield from _too_far(move, shape, approval, context)
    launch = request.state.launches.get(move.launch)
    oldest = context.now - timedelta(days=approval.moves_days)
    if launch and sum(at >= oldest for at in launch.moved_at) >= approval.most_moves:
        yield f"{shape.name} has moved {approval.most_moves} times within {approval.moves_days} days"
    culprits = [step.launch for step in move.chain[:-1] if step.launch in part.launches]
    if not move.forced and culprits:
        other = shapes[LaunchId(culprits[-1])]
        tier = tier_of(shape)
        if tier <= tier_of(other):
            yield f"{shape.name} ({tier}) would make room for {other.name}"


def _too_far(move: PlannedMove, shape: LaunchSnapshot, approval: Approval, context: Context) -> Iterator[str]:
    tier = tier_of(shape)
    alone = approval.alone.get(tier)
    if alone is None:
        yield f"{shape.name} is {tier}"
        return
    days, ahead = (move.after - move.before).days, (move.before - context.today).days
    if alone.most_days is not None and days > alone.most_days:
        yield f"{shape.name} ({tier}) moves {days} days, more than {alone.most_days}"
    if alone.ahead_days is not None and ahead <= alone.ahead_days:
        yield f"{shape.name} ({tier}) is only {ahead} days ahead"


def settle(trial: Trial, parts: Sequence[PlanPart], mark: int) -> list[PlanPart]:
    """Leave on the trial only the parts that happen at once; parts that cannot go without others wait with them.

    Each part that waits could then be approved alone. `mark` is the trial's place before any of the moves.
    """
    parts = list(parts)
    while True:
        waiting = [part for part in parts if part.because]
        if not waiting:
            return parts
        trial.back(mark)
        at_once = [part for part in parts if not part.because]
        trial.move({launch: day for part in at_once for launch, day in part.days.items()})
        held = next((part for part in at_once if not _fits(trial, part)), None)
        pair = (waiting[0], held) if held else next(_leaning(trial, waiting), None)
        if pair is None:
            return parts
        part, other = pair
        parts.remove(other)
        because = tuple(dict.fromkeys((*part.because, *other.because)))
        parts[parts.index(part)] = replace(part, moves=(*part.moves, *other.moves), because=because)


def _leaning(trial: Trial, waiting: Sequence[PlanPart]) -> Iterator[tuple[PlanPart, PlanPart]]:
    """Parts that have no room alone, each with the part that makes it, or that may have a share in it."""
    for part in waiting:
        others = [other for other in waiting if other is not part]
        if others and not _fits_with(trial, part, {}):
            yield part, next((other for other in others if _fits_with(trial, part, other.days)), others[0])


def _fits_with(trial: Trial, part: PlanPart, days: Mapping[str, int]) -> bool:
    """Whether the part has room once others are on these days too."""
    mark = trial.mark()
    trial.move({**part.days, **days})
    fits = _fits(trial, part)
    trial.back(mark)
    return fits


def _fits(trial: Trial, part: PlanPart) -> bool:
    return not any(trial.engine.crowd(launch, day) for launch, day in part.days.items())


@dataclass(frozen=True, slots=True)
class ProposalText:
    """What a proposal says besides its moves: for which revision, as which one of it, and by launch why."""

    revision: int
    number: int
    stage: str
    shapes: Mapping[LaunchId, LaunchSnapshot]
    sentences: Mapping[LaunchId, tuple[str, ...]]


def to_proposal(part: PlanPart, text: ProposalText) -> Proposal:
    """The part in the words of the contract."""
    moves = tuple(
        ProposedMove(
            launch=move.launch,
            earlier_date=move.before,
            later_date=move.after,
            detail="; ".join(text.sentences.get(move.launch, ())),
        )
        for move in part.moves
    )
    first = next((move for move in part.moves if move.forced), part.moves[0])
    more = f" and {len(moves) - 1} more" if len(moves) > 1 else ""
    return Proposal(
        id=f"P-{text.revision}-{text.number}",
        kind=RESCHEDULE,
        summary=f"Move {text.shapes[first.launch].name} from {first.before} to {first.after}{more}",
        moves=moves,
        cost=part.cost,
        because=part.because,
        lower_bound=part.lower_bound,
        stage=text.stage,
        hash=hash_of(moves, text.revision),
        base_version=text.revision,
    )


def hash_of(moves: tuple[ProposedMove, ...], revision: int) -> str:
    """What an approval binds to: the moves, and the revision for which they were found."""
    told = {"base_version": revision, "moves": [move.model_dump(mode="json", exclude={"detail"}) for move in moves]}
    return "sha256:" + hashlib.sha256(canonical_json(told).encode()).hexdigest()


def become(proposal: Proposal, state: str, reason: str | None = None) -> Proposal:
    """The proposal after something became of it."""
    return proposal.model_copy(update={"state": state, "reason": reason})


def days_of(proposal: Proposal) -> list[tuple[object, ...]]:
    """What a proposal would do, without its words."""
    return [(move.launch, move.earlier_date, move.later_date) for move in proposal.moves]
