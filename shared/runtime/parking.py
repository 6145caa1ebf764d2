"""What is set aside: a parked revision with everything of its portfolio behind it, and records nobody can read.

Bounded retries happen in inbox.py; here is the book that people read and act on (`inloop parked ls|show|retry|drop`).
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Batch, Database, as_dicts, metadata

RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""When a parked revision is tried again by itself; after the last it waits for a person."""

parked_table = sa.Table(
    "parked",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("retry_at", sa.DateTime(timezone=True)),
)

refused_table = sa.Table(
    "refused_record",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("record_offset", sa.BigInteger, nullable=False),
    sa.Column("key", sa.LargeBinary),
    sa.Column("headers", pg.JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
)


async def park(batch: Batch, topic: str, portfolio: PortfolioId, revision: int, problem: str) -> None:
    """Write down that this revision failed, and when it is tried again."""
    found = await batch.connection.execute(
        sa.select(parked_table.c.attempts).where(
            parked_table.c.portfolio == portfolio, parked_table.c.topic == topic, parked_table.c.revision == revision
        )
    )
    attempts = (found.scalar() or 0) + 1
    wait = RETRY_AFTER[attempts - 1] if attempts <= len(RETRY_AFTER) else None
    values = {
        "portfolio": portfolio,
        "topic": topic,
        "revision": revision,
        "problem": problem.replace("\x00", "")[:4000],
        "attempts": attempts,
        "retry_at": None if wait is None else sa.func.clock_timestamp() + wait,
    }
    insert = pg.insert(parked_table).values(values)
    await batch.connection.execute(insert.on_conflict_do_update(index_elements=["portfolio", "topic"], set_=values))


async def refuse(database: Database, record: Record, problem: str) -> None:
    """Keep a record that has no place in any order."""
    headers = [[name, None if value is None else value.hex()] for name, value in record.headers]
    row = {
        "topic": record.topic,
        "partition": record.partition,
        "record_offset": record.offset,
        "key": record.key,
        "headers": headers,
        "body": record.value,
        "problem": problem.replace("\x00", ""),
    }
    async with database.engine.begin() as connection:
        await connection.execute(sa.insert(refused_table), row)


async def list_parked(database: Database) -> list[dict[str, Any]]:
    """All that is parked, oldest first, with how many revisions wait behind each."""
    async with database.reading() as connection:
        found = await connection.execute(
            sa.text(
                "SELECT p.*, (SELECT count(DISTINCT i.revision) FROM inbox i WHERE i.portfolio = p.portfolio"
                " AND i.topic = p.topic AND i.revision > p.revision) AS behind FROM parked p ORDER BY parked_at"
            )
        )
        return as_dicts(found)


async def count_parked(connection: AsyncConnection) -> int:
    """How many portfolios are held up."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(parked_table))).scalar_one())


async def show_parked(database: Database, topic: str, portfolio: PortfolioId) -> dict[str, Any] | None:
    """One parked revision with its headers and body, or None."""
    async with database.reading() as connection:
        found = await connection.execute(
            sa.text(
                "SELECT p.*, i.headers, i.body FROM parked p JOIN inbox i USING (portfolio, topic, revision)"
                " WHERE p.topic = :topic AND p.portfolio = :portfolio ORDER BY i.part LIMIT 1"
            ),
            {"topic": topic, "portfolio": portfolio},
        )
        rows = as_dicts(found)
    return rows[0] if rows else None


async def forget_parked(batch: Batch, topic: str, portfolio: PortfolioId) -> None:
    """The revision was applied, or given up."""
    await batch.connection.execute(
        sa.delete(parked_table).where(parked_table.c.portfolio == portfolio, parked_table.c.topic == topic)
    )


async def give_up(batch: Batch, topic: str, portfolio: PortfolioId) -> None:
    """Move the parked revision to the records nobody could read: it is kept, but no longer in anybody's way."""
    await batch.connection.execute(
        sa.text(
            "INSERT INTO refused_record (topic, partition, record_offset, key, headers, body, problem)"
            " SELECT i.topic, -1, -1, convert_to(i.portfolio, 'UTF8'), i.headers, i.body, 'dropped: ' || p.problem"
            " FROM parked p JOIN inbox i USING (portfolio, topic, revision)"
            " WHERE p.topic = :topic AND p.portfolio = :portfolio"
        ),
        {"topic": topic, "portfolio": portfolio},
    )
    await forget_parked(batch, topic, portfolio)


async def due_for_retry(database: Database, topic: str) -> list[PortfolioId]:
    """The portfolios whose parked revision is to be tried again now."""
    async with database.reading() as connection:
        found = await connection.execute(
            sa.select(parked_table.c.portfolio).where(
                parked_table.c.topic == topic, parked_table.c.retry_at <= sa.func.clock_timestamp()
            )
        )
        return [PortfolioId(row.portfolio) for row in found]
