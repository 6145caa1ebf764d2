"""Every decided write of launch: causes of roadmap in batches, a person's act, the clock. One transaction each.

`PortfolioSession` is one locked portfolio in it: decisions in order, each applied at once, all saved and told at the
end.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from opentelemetry.trace import SpanKind

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.decisions.better_plan import BetterPlan, adopt_better_plan
from services.launch.domain.decisions.clock import on_due
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.decisions.person import Edit, derive_person_cause_id, edit
from services.launch.domain.launch import Launch, differences
from services.launch.domain.portfolio import Due, State, evolve
from services.launch.domain.scheduling.request import CHECKER
from services.launch.handlers.seen import Seen, StaleEditError
from services.launch.store.reading import find_told, find_version
from services.launch.store.receipts import ReceiptRow, save_receipts
from services.launch.store.writing import Changes, load_state, save
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import LaunchId, PortfolioId
from shared.runtime.database import Batch, Cache, Database, PortfolioRow
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Announcement, Outbox
from shared.runtime.telemetry import Telemetry, current_traceparent

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoadmapCause:
    """One cause of roadmap, in our own words."""

    portfolio: PortfolioId
    roadmap_revision: int
    cause: Cause
    changes: tuple[FeatureChange, ...]
    at: datetime
    traceparent: str | None


@dataclass(slots=True)
class PortfolioSession:
    """A locked portfolio with its state, and what its decisions have said so far."""

    row: PortfolioRow
    state: State
    calendar: Calendar
    telemetry: Telemetry
    changes: Changes
    announcements: list[Announcement] = field(default_factory=list)

    def hear(self, heard: RoadmapCause) -> None:
        """Decide on a cause of roadmap; timers that its time has passed go off first."""
        self.fire(heard.at)
        now = self.row.advance(heard.at)
        context = Context(self.calendar, now)
        with self._process(heard.cause.id, heard.traceparent):
            told = self._say(
                lambda revision: on_feature_changed(self.state, heard.cause, heard.changes, context, revision), now
            )
        self.changes.heard.append(
            {
                "portfolio": heard.portfolio,
                "roadmap_revision": heard.roadmap_revision,
                "cause_id": heard.cause.id,
                "told_revision": told.revision,
            }
        )

    def edit(self, command: Edit, at: datetime) -> LaunchesChanged:
        """Decide on a person's act.

        Raises:
            RefusedError: it cannot be done; nothing has changed.
        """
        now = self.row.advance(at)
        context = Context(self.calendar, now)
        return self._say(lambda revision: edit(self.state, command, context, revision), now)

    def act(self, decide: Callable[[Context, int], LaunchesChanged], at: datetime) -> LaunchesChanged:
        """Decide on a person's word about a plan; raises RefusedError, and then nothing has changed."""
        now = self.row.advance(at)
        context = Context(self.calendar, now)
        return self._say(lambda revision: decide(context, revision), now)

    def take_over(self, better: BetterPlan, at: datetime) -> LaunchesChanged | None:
        """Decide on a better plan for a proposal; None if it no longer holds, and then nothing has changed."""
        context = Context(self.calendar, max(at, self.row.now or at))
        message = adopt_better_plan(self.state, better, context, self.row.revision + 1)
        return self._say(lambda _: message, self.row.advance(at)) if message else None

    def fire(self, until: datetime) -> None:
        """Let every timer go off that is due by then, each at its own time, by (due_at, id)."""
        while due := self.state.next_due(max(until, self.row.now or until), self.calendar):
            now = self.row.advance(due.due_at)
            self._fire(due, now)

    def _fire(self, due: Due, now: datetime) -> None:
        context = Context(self.calendar, now)
        with self._process(None, None):
            self._say(lambda revision: on_due(self.state, due, context, revision), now)

    def _say(self, decide: Callable[[int], LaunchesChanged], now: datetime) -> LaunchesChanged:
        message = decide(self.row.revision + 1)
        self.row.raise_revision()
        evolve(self.state, message, now, self.calendar)
        self.changes.note(self.state, message, now)
        for conflict in message.conflicts:
            if conflict.constraint == CHECKER:
                logger.error("%s, %s: %s", message.portfolio, message.cause.id, conflict.detail)
        kinds = tuple(dict.fromkeys(kind for change in message.changes for kind in change.kinds))
        with self._create(message.cause.id) as traceparent:
            self.announcements.append(Announcement(message, now, kinds, traceparent))
        return message

    @contextmanager
    def _process(self, cause: str | None, parent: str | None) -> Iterator[None]:
        if not self.telemetry.tracing:
            yield
            return
        with self.telemetry.span("process roadmap.changes", SpanKind.CONSUMER, parent=parent, cause=cause):
            yield

    @contextmanager
    def _create(self, cause: str) -> Iterator[str | None]:
        if not self.telemetry.tracing:
            yield None
            return
        with self.telemetry.span("create launch.changes", SpanKind.PRODUCER, cause=cause):
            yield current_traceparent()


T = TypeVar("T")


