"""Kafka through FastStream: topics, the one right way to subscribe, and how far the readers have come.

Every setting here is the cure of a measured trap (docs/explanation/traps.md): at least once, whole batches, one offset
commit a batch, a parser that cannot fail.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from shared.runtime.settings import RuntimeSettings

TOPIC_ALREADY_EXISTS = 36
STOP_TIMEOUT_SECONDS = 10
POLL_MS = 20  # FastStream waits this long for records and then sleeps as long again

Receive = Callable[["Sequence[Record]"], Awaitable[None]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lay in the topic, before anybody has read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None


class Progress:
    """How far each reader of this process has committed; only the embedded broker's relay asks."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str], dict[int, int]] = {}
        self._moved = asyncio.Condition()
        # The mock cluster's listen backlog is 5: clients that start together lose a SYN and a second each.
        self.starting = asyncio.Lock()

    def register(self, reader: str, topic: str) -> None:
        """Announce a reader before it starts, so that nobody forgets to wait for it."""
        self._positions[reader, topic] = {}

    async def committed(self, reader: str, topic: str, partition: int, next_offset: int) -> None:
        """The reader's transaction up to `next_offset` is durable."""
        async with self._moved:
            self._positions[reader, topic][partition] = next_offset
            self._moved.notify_all()

    async def reached(self, topic: str, ends: dict[int, int]) -> None:
        """Wait until every reader of the topic has committed up to these end offsets."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._all_reached(topic, ends))

    def _all_reached(self, topic: str, ends: dict[int, int]) -> bool:
        readers = [positions for (_, read), positions in self._positions.items() if read == topic]
        return all(positions.get(partition, 0) >= end for positions in readers for partition, end in ends.items())


def create_broker(settings: RuntimeSettings) -> KafkaBroker:
    """A FastStream broker for subscribers; the relay has its own producer."""
    return KafkaBroker(
        settings.kafka_bootstrap,
        apply_types=False,
        logger=None,
        allow_auto_create_topics=False,
        graceful_timeout=STOP_TIMEOUT_SECONDS,
    )


def subscribe(
    broker: KafkaBroker,
    settings: RuntimeSettings,
    reader: str,
    topic: str,
    receive: Receive,
    progress: Progress | None = None,
) -> None:
    """Read a topic in whole batches; a batch whose `receive` raises comes again.

    Args:
        broker: from `create_broker`.
        settings: the process's.
        reader: the service that reads; the group is `inloop.<reader>.<topic>`.
        topic: without the prefix.
        receive: returns after its transaction is committed.
        progress: told of every committed batch.
    """
    name = settings.topic_prefix + topic
    if progress:
        progress.register(reader, name)

    async def handle(records: tuple[Record, ...]) -> None:
        await receive(records)
        if progress:
            for partition, end in _ends(records).items():
                await progress.committed(reader, name, partition, end)

    broker.subscriber(
        name,
        batch=True,
        group_id=f"inloop.{reader}.{name}",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        auto_offset_reset="earliest",
        max_records=settings.batch_size,
        batch_timeout_ms=POLL_MS,
        fetch_max_wait_ms=settings.fetch_wait_ms,
        heartbeat_interval_ms=1_000,
        partition_assignment_strategy=(StickyPartitionAssignor,),
        no_reply=True,
        parser=_parse,
        decoder=_decode,
    )(handle)


def _ends(records: Sequence[Record]) -> dict[int, int]:
    ends: dict[int, int] = {}
    for record in records:
        ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
    return ends


async def _parse(raw: Any, original: Any) -> StreamMessage[Any]:
    """FastStream decodes headers and drops what it cannot; so it is shown none, and the true records are put back."""
    message: StreamMessage[Any] = await original(tuple(_without_headers(record) for record in raw))
    message.raw_message = raw
    return message


def _without_headers(record: "ConsumerRecord[bytes, bytes]") -> Any:
    return ConsumerRecord(**{**{name: getattr(record, name) for name in record.__dataclass_fields__}, "headers": ()})


async def _decode(message: StreamMessage[Any]) -> tuple[Record, ...]:
    return tuple(
        Record(raw.topic, raw.partition, raw.offset, raw.key, tuple(raw.headers), raw.value)
        for raw in message.raw_message
    )


def check_subscribers(broker: KafkaBroker) -> None:
    """Refuse to start with a subscriber that could lose something.

    Raises:
        RuntimeError: naming the subscriber and the setting.
    """
    for subscriber in broker.subscribers:
        arguments: dict[str, Any] = getattr(subscriber, "_connection_args", {})
        if arguments.get("enable_auto_commit") is not False or not getattr(subscriber, "group_id", None):
            topics = ", ".join(getattr(subscriber, "topic_names_for_subscribe", ["?"]))
            raise RuntimeError(f"the subscriber of {topics} needs enable_auto_commit=False and a group")


async def ensure_topics(settings: RuntimeSettings, topics: Sequence[str]) -> None:
    """Create what is missing. The embedded broker has no admin API; whoever starts it creates its topics.

    Raises:
        RuntimeError: a topic could not be created; says which and why.
    """
    if settings.embedded:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=10_000)
    await admin.start()
    try:
        wanted = [
            NewTopic(
                settings.topic_prefix + topic,
                num_partitions=settings.partitions,
                replication_factor=settings.replication_factor,
                topic_configs={"retention.ms": str(30 * 24 * 3600 * 1000), "cleanup.policy": "delete"},
            )
            for topic in topics
        ]
        answer = await admin.create_topics(wanted)
        for topic, code, message in answer.topic_errors:  # create_topics does not raise
            if code not in {0, TOPIC_ALREADY_EXISTS}:
                raise RuntimeError(f"topic {topic}: {message} (code {code})")
    finally:
        await admin.close()
