"""One scenario tried out on the plan as it is, before and after drawn; and the forms that keep and forget one."""

from datetime import date
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.questions.simulate import Scenario, SimulationResult, SupposedSlip, differences
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.scenarios import forget, keep, try_out
from services.launch.pages.acts import Line
from services.launch.pages.asked import choose_portfolio
from services.launch.pages.drawing import draw_moves
from services.launch.pages.radius import render_radius
from services.launch.pages.refused import MissingError, refuse
from services.launch.store import reading
from services.launch.store.scenarios import load_scenarios
from shared.contracts.launch import LaunchSnapshot, ProposedMove
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock
from shared.web.pages import PageProblemError, Pages, require_own_page

FORM = "suppose"


class SupposeForm(BaseModel):
    """One slip under a name; more is for the API."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Line = ""
    feature: Line = ""
    ready_on: Line = ""
    extends: Line = ""

    def scenario(self) -> Scenario:
        """The domain's words.

        Raises:
            MissingError: a field is empty.
            RefusedError: the day is none.
        """
        for field in ("name", "feature", "ready_on"):
            if not getattr(self, field):
                raise MissingError(field)
        slip = SupposedSlip(feature=self.feature, ready_on=_day(self.ready_on))
        return Scenario(name=self.name, events=(slip,), extends=self.extends or None)


def build_scenario_page(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`/launch/scenarios/{name}`."""
    router = APIRouter()

    @router.get("/scenarios/{name}")
    async def one(request: Request, name: str) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
            scenario = (await load_scenarios(connection, portfolio)).get(name)
        if scenario is None:
            raise PageProblemError(404, pages.say(request, "scenario.unknown"), pages.say(request, "scenario.look"))
        compared, problem = None, ""
        try:
            compared = await try_out(deciding, portfolio, scenario, Context(deciding.calendar, clock()))
        except RefusedError as refusal:
            problem = f"{refusal} ({refusal.where})"
        outcome, parent = (compared.outcome, compared.parent) if compared else (None, None)
        return pages.render(
            request,
            "scenario.html",
            portfolio=portfolio,
            scenario=scenario,
            problem=problem,
            outcome=outcome,
            drawing=await _draw(request, deciding, pages, portfolio, outcome) if outcome else "",
            parent=parent,
            otherwise=list(differences(outcome, parent)) if outcome and parent else [],
        )

    return router


def build_scenario_acts(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`POST /launch/scenarios` and `…/{name}/forget`."""
    router = APIRouter(dependencies=[Depends(require_own_page)])

    @router.post("/scenarios")
    async def suppose(request: Request, form: Annotated[SupposeForm, Form()]) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        try:
            await keep(deciding, portfolio, form.scenario())
        except (RefusedError, MissingError) as problem:
            refusal = refuse(pages, request, FORM, form.model_dump(), problem)
            return await render_radius(request, deciding, pages, clock, refusal)
        return RedirectResponse(_address(portfolio, form.name), 303)

    @router.post("/scenarios/{name}/forget")
    async def forget_it(request: Request, name: str) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
        try:
            await forget(deciding, portfolio, name)
        except RefusedError as problem:
            return await render_radius(request, deciding, pages, clock, refuse(pages, request, "", {}, problem))
        return RedirectResponse(f"/launch/blast-radius?portfolio={quote(portfolio)}", 303)

    return router


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"{text!r:.40} is no day; it looks like 2026-05-01", "$.ready_on") from None


def _address(portfolio: PortfolioId, name: str) -> str:
    return f"/launch/scenarios/{quote(name, safe='')}?portfolio={quote(portfolio)}"


async def _draw(
    request: Request, deciding: Deciding, pages: Pages, portfolio: PortfolioId, outcome: SimulationResult
) -> str:
    async with deciding.database.reading() as connection:
        found = await reading.find_launches(connection, portfolio, [one.launch for one in outcome.moves])
    known: dict[str, LaunchSnapshot] = {one.id: one.snapshot for one in found}
    moves = [
        ProposedMove(launch=one.launch, earlier_date=one.before, later_date=one.after, detail="")
        for one in outcome.moves
    ]
    return draw_moves("scenario", moves, known, pages.say(request, "proposals.drawing"), pages.reader(request))
