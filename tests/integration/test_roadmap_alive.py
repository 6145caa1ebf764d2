"""Roadmap as it runs: its own judge, relay and readers at work on the embedded broker, and stopped in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.kafka import EmbeddedKafka
from services.roadmap.app import create_app
from shared.contracts.envelope import Envelope, read_envelope
from shared.contracts.roadmap import OBSERVATION_TYPE
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Progress
from shared.runtime.foundation import TOPICS, Runtime
from shared.runtime.settings import RuntimeSettings
from tests.integration.roadmap import NOW, House, feature, lines, prepare
from tests.servers.fixtures import FreshDatabase


@pytest.fixture
async def house(fresh_database: FreshDatabase, embedded_kafka: EmbeddedKafka) -> AsyncIterator[House]:
    for topic in TOPICS:
        embedded_kafka.create_topic(topic)
    dsn = await fresh_database("roadmap", prepare)
    settings = RuntimeSettings(
        database_url=dsn, kafka_bootstrap=embedded_kafka.bootstrap, embedded=True, fetch_wait_ms=20
    )
    app = create_app(settings, Runtime(clock=lambda: NOW, progress=Progress()))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield House(app, http)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def reading(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer("roadmap.changes", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def test_what_is_put_at_the_door_or_on_the_topic_is_told_on_the_topic(house: House) -> None:
    bootstrap = house.foundation.settings.kafka_bootstrap
    await until(lambda: _is_ready(house))
    await house.post(lines(feature()))
    await _report(bootstrap, json.dumps(feature("F-2")).encode())
    async with reading(bootstrap) as consumer, asyncio.timeout(15):
        records = [await consumer.getone() for _ in range(2)]
    envelopes = [read_envelope(one.key, one.headers) for one in records]
    assert [(one.type, one.revision) for one in envelopes] == [
        ("inloop.roadmap.changed.v1", 1),
        ("inloop.roadmap.changed.v1", 2),
    ]
    assert [one.cause_id for one in envelopes] == ["native:F-1@0", "native:F-2@0"]
    assert [one.kinds for one in envelopes] == [("added",), ("added",)]
    await until(lambda: _is_sent(house))


async def test_the_alarm_and_the_counters_are_measured(house: House) -> None:
    await house.post(lines(feature(), feature()) + b"nonsense\n")

    async def measured() -> bool:
        text = (await house.http.get("/roadmap/metrics")).text
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return (
            float(values.get("inloop_roadmap_untold_seconds", 0)) > 0
            and values.get('inloop_roadmap_observations_waiting{state="received"}') == "0.0"
            and values.get('inloop_roadmap_judged_total{state="caused"}') == "1.0"
            and values.get('inloop_roadmap_observations_total{outcome="refused"}') == "1.0"
        )

    await until(measured)


async def _is_ready(house: House) -> bool:
    return (await house.http.get("/readyz")).status_code == 200


async def _is_sent(house: House) -> bool:
    return await house.select("SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]


async def _report(bootstrap: str, body: bytes) -> None:
    """As a tool that speaks Kafka does."""
    envelope = Envelope(id="1", type=OBSERVATION_TYPE, source="/jira", subject=PortfolioId("alpha"), time=NOW)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait("roadmap.inbound", body, key=b"alpha", headers=envelope.headers())
    finally:
        await producer.stop()
