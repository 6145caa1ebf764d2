"""Scenarios by name: kept, read, forgotten. They are tried out with `POST simulations`, or looked at on their page."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from services.launch.api.asked import UNDER
from services.launch.api.proposals import refused
from services.launch.api.whatif import ScenarioName, Supposed, require_known
from services.launch.domain.calendar import RefusedError
from services.launch.domain.decisions.person import Edit
from services.launch.domain.questions.simulate import Scenario
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.scenarios import forget, keep
from services.launch.store.scenarios import load_scenarios
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

NamePath = Annotated[ScenarioName, Path()]


class ScenarioBody(Supposed):
    """What is supposed, on top of the scenario that it extends, if any."""

    extends: ScenarioName | None = None


def build_scenarios(deciding: Deciding) -> APIRouter:
    """Read them."""
    router = APIRouter(prefix=UNDER)

    @router.get("/scenarios")
    async def many(portfolio: PortfolioPath) -> dict[str, Any]:
        """All of them, by name."""
        async with deciding.database.reading() as connection:
            found = await load_scenarios(connection, portfolio)
        return {"items": [show_scenario(scenario) for scenario in found.values()]}

    @router.get("/scenarios/{name}")
    async def one(portfolio: PortfolioPath, name: NamePath) -> dict[str, Any]:
        """One of them, as it was put."""
        async with deciding.database.reading() as connection:
            found = (await load_scenarios(connection, portfolio)).get(name)
        if found is None:
            raise ProblemError(404, f"no such scenario: {name}")
        return show_scenario(found)

    return router


def build_keeping(deciding: Deciding) -> APIRouter:
    """Keep and forget them."""
    router = APIRouter(prefix=UNDER)

    @router.put("/scenarios/{name}")
    async def put(portfolio: PortfolioPath, name: NamePath, body: ScenarioBody, response: Response) -> dict[str, Any]:
        """Keep it. Whether its features and launches exist is seen when it is tried out, on the plan of that day."""
        if not (body.events or body.edits):
            raise ProblemError(422, "expected at least one of `events` and `edits`", where="$")
        await require_known(deciding, portfolio)
        scenario = body.as_scenario(name, body.extends)
        try:
            response.status_code = 201 if await keep(deciding, portfolio, scenario) else 200
        except RefusedError as refusal:
            raise refused(refusal) from None
        return show_scenario(scenario)

    @router.delete("/scenarios/{name}", status_code=204)
    async def delete(portfolio: PortfolioPath, name: NamePath) -> None:
        """Forget it. 409 while another one extends it."""
        await require_known(deciding, portfolio)
        try:
            await forget(deciding, portfolio, name)
        except RefusedError as refusal:
            raise refused(refusal) from None

    return router


def show_scenario(one: Scenario) -> dict[str, Any]:
    """As it was put."""
    return {
        "name": one.name,
        "extends": one.extends,
        "events": [slip.model_dump(mode="json") for slip in one.events],
        "edits": [_show_edit(edit) for edit in one.edits],
    }


def _show_edit(edit: Edit) -> dict[str, Any]:
    shown = edit.model_dump(mode="json", exclude={"request", "unpin"}, exclude_none=True, exclude_defaults=True)
    return {**shown, **({"pin": None} if edit.unpin else {})}
