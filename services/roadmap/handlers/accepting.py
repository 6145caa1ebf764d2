"""The way in, the same for every door: read each line, keep it, say what became of it. No portfolio is locked here."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.reading import MAX_LINE_BYTES, LineProblem, Reading, read_line
from services.roadmap.store.observations import NewLine, insert_lines
from shared.contracts.words import PortfolioId
from shared.runtime.database import Database
from shared.runtime.failpoints import failpoint
from shared.runtime.process import Wake
from shared.runtime.telemetry import Telemetry, current_traceparent

DEADLOCK: Final = "40P01"
ATTEMPTS: Final = 5
LINES_AT_ONCE: Final = 2000

logger = logging.getLogger(__name__)


class ObservationLine(NamedTuple):
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
    problem: LineProblem | None


class _Request(NamedTuple):
    """What one door wants kept; `done` gets its results, or what went wrong."""

    portfolio: PortfolioId
    source: str
    lines: Sequence[ObservationLine]
    rows: Sequence[NewLine]
    done: asyncio.Future[list[Result]]


class Acceptance:
    """Takes lines in for all doors. `bell` wakes whoever judges them."""

    def __init__(self, database: Database, telemetry: Telemetry, bell: Wake, *, time_is_observed: bool) -> None:
        self.database = database
        self.bell = bell
        self.time_is_observed = time_is_observed
        self._waiting: deque[_Request] = deque()
        self._writing = asyncio.Lock()
        self._count = telemetry.counter("observations_total", "Observations received, by outcome.", ("outcome",))

    def read(self, number: int, body: bytes, now: datetime) -> ObservationLine:
        """Read one line as of `now`."""
        return ObservationLine(number, body, read_line(body, None if self.time_is_observed else now))

    async def accept(
        self, portfolio: PortfolioId, source: str, lines: Sequence[ObservationLine], now: datetime
    ) -> list[Result]:
        """Keep the lines and wake the judge; returns when they are durable.

        Requests that come while another one is being written share the next transaction: a commit costs the same for
        one line as for many, and a flood would else take every connection.
        """
        request = self._request(portfolio, source, lines, now)
        self._waiting.append(request)
        async with self._writing:
            if not request.done.done():
                await self._write(self._take())
        results = await request.done
        failpoint("roadmap.after_accept")
        self.count(results)
        self.bell.ring()
        return results

    def _take(self) -> list["_Request"]:
        """The requests that go into one transaction: the oldest, and those behind it while they are not too many."""
        taken: list[_Request] = []
        lines = 0
        while self._waiting and (not taken or lines + len(self._waiting[0].lines) <= LINES_AT_ONCE):
            taken.append(self._waiting.popleft())
            lines += len(taken[-1].lines)
        return taken

    async def _write(self, requests: Sequence["_Request"]) -> None:
        try:
            answers = await self._commit(requests)
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(requests))  # only who writes was called off, not those who wait
            raise
        except Exception as error:  # noqa: BLE001 - every request is told what happened to its lines
            for request in requests:
                request.done.set_exception(error)
        else:
            for request, results in zip(requests, answers, strict=True):
                request.done.set_result(results)

    async def _commit(self, requests: Sequence["_Request"]) -> list[list[Result]]:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await self._transaction(requests)
            except DBAPIError as error:
                # Two processes that hold each other's ids in another order; one of them is told to try again.
                if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                    raise
                logger.info("a deadlock between two acceptances, attempt %s", attempt + 1)
        return await self._transaction(requests)

    async def _transaction(self, requests: Sequence["_Request"]) -> list[list[Result]]:
        async with self.database.engine.begin() as connection:
            answers: dict[int, list[Result]] = {}
            for mine in _by_sender(requests):
                answers |= zip(map(id, mine), await _insert(connection, mine), strict=True)
            failpoint("roadmap.after_raw_insert")
        return [answers[id(request)] for request in requests]

    async def accept_within(
        self,
        connection: AsyncConnection,
        portfolio: PortfolioId,
        source: str,
        lines: Sequence[ObservationLine],
        now: datetime,
    ) -> list[Result]:
        """Keep the lines with one statement of a transaction that somebody else commits."""
        [results] = await _insert(connection, [self._request(portfolio, source, lines, now)])
        return results

    def _request(
        self, portfolio: PortfolioId, source: str, lines: Sequence[ObservationLine], now: datetime
    ) -> "_Request":
        rows = [self._row(line, now) for line in lines]
        return _Request(portfolio, source, lines, rows, asyncio.get_running_loop().create_future())

    def count(self, results: Sequence[Result]) -> None:
        """Count them, once they are durable."""
        for result in results:
            self._count.labels(result.outcome).inc()

    def _row(self, line: ObservationLine, now: datetime) -> NewLine:
        traceparent = line.traceparent or current_traceparent()
        found_id, observation, problem = line.reading
        if observation is None:
            return NewLine(
                line.number, found_id, None, None, None, line.body[:MAX_LINE_BYTES], now, "refused",
                problem.path if problem else None, str(problem), traceparent,
            )  # fmt: skip
        return NewLine(
            number=line.number,
            observation_id=observation.id,
            kind=observation.kind,
            ref=observation.ref,
            at=observation.at,
            body=line.body,
            received_at=observation.at if self.time_is_observed else now,
            state="received",
            path=None,
            why=None,
            traceparent=traceparent,
        )


def _by_sender(requests: Sequence[_Request]) -> list[list[_Request]]:
    """The requests of each portfolio and source, which share a statement; in order."""
    groups: dict[tuple[PortfolioId, str], list[_Request]] = {}
    for request in requests:
        groups.setdefault((request.portfolio, request.source), []).append(request)
    return list(groups.values())


async def _insert(connection: AsyncConnection, requests: Sequence[_Request]) -> list[list[Result]]:
    """Keep the lines of requests of one portfolio and source; the results of each request."""
    rows = [row for request in requests for row in request.rows]
    if not rows:
        return [[] for _ in requests]
    seen: set[str] = set()
    marked = [_mark_repeated(row, number, seen) for number, row in enumerate(rows, start=1)]
    new = await insert_lines(connection, requests[0].portfolio, requests[0].source, marked)
    outcomes = iter(_outcome(row, new) for row in marked)
    return [
        [Result(line.number, line.reading.id, next(outcomes), line.reading.problem) for line in request.lines]
        for request in requests
    ]


def _mark_repeated(row: NewLine, number: int, seen: set[str]) -> NewLine:
    """Its place in the statement; a duplicate if the same id stands before it there."""
    repeated = row.state == "received" and row.observation_id in seen
    if row.state == "received" and row.observation_id:
        seen.add(row.observation_id)
    return row._replace(number=number, state="duplicate") if repeated else row._replace(number=number)


def _outcome(row: NewLine, new: set[str]) -> Literal["accepted", "duplicate", "refused"]:
    if row.state == "refused":
        return "refused"
    return "accepted" if row.state == "received" and row.observation_id in new else "duplicate"
