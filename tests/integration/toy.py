"""A smallest service pair for tests of the plumbing: one tells `Said`, one hears it and remembers. No business here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import ClassVar

import sqlalchemy as sa
from faststream.kafka import KafkaBroker

from shared.contracts.cause import Cause, Source
from shared.contracts.words import CauseId, PortfolioId, Word
from shared.runtime.broker import Progress, create_broker, subscribe
from shared.runtime.database import Batch, Database, metadata
from shared.runtime.inbox import Inbox
from shared.runtime.inbox_messages import Received
from shared.runtime.outbox import NOTIFY_ON_INSERT, Announcement, Outbox, Relay
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import Telemetry

TOPIC = "toy.said"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OUTBOX = Outbox("toy", TOPIC)

heard_table = sa.Table(
    "heard",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("words", sa.Integer, nullable=False),
)


class Said(Word):
    """The toy's message."""

    TYPE: ClassVar[str] = "inloop.toy.said.v1"
    LISTS: ClassVar[tuple[str, ...]] = ("words",)

    portfolio: PortfolioId
    revision: int
    part: int = 1
    parts: int = 1
    cause: Cause
    words: tuple[str, ...]


def cause(name: str) -> Cause:
    source = Source(tool="toy", source_id="toy", occurred_at=NOON, observed_at=NOON)
    return Cause(id=CauseId(name), kind="observation", summary=name, source=source)


async def prepare(dsn: str) -> None:
    """Create the plumbing's tables and the toy's."""
    database = Database(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.run_sync(heard_table.metadata.create_all)
        for statement in NOTIFY_ON_INSERT:
            await connection.execute(sa.text(statement))
    await database.close()


def open_database(dsn: str) -> Database:
    return Database(dsn.replace("postgresql://", "postgresql+asyncpg://"))


async def say(database: Database, portfolio: str, *sentences: Sequence[str]) -> None:
    """Tell one message per sentence, in one transaction."""
    async with database.locked([PortfolioId(portfolio)]) as batch:
        row = batch.portfolios[PortfolioId(portfolio)]
        announcements = []
        for words in sentences:
            revision = row.raise_revision()
            message = Said(
                portfolio=row.id, revision=revision, cause=cause(f"{portfolio}-{revision}"), words=tuple(words)
            )
            announcements.append(Announcement(message, row.advance(NOON), ("said",)))
        await OUTBOX.add(batch, announcements)


class Hearer:
    """Remembers what it hears; fails on the word "poison" as long as `poisonous`; asks are kept in `asked`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.poisonous = True
        self.asked: list[tuple[str, int, int]] = []
        self.delay = 0.0
        self.inbox = Inbox(database, TOPIC, Said, self._handle, self._ask, Telemetry("toy"))

    async def _handle(self, batch: Batch, messages: Sequence[Received[Said]]) -> None:
        await asyncio.sleep(self.delay)
        rows = []
        for received in messages:
            if self.poisonous and "poison" in received.message.words:
                raise ValueError("cannot stand this word")
            rows.append(
                {
                    "portfolio": received.message.portfolio,
                    "revision": received.message.revision,
                    "words": len(received.message.words),
                }
            )
        await batch.connection.execute(sa.insert(heard_table), rows)

    async def _ask(self, portfolio: PortfolioId, first: int, last: int) -> None:
        self.asked.append((portfolio, first, last))

    async def heard(self) -> dict[str, list[int]]:
        """The revisions of each portfolio in the order in which they were applied."""
        async with self.database.reading() as connection:
            found = await connection.execute(sa.select(heard_table).order_by(heard_table.c.seq))
            heard: dict[str, list[int]] = {}
            for row in found:
                heard.setdefault(row.portfolio, []).append(row.revision)
            return heard


def settings_for(bootstrap: str, database_url: str, *, prefix: str = "", embedded: bool = False) -> RuntimeSettings:
    return RuntimeSettings(
        database_url=database_url, kafka_bootstrap=bootstrap, topic_prefix=prefix, embedded=embedded, fetch_wait_ms=20
    )


@asynccontextmanager
async def reading(
    settings: RuntimeSettings, hearer: Hearer, progress: Progress | None = None
) -> AsyncIterator[KafkaBroker]:
    """The hearer subscribed, until the block ends."""
    broker = create_broker(settings)
    subscribe(broker, settings, "hearer", TOPIC, hearer.inbox.receive, progress)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@asynccontextmanager
async def relaying(settings: RuntimeSettings, progress: Progress | None = None) -> AsyncIterator[Relay]:
    """The relay running, until the block ends."""
    relay = Relay(OUTBOX, settings, Telemetry("toy"), progress)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait for `await condition()` to be true."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)
