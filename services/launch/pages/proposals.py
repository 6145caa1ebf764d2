"""The inbox of proposals: each with before and after drawn, why it waits, and the keys that decide it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.launch.domain.calendar import RefusedError
from services.launch.domain.decisions.verdict import Verdict
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import RESCHEDULE
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.plans import StaleProposalError, give_verdict, take_back_proposal
from services.launch.pages.asked import choose_portfolio
from services.launch.pages.drawing import draw_moves
from services.launch.pages.refused import MissingError, Refusal, refuse
from services.launch.store import reading
from services.launch.store.proposals import Kept, find_proposal, list_proposals
from shared.contracts.launch import LaunchFeature, LaunchSnapshot, Proposal
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock, derive_id
from shared.web.pages import PageProblemError, Pages, read_me, remember_me, require_own_page

MOST_DECIDED = 20
DECIDED = ("approved", "rejected")

Line = Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00]*$", strip_whitespace=True)]


class VerdictForm(BaseModel):
    """What a person says; the hash is that of the proposal as the page showed it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    by: Line = ""
    reason: Line = ""
    hash: Line = ""


def build_inbox(deciding: Deciding, pages: Pages) -> APIRouter:
    """`/launch/proposals`."""
    router = APIRouter()

    @router.get("/proposals")
    async def inbox(request: Request) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        return await render_inbox(request, deciding, pages, portfolio)

    return router


def build_decisions(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`POST /launch/proposals/{portfolio}/{id}/{approve|reject|undo}`."""
    router = APIRouter(dependencies=[Depends(require_own_page)])

    @router.post("/proposals/{portfolio}/{proposal}/{act}")
    async def decide(
        request: Request, portfolio: str, proposal: str, act: str, form: Annotated[VerdictForm, Form()]
    ) -> Response:
        here = PortfolioId(portfolio)
        async with deciding.database.reading() as connection:
            kept = None if "\x00" in portfolio + proposal else await find_proposal(connection, here, proposal)
        if kept is None or act not in {"approve", "reject", "undo"}:
            raise PageProblemError(404, "There is no such proposal.", "Look it up in the list of proposals.")
        signed = form.model_copy(update={"by": form.by or read_me(request)})
        typed = {**signed.model_dump(), "act": act}
        try:
            await _carry_out(deciding, here, kept, (act, signed), clock)
        except (RefusedError, MissingError) as problem:
            refusal = refuse(pages, request, kept.proposal.id, typed, problem)
            return await render_inbox(request, deciding, pages, here, refusal, 422 if refusal.at else 409)
        except StaleProposalError as stale:
            differences = [{"field": one["launch"], **one} for one in stale.differences()]
            refusal = Refusal(kept.proposal.id, str(stale), typed=typed, differences=differences)
            return await render_inbox(request, deciding, pages, here, refusal, 409)
        answer = RedirectResponse(f"/launch/proposals?portfolio={quote(here)}", 303)
        remember_me(answer, signed.by)
        return answer

    return router


async def _carry_out(
    deciding: Deciding, portfolio: PortfolioId, kept: Kept, asked: tuple[str, VerdictForm], clock: Clock
) -> None:
    act, form = asked
    if not form.by:
        raise MissingError("by")
    if act == "reject" and not form.reason:
        raise MissingError("reason")
    proposal = kept.proposal
    request = derive_id(portfolio, "page", act, proposal.id, str(kept.told_revision))
    if act == "undo":
        await take_back_proposal(deciding, portfolio, kept, (form.by, request), clock())
        return
    verdict = Verdict(
        proposal=proposal.id,
        by=form.by,
        request=request,
        approve=act == "approve",
        reason=form.reason,
        hash=form.hash or proposal.hash,
    )
    await give_verdict(deciding, portfolio, verdict, clock())


async def render_inbox(
    request: Request,
    deciding: Deciding,
    pages: Pages,
    portfolio: PortfolioId,
    refusal: Refusal | None = None,
    status: int = 200,
) -> Response:
    """The page; `refusal` says why a person's word was not carried out, and what differs."""
    async with deciding.database.reading() as connection:
        waiting = await list_proposals(connection, portfolio, "open")
        decided = await list_proposals(connection, portfolio, *DECIDED, limit=MOST_DECIDED)
        names = {move.launch for one in (*waiting, *decided) for move in one.proposal.moves}
        found = await reading.find_launches(connection, portfolio, sorted(names))
        launches: dict[str, Launch] = {one.id: one for one in found}
        moment = await reading.read_moment(connection, portfolio)
    return pages.render(
        request,
        "proposals.html",
        status=status,
        portfolio=portfolio,
        waiting=[_card(pages, request, one, launches) for one in waiting],
        decided=[_card(pages, request, one, launches) for one in decided],
        refusal=refusal,
        live_url=f"/launch/events?portfolio={portfolio}",
        live_revision=moment,
    )


def _card(pages: Pages, request: Request, kept: Kept, launches: Mapping[str, Launch]) -> dict[str, Any]:
    proposal = kept.proposal
    known = {name: one.snapshot for name, one in launches.items()}
    is_move = proposal.kind == RESCHEDULE
    title = pages.say(request, "proposals.drawing")
    drawable = proposal.moves if proposal.state == "open" and is_move else ()
    stands = all(one.launch in known and known[one.launch].date == one.later_date for one in proposal.moves)
    return {
        "id": proposal.id,
        "one": proposal,
        "at": kept.changed_at,
        "moves": [{"name": known[one.launch].name, "move": one} for one in proposal.moves if one.launch in known],
        "can_undo": proposal.state == "approved" and is_move and stands,
        "overtaken": proposal.state == "approved" and is_move and not stands,
        "tiers": [] if is_move else _tiers(proposal, known),
        "feature": next((one.id for move in proposal.moves[:1] for one in _features(known, move.launch)), ""),
        "drawing": draw_moves(proposal.id, drawable, known, title, pages.reader(request)),
    }


def _tiers(proposal: Proposal, known: Mapping[str, LaunchSnapshot]) -> list[tuple[str, str, str]]:
    """How loud the launch is and would be: (which side, now, then)."""
    one = next((known[move.launch] for move in proposal.moves if move.launch in known), None)
    market, _, internal = (proposal.hash or "").partition("/")
    return [("outside", one.market_tier, market), ("inside", one.internal_tier, internal)] if one and internal else []


def _features(known: Mapping[str, LaunchSnapshot], launch: str) -> Sequence[LaunchFeature]:
    return known[launch].features if launch in known else ()
