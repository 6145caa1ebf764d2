"""Judging what was accepted: in order within a portfolio, whole batches in one transaction.

What fails is narrowed down to the one observation, which is held with its problem; no other waits behind it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from opentelemetry.trace import SpanKind

from services.roadmap.domain.causes import build_cause, tell
from services.roadmap.domain.reading import read_line
from services.roadmap.domain.roadmap import Judgement, Roadmap, evolve, judge
from services.roadmap.store.observations import (
    JudgedObservation,
    Pending,
    count_waiting,
    find_waiting,
    hold_first,
    load_pending,
    measure_untold,
    save_judged,
)
from services.roadmap.store.roadmaps import Saving, load_roadmap, save
from shared.contracts.roadmap import RoadmapChanged
from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch, Cache, Database, PortfolioRow, is_outage
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Announcement, Outbox
from shared.runtime.process import Heartbeat, Wake
from shared.runtime.telemetry import Telemetry, current_traceparent

PORTFOLIOS_AT_ONCE: Final = 32
ATTEMPTS: Final = 3
LOOK_SECONDS: Final = 0.25
"""Another process may have accepted something: its bell is not heard here."""

logger = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """An observation that was accepted can no longer be read: the rules of reading have become stricter."""


class Judge:
    """Judges accepted observations; one per process."""

    def __init__(self, database: Database, outbox: Outbox, telemetry: Telemetry, batch_size: int) -> None:
        self.bell = Wake()
        self.heartbeat = Heartbeat(30)
        self._database = database
        self._outbox = outbox
        self._telemetry = telemetry
        self._batch_size = batch_size
        self._cache: Cache[Roadmap] = Cache()
        self._count = telemetry.counter("judged_total", "Observations judged, by what became of them.", ("state",))
        self._waiting = telemetry.gauge("observations_waiting", "Observations not judged yet, or held.", ("state",))
        self._untold = telemetry.gauge("untold_seconds", "Age of the oldest observation that nobody was told of.")

    async def run(self) -> None:
        """Judge whatever comes, for ever."""
        while True:
            self.heartbeat.beat()
            if not await self.judge_pending():
                await self.bell.wait(LOOK_SECONDS)

    async def measure(self) -> None:
        """Write the gauges: what waits for the judge, and how old the oldest news is that nobody was told of."""
        async with self._database.reading() as connection:
            self._untold.set(await measure_untold(connection))
            for state, count in (await count_waiting(connection)).items():
                self._waiting.labels(state).set(count)

    async def judge_pending(self) -> int:
        """Judge one batch of every portfolio that has something to judge; returns how many observations that was."""
        async with self._database.reading() as connection:
            portfolios = await find_waiting(connection, PORTFOLIOS_AT_ONCE)
        return await self._judge(portfolios, max(1, self._batch_size // len(portfolios))) if portfolios else 0

    async def judge_all(self, batch: Batch, portfolio: PortfolioId) -> None:
        """Judge everything pending of one locked portfolio, within the caller's transaction."""
        while await self.judge_locked(batch, self._batch_size):
            logger.debug("judged a batch of %s", portfolio)

    async def judge_locked(self, batch: Batch, each: int) -> int:
        """Judge at most `each` observations of each portfolio that the batch has locked."""
        pending = await load_pending(batch.connection, list(batch.portfolios), each)
        if not pending:
            return 0
        failpoint("roadmap.after_claim")
        work = _Work(self._telemetry)
        for portfolio_id, mine in groupby(pending, lambda one: one.portfolio):
            portfolio = batch.portfolios[portfolio_id]
            state = self._cache.take(portfolio) or await load_roadmap(batch.connection, portfolio_id)
            for one in mine:
                work.judge(portfolio, state, one)
            self._cache.keep(batch, portfolio, state)
        await save(batch.connection, work.saving)
        await save_judged(batch.connection, work.judged)
        await self._outbox.add(batch, work.announcements)
        batch.after_commit.append(lambda: self._count_judged(work))
        failpoint("roadmap.after_save")
        return len(pending)

    def _count_judged(self, work: "_Work") -> None:
        for state, number in Counter(one.state for one in work.judged).items():
            self._count.labels(state).inc(number)

    async def _judge(self, portfolios: Sequence[PortfolioId], each: int) -> int:
        try:
            return await self._transaction(portfolios, each)
        except Exception as error:
            if is_outage(error):
                raise
            if len(portfolios) == 1:
                return await self._narrow(portfolios[0], each, error)
        return sum([await self._judge([one], each) for one in portfolios])

    async def _narrow(self, portfolio: PortfolioId, each: int, error: Exception) -> int:
        """Halve the batch until what is before the failing observation is done and that one is alone."""
        for attempt in range(ATTEMPTS + each.bit_length()):
            each //= 2
            try:
                return await self._transaction([portfolio], max(1, each))
            except Exception as again:
                if is_outage(again):
                    raise
                error = again
            if each == 0:
                await asyncio.sleep(0.02 * attempt)
        async with self._database.locked([portfolio]) as batch:
            await hold_first(batch.connection, portfolio, f"{type(error).__name__}: {error}")
        logger.error("held the first observation waiting in %s", portfolio, exc_info=error)
        return 1

    async def _transaction(self, portfolios: Sequence[PortfolioId], each: int) -> int:
        async with self._database.locked(portfolios) as batch:
            count = await self.judge_locked(batch, each)
        failpoint("roadmap.after_commit")
        return count


