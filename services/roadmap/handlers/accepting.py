"""The way in, the same for every door: read each line, keep it, say what became of it. No portfolio is locked here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.reading import Reading, read_line
from services.roadmap.domain.strict_json import MAX_LINE_BYTES, Problem
from services.roadmap.store.observations import NewLine, insert_lines
from shared.contracts.words import PortfolioId
from shared.runtime.database import Database
from shared.runtime.failpoints import failpoint
from shared.runtime.process import Wake
from shared.runtime.telemetry import Telemetry, current_traceparent

DEADLOCK: Final = "40P01"
ATTEMPTS: Final = 5


class Line(NamedTuple):
    """One line, read: where it stood in its request, its bytes, what they mean, and its own trace if it has one."""

    number: int
    body: bytes
    reading: Reading
    traceparent: str | None = None


class Result(NamedTuple):
    """What became of one line."""

    line: int
    id: str | None
    outcome: Literal["accepted", "duplicate", "refused"]
    problem: Problem | None


class Acceptance:
    """Takes lines in for all doors. `bell` wakes whoever judges them."""

    def __init__(self, database: Database, telemetry: Telemetry, bell: Wake, *, time_is_observed: bool) -> None:
        self.database = database
        self.bell = bell
        self.time_is_observed = time_is_observed
        self._count = telemetry.counter("observations_total", "Observations received, by outcome.", ("outcome",))

    def read(self, number: int, body: bytes, now: datetime) -> Line:
        """Read one line as of `now`."""
        return Line(number, body, read_line(body, None if self.time_is_observed else now))

    async def accept(self, portfolio: PortfolioId, source: str, lines: Sequence[Line], now: datetime) -> list[Result]:
        """Keep the lines in one transaction of their own, and wake the judge."""
        for attempt in range(ATTEMPTS):
            try:
                async with self.database.engine.begin() as connection:
                    results = await self.accept_within(connection, portfolio, source, lines, now)
                    failpoint("roadmap.after_raw_insert")
                break
            except DBAPIError as error:
                # Two requests that hold each other's ids in another order; one of them is told to try again.
                if getattr(error.orig, "sqlstate", None) != DEADLOCK or attempt + 1 == ATTEMPTS:
                    raise
        failpoint("roadmap.after_accept")
        self.count(results)
        self.bell.ring()
        return results

    async def accept_within(
        self, connection: AsyncConnection, portfolio: PortfolioId, source: str, lines: Sequence[Line], now: datetime
    ) -> list[Result]:
        """Keep the lines with one statement of a transaction that somebody else commits."""
        if not lines:
            return []
        rows = list(self._rows(lines, now))
        new = await insert_lines(connection, portfolio, source, rows)
        return [
            Result(line.number, row.observation_id, _outcome(row, new), line.reading.problem)
            for line, row in zip(lines, rows, strict=True)
        ]

    def count(self, results: Sequence[Result]) -> None:
        """Count them, once they are durable."""
        for result in results:
            self._count.labels(result.outcome).inc()

    def _rows(self, lines: Sequence[Line], now: datetime) -> list[NewLine]:
        seen: set[str] = set()
        return [self._row(line, now, seen) for line in lines]

    def _row(self, line: Line, now: datetime, seen: set[str]) -> NewLine:
        traceparent = line.traceparent or current_traceparent()
        found_id, observation, problem = line.reading
        if observation is None:
            return NewLine(
                line.number, found_id, None, None, None, line.body[:MAX_LINE_BYTES], now, "refused",
                problem.path if problem else None, str(problem), traceparent,
            )  # fmt: skip
        repeated = observation.id in seen
        seen.add(observation.id)
        return NewLine(
            number=line.number,
            observation_id=observation.id,
            kind=observation.kind,
            ref=observation.ref,
            at=observation.at,
            body=line.body,
            received_at=observation.at if self.time_is_observed else now,
            state="duplicate" if repeated else "received",
            path=None,
            why=None,
            traceparent=traceparent,
        )


def _outcome(row: NewLine, new: set[str]) -> Literal["accepted", "duplicate", "refused"]:
    if row.state == "refused":
        return "refused"
    return "accepted" if row.state == "received" and row.observation_id in new else "duplicate"
