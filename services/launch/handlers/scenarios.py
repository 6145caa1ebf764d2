"""Scenarios: kept and forgotten under the portfolio's lock, tried out on the state as it is. Nothing is decided."""

import logging
from functools import partial

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.portfolio import State
from services.launch.domain.questions.simulate import Compared, Scenario, check, compare, lineage
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.solving import SolverAwayError, Solving
from services.launch.store.scenarios import delete_scenario, load_scenarios, save_scenario
from shared.contracts.words import PortfolioId

logger = logging.getLogger(__name__)


async def keep(deciding: Deciding, portfolio: PortfolioId, scenario: Scenario) -> bool:
    """Keep a scenario; whether it is a new one.

    Raises:
        RefusedError: it extends what is not there, or itself.
    """
    async with deciding.database.locked([portfolio]) as batch:
        known = await load_scenarios(batch.connection, portfolio)
        check(scenario, known)
        await save_scenario(batch, portfolio, scenario)
    return scenario.name not in known


async def forget(deciding: Deciding, portfolio: PortfolioId, name: str) -> None:
    """Forget a scenario.

    Raises:
        RefusedError: there is none of this name, or another one extends it.
    """
    async with deciding.database.locked([portfolio]) as batch:
        known = await load_scenarios(batch.connection, portfolio)
        if name not in known:
            raise RefusedError(f"no such scenario: {name}", missing=True)
        children = [scenario.name for scenario in known.values() if scenario.extends == name]
        if children:
            raise RefusedError(f"{', '.join(children)} extends it; change or delete that first")
        await delete_scenario(batch, portfolio, name)


async def try_out(
    deciding: Deciding, portfolio: PortfolioId, scenario: Scenario, context: Context, solving: Solving | None = None
) -> Compared:
    """What it would do to the plan as it is, and what the one that it extends would.

    The third stage is asked off the road; where no solver is given or answers, it is the second.

    Raises:
        RefusedError: it extends what is not there, or something that is supposed cannot be.
    """
    async with deciding.database.reading() as connection:
        known = await load_scenarios(connection, portfolio)
    line = [layer for layer in lineage(scenario, known) if layer.events or layer.edits]
    if context.stage == "S3" and solving and solving.is_possible:
        try:
            return await solving.ask(portfolio, context.now, partial(compare, line=line))
        except SolverAwayError as error:
            logger.warning("%s: a simulation gets the second stage: %s", portfolio, error)
    return await deciding.query_locked(portfolio, partial(_compare, line, context))


def _compare(line: list[Scenario], context: Context, state: State) -> Compared:
    return compare(state, line, context)
