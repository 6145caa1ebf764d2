"""What the benchmarks run on: real Kafka, real PostgreSQL with fsync, fresh topics and databases for every run."""

import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.local.postgres import EmbeddedPostgres
from tests.servers.apache.broker import Broker
from tests.servers.kafka import start_broker
from tests.servers.topics import create_topics

TOPICS = ("roadmap.inbound", "roadmap.changes", "launch.changes", "notify.receipts", "tutorial.in", "tutorial.out")


@dataclass(frozen=True)
class Servers:
    """One broker and one database server for all runs."""

    broker: Broker
    postgres: EmbeddedPostgres

    async def fresh(self) -> "Room":
        """Names nobody has used: topics that are created, databases that are empty."""
        name = f"b{secrets.token_hex(4)}"
        await create_topics(self.broker.bootstrap, [f"{name}.{topic}" for topic in TOPICS])
        return Room(self, name)


@dataclass(frozen=True)
class Room:
    """The topics and databases of one run."""

    servers: Servers
    name: str

    @property
    def prefix(self) -> str:
        return f"{self.name}."

    def database(self, service: str) -> str:
        """The DSN of a new or known database."""
        return self.servers.postgres.ensure_database(f"{self.name}_{service}")


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Both started; stopped at the end."""
    broker = start_broker()
    try:
        with EmbeddedPostgres() as postgres:
            yield Servers(broker, postgres)
    finally:
        broker.stop()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection of its own, closed at the end."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def burst(bootstrap: str, topic: str, records: Iterable[tuple[bytes, bytes, list[tuple[str, bytes]]]]) -> None:
    """Send (key, value, headers) as fast as the broker takes them, acknowledged by all replicas."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=1 << 20, max_request_size=4 << 20
    )
    await producer.start()
    try:
        sends = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records]
        for sent in sends:
            await sent
    finally:
        await producer.stop()
