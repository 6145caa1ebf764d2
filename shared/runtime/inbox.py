"""What a service hears from another: each revision of each portfolio exactly once, in order, whole.

Revisions are contiguous, so a reader's position is one number per portfolio and topic. What cannot be applied yet
(a missing revision or part before it, a parked one) waits in the `inbox` table, and the offset moves on. State,
position and outbox rows are written in one transaction.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic

from shared.contracts.envelope import EnvelopeError, M
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Batch, Database, is_outage
from shared.runtime.failpoints import failpoint
from shared.runtime.inbox_messages import InboxMessage, ReaderPosition, Received, open_record, take_ready, whole
from shared.runtime.parking import forget_parked, give_up, park, refuse
from shared.runtime.positions import (
    delete_applied,
    find_gaps,
    keep_messages,
    load_positions,
    load_waiting,
    save_positions,
)
from shared.runtime.telemetry import Telemetry

ATTEMPTS = 3
OUTAGE_ATTEMPTS = 6

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
        """Give the parked revision up (parking.py keeps its body) and go on with those behind it."""
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
