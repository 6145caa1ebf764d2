"""The portfolio's row as the only lock, and state kept in memory as a cache of its version.

Rows are locked in id order; at the end what was raised is written back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.words import PortfolioId
from shared.runtime.database.schema import metadata

portfolio_table = sa.Table(
    "portfolio",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("now_at", sa.DateTime(timezone=True)),
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


async def lock_rows(connection: AsyncConnection, ids: list[PortfolioId]) -> dict[PortfolioId, PortfolioRow]:
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


async def write_back(batch: Batch) -> None:
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
