"""One service's database: its connections, for deciding and for queries. How rows are locked: portfolio_rows.py."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.contracts.words import PortfolioId
from shared.runtime.database.portfolio_rows import Batch, lock_rows, write_back

COMMAND_TIMEOUT_SECONDS = 30  # asyncpg waits for ever without it (docs/explanation/traps.md)


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


def as_dicts(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """The rows as plain dicts."""
    return [dict(row) for row in result.mappings()]
