"""A person's words about plans: approve, reject, undo. One transaction each."""

from datetime import datetime

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.verdict import Undo, Verdict, VerdictResult, on_verdict, undo
from services.launch.domain.portfolio import RESCHEDULE, State
from services.launch.handlers.deciding import Deciding
from services.launch.store.proposals import Kept, find_moves, find_proposal, list_proposals
from shared.contracts.launch import LaunchesChanged, Proposal
from shared.contracts.words import PortfolioId
from shared.runtime.database import Database


class StaleProposalError(Exception):
    """The proposal no longer holds; `now` is what has taken its place, if anything has."""

    def __init__(self, why: str, seen: Proposal, now: tuple[Proposal, ...]) -> None:
        super().__init__(f"{seen.id} no longer holds: {why}")
        self.seen = seen
        self.now = now

    def differences(self) -> list[dict[str, object]]:
        """Move by move, what the person saw and what would happen now."""
        saw = {move.launch: str(move.later_date) for move in self.seen.moves}
        now = {move.launch: str(move.later_date) for proposal in self.now for move in proposal.moves}
        return [
            {"launch": name, "you_saw": saw.get(name), "now": now.get(name)}
            for name in sorted({*saw, *now})
            if saw.get(name) != now.get(name)
        ]


async def give_verdict(deciding: Deciding, portfolio: PortfolioId, verdict: Verdict, at: datetime) -> Kept:
    """Approve or reject.

    Raises:
        RefusedError: there is no such proposal, or it cannot be done.
        StaleProposalError: it is no longer open, not what was seen, or no longer possible.
    """
    seen = await _find(deciding.database, portfolio, verdict.proposal)
    judged: list[VerdictResult] = []

    def decide(state: State, context: Context, revision: int) -> LaunchesChanged:
        judged.append(on_verdict(state, verdict, context, revision))
        return judged[-1].message

    try:
        message = await deciding.act(portfolio, verdict.request, decide, at)
    except RefusedError as error:
        if error.missing or error.where == "$.hash":
            now = await _find(deciding.database, portfolio, verdict.proposal)
            fresh = await _instead(deciding.database, portfolio, now.proposal)
            raise StaleProposalError(_why(now), seen.proposal, fresh) from None
        raise
    if message and judged[-1].stale:
        fresh = tuple(proposal for proposal in message.proposals if proposal.state == "open")
        raise StaleProposalError(judged[-1].stale, seen.proposal, fresh)
    return await _find(deciding.database, portfolio, verdict.proposal)


async def take_back(
    deciding: Deciding, portfolio: PortfolioId, told_revision: int, by: tuple[str, str], at: datetime
) -> LaunchesChanged | None:
    """Undo what a revision moved; `by` is the person and the request's id.

    Raises:
        RefusedError: it is no longer possible.
    """
    async with deciding.database.reading() as connection:
        moves = await find_moves(connection, portfolio, told_revision)
    command = Undo(told_revision=told_revision, by=by[0], request=by[1], moves=moves)
    return await deciding.act(
        portfolio, by[1], lambda state, context, revision: undo(state, command, context, revision), at
    )


async def take_back_proposal(
    deciding: Deciding, portfolio: PortfolioId, kept: Kept, by: tuple[str, str], at: datetime
) -> LaunchesChanged | None:
    """Undo an approved proposal; `by` is the person and the request's id.

    Raises:
        RefusedError: it was not approved, is about how loud a launch is, or can no longer be undone.
    """
    proposal = kept.proposal
    if proposal.state != "approved":
        raise RefusedError(f"{proposal.id} is {proposal.state}; only what was approved can be undone")
    if proposal.kind != RESCHEDULE:
        raise RefusedError(f"{proposal.id} changed how loud a launch is; undo moves only days: decide its tier instead")
    return await take_back(deciding, portfolio, kept.told_revision, by, at)


async def _find(database: Database, portfolio: PortfolioId, proposal: str) -> Kept:
    async with database.reading() as connection:
        found = await find_proposal(connection, portfolio, proposal) if "\x00" not in proposal else None
    if found is None:
        raise RefusedError(f"there is no proposal {proposal!r:.80}", missing=True)
    return found


async def _instead(database: Database, portfolio: PortfolioId, proposal: Proposal) -> tuple[Proposal, ...]:
    """The open proposals about the same launches."""
    launches = {move.launch for move in proposal.moves}
    async with database.reading() as connection:
        found = await list_proposals(connection, portfolio, "open")
    return tuple(kept.proposal for kept in found if any(move.launch in launches for move in kept.proposal.moves))


def _why(kept: Kept) -> str:
    if kept.proposal.state == "open":
        return "it is not the one you saw"
    return f"it is {kept.proposal.state} since {kept.changed_at:%Y-%m-%d %H:%M} ({kept.proposal.reason or 'no reason'})"
