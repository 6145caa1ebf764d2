"""What only the databases of a house know: what waits inside a service, what a run added, and how long it took.

Reads the tables of several services, which nothing but what runs the whole house may do. It never writes.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.contracts.notify import COVERAGE_CLASSES

_COUNT_STATES = "SELECT state, count(*) AS number FROM observation WHERE portfolio = $1 AND seq > $2 GROUP BY state"
_COUNT_NOTICES = """
SELECT count(*) AS notices, count(DISTINCT person) AS people, count(*) FILTER (WHERE EXISTS
    (SELECT FROM obligation o WHERE o.notice = n.id AND o.state = 'acknowledged')) AS acknowledged
FROM notice n WHERE portfolio = $1 AND heard_revision > $2
"""
_COUNT_CLASSES = "SELECT state, count(*) AS number FROM obligation WHERE portfolio = $1 GROUP BY state"


@dataclass(frozen=True, slots=True)
class RunStart:
    """Where the books stood when a run began: what is later belongs to the run."""

    observation: int
    roadmap: int
    launch: int


@dataclass(frozen=True, slots=True)
class NoticeCounts:
    """How many notices a run made, for how many people, and how many of them are acknowledged."""

    notices: int
    people: int
    acknowledged: int


class Books:
    """Read-only connections to the databases of roadmap, launch and notify."""

    def __init__(self, roadmap: Any, launch: Any, notify: Any) -> None:
        self._roadmap = roadmap
        self._launch = launch
        self._notify = notify

    async def read_run_start(self, portfolio: str) -> RunStart:
        """Where the books stand now."""
        newest = "SELECT coalesce(max(seq), 0) FROM observation WHERE portfolio = $1"
        revision = "SELECT coalesce(max(revision), 0) FROM portfolio WHERE id = $1"
        return RunStart(
            await self._roadmap.fetchval(newest, portfolio),
            await self._roadmap.fetchval(revision, portfolio),
            await self._launch.fetchval(revision, portfolio),
        )

    async def count_pending(self, portfolio: str) -> int:
        """Observations that were accepted and not yet judged."""
        asked = "SELECT count(*) FROM observation WHERE portfolio = $1 AND state = 'received'"
        return int(await self._roadmap.fetchval(asked, portfolio))

    async def count_states(self, portfolio: str, since: RunStart) -> dict[str, int]:
        """The run's observations by what became of them."""
        rows = await self._roadmap.fetch(_COUNT_STATES, portfolio, since.observation)
        return {row["state"]: row["number"] for row in rows}

    async def count_notices(self, portfolio: str, since: RunStart) -> NoticeCounts:
        """The run's notices."""
        row = await self._notify.fetchrow(_COUNT_NOTICES, portfolio, since.launch)
        return NoticeCounts(row["notices"], row["people"], row["acknowledged"])

    async def count_coverage(self, portfolio: str) -> dict[str, int]:
        """The sum of all certificates: who was expected to know, and how many stand in each class."""
        asked = "SELECT coalesce(sum(expected), 0) FROM audience WHERE portfolio = $1"
        expected = int(await self._notify.fetchval(asked, portfolio))
        rows = await self._notify.fetch(_COUNT_CLASSES, portfolio)
        classes = dict.fromkeys(COVERAGE_CLASSES, 0) | {row["state"]: row["number"] for row in rows}
        return {"expected": expected, **classes}

    async def measure_latencies(self, portfolio: str, since: RunStart) -> list[float]:
        """Milliseconds from an observation's acceptance to each notice of its cause being in an inbox."""
        accepted = await self._roadmap.fetch(
            "SELECT cause_id, accepted_at FROM observation WHERE portfolio = $1 AND seq > $2 AND cause_id IS NOT NULL",
            portfolio,
            since.observation,
        )
        stored = await self._notify.fetch(
            "SELECT cause, received_at FROM notice WHERE portfolio = $1 AND heard_revision > $2",
            portfolio,
            since.launch,
        )
        began = {row["cause_id"]: row["accepted_at"] for row in accepted}
        return [
            (row["received_at"] - began[row["cause"]]).total_seconds() * 1000 for row in stored if row["cause"] in began
        ]


@asynccontextmanager
async def open_books(dsns: Mapping[str, str]) -> AsyncIterator[Books]:
    """Connect to the three databases until the block ends."""
    async with AsyncExitStack() as stack:
        opened = {}
        for service, dsn in dsns.items():
            opened[service] = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
            stack.push_async_callback(opened[service].close)
        yield Books(**opened)
