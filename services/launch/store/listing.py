"""The list of launches: which ones a reader wants to see, and where a page of them ends. Changes nothing."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.launch import Launch
from services.launch.store.tables import launch_table
from shared.contracts.words import PortfolioId

Place = tuple[date | None, str]
NEVER: Final = date.max


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """Which launches a reader wants to see; None: any. `after` is the (day, id) of the last one seen."""

    state: str | None = None
    tier: str | None = None
    text: str | None = None
    feature: str | None = None
    after: Place | None = None
    limit: int = 100
    since: date | None = None


def write_place(launch: Launch) -> str:
    """Where a page ends: the day and the id of its last launch."""
    return f"{launch.snapshot.date or ''}~{launch.id}"


def read_place(text: str) -> Place:
    """Where the next page begins.

    Raises:
        ValueError: it is nothing that `write_place` wrote.
    """
    day, mark, launch = text.partition("~")
    if not mark:
        raise ValueError(text)
    return (date.fromisoformat(day) if day else None), launch


async def list_launches(connection: AsyncConnection, portfolio: PortfolioId, wish: ListingQuery) -> list[Launch]:
    """Launches by day, those without a day last."""
    table = launch_table
    day = sa.func.coalesce(table.c.launch_on, sa.literal(NEVER))
    query = sa.select(sa.cast(table.c.body, sa.Text).label("body")).where(table.c.portfolio == portfolio)
    query = query.where(*_conditions(wish)).order_by(day, table.c.id).limit(wish.limit)
    if wish.after:
        query = query.where(sa.tuple_(day, table.c.id) > sa.tuple_(sa.literal(wish.after[0] or NEVER), wish.after[1]))
    return [Launch.model_validate_json(row.body) for row in await connection.execute(query)]


def _conditions(wish: ListingQuery) -> list[sa.ColumnElement[bool]]:
    table = launch_table
    found: list[sa.ColumnElement[bool]] = []
    if wish.state == "ahead":
        found.append(table.c.state.in_(("draft", "planned", "held", "announced")))
    elif wish.state:
        found.append(table.c.state == wish.state)
    if wish.since:
        found.append(sa.or_(table.c.launch_on.is_(None), table.c.launch_on >= wish.since))
    return [*found, *_about(wish)]


def _about(wish: ListingQuery) -> list[sa.ColumnElement[bool]]:
    table = launch_table
    found: list[sa.ColumnElement[bool]] = []
    if wish.tier:
        found.append(table.c.market_tier == wish.tier)
    if wish.text:
        name = table.c.body["snapshot"]["name"].as_string()
        found.append(
            sa.or_(name.icontains(wish.text, autoescape=True), table.c.id.icontains(wish.text, autoescape=True))
        )
    if wish.feature:
        found.append(table.c.body["snapshot"]["features"].contains([{"id": wish.feature}]))
    return found
