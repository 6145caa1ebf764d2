"""What doors ask the database: one launch with its history, what is due, and the sums. Changes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch
from services.launch.store.tables import feature_table, history_table, launch_table
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchChange
from shared.contracts.words import LaunchId, PortfolioId


@dataclass(frozen=True, slots=True)
class ToldRevision:
    """One entry of a launch's history."""

    at: datetime
    version: int
    told_revision: int
    cause: Cause
    change: LaunchChange


async def count_states(connection: AsyncConnection, portfolio: PortfolioId) -> dict[str, int]:
    """How many launches stand in each state."""
    query = sa.text("SELECT state, count(*) AS number FROM launch WHERE portfolio = :portfolio GROUP BY state")
    return {row.state: row.number for row in await connection.execute(query, {"portfolio": portfolio})}


async def find_launch(connection: AsyncConnection, portfolio: PortfolioId, launch: str) -> Launch | None:
    """One launch."""
    query = sa.select(sa.cast(launch_table.c.body, sa.Text)).where(
        launch_table.c.portfolio == portfolio, launch_table.c.id == launch
    )
    body = (await connection.execute(query)).scalar()
    return None if body is None else Launch.model_validate_json(body)


async def name_launches(connection: AsyncConnection, portfolio: PortfolioId, ids: Collection[str]) -> dict[str, str]:
    """What launches are called, by id."""
    name = launch_table.c.body["snapshot"]["name"].as_string().label("name")
    query = sa.select(launch_table.c.id, name).where(launch_table.c.portfolio == portfolio, launch_table.c.id.in_(ids))
    return {row.id: row.name for row in await connection.execute(query)}


async def find_launches(connection: AsyncConnection, portfolio: PortfolioId, ids: Sequence[str]) -> list[Launch]:
    """Several launches, by id."""
    table = launch_table
    query = sa.select(sa.cast(table.c.body, sa.Text).label("body")).where(table.c.portfolio == portfolio)
    found = await connection.execute(query.where(table.c.id.in_(ids)).order_by(table.c.id))
    return [Launch.model_validate_json(row.body) for row in found]


async def find_portfolio(connection: AsyncConnection, launch: str) -> PortfolioId | None:
    """The portfolio of a launch: ids are unique across portfolios."""
    found = await connection.execute(sa.select(launch_table.c.portfolio).where(launch_table.c.id == launch))
    return found.scalar()


async def find_features(connection: AsyncConnection, portfolio: PortfolioId, ids: Sequence[str]) -> list[KnownFeature]:
    """Features, as launch knows them."""
    query = sa.select(sa.cast(feature_table.c.body, sa.Text).label("body")).where(
        feature_table.c.portfolio == portfolio, feature_table.c.id.in_(ids)
    )
    return [
        KnownFeature.model_validate_json(row.body)
        for row in await connection.execute(query.order_by(feature_table.c.id))
    ]


async def load_history(
    connection: AsyncConnection, portfolio: PortfolioId, launch: str, limit: int = 50
) -> list[ToldRevision]:
    """What was told of a launch, newest first."""
    table = history_table
    query = (
        sa.select(
            table.c.at,
            table.c.version,
            table.c.told_revision,
            sa.cast(table.c.cause, sa.Text).label("cause"),
            sa.cast(table.c.body, sa.Text).label("body"),
        )
        .where(table.c.portfolio == portfolio, table.c.launch == launch)
        .order_by(table.c.version.desc())
        .limit(limit)
    )
    return [_told(row) for row in await connection.execute(query)]


async def find_version(
    connection: AsyncConnection, portfolio: PortfolioId, launch: LaunchId, revision: int, version: int | None
) -> LaunchChange | None:
    """The change that made a revision (its last version) or exactly that version of a launch."""
    table = history_table
    query = sa.select(sa.cast(table.c.body, sa.Text)).where(
        table.c.portfolio == portfolio, table.c.launch == launch, table.c.revision == revision
    )
    if version is not None:
        query = query.where(table.c.version == version)
    body = (await connection.execute(query.order_by(table.c.version.desc()).limit(1))).scalar()
    return None if body is None else LaunchChange.model_validate_json(body)