class Deciding:
    """Decisions on this service's database; keeps the states of the portfolios it has seen in memory."""

    def __init__(self, database: Database, outbox: Outbox, telemetry: Telemetry, calendar: Calendar) -> None:
        self.database = database
        self.calendar = calendar
        self._outbox = outbox
        self._telemetry = telemetry
        self._cache: Cache[State] = Cache()

    async def hear(self, batch: Batch, heard: Sequence[RoadmapCause]) -> None:
        """Decide on causes of roadmap, in order; the portfolios are locked by the batch."""
        changes = Changes()
        sessions: dict[PortfolioId, PortfolioSession] = {}
        for cause in heard:
            if cause.portfolio not in sessions:
                sessions[cause.portfolio] = await self._open(batch, cause.portfolio, changes)
            sessions[cause.portfolio].hear(cause)
        failpoint("launch.after_decide")
        await self._finish(batch, list(sessions.values()), changes)

    async def edit(self, portfolio: PortfolioId, command: Edit, at: datetime, seen: Seen | None = None) -> Launch:
        """Carry out a person's act; the same request again changes nothing more.

        Raises:
            RefusedError: it cannot be done.
            StaleEditError: the launch is not what the person saw.
        """
        problem: Exception | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            try:
                launch = await self._edit(batch, session, command, at, seen)
            except (RefusedError, StaleEditError) as error:  # the timers that went off stay decided
                problem = error
            await self._finish(batch, [session], changes)
        if problem:
            raise problem
        return launch

    async def act(
        self,
        portfolio: PortfolioId,
        request: str,
        decide: Callable[[State, Context, int], LaunchesChanged],
        at: datetime,
    ) -> LaunchesChanged | None:
        """Carry out a person's word about a plan; None: this request was carried out before.

        Raises:
            RefusedError: it cannot be done.
        """
        problem: RefusedError | None = None
        message: LaunchesChanged | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            if await find_told(batch.connection, portfolio, derive_person_cause_id(request)) is None:
                try:
                    message = session.act(lambda context, revision: decide(session.state, context, revision), at)
                except RefusedError as error:  # the timers that went off stay decided
                    problem = error
            await self._finish(batch, [session], changes)
        if problem:
            raise problem
        return message

    async def take_over(self, portfolio: PortfolioId, better: BetterPlan, at: datetime) -> LaunchesChanged | None:
        """Replace a proposal by the better one that was found; None: it no longer holds, and nothing is told."""
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            message = session.take_over(better, at)
            await self._finish(batch, [session], changes)
        return message

    async def query_locked(self, portfolio: PortfolioId, ask: Callable[[State], T]) -> T:
        """Ask something of the state as it is, which stays as it was: what would happen, and what keeps a day free.

        Raises:
            RefusedError: the question's own refusal.
        """
        problem: RefusedError | None = None
        async with self.database.locked([portfolio]) as batch:
            row = batch.portfolios[portfolio]
            state = self._cache.take(row) or await load_state(batch.connection, portfolio)
            try:
                answer = ask(state)
            except RefusedError as error:  # the state stays in memory, for whoever comes next
                problem = error
            self._cache.keep(batch, row, state)
        if problem:
            raise problem
        return answer

    async def fire(self, portfolio: PortfolioId, now: datetime) -> int:
        """Let the timers of a portfolio go off that are due; returns how many did."""
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(now)
            await self._finish(batch, [session], changes)
        return len(session.announcements)

    async def keep_receipts(self, batch: Batch, receipts: Sequence[ReceiptRow]) -> None:
        """Keep who knows; raises no revision."""
        await save_receipts(batch, receipts)

    async def _edit(
        self, batch: Batch, session: PortfolioSession, command: Edit, at: datetime, seen: Seen | None
    ) -> Launch:
        portfolio = session.row.id
        told = await find_told(batch.connection, portfolio, derive_person_cause_id(command.request))
        if told is not None:
            return _find_again(session.state, command)
        launch = session.state.launches.get(command.launch) if command.launch else None
        if launch and seen and not seen.is_still(launch):
            raise StaleEditError(launch, await self._differences(batch, portfolio, launch, seen))
        message = session.edit(command, at)
        return session.state.launches[
            message.changes[0].launch.id if message.changes else LaunchId(command.launch or "")
        ]

    async def _differences(
        self, batch: Batch, portfolio: PortfolioId, launch: Launch, seen: Seen
    ) -> list[dict[str, object]]:
        before = await find_version(batch.connection, portfolio, launch.id, seen.revision, seen.version)
        return differences(before.launch, launch.snapshot) if before else []

    async def _open(self, batch: Batch, portfolio: PortfolioId, changes: Changes) -> PortfolioSession:
        row = batch.portfolios[portfolio]
        state = self._cache.take(row) or await load_state(batch.connection, portfolio)
        return PortfolioSession(row, state, self.calendar, self._telemetry, changes)

    async def _finish(self, batch: Batch, sessions: Sequence[PortfolioSession], changes: Changes) -> None:
        await save(batch, changes)
        await self._outbox.add(batch, [announcement for session in sessions for announcement in session.announcements])
        for session in sessions:
            self._cache.keep(batch, session.row, session.state)


def _find_again(state: State, command: Edit) -> Launch:
    """The launch that a repeated request was about."""
    if command.launch:
        return state.launches[command.launch]
    first = (command.features or ("",))[0]
    launches = [state.launches[name] for name in state.of_feature.get(first, ())]
    return max(launches, key=lambda launch: (launch.changed_at, launch.id))
