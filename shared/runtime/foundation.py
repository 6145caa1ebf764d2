"""What one service stands on, wired once: database, outbox and relay, readers, telemetry; started and stopped in order.

Stop: not ready, stop intake, finish what is in flight, close. Kafka being away does not keep a service from
starting: the outbox holds what it has to tell.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from aiokafka.errors import KafkaError
from opentelemetry.sdk.trace.export import SpanExporter

from shared.contracts.envelope import M
from shared.contracts.words import PortfolioId
from shared.runtime.broker import (
    STOP_TIMEOUT_SECONDS,
    Progress,
    Receive,
    check_subscribers,
    create_broker,
    ensure_topics,
    subscribe,
)
from shared.runtime.clock import Clock, system_clock
from shared.runtime.database import Database, migrate
from shared.runtime.failpoints import arm
from shared.runtime.inbox import Handle, Inbox, count_parked, due_for_retry
from shared.runtime.outbox import Outbox, Relay, count_unpublished
from shared.runtime.process import Process, collect_garbage_rarely
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import Telemetry

TOPICS = ("roadmap.inbound", "roadmap.changes", "launch.changes", "notify.receipts")

Prepare = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a process gives to every service in it.

    Attributes:
        clock: for doors and timers; never for handlers.
        progress: shared by all services of one process when the broker is the embedded one.
        exporter: for spans, in tests; otherwise the environment's.
    """

    clock: Clock = system_clock
    progress: Progress | None = None
    exporter: SpanExporter | None = None


class Foundation:
    """One service's plumbing. Build it, `hear` what the service listens to, then `start`; `stop` undoes it.

    Args:
        service: roadmap, launch or notify.
        settings: the process's.
        topic: what the service's outbox goes to.
        migrations: the folder of its Alembic migrations.
        runtime: what the process gives.
    """

    def __init__(
        self,
        service: str,
        settings: RuntimeSettings,
        topic: str,
        migrations: Path,
        runtime: Runtime,
    ) -> None:
        self.service = service
        self.settings = settings
        self.clock = runtime.clock
        self.migrations = migrations
        self.telemetry = Telemetry(service, runtime.exporter)
        self.database = Database(settings.database_url)
        self.outbox = Outbox(service, topic)
        self.process = Process(service)
        self.inboxes: dict[str, Inbox[Any]] = {}
        self._progress = runtime.progress
        self._broker = create_broker(settings)
        self._relay = Relay(self.outbox, settings, self.telemetry, self._progress)
        self._consuming = False
        self.needs_kafka = True
        """Whether the service cannot do its job while Kafka is away; ingress can: its outbox holds what is told."""
        self.prepare: Prepare | None = None
        """Run by `start` when the schema is there and before the first message is read."""

    def hear(self, topic: str, model: type[M], handle: Handle[M], teller_url: str) -> None:
        """Listen to another service's topic; whatever is missing is asked for at `teller_url`."""
        teller = topic.partition(".")[0]

        async def ask_again(portfolio: PortfolioId, first: int, last: int) -> None:
            await self._ask(f"{teller_url}/{teller}/api/v1/portfolios/{portfolio}/republish", first, last)

        inbox = Inbox(self.database, topic, model, handle, ask_again, self.telemetry)
        self.inboxes[topic] = inbox
        self.listen(topic, inbox.receive)

    def listen(self, topic: str, receive: Receive) -> None:
        """Listen to a topic that is not ours (no revisions): `receive` gets the raw records of a batch."""
        subscribe(self._broker, self.settings, self.service, topic, receive, self._progress)

    async def start(self) -> None:
        """Bring the schema up to date and start everything that runs in the background."""
        if self.settings.failpoints:
            arm(self.settings.failpoints)
        await migrate(self.database.engine, self.migrations)
        if self.prepare:
            await self.prepare()
        self.process.checks |= {
            "database": self.database.ping,
            "relay": self._relay.check,
        }
        self.process.supervise("relay", self._relay.run)
        self.process.every(5, "gauges", self._measure)
        if self._broker.subscribers:
            check_subscribers(self._broker)
            if self.needs_kafka:
                self.process.checks["consumers"] = self._check_consumers
            self.process.supervise("consumers", self._consume)
        for inbox in self.inboxes.values():
            self.process.every(5, f"gaps of {inbox.topic}", inbox.ask_for_gaps)
            self.process.every(5, f"parked of {inbox.topic}", partial(self._retry_parked, inbox))
        collect_garbage_rarely()
        self.process.started = True

    async def stop(self) -> None:
        """Stop intake, let what is in flight finish, then close."""
        self.process.stopping = True
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):  # it can hang without Kafka (docs/explanation/traps.md)
                await self._broker.stop()
        await self.process.stop()
        await self.database.close()
        self.telemetry.close()

    async def _consume(self) -> None:
        try:
            await ensure_topics(self.settings, TOPICS)
            async with self._progress.starting if self._progress else nullcontext():
                await self._broker.start()
        except (KafkaError, OSError) as error:
            logger.warning("%s: Kafka is away (%s); trying again", self.service, error)
            return
        self._consuming = True
        await asyncio.Event().wait()  # until cancelled

    async def _measure(self) -> None:
        async with self.database.reading() as connection:
            self.telemetry.unpublished.set(await count_unpublished(connection))
            self.telemetry.parked.set(await count_parked(connection))

    async def _check_consumers(self) -> None:
        if not self._consuming:
            raise RuntimeError("Kafka is away; no topic is being read")

    async def _retry_parked(self, inbox: Inbox[Any]) -> None:
        for portfolio in await due_for_retry(self.database, inbox.topic):
            await inbox.unpark(portfolio)

    async def _ask(self, url: str, first: int, last: int) -> None:
        token = self.settings.api_token
        headers = {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        try:
            async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
                answer = await client.post(url, json={"from": first, "to": last}, headers=headers)
                answer.raise_for_status()
        except httpx2.HTTPError as error:
            logger.warning("%s: could not ask %s again: %s", self.service, url, error)
