"""Scenarios by name. No decision reads them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.questions.simulate import Scenario
from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch


async def load_scenarios(connection: AsyncConnection, portfolio: PortfolioId) -> dict[str, Scenario]:
    """All of a portfolio, by name."""
    query = sa.text("SELECT CAST(body AS text) AS body FROM scenario WHERE portfolio = :portfolio ORDER BY name")
    found = [
        Scenario.model_validate_json(row.body) for row in await connection.execute(query, {"portfolio": portfolio})
    ]
    return {scenario.name: scenario for scenario in found}


async def save_scenario(batch: Batch, portfolio: PortfolioId, scenario: Scenario) -> None:
    """Keep it in the place of the one of this name."""
    query = (
        "INSERT INTO scenario (portfolio, name, body) VALUES (:portfolio, :name, CAST(:body AS jsonb))"
        " ON CONFLICT (portfolio, name) DO UPDATE SET body = excluded.body"
    )
    values = {"portfolio": portfolio, "name": scenario.name, "body": scenario.model_dump_json()}
    await batch.connection.execute(sa.text(query), values)


async def delete_scenario(batch: Batch, portfolio: PortfolioId, name: str) -> None:
    """Forget it."""
    query = sa.text("DELETE FROM scenario WHERE portfolio = :portfolio AND name = :name")
    await batch.connection.execute(query, {"portfolio": portfolio, "name": name})
