"""What a service tells the others: written in the transaction that decided it, sent to Kafka in order, at least once.

The relay has one leader per database (a session advisory lock on the connection that reads and marks). A round is one
record batch per partition, all awaited, then marked. Any error ends the round: connection and producer are made anew,
what is not marked is sent again, and the readers' inboxes remove repeats. Rows stay, so that what Kafka loses can be
sent again.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

import asyncpg
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import Envelope, Message, derive_ce_id, split
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Progress
from shared.runtime.clock import monotonic
from shared.runtime.database import COMMAND_TIMEOUT_SECONDS, Batch, Database, metadata
from shared.runtime.failpoints import failpoint
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import Telemetry

LEADER_LOCK = 0x1A7E58
ROUND_ROWS = 500
ROUND_BYTES = 1024 * 1024
BATCH_BYTES = 900_000  # Kafka takes 1,048,588 by default; the batch's own frame is not counted while it is filled
SEND_TIMEOUT_SECONDS = 15
RESEND_SECONDS = 60
STALLED_SECONDS = 30

outbox_table = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("ce_id", sa.Text, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("time_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("cause_id", sa.Text, nullable=False),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Index("outbox_unpublished", "seq", postgresql_where=sa.text("published_at IS NULL")),
    sa.Index("outbox_by_revision", "portfolio", "revision", "part", unique=True),
    sa.Index("outbox_by_cause", "portfolio", "cause_id"),
)

NOTIFY_ON_INSERT = (
    """CREATE FUNCTION outbox_wake() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_notify('outbox', ''); RETURN NULL; END $$""",
    "CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake()",
)
"""Executed by the first migration of every service: a commit that adds rows wakes the relay."""

_INSERT = sa.text(
    "INSERT INTO outbox (portfolio, revision, part, ce_id, type, time_at, cause_id, kinds, traceparent, body)"
    " SELECT * FROM unnest(CAST(:portfolio AS text[]), CAST(:revision AS bigint[]), CAST(:part AS int[]),"
    " CAST(:ce_id AS text[]), CAST(:type AS text[]), CAST(:time_at AS timestamptz[]), CAST(:cause_id AS text[]),"
    " CAST(:kinds AS text[]), CAST(:traceparent AS text[]), CAST(:body AS bytea[]))"
)
_SELECT = """
SELECT seq, portfolio, revision, ce_id, type, time_at, cause_id, kinds, traceparent, body FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY seq) AS total, row_number() OVER (ORDER BY seq) AS number
    FROM (SELECT * FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT $1) AS unpublished
) AS numbered WHERE total <= $2 OR number = 1 ORDER BY seq
"""
# A lost tail would never show as a gap; the last revision of every portfolio, sent again, makes it show.
_RESEND_LAST = """
UPDATE outbox SET published_at = NULL FROM
    (SELECT portfolio, max(revision) AS revision FROM outbox GROUP BY portfolio) AS last
WHERE outbox.portfolio = last.portfolio AND outbox.revision = last.revision AND published_at IS NOT NULL
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message to tell: its `now`, the kinds inside it, and the trace it belongs to."""

    message: Message
    now: datetime
    kinds: tuple[str, ...] = ()
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of one service: every message of it goes to one topic."""

    service: str
    topic: str

    async def add(self, batch: Batch, announcements: Sequence[Announcement]) -> None:
        """Write messages, large ones in parts; the portfolios' rows must be locked by the batch."""
        if not announcements:
            return
        rows = [row for announcement in announcements for row in self._rows(announcement)]
        await batch.connection.execute(_INSERT, {name: [row[name] for row in rows] for name in rows[0]})
        failpoint(f"{self.service}.after_outbox")

    def _rows(self, announcement: Announcement) -> list[dict[str, object]]:
        return [
            {
                "portfolio": part.portfolio,
                "revision": part.revision,
                "part": part.part,
                # Cause ids are unique within a portfolio only: two of them may tell the same id at the same revision.
                "ce_id": derive_ce_id(f"{self.service}/{part.portfolio}", part.cause.id, part.revision, part.part),
                "type": part.TYPE,
                "time_at": announcement.now,
                "cause_id": part.cause.id,
                "kinds": ",".join(sorted(set(announcement.kinds))),
                "traceparent": announcement.traceparent,
                "body": part.model_dump_json().encode(),
            }
            for part in split(announcement.message)
        ]

    def envelope(self, row: Mapping[str, Any]) -> Envelope:
        """The envelope of a stored row."""
        return Envelope(
            id=row["ce_id"],
            type=row["type"],
            source=f"/{self.service}",
            subject=row["portfolio"],
            time=row["time_at"],
            cause_id=row["cause_id"],
            revision=row["revision"],
            kinds=tuple(filter(None, row["kinds"].split(","))),
            traceparent=row["traceparent"],
        )


