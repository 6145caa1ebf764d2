"""What a service hears from another: each revision of each portfolio exactly once, in order, whole.

Revisions are contiguous, so a reader's position is one number per portfolio and topic. What cannot be applied yet
(a missing revision or part before it, a parked one) waits in the `inbox` table, and the offset moves on. State,
position and outbox rows are written in one transaction.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.contracts.envelope import EnvelopeError, M, read_envelope
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Batch, Database, is_outage, metadata
from shared.runtime.failpoints import failpoint
from shared.runtime.letters import Letter, Reader, Received, open_record, read_letter, take_ready, whole
from shared.runtime.parking import forget_parked, give_up, park, refuse
from shared.runtime.telemetry import Telemetry

ATTEMPTS = 3
OUTAGE_ATTEMPTS = 6

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

Handle = Callable[[Batch, Sequence[Received[M]]], Awaitable[None]]
"""Decides on messages and saves, all inside the batch's transaction. In order within a portfolio."""

AskAgain = Callable[[PortfolioId, int, int], Awaitable[None]]
"""Asks the teller to send the revisions of a portfolio, first to last, once more."""

logger = logging.getLogger(__name__)


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
        letters: list[Letter[M]] = []
        for record in records:
            try:
                letters.append(open_record(record, self.model))
            except EnvelopeError as error:
                await refuse(self.database, record, str(error))
        await _patiently(lambda: self._apply(letters))
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
        """Give the parked revision up (parking.py keeps its body) and go on with those behind it."""
        async with self.database.locked([portfolio]) as batch:
            reader = await self._set_parked(batch, portfolio, parked=False)
            await give_up(batch, self.topic, portfolio)
            reader.revision += 1
            await self._save(batch, [reader], [], clean=True)
        return await self.drain(portfolio)

    async def ask_for_gaps(self) -> None:
        """Ask again for every revision that something waits for."""
        async with self.database.reading() as connection:
            found = await connection.execute(
                sa.select(
                    reader_table.c.portfolio, reader_table.c.revision, sa.func.max(inbox_table.c.revision).label("to")
                )
                .join(inbox_table, sa.and_(*(reader_table.c[n] == inbox_table.c[n] for n in ("portfolio", "topic"))))
                .where(reader_table.c.topic == self.topic, reader_table.c.waiting, ~reader_table.c.parked)
                .group_by(reader_table.c.portfolio, reader_table.c.revision)
            )
            gaps = list(found)
        for gap in gaps:
            await self._ask_again(gap.portfolio, gap.revision + 1, gap.to)

    async def _apply(self, letters: Sequence[Letter[M]]) -> None:
        """One transaction for all; if it fails, halve by portfolio until the one that fails is alone."""
        ids = sorted({letter.portfolio for letter in letters})
        try:
            await self._transaction(ids, letters)
        except Exception as error:
            if is_outage(error):
                raise
            if len(ids) == 1:
                await self._transaction(ids, letters, limit=0)
                await self.drain(ids[0])
                return
            half = set(ids[: len(ids) // 2])
            await self._apply([letter for letter in letters if letter.portfolio in half])
            await self._apply([letter for letter in letters if letter.portfolio not in half])

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
        self, ids: Sequence[PortfolioId], letters: Sequence[Letter[M]], limit: int | None = None
    ) -> bool:
        """Apply what is ready, at most `limit` revisions a portfolio, and keep the rest; True if anything was ready."""
        if not ids:
            return False
        async with self.database.locked(ids) as batch:
            readers = await self._readers(batch)
            waiting = await self._waiting(batch, readers)
            ready: list[list[Letter[M]]] = []
            keep: list[Letter[M]] = []
            for portfolio, reader in readers.items():
                mine = [letter for letter in (*waiting, *letters) if letter.portfolio == portfolio]
                taken, rest = take_ready(reader, mine, limit)
                ready += taken
                keep += rest
                reader.waiting = bool(rest)
            if ready:
                with self._telemetry.batch_seconds.labels(self.topic).time():
                    await self._handle(batch, [whole(parts) for parts in ready])
                failpoint("inbox.after_handle")
            await self._save(batch, readers.values(), keep, clean=bool(waiting))
        self._telemetry.messages.labels(self.topic).inc(len(ready))
        return bool(ready)

    async def _park_next(self, portfolio: PortfolioId, error: Exception) -> None:
        async with self.database.locked([portfolio]) as batch:
            reader = await self._set_parked(batch, portfolio, parked=True)
            await park(batch, self.topic, portfolio, reader.revision + 1, f"{type(error).__name__}: {error}")
        logger.error("parked revision %s of %s, %s: %s", reader.revision + 1, portfolio, self.topic, error)

    async def _set_parked(self, batch: Batch, portfolio: PortfolioId, *, parked: bool) -> Reader:
        reader = (await self._readers(batch))[portfolio]
        reader.parked = parked
        await self._save(batch, [reader], [], clean=False)
        return reader

    async def _readers(self, batch: Batch) -> dict[PortfolioId, Reader]:
        ids = list(batch.portfolios)
        found = await batch.connection.execute(
            sa.select(reader_table).where(reader_table.c.topic == self.topic, reader_table.c.portfolio.in_(ids))
        )
        known = {row.portfolio: Reader(row.portfolio, row.revision, row.waiting, row.parked) for row in found}
        return {one: known.get(one) or Reader(one) for one in ids}

    async def _waiting(self, batch: Batch, readers: dict[PortfolioId, Reader]) -> list[Letter[M]]:
        ids = [one.portfolio for one in readers.values() if one.waiting]
        if not ids:
            return []
        found = await batch.connection.execute(
            sa.select(inbox_table).where(inbox_table.c.topic == self.topic, inbox_table.c.portfolio.in_(ids))
        )
        return [self._kept_letter(row) for row in found]

    def _kept_letter(self, row: sa.Row[tuple[object, ...]]) -> Letter[M]:
        headers = [(name, value.encode()) for name, value in row.headers.items()]
        return read_letter(read_envelope(row.portfolio.encode(), headers), row.body, self.model)

    async def _save(self, batch: Batch, readers: Iterable[Reader], keep: Sequence[Letter[M]], *, clean: bool) -> None:
        rows = [
            {
                "portfolio": one.portfolio,
                "topic": self.topic,
                "revision": one.revision,
                "waiting": one.waiting,
                "parked": one.parked,
            }
            for one in readers
        ]
        insert = pg.insert(reader_table)
        news = {name: insert.excluded[name] for name in ("revision", "waiting", "parked")}
        await batch.connection.execute(
            insert.on_conflict_do_update(index_elements=["portfolio", "topic"], set_=news), rows
        )
        if clean:
            await batch.connection.execute(
                sa.delete(inbox_table).where(
                    inbox_table.c.topic == self.topic,
                    inbox_table.c.portfolio == reader_table.c.portfolio,
                    reader_table.c.topic == self.topic,
                    inbox_table.c.revision <= reader_table.c.revision,
                    inbox_table.c.portfolio.in_([row["portfolio"] for row in rows]),
                )
            )
        if keep:
            kept = [self._kept_row(letter) for letter in keep]
            await batch.connection.execute(pg.insert(inbox_table).on_conflict_do_nothing(), kept)

    def _kept_row(self, letter: Letter[M]) -> dict[str, object]:
        return {
            "portfolio": letter.portfolio,
            "topic": self.topic,
            "revision": letter.revision,
            "part": letter.part,
            "headers": {name: value.decode() for name, value in letter.envelope.headers()},
            "body": letter.body,
        }


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
