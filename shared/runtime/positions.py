"""Where each reader stands, and the messages that wait: the tables behind inbox.py. No decision is made here."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.contracts.envelope import M, read_envelope
from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch, Database, metadata
from shared.runtime.inbox_messages import InboxMessage, ReaderPosition, read_inbox_message

reader_table = sa.Table(
    "reader",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("waiting", sa.Boolean, nullable=False),
    sa.Column("parked", sa.Boolean, nullable=False),
)

inbox_table = sa.Table(
    "inbox",
    metadata,
    sa.Column("portfolio", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("headers", pg.JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

_SELECT_POSITIONS = sa.text(
    "SELECT portfolio, revision, waiting, parked FROM reader"
    " WHERE topic = :topic AND portfolio = ANY(CAST(:ids AS text[]))"
)
_UPSERT_POSITIONS = sa.text(
    "INSERT INTO reader (portfolio, topic, revision, waiting, parked)"
    " SELECT n.portfolio, :topic, n.revision, n.waiting, n.parked FROM unnest(CAST(:ids AS text[]),"
    " CAST(:revisions AS bigint[]), CAST(:waiting AS bool[]), CAST(:parked AS bool[]))"
    " AS n(portfolio, revision, waiting, parked)"
    " ON CONFLICT (portfolio, topic) DO UPDATE SET revision = excluded.revision,"
    " waiting = excluded.waiting, parked = excluded.parked"
)
_DELETE_APPLIED = sa.text(
    "DELETE FROM inbox USING reader WHERE inbox.portfolio = reader.portfolio AND inbox.topic = reader.topic"
    " AND inbox.revision <= reader.revision AND inbox.topic = :topic AND inbox.portfolio = ANY(CAST(:ids AS text[]))"
)
_SELECT_GAPS = sa.text(
    "SELECT portfolio, reader.revision + 1 AS first, max(inbox.revision) AS last"
    " FROM reader JOIN inbox USING (portfolio, topic) WHERE topic = :topic AND waiting AND NOT parked"
    " GROUP BY portfolio, reader.revision ORDER BY portfolio"
)


async def load_positions(batch: Batch, topic: str) -> dict[PortfolioId, ReaderPosition]:
    """Where the reader stands in every portfolio that the batch has locked."""
    found = await batch.connection.execute(_SELECT_POSITIONS, {"topic": topic, "ids": list(batch.portfolios)})
    known = {row.portfolio: ReaderPosition(row.portfolio, row.revision, row.waiting, row.parked) for row in found}
    return {one: known.get(one) or ReaderPosition(one) for one in batch.portfolios}


async def save_positions(batch: Batch, topic: str, positions: Iterable[ReaderPosition]) -> None:
    """Write where these readers stand."""
    changed = list(positions)
    await batch.connection.execute(
        _UPSERT_POSITIONS,
        {
            "topic": topic,
            "ids": [one.portfolio for one in changed],
            "revisions": [one.revision for one in changed],
            "waiting": [one.waiting for one in changed],
            "parked": [one.parked for one in changed],
        },
    )


async def load_waiting(
    batch: Batch, topic: str, positions: dict[PortfolioId, ReaderPosition], model: type[M]
) -> list[InboxMessage[M]]:
    """The messages that wait for these readers; usually none, then without asking."""
    ids = [one.portfolio for one in positions.values() if one.waiting]
    if not ids:
        return []
    found = await batch.connection.execute(
        sa.select(inbox_table).where(inbox_table.c.topic == topic, inbox_table.c.portfolio.in_(ids))
    )
    return [_read_message(row, model) for row in found]


def _read_message(row: Any, model: type[M]) -> InboxMessage[M]:
    headers = [(name, value.encode()) for name, value in row.headers.items()]
    return read_inbox_message(read_envelope(row.portfolio.encode(), headers), row.body, model)


async def keep_messages(batch: Batch, topic: str, messages: Sequence[InboxMessage[M]]) -> None:
    """Keep what cannot be applied yet; what is kept already stays as it is."""
    if messages:
        rows = [_row(topic, message) for message in messages]
        await batch.connection.execute(pg.insert(inbox_table).on_conflict_do_nothing(), rows)


def _row(topic: str, message: InboxMessage[M]) -> dict[str, object]:
    return {
        "portfolio": message.portfolio,
        "topic": topic,
        "revision": message.revision,
        "part": message.part,
        "headers": {name: value.decode() for name, value in message.envelope.headers()},
        "body": message.body,
    }


async def delete_applied(batch: Batch, topic: str) -> None:
    """Delete the kept messages that the batch's readers have passed."""
    await batch.connection.execute(_DELETE_APPLIED, {"topic": topic, "ids": list(batch.portfolios)})


async def find_gaps(database: Database, topic: str) -> list[tuple[PortfolioId, int, int]]:
    """Portfolio, first and last revision of every stretch with something missing in it."""
    async with database.reading() as connection:
        found = await connection.execute(_SELECT_GAPS, {"topic": topic})
        return [(PortfolioId(row.portfolio), row.first, row.last) for row in found]