class Relay:
    """Moves the rows of one outbox to its topic until it is cancelled."""

    def __init__(
        self, outbox: Outbox, settings: RuntimeSettings, telemetry: Telemetry, progress: Progress | None = None
    ) -> None:
        self._outbox = outbox
        self._dsn = settings.database_url.replace("+asyncpg", "")
        self._bootstrap = settings.kafka_bootstrap
        self._topic = settings.topic_prefix + outbox.topic
        self._telemetry = telemetry
        self._progress = progress
        self._wake = asyncio.Event()
        self.heartbeat = monotonic()

    async def run(self) -> None:
        """Lead, or wait to lead, for ever."""
        while True:
            try:
                await self._connected()
            except Exception as error:  # noqa: BLE001 - whatever it was, the answer is to begin anew
                logger.warning("relay: %s: %s; beginning anew in a second", type(error).__name__, error)
            await asyncio.sleep(1)

    async def check(self) -> None:
        """Raise when the loop stands still: it neither sends, nor waits for something to send."""
        if monotonic() - self.heartbeat > STALLED_SECONDS:
            raise RuntimeError("the relay stands still")

    async def _connected(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=COMMAND_TIMEOUT_SECONDS)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                self.heartbeat = monotonic()  # a standby does its job by waiting
                await asyncio.sleep(1)
            await connection.add_listener("outbox", lambda *_: self._wake.set())
            # A mark lost in a crash only makes a row be sent again; waiting for the disk would delay the next round.
            await connection.execute("SET synchronous_commit = off")
            await self._lead(connection)
        finally:
            connection.terminate()

    async def _lead(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=False,  # one rejected batch would break it for good (docs/explanation/traps.md)
            request_timeout_ms=10_000,
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * BATCH_BYTES,
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await producer.start()
            await self._rounds(connection, producer)
        finally:
            async with asyncio.timeout(5):
                await producer.stop()

    async def _rounds(self, connection: "asyncpg.Connection[asyncpg.Record]", producer: AIOKafkaProducer) -> None:
        resend_at = 0.0
        while True:
            self.heartbeat = monotonic()
            if monotonic() >= resend_at:
                await connection.execute(_RESEND_LAST)
                resend_at = monotonic() + RESEND_SECONDS
            self._wake.clear()
            rows = await connection.fetch(_SELECT, ROUND_ROWS, ROUND_BYTES)
            if rows:
                failpoint("relay.after_select")
                await self._round(connection, producer, rows)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._wake.wait()

    async def _round(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        producer: AIOKafkaProducer,
        rows: Sequence[Any],
    ) -> None:
        traced = [row["traceparent"] for row in rows] if self._telemetry.tracing else []
        with self._telemetry.span(f"send {self._outbox.topic}", SpanKind.CLIENT, links=traced):
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                sent, ends = await self._send(producer, rows)
        failpoint("relay.after_produce")
        if self._progress:
            await self._progress.reached(self._topic, ends)
        await connection.execute("UPDATE outbox SET published_at = clock_timestamp() WHERE seq = ANY($1)", sent)
        failpoint("relay.after_mark")

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> tuple[list[int], dict[int, int]]:
        """One record batch per partition; what does not fit stays for the next round.

        Returns:
            the `seq` of each row that was sent, and the end offset that each partition then has.
        """
        partitions = sorted(await producer.partitions_for(self._topic))
        by_partition: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            by_partition[DefaultPartitioner()(row["portfolio"].encode(), partitions, partitions)].append(row)
        sent: list[int] = []
        sends = {}
        for partition, mine in by_partition.items():
            batch = producer.create_batch()
            fitting = list(takewhile(lambda row, batch=batch: self._append(batch, row), mine))  # type: ignore[misc]
            sends[partition] = (await producer.send_batch(batch, self._topic, partition=partition), len(fitting))
            sent += [row["seq"] for row in fitting]
        return sent, {partition: (await future).offset + count for partition, (future, count) in sends.items()}

    def _append(self, batch: Any, row: Any) -> bool:
        headers = self._outbox.envelope(row).headers()
        key = row["portfolio"].encode()
        return batch.append(key=key, value=row["body"], timestamp=None, headers=headers) is not None


async def republish(database: Database, portfolio: PortfolioId, first: int, last: int) -> int:
    """Let the relay send these revisions again; returns how many rows that are."""
    statement = sa.text(
        "UPDATE outbox SET published_at = NULL WHERE portfolio = :portfolio AND revision BETWEEN :first AND :last"
    )
    async with database.engine.begin() as connection:
        marked = await connection.execute(statement, {"portfolio": portfolio, "first": first, "last": last})
        await connection.execute(sa.text("SELECT pg_notify('outbox', '')"))
        return marked.rowcount


async def read_changes(
    connection: AsyncConnection, portfolio: PortfolioId, after: int, limit: int
) -> list[sa.Row[tuple[object, ...]]]:
    """The rows of at most `limit` revisions after `after`, in order, parts next to each other."""
    found = await connection.execute(
        sa.text(
            "SELECT revision, part, cause_id, time_at, body FROM outbox WHERE portfolio = :portfolio"
            " AND revision > :after AND revision <= :after + :limit ORDER BY revision, part"
        ),
        {"portfolio": portfolio, "after": after, "limit": limit},
    )
    return list(found)


async def count_unpublished(connection: AsyncConnection) -> int:
    """How many rows wait for the relay."""
    found = await connection.execute(sa.text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
    return int(found.scalar_one())
