"""Latency at 100 observations a second: from acceptance at the HTTP door to the notice in a person's inbox.

Three processes on real Kafka and PostgreSQL with fsync, as in compose; both ends are the database's own clock.
"""

import asyncio
import json
import statistics
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from shared.runtime.clock import monotonic, system_clock
from tests.bench.history import build_directory, build_observations
from tests.bench.servers import Servers, connected
from tests.faults.house import SERVICES, House, running_house

RATE = 100
SECONDS = 20
WARM_UP = 300


async def measure_latency(servers: Servers) -> dict[str, float]:
    """Milliseconds: p50, p99 and the greatest, over all first notices; and how many there were."""
    room = await servers.fresh()
    with TemporaryDirectory() as folder:
        directory = Path(folder) / "directory.csv"
        directory.write_text(build_directory())
        environments = {
            service: {
                "INLOOP_DATABASE_URL": room.database(service),
                "INLOOP_KAFKA_BOOTSTRAP": servers.broker.bootstrap,
                "INLOOP_TOPIC_PREFIX": room.prefix,
                "INLOOP_DIRECTORY_FILE": str(directory),
                "INLOOP_FETCH_WAIT_MS": "20",
                "INLOOP_LOG_FORMAT": "text",
            }
            for service in SERVICES
        }
        with running_house(environments, Path(folder)) as house:
            await _post_steadily(house)
            await asyncio.to_thread(house.wait_until_quiet)
    return await _read(room.database("roadmap"), room.database("notify"))


async def _post_steadily(house: House) -> None:
    """One request an observation, each at its time, whatever became of those before."""
    start = system_clock() - timedelta(hours=1)
    lines = [json.loads(line) for _, line in build_observations(RATE * SECONDS, 1)]
    limits = httpx2.Limits(max_connections=50)
    async with httpx2.AsyncClient(timeout=30, trust_env=False, limits=limits) as client, asyncio.TaskGroup() as tasks:
        began = monotonic()
        for number, line in enumerate(lines):
            await asyncio.sleep(max(0.0, began + number / RATE - monotonic()))
            body = json.dumps(line | {"at": (start + timedelta(milliseconds=number)).isoformat()})
            tasks.create_task(client.post(house.url("roadmap", "/observations"), content=body))


async def _read(roadmap: str, notify: str) -> dict[str, float]:
    async with connected(roadmap) as connection:
        accepted = await connection.fetch(
            "SELECT cause_id, accepted_at FROM observation WHERE state = 'caused' AND seq > $1", WARM_UP
        )
    async with connected(notify) as connection:
        stored = await connection.fetch("SELECT cause, min(received_at) AS stored_at FROM notice GROUP BY cause")
    at = {row["cause"]: row["stored_at"] for row in stored}
    took = sorted(
        (at[row["cause_id"]] - row["accepted_at"]) / timedelta(milliseconds=1)
        for row in accepted
        if row["cause_id"] in at
    )
    percentiles = statistics.quantiles(took, n=100)
    return {"notices": len(took), "p50": percentiles[49], "p99": percentiles[98], "max": took[-1]}
