"""Which feature's slip would hurt most, tried out on the plan as it is; a button tells it to the roadmap."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.launch.domain.approval.radius import SLIPS, rank
from services.launch.domain.decide.scene import RefusedError
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.radius import Question, find_radius, tell
from services.launch.pages.acts import Line, RequestId
from services.launch.pages.asked import ask, choose_portfolio
from shared.runtime.clock import Clock, random_token
from shared.web.pages import PageProblemError, Pages, require_own_page

QUESTION = Question(slips=SLIPS, most=60)
"""More features are for the API: a person who waits has other things to do."""


class TellForm(BaseModel):
    """Who asks; the request makes a second press the same act."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    request: RequestId
    by: Line = ""


def build_radius_page(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/blast-radius`."""
    router = APIRouter()

    @router.get("/blast-radius")
    async def look(request: Request) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        found = await find_radius(deciding, portfolio, QUESTION, clock())
        return pages.render(
            request,
            "blast.html",
            portfolio=portfolio,
            rows=[{"id": one["feature"], "slips": one["slips"]} for one in rank(found)],
            slips=SLIPS,
            told=ask(request, "told"),
            request_id=random_token()[:24],
        )

    @router.post("/blast-radius", dependencies=[Depends(require_own_page)])
    async def tell_it(request: Request, form: Annotated[TellForm, Form()]) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        try:
            message = await tell(deciding, portfolio, QUESTION, (form.by or "somebody", form.request), clock())
        except RefusedError as refusal:
            raise PageProblemError(409, str(refusal), "Look at the launches ahead.") from None
        return RedirectResponse(f"/launch/blast-radius?portfolio={quote(portfolio)}&told={message.revision}", 303)

    return router
