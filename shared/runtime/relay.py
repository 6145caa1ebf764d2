"""Sends the outbox to Kafka, in order, at least once.

One leader per database (a session advisory lock on the connection that reads and marks). A round is one record batch
per partition, all awaited, then marked. Any error ends the round: connection and producer are made anew, what is not
marked is sent again, and the readers' inboxes remove repeats.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from opentelemetry.trace import SpanKind

from shared.runtime.broker import Progress
from shared.runtime.clock import monotonic
from shared.runtime.database import COMMAND_TIMEOUT_SECONDS
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Outbox
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import Telemetry

LEADER_LOCK = 0x1A7E58
ROUND_ROWS = 500
ROUND_BYTES = 1024 * 1024
BATCH_BYTES = 900_000  # Kafka takes 1,048,588 by default; the batch's own frame is not counted while it is filled
SEND_TIMEOUT_SECONDS = 15
RESEND_SECONDS = 60
STALLED_SECONDS = 30

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
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(1):
                await self._wake.wait()
        except TimeoutError:
            pass

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
