"""A part of a plan as a proposal for a person, and what becomes of it. Opens and closes nothing by itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from services.launch.domain.planning.parts import Part
from services.launch.domain.state import RESCHEDULE
from shared.contracts.launch import LaunchSnapshot, Proposal, ProposedMove
from shared.contracts.words import LaunchId, canonical_json


@dataclass(frozen=True, slots=True)
class Telling:
    """What a proposal says besides its moves: for which revision, as which one of it, and by launch why."""

    revision: int
    number: int
    stage: str
    shapes: Mapping[LaunchId, LaunchSnapshot]
    sentences: Mapping[LaunchId, tuple[str, ...]]


def to_proposal(part: Part, told: Telling) -> Proposal:
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
    """What an approval binds to: the moves, and the revision for which they were planned."""
    told = {"base_version": revision, "moves": [one.model_dump(mode="json", exclude={"detail"}) for one in moves]}
    return "sha256:" + hashlib.sha256(canonical_json(told).encode()).hexdigest()


def become(proposal: Proposal, state: str, reason: str | None = None) -> Proposal:
    """The proposal after something became of it."""
    return proposal.model_copy(update={"state": state, "reason": reason})


def days_of(proposal: Proposal) -> list[tuple[object, ...]]:
    """What a proposal would do, without its words."""
    return [(one.launch, one.earlier_date, one.later_date) for one in proposal.moves]
