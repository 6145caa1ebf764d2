"""`make bench`: each service's road against the tutorial's pipeline and against the machine's limits, in one run.

Interleaved repetitions, so that a noisy spell hits all of them; minimum, median and maximum of messages per second. All
find their messages in the topic already. A road's time is from the start of its consumers to the last row of its outbox
published: everything it decides is decided, stored with fsync, and told.
"""

import asyncio
import json
import statistics
import sys
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from services.launch.app import create_app as create_launch
from services.launch.settings import LaunchSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import NotifySettings
from services.roadmap.app import create_app as create_roadmap
from services.roadmap.settings import RoadmapSettings
from shared.contracts.envelope import Envelope
from shared.contracts.roadmap import OBSERVATION_TYPE
from shared.contracts.words import PortfolioId
from shared.runtime.outbox import Outbox
from tests.bench import tutorial
from tests.bench.history import build_directory, build_observations
from tests.bench.latency import RATE, measure_latency
from tests.bench.servers import Room, burst, connected, running_servers

REPETITIONS = 5
MESSAGES = 4_800
TUTORIAL_MESSAGES = 300
PORTFOLIOS = 12

Records = list[tuple[bytes, bytes, list[tuple[str, bytes]]]]


def settings_of(room: Room, service: str) -> dict[str, Any]:
    return {
        "database_url": room.database(service),
        "kafka_bootstrap": room.servers.broker.bootstrap,
        "topic_prefix": room.prefix,
        "time_source": "observations",
        "fetch_wait_ms": 20,
    }


async def _until_told(dsn: str, revisions: int) -> None:
    """Until so many outbox rows are published and none is left."""
    async with connected(dsn) as connection:
        while True:
            told = await connection.fetchval("SELECT sum(revision) FROM portfolio")
            left = await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            if (told or 0) >= revisions and not left:
                return
            await asyncio.sleep(0.005)


async def _told(dsn: str, service: str, topic: str) -> Records:
    """What a service has told, as records to be sent again."""
    outbox = Outbox(service, topic)
    async with connected(dsn) as connection:
        rows = await connection.fetch("SELECT * FROM outbox ORDER BY seq")
    return [(row["portfolio"].encode(), row["body"], outbox.envelope(row).headers()) for row in rows]


async def _road(app: FastAPI, room: Room, topic: str, service: str, records: Records) -> float:
    """Messages per second of one service over these records; each brings exactly one revision."""
    await burst(room.servers.broker.bootstrap, room.prefix + topic, records)
    async with app.router.lifespan_context(app):
        began = perf_counter()
        await _until_told(room.database(service), len(records))
        return len(records) / (perf_counter() - began)


async def _load_directories(app: FastAPI) -> None:
    """Before anything is there to be heard: the service runs once for it."""
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        for number in range(PORTFOLIOS):
            path = f"/notify/api/v1/portfolios/p{number}/directory"
            answer = await client.put(path, content=build_directory(), headers={"content-type": "text/csv"})
            answer.raise_for_status()


async def measure_roads(room: Room) -> dict[str, float]:
    """roadmap, launch and notify one after the other, each fed with what the one before told."""
    rates = {}
    records = [_observation(portfolio, line) for portfolio, line in build_observations(MESSAGES, PORTFOLIOS)]
    app = create_roadmap(RoadmapSettings(**settings_of(room, "roadmap")))
    rates["roadmap"] = await _road(app, room, "roadmap.inbound", "roadmap", records)
    # Into topics of another room: the first has them already.
    second = await room.servers.fresh()
    changes = await _told(room.database("roadmap"), "roadmap", "roadmap.changes")
    launch = create_launch(LaunchSettings(**settings_of(second, "launch")))
    rates["launch"] = await _road(launch, second, "roadmap.changes", "launch", changes)
    third = await room.servers.fresh()
    launches = await _told(second.database("launch"), "launch", "launch.changes")
    told_to = NotifySettings(**settings_of(third, "notify"))
    await _load_directories(create_notify(told_to))
    rates["notify"] = await _road(create_notify(told_to), third, "launch.changes", "notify", launches)
    return rates


