"""What notify does with the messages of launch: a whole batch in one transaction with few statements."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.notify.domain.audience import Router
from services.notify.domain.hearing import Decision, SubjectKey, decide, key_of
from services.notify.domain.news import Heard
from services.notify.domain.routing import RoutingPolicy
from services.notify.store.audiences import (
    Standings,
    count_roadmap,
    load_standing,
    load_unreachable,
    save_audiences,
    save_heard,
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
class Message:
    """One message of launch in our own words, with its time and the trace it belongs to."""

    heard: Heard
    time: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides beside the message: the policy, the domain of our Message-IDs, and who acknowledges by itself."""

    policy: RoutingPolicy
    mail_domain: str
    acknowledge_at_once: bool


@dataclass(slots=True)
class Known:
    """What is known of one portfolio at one version; every act that changes any of it raises the version."""

    router: Router
    unreachable: dict[PersonId, str]
    roadmap_revision: int
    standing: Standings = field(default_factory=dict)


@dataclass(slots=True)
class Told:
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
        self._cache: Cache[Known] = Cache()
        self._routers: dict[str, Router] = {}

    async def handle(self, batch: Batch, messages: Sequence[Message]) -> None:
        """Decide on all messages in order, save everything, tell the others once per message."""
        known = await self._load(batch, messages)
        heard_before = {portfolio: one.roadmap_revision for portfolio, one in known.items()}
        told = [self._decide(batch, known[message.heard.portfolio], message) for message in messages]
        decisions = [one.decision for one in told]
        failpoint("notify.after_decide")
        await save_heard(batch.connection, decisions, heard_before)
        directories = {portfolio: one.router.directory.id for portfolio, one in known.items()}
        await save_audiences(batch.connection, decisions, self._rules.policy.id, directories)
        await save_obligations(batch.connection, decisions)
        await save_notices(batch.connection, decisions, [one.traceparent for one in told], self._rules.mail_domain)
        await self._outbox.add(batch, [one.announcement for one in told])
        for portfolio, one in known.items():
            self._cache.keep(batch, batch.portfolios[portfolio], one)
        batch.after_commit.append(self._wake.ring)

    def _decide(self, batch: Batch, known: Known, message: Message) -> Told:
        if not self._telemetry.tracing:
            return self._told(batch, known, message, None)
        cause = message.heard.cause.id
        with self._telemetry.span("process launch.changes", SpanKind.CONSUMER, parent=message.traceparent, cause=cause):
            return self._told(batch, known, message, current_traceparent())

    def _told(self, batch: Batch, known: Known, message: Message, traceparent: str | None) -> Told:
        portfolio = batch.portfolios[message.heard.portfolio]
        cause = message.heard.cause
        now = portfolio.advance(message.time)
        at_once = cause.source.observed_at if self._rules.acknowledge_at_once else None
        decision = decide(known.standing, message.heard, known.router, known.unreachable, now, acknowledge_at=at_once)
        known.roadmap_revision += not cause.id.startswith("launch:")
        traced = traceparent is not None
        with self._telemetry.span("create notify.receipts", SpanKind.PRODUCER) if traced else nullcontext():
            announcement = Announcement(
                decision.message(portfolio.raise_revision()),
                now,
                tuple({one.state for one in (*decision.superseded, *decision.opened)}),
                current_traceparent() if traced else None,
            )
        return Told(decision, announcement, traceparent)

    async def _load(self, batch: Batch, messages: Sequence[Message]) -> dict[PortfolioId, Known]:
        wanted: dict[PortfolioId, set[SubjectKey]] = {}
        for message in messages:
            keys = wanted.setdefault(message.heard.portfolio, set())
            keys.update(key_of(news.subject) for news in message.heard.news)
        known = {portfolio: self._cache.take(batch.portfolios[portfolio]) for portfolio in wanted}
        loaded = await self._load_unknown(batch, [portfolio for portfolio, one in known.items() if one is None])
        complete = {portfolio: one or loaded[portfolio] for portfolio, one in known.items()}
        missing = {portfolio: keys - complete[portfolio].standing.keys() for portfolio, keys in wanted.items()}
        for portfolio, standing in (await load_standing(batch.connection, missing)).items():
            one = complete[portfolio]
            if len(one.standing) > KEPT_SUBJECTS:
                one.standing = {key: kept for key, kept in one.standing.items() if key in wanted[portfolio]}
            one.standing.update(standing)
        return complete

    async def _load_unknown(self, batch: Batch, portfolios: Iterable[PortfolioId]) -> dict[PortfolioId, Known]:
        ids = list(portfolios)
        if not ids:
            return {}
        directories = await current_ids(batch.connection, ids)
        unreachable = await load_unreachable(batch.connection, ids)
        counts = await count_roadmap(batch.connection, ids)
        return {
            portfolio: Known(
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
