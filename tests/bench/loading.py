"""How long a portfolio of ten thousand launches takes to be loaded and planned: python -m tests.bench.loading [COUNT].

From PostgreSQL with fsync to a planner that can answer, against merely fetching the same rows, in one run.
"""

import asyncio
import statistics
import sys
from datetime import timedelta
from time import perf_counter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.postgres import EmbeddedPostgres
from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.scheduling.engine_state import engine_state_of
from services.launch.settings import DEFAULT_POLICY, load_policy
from services.launch.store.writing import Changes, load_state, save
from shared.contracts.words import LaunchId
from shared.runtime.database import Database
from shared.runtime.process import collect_garbage_rarely
from tests.integration.launch import DEFAULT, open_house
from tests.unit.launch.story import MEDIUM, START, Story

MANY = 10_000
REPETITIONS = 5
FOUR_TEAMS = DEFAULT_POLICY.parent / "policies" / "four_teams.yaml"
_ROWS = "SELECT CAST(body AS text) FROM {} WHERE portfolio = :portfolio ORDER BY id"


async def store_launches(database: Database, count: int = MANY) -> None:
    """So many launches of two segments and up to two regions, each with a feature of its own, over two years."""
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    launch, known = story.stored("L-A"), story.state.features["A"]
    changes = Changes()
    for number in range(count):
        feature = f"F-{number}"
        day = START.date() + timedelta(days=40 + number % 700)
        carried = launch.snapshot.features[0].model_copy(update={"id": feature})
        update = {
            "id": LaunchId(f"L-{number}"),
            "date": day,
            "features": (carried,),
            "segments": (f"segment {number % 50}",),
            "regions": ("us", "de")[: number % 3],
        }
        snapshot = launch.snapshot.model_copy(update=update)
        changes.launches[DEFAULT, snapshot.id] = launch.model_copy(update={"snapshot": snapshot, "number": number + 1})
        described = known.snapshot.model_copy(update={"id": feature, "ref": feature})
        changes.features[DEFAULT, feature] = known.model_copy(update={"snapshot": described})
    async with database.locked([DEFAULT]) as batch:
        await save(batch, changes)


async def fetch_rows(connection: AsyncConnection) -> int:
    """The same rows as text, and nothing made of them: what the database and the driver take."""
    rows = 0
    for table in ("feature", "launch"):
        rows += len((await connection.execute(sa.text(_ROWS.format(table)), {"portfolio": DEFAULT})).all())
    return rows


async def measure(database: Database, calendar: Calendar) -> dict[str, float]:
    """Seconds for the rows alone, for the state, and for the planner on it."""
    async with database.reading() as connection:
        began = perf_counter()
        await fetch_rows(connection)
        fetched = perf_counter()
        state = await load_state(connection, DEFAULT)
        loaded = perf_counter()
    resident = engine_state_of(state, Context(calendar, START))
    built = perf_counter()
    if len(resident.entries) != len(state.launches):
        raise RuntimeError(f"{len(resident.entries)} of {len(state.launches)} launches have a place in the planner")
    return {"rows": fetched - began, "state": loaded - fetched, "planner": built - loaded, "both": built - fetched}


async def main(count: int = MANY) -> None:
    """Measure and print."""
    found: list[dict[str, float]] = []
    with EmbeddedPostgres() as postgres:
        async with open_house(postgres.ensure_database("loading"), policy_file=FOUR_TEAMS) as house:
            database = house.foundation.database
            await store_launches(database, count)
            collect_garbage_rarely()
            for _ in range(REPETITIONS):
                found.append(await measure(database, Calendar(load_policy(FOUR_TEAMS))))  # noqa: PERF401 - one by one
    middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
    print(
        f"{count} launches: the rows alone {middle['rows']:.2f} s, the state {middle['state']:.2f} s, the planner"
        f" {middle['planner']:.2f} s; loaded and planned in {middle['both']:.2f} s,"
        f" {middle['both'] / middle['rows']:.1f} times the rows alone"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY))
