"""A plan cut into parts that hang together, and what of each part needs a person (planning.md 5.4).

A part is applied whole or not at all. Nothing is moved here but on the trial.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.launch.domain.context import Context
from services.launch.domain.launch import Launch
from services.launch.domain.policy import Approval, louder
from services.launch.domain.portfolio import RESCHEDULE
from services.launch.domain.scheduling.engine_state import Trial
from services.launch.domain.scheduling.run_engine import EngineResult, PlannedMove, crowd
from shared.contracts.launch import LaunchSnapshot, Proposal, ProposedMove
from shared.contracts.words import LaunchId, canonical_json


@dataclass(frozen=True, slots=True)
class PlanPart:
    """Moves of one component of the cause graph, and why they wait for a person; no reason: they do not."""

    moves: tuple[PlannedMove, ...]
    because: tuple[str, ...] = ()
    bound: int = 0
    """What the whole plan costs at least, where this is all of it."""

    @property
    def launches(self) -> frozenset[LaunchId]:
        """Whom it moves."""
        return frozenset(one.launch for one in self.moves)

    @property
    def days(self) -> dict[str, int]:
        """The new dates."""
        return {one.launch: one.after.toordinal() for one in self.moves}

    @property
    def cost(self) -> int:
        """What its moves cost."""
        return sum(one.price for one in self.moves)

    @property
    def lower_bound(self) -> int:
        """What it costs at least: by its launches' own rules, or as the planner has proved."""
        return min(self.cost, max(self.bound, sum(one.forced for one in self.moves)))


