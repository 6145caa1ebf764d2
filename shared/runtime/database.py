"""PostgreSQL for one service: its connections and schema, and the portfolio's row as the only lock.

Every decided write happens inside `Database.locked`: it locks the portfolios' rows in id order and, at the end,
writes back what was raised. State kept in memory is a cache of a row's `version`. No table of a service is known here,
and what is to be done when the database was away is up to whoever caught the error.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.contracts.words import PortfolioId

COMMAND_TIMEOUT_SECONDS = 30  # asyncpg waits for ever without it (traps.md 18)

metadata = sa.MetaData()
"""The plumbing's own tables; each service's first migration creates them beside its own."""

MIGRATION_LOCK = 0x1A7E57

portfolio_table = sa.Table(
    "portfolio",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("now_at", sa.DateTime(timezone=True)),
)

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, crashed, starting up
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # what a connection that broke in mid-statement answers
    asyncpg.InterfaceError,
)

S = TypeVar("S")


@dataclass(slots=True)
class PortfolioRow:
    """One locked portfolio row. Changes are written back when the block that locked it ends."""

    id: PortfolioId
    version: int
    revision: int
    now: datetime | None
    changed: bool = False

    def raise_revision(self) -> int:
        """The next revision; only for something that goes into the outbox."""
        self.revision += 1
        self.changed = True
        return self.revision

    def advance(self, now: datetime) -> datetime:
        """Time of a decision: the later of `now` and the portfolio's last; remembered."""
        if self.now is None or now > self.now:
            self.now = now
            self.changed = True
        return self.now


@dataclass(slots=True)
class Batch:
    """One transaction that decides: its connection, and the rows it has locked."""

    connection: AsyncConnection
    portfolios: dict[PortfolioId, PortfolioRow]
    after_commit: list[Callable[[], None]] = field(default_factory=list)


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
            batch = Batch(connection, await _lock_rows(connection, sorted(set(ids))))
            yield batch
            await _write_back(batch)
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


async def _lock_rows(connection: AsyncConnection, ids: list[PortfolioId]) -> dict[PortfolioId, PortfolioRow]:
    """The rows of these portfolios (sorted, each once), locked and made where they are missing."""
    rows = await _select_locked(connection, ids)
    if len(rows) < len(ids):
        missing = [{"id": one} for one in ids if one not in rows]
        await connection.execute(pg.insert(portfolio_table).on_conflict_do_nothing(), missing)
        rows = await _select_locked(connection, ids)
    return rows


async def _select_locked(connection: AsyncConnection, ids: list[PortfolioId]) -> dict[PortfolioId, PortfolioRow]:
    table = portfolio_table
    found = await connection.execute(
        sa.select(table.c.id, table.c.version, table.c.revision, table.c.now_at)
        .where(table.c.id == sa.any_(sa.bindparam("ids", ids, type_=pg.ARRAY(sa.Text))))
        .order_by(table.c.id)
        .with_for_update()
    )
    return {row.id: PortfolioRow(row.id, row.version, row.revision, row.now_at) for row in found}


async def _write_back(batch: Batch) -> None:
    """Write the rows that changed, each with its next version."""
    changed = [one for one in batch.portfolios.values() if one.changed]
    if not changed:
        return
    for one in changed:
        one.version += 1
    await batch.connection.execute(
        sa.text(
            "UPDATE portfolio SET version = n.version, revision = n.revision, now_at = n.now_at"
            " FROM unnest(CAST(:ids AS text[]), CAST(:versions AS bigint[]), CAST(:revisions AS bigint[]),"
            " CAST(:nows AS timestamptz[])) AS n(id, version, revision, now_at) WHERE portfolio.id = n.id"
        ),
        {
            "ids": [one.id for one in changed],
            "versions": [one.version for one in changed],
            "revisions": [one.revision for one in changed],
            "nows": [one.now for one in changed],
        },
    )


class Cache(Generic[S]):
    """State in memory, valid for exactly one version of its portfolio.

    `take` removes it, so that a failed transaction leaves nothing half changed behind; `keep` puts it back after
    the commit.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._states: dict[str, tuple[int, S]] = {}

    def take(self, portfolio: PortfolioRow) -> S | None:
        """The state of this very version, or None: then load it."""
        version, state = self._states.pop(portfolio.id, (None, None))
        return state if version == portfolio.version else None

    def keep(self, batch: Batch, portfolio: PortfolioRow, state: S) -> None:
        """Keep the state for the version that the commit of this batch makes."""

        def store() -> None:
            self._states[portfolio.id] = (portfolio.version, state)
            while len(self._states) > self._size:
                self._states.pop(next(iter(self._states)))

        batch.after_commit.append(store)


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


async def migrate(engine: AsyncEngine, migrations: Path) -> None:
    """Bring the schema to the newest version, one process at a time (advisory lock)."""
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        try:
            await connection.run_sync(_upgrade, configuration)
            await connection.commit()
        finally:
            await connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            await connection.commit()


def _upgrade(connection: sa.Connection, configuration: Config) -> None:
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
