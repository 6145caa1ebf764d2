"""Connections and transactions of one database, and telling whether it was away.

What is to be done when it was is up to whoever caught the error.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.contracts.words import PortfolioId
from shared.runtime.database.portfolio_rows import Batch, lock_rows, write_back

COMMAND_TIMEOUT_SECONDS = 30  # asyncpg waits for ever without it (docs/explanation/traps.md)

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, crashed, starting up
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # what a connection that broke in mid-statement answers
    asyncpg.InterfaceError,
)


class Database:
    """One service's database."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=4,
            pool_pre_ping=True,
            connect_args={"command_timeout": COMMAND_TIMEOUT_SECONDS, "timeout": 5},
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def locked(self, ids: Iterable[PortfolioId]) -> AsyncIterator[Batch]:
        """One transaction on these portfolios, their rows locked in id order and made where they are missing."""
        async with self.engine.begin() as connection:
            batch = Batch(connection, await lock_rows(connection, sorted(set(ids))))
            yield batch
            await write_back(batch)
        for callback in batch.after_commit:
            callback()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries only."""
        async with self.engine.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """`SELECT 1` within a second (a TCP connect succeeds even while PostgreSQL is paused)."""
        async with asyncio.timeout(1), self.engine.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))


async def insert_many(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, update: tuple[str, ...] = ()
) -> None:
    """Insert rows that all have the same columns; a row that is there is left alone, or gets the `update` columns."""
    if not rows:
        return
    names = tuple(rows[0])
    statement = _insert_statement(table, names, update)
    await connection.execute(statement, {name: [row[name] for row in rows] for name in names})


@lru_cache(maxsize=64)
def _insert_statement(table: sa.Table, names: tuple[str, ...], update: tuple[str, ...]) -> sa.TextClause:
    dialect = pg.dialect()  # type: ignore[no-untyped-call]
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect)}[])" for name in names)
    keys = ", ".join(column.name for column in table.primary_key)
    changes = ", ".join(f"{name} = excluded.{name}" for name in update)
    conflict = f"({keys}) DO UPDATE SET {changes}" if update else "DO NOTHING"
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) ON CONFLICT {conflict}"
    )


def as_dicts(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """The rows as plain dicts."""
    return [dict(row) for row in result.mappings()]


def is_outage(error: BaseException) -> bool:
    """Whether the database was away, as opposed to refusing what it was given."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig.__cause__ or error if error.orig else error
    # asyncpg's DataError, a wrong argument, is an InterfaceError too; only its being a ValueError tells.
    return isinstance(error, _AWAY) and not isinstance(error, ValueError)