def cut(arranged: EngineResult) -> list[PlanPart]:
    """The components: launches that stand in one chain belong together."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for move in arranged.moves:
        for step in move.chain:
            first, second = sorted((find(step.launch), find(move.launch)))
            root[second] = first
    parts: dict[str, list[PlannedMove]] = {}
    for move in sorted(arranged.moves, key=lambda one: one.launch):
        parts.setdefault(find(move.launch), []).append(move)
    bound = arranged.lower_bound if len(parts) == 1 else 0
    return [PlanPart(tuple(moves), bound=bound) for moves in parts.values()]


def apply_approval_policy(
    arranged: EngineResult,
    shapes: Mapping[LaunchId, LaunchSnapshot],
    known: Mapping[LaunchId, Launch],
    context: Context,
    sent_on: Collection[LaunchId] = (),
) -> list[PlanPart]:
    """The parts of a plan, each with why it needs a person; how near they are is no reason for `sent_on`."""
    parts, approval = cut(arranged), context.policy.approval
    if approval is None:
        return parts
    found = []
    for part in parts:
        reasons = [why for move in part.moves for why in _asks(move, part, shapes, known.get(move.launch), context)]
        reasons += [
            why for move in part.moves if move.launch not in sent_on for why in _too_near(move, shapes, context)
        ]
        reasons += _costs_too_much(part, arranged.stage, approval)
        found.append(replace(part, because=tuple(dict.fromkeys(reasons))))
    return found


def wait(part: PlanPart, because: str) -> PlanPart:
    """The part, for a person to decide on in any case."""
    return part if part.because else replace(part, because=(because,))


def _costs_too_much(part: PlanPart, stage: str, approval: Approval) -> Iterator[str]:
    if approval.budget is not None and part.cost > approval.budget:
        yield f"it costs {part.cost}, more than the budget of {approval.budget}"
    most = approval.most_gap_percent
    if stage == "S1" and most is not None and part.cost * 100 > part.lower_bound * (100 + most):
        yield f"it costs {part.cost} where {part.lower_bound} may be enough: there may be a plan that moves much less"


def _asks(
    move: PlannedMove,
    part: PlanPart,
    shapes: Mapping[LaunchId, LaunchSnapshot],
    launch: Launch | None,
    context: Context,
) -> Iterator[str]:
    shape = shapes[move.launch]
    approval = context.policy.approval or Approval(alone={})
    tier = louder(shape.market_tier, shape.internal_tier)
    if shape.state == "announced":
        yield f"{shape.name} is announced"
    yield from _too_far(move, shape, approval, context)
    if launch and len(_recent(launch, context.now, approval)) >= approval.most_moves:
        yield f"{shape.name} has moved {approval.most_moves} times within {approval.moves_days} days"
    culprits = [step.launch for step in move.chain[:-1] if step.launch in part.launches]
    if not move.forced and culprits:
        other = shapes[LaunchId(culprits[-1])]
        if tier <= louder(other.market_tier, other.internal_tier):
            yield f"{shape.name} ({tier}) would make room for {other.name}"


def _too_near(move: PlannedMove, shapes: Mapping[LaunchId, LaunchSnapshot], context: Context) -> Iterator[str]:
    days = context.policy.objective.frozen_working_days
    if move.before <= context.calendar.after_working_days(context.today, days, ()):
        yield f"{shapes[move.launch].name} is less than {days} working days ahead"


def _too_far(move: PlannedMove, shape: LaunchSnapshot, approval: Approval, context: Context) -> Iterator[str]:
    tier = louder(shape.market_tier, shape.internal_tier)
    alone = approval.alone.get(tier)
    if alone is None:
        yield f"{shape.name} is {tier}"
        return
    days, ahead = (move.after - move.before).days, (move.before - context.today).days
    if alone.most_days is not None and days > alone.most_days:
        yield f"{shape.name} ({tier}) moves {days} days, more than {alone.most_days}"
    if alone.ahead_days is not None and ahead <= alone.ahead_days:
        yield f"{shape.name} ({tier}) is only {ahead} days ahead"


def _recent(launch: Launch, now: datetime, approval: Approval) -> list[datetime]:
    oldest = now - timedelta(days=approval.moves_days)
    return [at for at in launch.moved_at if at >= oldest]


def settle(trial: Trial, parts: Sequence[PlanPart], mark: int) -> list[PlanPart]:
    """Leave on the trial only the parts that happen at once; parts that cannot go without others wait with them.

    Each part that waits could then be approved alone. `mark` is the sketch's place before any of the moves.
    """
    parts = list(parts)
    while True:
        trial.back(mark)
        at_once = [part for part in parts if not part.because]
        trial.move({name: day for part in at_once for name, day in part.days.items()})
        waiting = [part for part in parts if part.because]
        held = next((part for part in at_once if waiting and not _fits(trial, part)), None)
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
    return not any(crowd(trial.engine, name, day) for name, day in part.days.items())


def moved_ids(parts: Collection[PlanPart]) -> frozenset[LaunchId]:
    """Whom these parts move."""
    return frozenset(name for part in parts for name in part.launches)


@dataclass(frozen=True, slots=True)
class ProposalText:
    """What a proposal says besides its moves: for which revision, as which one of it, and by launch why."""

    revision: int
    number: int
    stage: str
    shapes: Mapping[LaunchId, LaunchSnapshot]
    sentences: Mapping[LaunchId, tuple[str, ...]]


def to_proposal(part: PlanPart, told: ProposalText) -> Proposal:
    """The part in the words of the contract."""
    moves = tuple(
        ProposedMove(
            launch=one.launch,
            earlier_date=one.before,
            later_date=one.after,
            detail="; ".join(told.sentences.get(one.launch, ())),
        )
        for one in part.moves
    )
    first = next((one for one in part.moves if one.forced), part.moves[0])
    more = f" and {len(moves) - 1} more" if len(moves) > 1 else ""
    return Proposal(
        id=f"P-{told.revision}-{told.number}",
        kind=RESCHEDULE,
        summary=f"Move {told.shapes[first.launch].name} from {first.before} to {first.after}{more}",
        moves=moves,
        cost=part.cost,
        because=part.because,
        lower_bound=part.lower_bound,
        stage=told.stage,
        hash=hash_of(moves, told.revision),
        base_version=told.revision,
    )


def hash_of(moves: tuple[ProposedMove, ...], revision: int) -> str:
    """What an approval binds to: the moves, and the revision for which they were placements."""
    told = {"base_version": revision, "moves": [one.model_dump(mode="json", exclude={"detail"}) for one in moves]}
    return "sha256:" + hashlib.sha256(canonical_json(told).encode()).hexdigest()


def become(proposal: Proposal, state: str, reason: str | None = None) -> Proposal:
    """The proposal after something became of it."""
    return proposal.model_copy(update={"state": state, "reason": reason})


def days_of(proposal: Proposal) -> list[tuple[object, ...]]:
    """What a proposal would do, without its words."""
    return [(one.launch, one.earlier_date, one.later_date) for one in proposal.moves]
