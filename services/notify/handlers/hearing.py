"""What notify does with the messages of launch: a whole batch in one transaction with few statements."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.notify.domain.audience import Router, RoutingPolicy
from services.notify.domain.hearing import Decision, SubjectKey, SubjectState, decide, key_of
from services.notify.domain.news import CauseNews
from services.notify.store.audiences import (
    count_roadmap,
    load_subjects,
    load_unreachable,
    save_audiences,
    save_causes_heard,
    save_notices,
    save_obligations,
)
from services.notify.store.directories import current_ids, load_directory
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.database import Batch, Cache
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Announcement, Outbox
from shared.runtime.process import Wake
from shared.runtime.telemetry import Telemetry, current_traceparent

KEPT_SUBJECTS = 20_000
KEPT_DIRECTORIES = 64


@dataclass(frozen=True, slots=True)
class LaunchMessage:
    """One message of launch in our own words, with its time and the trace it belongs to."""

    cause_news: CauseNews
    time: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides beside the message: the policy, the domain of our Message-IDs, and who acknowledges by itself."""

    policy: RoutingPolicy
    mail_domain: str
    acknowledge_at_once: bool


@dataclass(slots=True)
class CachedPortfolio:
    """What is known of one portfolio at one version; every act that changes any of it raises the version."""

    router: Router
    unreachable: dict[PersonId, str]
    roadmap_revision: int
    subjects: dict[SubjectKey, SubjectState] = field(default_factory=dict)


@dataclass(slots=True)
class TracedDecision:
    """One decision with the traces of what is told and of the notices."""

    decision: Decision
    announcement: Announcement
    traceparent: str | None


class Hearing:
    """Handles batches of messages; keeps what it knows of each portfolio in memory."""

    def __init__(self, outbox: Outbox, telemetry: Telemetry, rules: Rules, wake: Wake) -> None:
        self._outbox = outbox
        self._telemetry = telemetry
        self._rules = rules
        self._wake = wake
        self._cache: Cache[CachedPortfolio] = Cache()
        self._routers: dict[str, Router] = {}

    async def handle(self, batch: Batch, messages: Sequence[LaunchMessage]) -> None:
        """Decide on all messages in order, save everything, tell the others once per message."""
        known = await self._load(batch, messages)
        heard_before = {portfolio: one.roadmap_revision for portfolio, one in known.items()}
        traced = [self._decide(batch, known[message.cause_news.portfolio], message) for message in messages]
        decisions = [one.decision for one in traced]
        failpoint("notify.after_decide")
        await save_causes_heard(batch.connection, decisions, heard_before)
        directories = {portfolio: one.router.directory.id for portfolio, one in known.items()}
        await save_audiences(batch.connection, decisions, self._rules.policy.id, directories)
        await save_obligations(batch.connection, decisions)
        await save_notices(batch.connection, decisions, [one.traceparent for one in traced], self._rules.mail_domain)
        await self._outbox.add(batch, [one.announcement for one in traced])
        for portfolio, one in known.items():
            self._cache.keep(batch, batch.portfolios[portfolio], one)
        batch.after_commit.append(self._wake.ring)

    def _decide(self, batch: Batch, known: CachedPortfolio, message: LaunchMessage) -> TracedDecision:
        if not self._telemetry.tracing:
            return self._decide_in_trace(batch, known, message, None)
        cause = message.cause_news.cause.id
        with self._telemetry.span("process launch.changes", SpanKind.CONSUMER, parent=message.traceparent, cause=cause):
            return self._decide_in_trace(batch, known, message, current_traceparent())

    def _decide_in_trace(
        self, batch: Batch, known: CachedPortfolio, message: LaunchMessage, traceparent: str | None
    ) -> TracedDecision:
        portfolio = batch.portfolios[message.cause_news.portfolio]
        cause = message.cause_news.cause
        now = portfolio.advance(message.time)
        at_once = cause.source.observed_at if self._rules.acknowledge_at_once else None
        decision = decide(
            known.subjects, message.cause_news, known.router, known.unreachable, now, acknowledge_at=at_once
        )
        known.roadmap_revision += not cause.id.startswith("launch:")
        traced = traceparent is not None
        with self._telemetry.span("create notify.receipts", SpanKind.PRODUCER) if traced else nullcontext():
            announcement = Announcement(
                decision.message(portfolio.raise_revision()),
                now,
                tuple({one.state for one in (*decision.superseded, *decision.opened)}),
                current_traceparent() if traced else None,
            )
        return TracedDecision(decision, announcement, traceparent)

    async def _load(self, batch: Batch, messages: Sequence[LaunchMessage]) -> dict[PortfolioId, CachedPortfolio]:
        wanted: dict[PortfolioId, set[SubjectKey]] = {}
        for message in messages:
            keys = wanted.setdefault(message.cause_news.portfolio, set())
            keys.update(key_of(news.subject) for news in message.cause_news.news)
        known = {portfolio: self._cache.take(batch.portfolios[portfolio]) for portfolio in wanted}
        loaded = await self._load_unknown(batch, [portfolio for portfolio, one in known.items() if one is None])
        complete = {portfolio: one or loaded[portfolio] for portfolio, one in known.items()}
        missing = {portfolio: keys - complete[portfolio].subjects.keys() for portfolio, keys in wanted.items()}
        for portfolio, subjects in (await load_subjects(batch.connection, missing)).items():
            one = complete[portfolio]
            if len(one.subjects) > KEPT_SUBJECTS:
                one.subjects = {key: kept for key, kept in one.subjects.items() if key in wanted[portfolio]}
            one.subjects.update(subjects)
        return complete

    async def _load_unknown(
        self, batch: Batch, portfolios: Iterable[PortfolioId]
    ) -> dict[PortfolioId, CachedPortfolio]:
        ids = list(portfolios)
        if not ids:
            return {}
        directories = await current_ids(batch.connection, ids)
        unreachable = await load_unreachable(batch.connection, ids)
        counts = await count_roadmap(batch.connection, ids)
        return {
            portfolio: CachedPortfolio(
                await self._router(batch, portfolio, directories[portfolio]),
                unreachable.get(portfolio, {}),
                counts[portfolio],
            )
            for portfolio in ids
        }

    async def _router(self, batch: Batch, portfolio: PortfolioId, directory: str) -> Router:
        """Directories are named by their content, so what is kept here can never be out of date."""
        if directory not in self._routers:
            if len(self._routers) >= KEPT_DIRECTORIES:
                self._routers.clear()
            loaded = await load_directory(batch.connection, portfolio, directory)
            self._routers[directory] = Router(loaded, self._rules.policy)
        return self._routers[directory]