class _Work:
    """What one batch has decided so far."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.saving = Saving()
        self.judged: list[JudgedObservation] = []
        self.announcements: list[Announcement] = []

    def judge(self, portfolio: PortfolioRow, state: Roadmap, pending: Pending) -> None:
        """Decide on one observation, in its trace."""
        if not self._telemetry.tracing:
            self._decide(portfolio, state, pending)
            return
        with self._telemetry.span("process observation", SpanKind.CONSUMER, parent=pending.traceparent) as span:
            cause_id = self._decide(portfolio, state, pending)
            if cause_id:
                span.set_attribute("inloop.cause_id", cause_id)

    def _decide(self, portfolio: PortfolioRow, state: Roadmap, pending: Pending) -> str | None:
        observation, problem = read_line(pending.body, None)[1:]
        if observation is None:
            raise UnreadableError(str(problem))
        now = portfolio.advance(pending.received_at)
        judgement = judge(state, observation)
        evolve(state, judgement)
        self.saving.add(portfolio.id, pending.seq, judgement)
        if judgement.features or judgement.release:
            portfolio.changed = True  # every process's cached state of this version is now a past one
        if not judgement.changes:
            self._note(pending, portfolio, judgement, None, None)
            return None
        cause = build_cause(pending.source, observation, tell(observation, judgement), pending.received_at)
        message = RoadmapChanged(
            portfolio=portfolio.id, revision=portfolio.raise_revision(), cause=cause, changes=judgement.changes
        )
        kinds = tuple(kind for change in judgement.changes for kind in change.kinds)
        self.announcements.append(Announcement(message, now, kinds, self._create_context(cause.id)))
        self._note(pending, portfolio, judgement, cause.summary, cause.id)
        return cause.id

    def _create_context(self, cause_id: str) -> str | None:
        if not self._telemetry.tracing:
            return None
        with self._telemetry.span("create roadmap.changes", SpanKind.PRODUCER, cause=cause_id):
            return current_traceparent()

    def _note(
        self, pending: Pending, portfolio: PortfolioRow, judgement: Judgement, summary: str | None, cause_id: str | None
    ) -> None:
        kinds = sorted({kind for change in judgement.changes for kind in change.kinds})
        self.judged.append(
            JudgedObservation(
                pending.seq, judgement.verdict, judgement.why, summary, ",".join(kinds), cause_id, portfolio.revision
            )
        )
