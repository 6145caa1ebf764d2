"""Records of a topic opened, which of them are next, where each reader stands, and the tables of what waits.

Nothing is applied here: inbox.py does, and decides what to do with what fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects import postgresql as pg

from shared.contracts.envelope import Envelope, EnvelopeError, M, join, read_envelope
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Batch, Database, metadata

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


class PoisonedError(ValueError):
    """A record cannot be read as the message that its topic carries."""


@dataclass(frozen=True, slots=True)
class InboxMessage(Generic[M]):
    """One message or one part of it, as it came. `message` is None when its body cannot be read; `problem` says why."""

    envelope: Envelope
    revision: int
    body: bytes
    message: M | None
    problem: str | None = None

    @property
    def portfolio(self) -> PortfolioId:
        return self.envelope.subject

    @property
    def part(self) -> int:
        return self.message.part if self.message else 1

    @property
    def parts(self) -> int:
        return self.message.parts if self.message else 1


@dataclass(frozen=True, slots=True)
class Received(Generic[M]):
    """One whole message, next in order for its portfolio. `time` is its `ce_time`."""

    message: M
    time: datetime
    traceparent: str | None


@dataclass(slots=True)
class ReaderPosition:
    """How far a topic is applied for one portfolio; `waiting`: some messages lie in the inbox table."""

    portfolio: PortfolioId
    revision: int = 0
    waiting: bool = False
    parked: bool = False


def open_record(record: Record, model: type[M]) -> InboxMessage[M]:
    """Read a record of one of our own topics.

    Raises:
        EnvelopeError: its headers do not say what it is; it can only be set aside.
    """
    envelope = read_envelope(record.key, record.headers)
    if envelope.revision is None or envelope.cause_id is None:
        raise EnvelopeError("headers ce_revision and ce_causeid: one is missing; this topic carries both")
    if envelope.type != model.TYPE:
        raise EnvelopeError(f"header ce_type: expected {model.TYPE}, got {envelope.type!r:.80}")
    return read_inbox_message(envelope, record.value or b"", model)


def read_inbox_message(envelope: Envelope, body: bytes, model: type[M]) -> InboxMessage[M]:
    """Read the body; one that is wrong gives a message with a problem, since its place in the order is known."""
    revision = envelope.revision or 0
    try:
        message: M = model.model_validate_json(body)  # type: ignore[attr-defined]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        return InboxMessage(envelope, revision, body, None, f"${where}: {first['msg']}")
    if (message.portfolio, message.revision) != (envelope.subject, revision):
        problem = "$.portfolio, $.revision: differ from ce_subject, ce_revision"
        return InboxMessage(envelope, revision, body, None, problem)
    return InboxMessage(envelope, revision, body, message)


def whole(parts: Sequence[InboxMessage[M]]) -> Received[M]:
    """The message that these parts make.

    Raises:
        PoisonedError: one of them could not be read.
    """
    messages = []
    for part in parts:
        if part.message is None:
            raise PoisonedError(part.problem)
        messages.append(part.message)
    return Received(join(messages), parts[0].envelope.time, parts[0].envelope.traceparent)


def take_ready(
    positions: Mapping[PortfolioId, ReaderPosition], messages: Iterable[InboxMessage[M]], limit: int | None = None
) -> tuple[list[list[InboxMessage[M]]], list[InboxMessage[M]]]:
    """Move each position forward over what is next and whole, at most `limit` revisions; says what has to wait.

    Returns:
        the parts of each revision that is ready, in order within a portfolio, and the messages to be kept.
    """
    mine: dict[PortfolioId, list[InboxMessage[M]]] = {portfolio: [] for portfolio in positions}
    for message in messages:
        mine[message.portfolio].append(message)
    ready: list[list[InboxMessage[M]]] = []
    keep: list[InboxMessage[M]] = []
    for portfolio, position in positions.items():
        taken, rest = _advance(position, mine[portfolio], limit)
        position.waiting = bool(rest)
        ready += taken
        keep += rest
    return ready, keep


def _advance(
    position: ReaderPosition, messages: Iterable[InboxMessage[M]], limit: int | None
) -> tuple[list[list[InboxMessage[M]]], list[InboxMessage[M]]]:
    ahead: dict[int, dict[int, InboxMessage[M]]] = {}
    for message in messages:
        if message.revision > position.revision:
            ahead.setdefault(message.revision, {}).setdefault(message.part, message)
    ready: list[list[InboxMessage[M]]] = []
    while not position.parked and (limit is None or len(ready) < limit):
        parts = ahead.get(position.revision + 1, {})
        if not parts or len(parts) < next(iter(parts.values())).parts:
            break
        position.revision += 1
        ready.append([parts[number] for number in sorted(parts)])
        del ahead[position.revision]
    return ready, [message for parts in ahead.values() for message in parts.values()]


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
    messages = []
    for row in found:
        headers = [(name, value.encode()) for name, value in row.headers.items()]
        messages.append(read_inbox_message(read_envelope(row.portfolio.encode(), headers), row.body, model))
    return messages


async def keep_messages(batch: Batch, topic: str, messages: Sequence[InboxMessage[M]]) -> None:
    """Keep what cannot be applied yet; what is kept already stays as it is."""
    rows = [
        {
            "portfolio": message.portfolio,
            "topic": topic,
            "revision": message.revision,
            "part": message.part,
            "headers": {name: value.decode() for name, value in message.envelope.headers()},
            "body": message.body,
        }
        for message in messages
    ]
    if rows:
        await batch.connection.execute(pg.insert(inbox_table).on_conflict_do_nothing(), rows)


async def delete_applied(batch: Batch, topic: str) -> None:
    """Delete the kept messages that the batch's readers have passed."""
    await batch.connection.execute(_DELETE_APPLIED, {"topic": topic, "ids": list(batch.portfolios)})


async def find_gaps(database: Database, topic: str) -> list[tuple[PortfolioId, int, int]]:
    """Portfolio, first and last revision of every stretch with something missing in it."""
    async with database.reading() as connection:
        found = await connection.execute(_SELECT_GAPS, {"topic": topic})
        return [(PortfolioId(row.portfolio), row.first, row.last) for row in found]
