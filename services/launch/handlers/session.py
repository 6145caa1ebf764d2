"""One portfolio in one transaction: decisions in order, each applied at once, all saved and told at the end."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.launch.domain.calendar import Calendar
from services.launch.domain.context import Context
from services.launch.domain.decisions.better_plan import BetterPlan, adopt_better_plan
from services.launch.domain.decisions.clock import on_due
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.decisions.person import Edit, edit
from services.launch.domain.evolution import evolve
from services.launch.domain.portfolio import Due, State
from services.launch.domain.scheduling.request import CHECKER
from services.launch.store.writing import Changes
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import PortfolioId
from shared.runtime.database import PortfolioRow
from shared.runtime.outbox import Announcement
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