def _told(row: Any) -> ToldRevision:
    cause, change = Cause.model_validate_json(row.cause), LaunchChange.model_validate_json(row.body)
    return ToldRevision(row.at, row.version, row.told_revision, cause, change)


async def find_told(connection: AsyncConnection, portfolio: PortfolioId, cause: str) -> int | None:
    """Our revision that told of a cause."""
    query = sa.text("SELECT max(revision) FROM outbox WHERE portfolio = :portfolio AND cause_id = :cause")
    return (await connection.execute(query, {"portfolio": portfolio, "cause": cause})).scalar()


async def read_revision(connection: AsyncConnection, portfolio: str) -> int:
    """Our revision of a portfolio, 0 before the first."""
    query = sa.text("SELECT revision FROM portfolio WHERE id = :portfolio")
    return (await connection.execute(query, {"portfolio": portfolio})).scalar() or 0


async def read_conservation(connection: AsyncConnection, portfolio: PortfolioId, until: int) -> dict[str, Any]:
    """Causes heard up to a revision of roadmap against causes told: two tables, written apart, that must agree."""
    query = sa.text(
        "SELECT h.roadmap_revision, h.cause_id AS heard, h.told_revision, o.cause_id AS told"
        " FROM heard h LEFT JOIN outbox o ON o.portfolio = h.portfolio AND o.revision = h.told_revision AND o.part = 1"
        " WHERE h.portfolio = :portfolio AND h.roadmap_revision <= :until ORDER BY h.roadmap_revision"
    )
    rows = list(await connection.execute(query, {"portfolio": portfolio, "until": until}))
    more = sa.text(
        "SELECT o.revision, o.cause_id FROM outbox o LEFT JOIN heard h"
        " ON h.portfolio = o.portfolio AND h.told_revision = o.revision"
        " WHERE o.portfolio = :portfolio AND o.part = 1 AND h.told_revision IS NULL ORDER BY o.revision"
    )
    own = list(await connection.execute(more, {"portfolio": portfolio}))
    strangers = [row for row in own if not row.cause_id.startswith("launch:")]
    silent = [row for row in rows if row.told != row.heard]
    gaps = sorted(set(range(1, until + 1)) - {row.roadmap_revision for row in rows})
    differences = [
        *({"revision": number, "problem": "never heard"} for number in gaps),
        *({"cause": row.heard, "problem": "heard but never told"} for row in silent),
        *({"cause": row.cause_id, "problem": "told but never heard"} for row in strangers),
    ]
    return {
        "portfolio": portfolio,
        "until": until,
        "causes": [row.heard for row in rows],
        "heard": [
            {"cause": row.heard, "roadmap_revision": row.roadmap_revision, "revision": row.told_revision}
            for row in rows
        ],
        "own": len(own) - len(strangers),
        "ok": not differences,
        "differences": differences,
    }


async def last_heard(connection: AsyncConnection, portfolio: PortfolioId) -> int:
    """The last revision of roadmap that was heard."""
    query = sa.text("SELECT max(roadmap_revision) FROM heard WHERE portfolio = :portfolio")
    return (await connection.execute(query, {"portfolio": portfolio})).scalar() or 0


async def read_moment(connection: AsyncConnection, portfolio: str) -> int:
    """A number that rises whenever a page of the portfolio could look different: decisions and receipts heard."""
    query = sa.text(
        "SELECT coalesce((SELECT revision FROM portfolio WHERE id = :portfolio), 0)"
        " + coalesce((SELECT revision FROM reader WHERE portfolio = :portfolio AND topic = 'notify.receipts'), 0)"
    )
    return int((await connection.execute(query, {"portfolio": portfolio})).scalar() or 0)


async def list_portfolios(connection: AsyncConnection) -> list[str]:
    """The portfolios that have launches, for a page's choice."""
    found = await connection.execute(sa.text("SELECT DISTINCT portfolio FROM launch ORDER BY portfolio LIMIT 200"))
    return [row.portfolio for row in found]