def _observation(portfolio: str, line: bytes) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    envelope = Envelope(
        id=json.loads(line)["id"],
        type=OBSERVATION_TYPE,
        source="/bench",
        subject=PortfolioId(portfolio),
        time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return portfolio.encode(), line, envelope.headers()


async def measure_tutorial(room: Room) -> float:
    """The same observations' features through the tutorial."""
    bodies = [json.loads(line)["feature"] for _, line in build_observations(TUTORIAL_MESSAGES, PORTFOLIOS)]
    records: Records = [(body["ref"].encode(), json.dumps(body).encode(), []) for body in bodies]
    bootstrap = room.servers.broker.bootstrap
    await burst(bootstrap, f"{room.prefix}tutorial.in", records)
    began = perf_counter()
    url = room.database("tutorial").replace("postgresql://", "postgresql+asyncpg://")
    await tutorial.run(bootstrap, url, f"{room.prefix}tutorial.in", f"{room.prefix}tutorial.out", len(records))
    return len(records) / (perf_counter() - began)


async def measure_limit(room: Room) -> float:
    """The bare road: getmany(500), one unnest statement and one commit a batch, produced onwards in batches."""
    records = [_observation(portfolio, line) for portfolio, line in build_observations(MESSAGES, PORTFOLIOS)]
    bootstrap = room.servers.broker.bootstrap
    await burst(bootstrap, f"{room.prefix}roadmap.changes", records)
    began = perf_counter()
    seen = 0
    consumer = AIOKafkaConsumer(
        f"{room.prefix}roadmap.changes",
        bootstrap_servers=bootstrap,
        group_id=f"{room.prefix}limit",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    async with connected(room.database("limit")) as connection:
        await connection.execute("CREATE TABLE seen (ref text, body bytea)")
        while seen < len(records):
            found = [one for part in (await consumer.getmany(timeout_ms=50, max_records=500)).values() for one in part]
            bodies = [one.value for one in found]
            refs = [json.loads(body)["feature"]["ref"] for body in bodies]
            await connection.execute("INSERT INTO seen SELECT * FROM unnest($1::text[], $2::bytea[])", refs, bodies)
            await burst(bootstrap, f"{room.prefix}launch.changes", [(one.key, one.value, []) for one in found])
            await consumer.commit()
            seen += len(found)
    await consumer.stop()
    return len(records) / (perf_counter() - began)


async def main(repetitions: int) -> None:
    """Measure and print."""
    rates: dict[str, list[float]] = {name: [] for name in ("tutorial", "roadmap", "launch", "notify", "bare road")}
    with running_servers() as servers:
        print(f"broker: {servers.broker.description}; database: PostgreSQL {servers.postgres.version}, fsync on")
        for number in range(repetitions):
            rates["tutorial"].append(await measure_tutorial(await servers.fresh()))
            for name, rate in (await measure_roads(await servers.fresh())).items():
                rates[name].append(rate)
            rates["bare road"].append(await measure_limit(await servers.fresh()))
            print(f"repetition {number + 1}: " + ", ".join(f"{name} {of[-1]:.0f}/s" for name, of in rates.items()))
        latency = await measure_latency(servers)
    report(rates)
    print(f"\nHTTP acceptance to inbox at {RATE} observations/s, milliseconds: " + _say(latency))


def _say(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in numbers.items())


def report(rates: dict[str, list[float]]) -> None:
    """Minimum, median and maximum in messages per second, and the median's ratio to the tutorial's."""
    peer = statistics.median(rates["tutorial"])
    print(f"\n{'road':12}{'min':>9}{'median':>9}{'max':>9}   times the tutorial")
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"{name:12}{min(found):9.0f}{median:9.0f}{max(found):9.0f}   {median / peer:.1f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS))
