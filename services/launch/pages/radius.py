"""Which feature's slip would hurt most, tried out on the plan as it is; a button that tells it; the list of scenarios.

What a scenario would move is on its own page, scenarios.py.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.launch.domain.calendar import RefusedError
from services.launch.domain.questions.simulate import SLIPS, rank
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.radius import RadiusQuestion, find_radius, tell
from services.launch.pages.acts import Line, RequestId
from services.launch.pages.asked import ask, choose_portfolio, wants_csv
from services.launch.pages.refused import MissingError, Refusal, refuse
from services.launch.store import reading
from services.launch.store.scenarios import load_scenarios
from shared.runtime.clock import Clock, random_token
from shared.web.pages import Pages, remember_me, require_own_page
from shared.web.sheets import csv_response

QUESTION = RadiusQuestion(slips=SLIPS, most=60)
"""More features are for the API: a person who waits has other things to do."""
FORM = "tell"
HEAD = ("feature", "title", "days", "launches", "cost")


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
        return await render_radius(request, deciding, pages, clock)

    @router.post("/blast-radius", dependencies=[Depends(require_own_page)])
    async def tell_it(request: Request, form: Annotated[TellForm, Form()]) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        try:
            if not form.by:
                raise MissingError("by")  # noqa: TRY301 - one answer for all that is wrong
            message = await tell(deciding, portfolio, QUESTION, (form.by, form.request), clock())
        except (RefusedError, MissingError) as problem:
            refusal = refuse(pages, request, FORM, form.model_dump(), problem)
            return await render_radius(request, deciding, pages, clock, refusal)
        answer = RedirectResponse(f"/launch/blast-radius?portfolio={quote(portfolio)}&told={message.revision}", 303)
        remember_me(answer, form.by)
        return answer

    return router


async def render_radius(
    request: Request, deciding: Deciding, pages: Pages, clock: Clock, refusal: Refusal | None = None
) -> Response:
    """The page; `refusal` says why a form was not carried out."""
    async with deciding.database.reading() as connection:
        portfolio, _ = await choose_portfolio(request, connection)
        scenarios = await load_scenarios(connection, portfolio)
    found = await find_radius(deciding, portfolio, QUESTION, clock())
    async with deciding.database.reading() as connection:
        known = await reading.find_features(connection, portfolio, sorted({slip.feature for slip in found}))
    titles = {feature.id: feature.snapshot.title for feature in known}
    if wants_csv(request):
        lines = [(slip.feature, titles.get(slip.feature), slip.slip_days, slip.launches, slip.cost) for slip in found]
        return csv_response(f"slips-{portfolio}", HEAD, lines)
    rows = [{"id": ranked["feature"], "slips": ranked["slips"]} for ranked in rank(found)]
    return pages.render(
        request,
        "blast.html",
        status=422 if refusal else 200,
        portfolio=portfolio,
        rows=rows,
        titles=titles,
        slips=SLIPS,
        scenarios=list(scenarios.values()),
        told=ask(request, "told"),
        refusal=refusal,
        request_id=random_token()[:24],
    )
