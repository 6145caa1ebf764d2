"""The inbox of proposals: each with before and after drawn, why it waits, and the keys that decide it."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.launch.domain.approval.approving import Verdict
from services.launch.domain.decide.scene import RefusedError
from services.launch.domain.launch import Launch
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.plans import StaleProposalError, give_verdict, take_back
from services.launch.pages.asked import choose_portfolio
from services.launch.pages.drawing import draw_moves
from services.launch.store import reading
from services.launch.store.proposals import Kept, find_proposal, list_proposals
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock, derive_id
from shared.web.pages import PageProblemError, Pages, require_own_page

MOST_DECIDED = 20


class VerdictForm(BaseModel):
    """What a person says; the hash is that of the proposal as the page showed it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    by: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$", strip_whitespace=True)] = ""
    reason: Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00]*$", strip_whitespace=True)] = ""


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
        seen = request.query_params.get("hash") or kept.proposal.hash
        try:
            await _carry_out(deciding, here, kept, (act, seen), form, clock)
        except (RefusedError, StaleProposalError) as problem:
            return await render_inbox(request, deciding, pages, here, problem)
        return RedirectResponse(f"/launch/proposals?portfolio={quote(here)}", 303)

    return router


async def _carry_out(
    deciding: Deciding,
    portfolio: PortfolioId,
    kept: Kept,
    asked: tuple[str, str | None],
    form: VerdictForm,
    clock: Clock,
) -> None:
    act, seen = asked
    proposal = kept.proposal
    request = derive_id(portfolio, "page", act, proposal.id, str(kept.told_revision))
    by = form.by or "somebody"
    if act == "undo":
        if proposal.state != "approved":
            raise RefusedError(f"{proposal.id} is {proposal.state}; only what was approved can be undone")
        await take_back(deciding, portfolio, kept.told_revision, (by, request), clock())
        return
    verdict = Verdict(
        proposal=proposal.id, by=by, request=request, approve=act == "approve", reason=form.reason, hash=seen
    )
    await give_verdict(deciding, portfolio, verdict, clock())


async def render_inbox(
    request: Request,
    deciding: Deciding,
    pages: Pages,
    portfolio: PortfolioId,
    problem: RefusedError | StaleProposalError | None = None,
) -> Response:
    """The page; `problem` says why a person's word was not carried out, and what differs."""
    async with deciding.database.reading() as connection:
        waiting = await list_proposals(connection, portfolio, "open")
        decided = await list_proposals(connection, portfolio, None, limit=MOST_DECIDED + len(waiting))
        names = {move.launch for one in (*waiting, *decided) for move in one.proposal.moves}
        found = await reading.find_launches(connection, portfolio, sorted(names))
        launches: dict[str, Launch] = {one.id: one for one in found}
        moment = await reading.read_moment(connection, portfolio)
    return pages.render(
        request,
        "proposals.html",
        status=409 if problem else 200,
        portfolio=portfolio,
        waiting=[_card(pages, request, one, launches) for one in waiting],
        decided=[_card(pages, request, one, launches) for one in decided if one.proposal.state != "open"],
        problem=str(problem) if problem else "",
        differences=problem.differences() if isinstance(problem, StaleProposalError) else [],
        live_url=f"/launch/events?portfolio={portfolio}",
        live_revision=moment,
    )


def _card(pages: Pages, request: Request, kept: Kept, launches: Mapping[str, Launch]) -> dict[str, Any]:
    proposal = kept.proposal
    known = {name: one.snapshot for name, one in launches.items()}
    title = pages.say(request, "proposals.drawing")
    waits = proposal.state == "open"
    return {
        "id": proposal.id,
        "one": proposal,
        "at": kept.changed_at,
        "moves": [{"name": known[one.launch].name, "move": one} for one in proposal.moves if one.launch in known],
        "drawing": draw_moves(proposal, known, title, pages.reader(request)) if waits else "",
    }
