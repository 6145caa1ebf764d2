"""What a service hears from another: each revision of each portfolio exactly once, in order, whole.

Revisions are contiguous, so a reader's position is one number per portfolio and topic. What cannot be applied yet
(a missing revision or part before it, a parked one) waits in the `inbox` table, and the offset moves on. State,
position and outbox rows are written in one transaction. What is set aside, a parked revision with everything of its
portfolio behind it and records that nobody can read, is a book that people read and act on
(`inloop parked ls|show|retry|drop`). How a record is read, and which is next: inbox_messages.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Generic

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import EnvelopeError, M
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Batch, Database, as_dicts, is_outage, metadata
from shared.runtime.failpoints import failpoint
from shared.runtime.inbox_messages import (
    InboxMessage,
    ReaderPosition,
    Received,
    delete_applied,
    find_gaps,
    keep_messages,
    load_positions,
    load_waiting,
    open_record,
    save_positions,
    take_ready,
    whole,
)
from shared.runtime.telemetry import Telemetry

ATTEMPTS = 3
OUTAGE_ATTEMPTS = 6
RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""When a parked revision is tried again by itself; after the last it waits for a person."""

Handle = Callable[[Batch, Sequence[Received[M]]], Awaitable[None]]
"""Decides on messages and saves, all inside the batch's transaction. In order within a portfolio."""

AskAgain = Callable[[PortfolioId, int, int], Awaitable[None]]
"""Asks the teller to send the revisions of a portfolio, first to last, once more."""

logger = logging.getLogger(__name__)

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


class Inbox(Generic[M]):
    """One topic as one service hears it."""

    def __init__(
        self,
        database: Database,
        topic: str,
        model: type[M],
        handle: Handle[M],
        ask_again: AskAgain,
        telemetry: Telemetry,
    ) -> None:
        self.database = database
        self.topic = topic
        self.model = model
        self._handle = handle
        self._ask_again = ask_again
        self._telemetry = telemetry

    async def receive(self, records: Sequence[Record]) -> None:
        """Apply a batch of records; returns when all of it is committed.

        Raises:
            OSError, DBAPIError: the database stays away; the batch must come again.
        """
        messages: list[InboxMessage[M]] = []
        for record in records:
            try:
                messages.append(open_record(record, self.model))
            except EnvelopeError as error:
                await refuse(self.database, record, str(error))
        await _patiently(lambda: self._apply(messages))
        failpoint("inbox.after_commit")

    async def drain(self, portfolio: PortfolioId) -> bool:
        """Apply what waits, a revision a transaction. True: nothing is ready now; False: one failed and is parked."""
        while True:
            try:
                if not await self._attempt_next(portfolio):
                    return True
            except Exception as error:
                if is_outage(error):
                    raise
                await self._park_next(portfolio, error)
                return False

    async def unpark(self, portfolio: PortfolioId) -> bool:
        """Try the parked revision again, and all behind it; False if it is parked again."""
        async with self.database.locked([portfolio]) as batch:
            await self._set_parked(batch, portfolio, parked=False)
        applied = await self.drain(portfolio)
        if applied:
            async with self.database.locked([portfolio]) as batch:
                await forget_parked(batch, self.topic, portfolio)
        return applied

    async def skip(self, portfolio: PortfolioId) -> bool:
        """Give the parked revision up (its body is kept) and go on with those behind it."""
        async with self.database.locked([portfolio]) as batch:
            position = await self._set_parked(batch, portfolio, parked=False)
            await give_up(batch, self.topic, portfolio)
            position.revision += 1
            await save_positions(batch, self.topic, [position])
            await delete_applied(batch, self.topic)
        return await self.drain(portfolio)

    async def ask_for_gaps(self) -> None:
        """Ask again for every revision that something waits for."""
        for portfolio, first, last in await find_gaps(self.database, self.topic):
            await self._ask_again(portfolio, first, last)

    async def _apply(self, messages: Sequence[InboxMessage[M]]) -> None:
        """One transaction for all; if it fails, halve by portfolio until the one that fails is alone."""
        ids = sorted({message.portfolio for message in messages})
        try:
            await self._transaction(ids, messages)
        except Exception as error:
            if is_outage(error):
                raise
            if len(ids) == 1:
                await self._transaction(ids, messages, limit=0)
                await self.drain(ids[0])
                return
            half = set(ids[: len(ids) // 2])
            await self._apply([message for message in messages if message.portfolio in half])
            await self._apply([message for message in messages if message.portfolio not in half])

    async def _attempt_next(self, portfolio: PortfolioId) -> bool:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await self._transaction([portfolio], [], limit=1)
            except Exception as error:
                if is_outage(error):
                    raise
                logger.warning("%s of %s failed: %s; trying again", self.topic, portfolio, error)
                await asyncio.sleep(0.02 * 2**attempt)
        return await self._transaction([portfolio], [], limit=1)

    async def _transaction(
        self, ids: Sequence[PortfolioId], messages: Sequence[InboxMessage[M]], limit: int | None = None
    ) -> bool:
        """Apply what is ready, at most `limit` revisions a portfolio, and keep the rest; True if anything was ready."""
        if not ids:
            return False
        async with self.database.locked(ids) as batch:
            positions = await load_positions(batch, self.topic)
            waiting = await load_waiting(batch, self.topic, positions, self.model)
            ready, keep = take_ready(positions, [*waiting, *messages], limit)
            if ready:
                with self._telemetry.batch_seconds.labels(self.topic).time():
                    await self._handle(batch, [whole(parts) for parts in ready])
                failpoint("inbox.after_handle")
            await save_positions(batch, self.topic, positions.values())
            if waiting:
                await delete_applied(batch, self.topic)
            await keep_messages(batch, self.topic, keep)
        self._telemetry.messages.labels(self.topic).inc(len(ready))
        return bool(ready)

    async def _park_next(self, portfolio: PortfolioId, error: Exception) -> None:
        async with self.database.locked([portfolio]) as batch:
            position = await self._set_parked(batch, portfolio, parked=True)
            await park(batch, self.topic, portfolio, position.revision + 1, f"{type(error).__name__}: {error}")
        logger.error("parked revision %s of %s, %s: %s", position.revision + 1, portfolio, self.topic, error)

    async def _set_parked(self, batch: Batch, portfolio: PortfolioId, *, parked: bool) -> ReaderPosition:
        position = (await load_positions(batch, self.topic))[portfolio]
        position.parked = parked
        await save_positions(batch, self.topic, [position])
        return position


async def _patiently(action: Callable[[], Awaitable[None]]) -> None:
    """Wait a while for a database that is away before giving the batch back to Kafka."""
    for attempt in range(OUTAGE_ATTEMPTS):
        try:
            await action()
        except Exception as error:
            if not is_outage(error) or attempt + 1 == OUTAGE_ATTEMPTS:
                raise
            logger.warning("the database is away (%s); waiting", error)
            await asyncio.sleep(0.1 * 2**attempt)
        else:
            return


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
