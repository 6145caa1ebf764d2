"""Proposals: the inbox, one of them, approve, reject; and undo of what a revision of ours moved."""

from collections.abc import Awaitable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from services.launch.api.asked import UNDER, IdempotencyKey, IfMatch, Words
from services.launch.domain.calendar import RefusedError
from services.launch.domain.decisions.verdict import Verdict
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.plans import StaleProposalError, give_verdict, take_back, take_back_proposal
from services.launch.store.proposals import Kept, find_proposal, list_proposals
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock, derive_id
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError


class VerdictBody(BaseModel):
    """Who decides. `hash` (or `If-Match`) is that of the proposal they saw; a rejection gives its reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Words
    reason: Words | None = None
    hash: Words | None = None


def build_proposals(deciding: Deciding) -> APIRouter:
    """Read them."""
    router = APIRouter(prefix=UNDER)

    @router.get("/proposals")
    async def proposals(
        portfolio: PortfolioPath,
        state: Annotated[Literal["open", "approved", "rejected", "superseded"] | None, Query()] = None,
        launch: Annotated[str | None, Query(max_length=600, pattern=r"^[^\x00]*$")] = None,
    ) -> dict[str, Any]:
        """Parts of plans that wait or waited for a person, newest first."""
        async with deciding.database.reading() as connection:
            found = await list_proposals(connection, portfolio, *((state,) if state else ()), launch=launch)
        return {"items": [show_kept(one) for one in found]}

    @router.get("/proposals/{proposal}")
    async def one(portfolio: PortfolioPath, proposal: str) -> dict[str, Any]:
        """One proposal: its moves with their reasons, cost, lower bound, why it waits, what became of it."""
        return show_kept(await find_kept(deciding, portfolio, proposal))

    return router


def build_verdicts(deciding: Deciding, clock: Clock) -> APIRouter:
    """Decide on them."""
    router = APIRouter(prefix=UNDER)

    async def decide(
        portfolio: PortfolioId, proposal: str, body: VerdictBody, key: str | None, *, approve: bool
    ) -> dict[str, Any]:
        kept = await find_kept(deciding, portfolio, proposal)
        request = key or derive_id(portfolio, proposal, str(kept.told_revision), str(approve))
        verdict = Verdict(
            proposal=proposal,
            by=body.by,
            request=request,
            approve=approve,
            reason=body.reason or "",
            hash=body.hash,
        )
        try:
            return show_kept(await give_verdict(deciding, portfolio, verdict, clock()))
        except RefusedError as refusal:
            raise refused(refusal) from None
        except StaleProposalError as stale:
            fresh = [one.model_dump(mode="json") for one in stale.now]
            raise ProblemError(409, str(stale), where="$", differences=stale.differences(), proposals=fresh) from None

    @router.post("/proposals/{proposal}/approve")
    async def approve(
        portfolio: PortfolioPath,
        proposal: str,
        body: VerdictBody,
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """Apply it whole. 409 with the difference when it no longer holds; what takes its place is in `proposals`."""
        seen = body.hash or (if_match.strip('"') if if_match and if_match != "*" else None)
        seen_body = body.model_copy(update={"hash": seen})
        return await decide(portfolio, proposal, seen_body, idempotency_key, approve=True)

    @router.post("/proposals/{proposal}/reject")
    async def reject(
        portfolio: PortfolioPath, proposal: str, body: VerdictBody, idempotency_key: IdempotencyKey = None
    ) -> Any:
        """Keep the dates as they are; what then speaks against them becomes a conflict."""
        return await decide(portfolio, proposal, body, idempotency_key, approve=False)

    return router


def build_undo(deciding: Deciding, clock: Clock) -> APIRouter:
    """Take back what was applied."""
    router = APIRouter(prefix=UNDER)

    async def back(revision: int, undoing: Awaitable[LaunchesChanged | None]) -> dict[str, Any]:
        try:
            message = await undoing
        except RefusedError as refusal:
            raise refused(refusal) from None
        return {"undone": revision, "message": message.model_dump(mode="json") if message else None}

    def sign(portfolio: PortfolioId, revision: int, body: VerdictBody, key: str | None) -> tuple[str, str]:
        return body.by, key or derive_id(portfolio, "undo", str(revision), body.by)

    @router.post("/plans/{revision}/undo")
    async def undo_plan(
        portfolio: PortfolioPath, revision: int, body: VerdictBody, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Take back every move that our revision told, or say why that is no longer possible."""
        signed = sign(portfolio, revision, body, idempotency_key)
        return await back(revision, take_back(deciding, portfolio, revision, signed, clock()))

    @router.post("/proposals/{proposal}/undo")
    async def undo_proposal(
        portfolio: PortfolioPath, proposal: str, body: VerdictBody, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Take back an approved proposal."""
        kept = await find_kept(deciding, portfolio, proposal)
        signed = sign(portfolio, kept.told_revision, body, idempotency_key)
        return await back(kept.told_revision, take_back_proposal(deciding, portfolio, kept, signed, clock()))

    return router


async def find_kept(deciding: Deciding, portfolio: PortfolioId, proposal: str) -> Kept:
    """The proposal, or 404."""
    async with deciding.database.reading() as connection:
        found = await find_proposal(connection, portfolio, proposal) if "\x00" not in proposal else None
    if found is None:
        raise ProblemError(404, f"there is no proposal {proposal!r:.80} in {portfolio}")
    return found


def refused(refusal: RefusedError) -> ProblemError:
    """A refusal as a problem."""
    status = 404 if refusal.missing else 409 if refusal.where == "$" else 422
    return ProblemError(status, str(refusal), where=refusal.where)


def show_kept(kept: Kept) -> dict[str, Any]:
    """A proposal as the API shows it."""
    return {
        **kept.proposal.model_dump(mode="json"),
        "opened_revision": kept.opened_revision,
        "told_revision": kept.told_revision,
        "changed_at": kept.changed_at,
    }
