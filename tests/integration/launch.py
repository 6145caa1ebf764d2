"""Launch for the tests of its road: the service on a fresh database, fed with roadmap's messages, without a broker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SpanExporter

from services.launch.app import create_app
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.solving import Solving
from services.launch.settings import DEFAULT_POLICY, LaunchSettings
from shared.contracts.envelope import Envelope, derive_ce_id
from shared.contracts.feature import FeatureChange
from shared.contracts.launch import LaunchesChanged
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.roadmap import RoadmapChanged
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import migrate
from shared.runtime.foundation import Foundation, Runtime
from tests.unit.launch.story import START, cause

DEFAULT = PortfolioId("default")
NOWHERE = "127.0.0.1:9"


@dataclass
class House:
    """The service's parts that tests speak to; `now` is what its doors' clock says."""

    app: FastAPI
    client: httpx2.AsyncClient
    foundation: Foundation
    now: list[datetime]

    @property
    def deciding(self) -> Deciding:
        found = self.app.state.deciding
        assert isinstance(found, Deciding)
        return found

    @property
    def solving(self) -> Solving:
        found = self.app.state.solving
        assert isinstance(found, Solving)
        return found

    async def hear(self, *messages: RoadmapChanged, traceparent: str | None = None) -> None:
        """Let roadmap's messages arrive in one batch."""
        records = [record("roadmap.changes", one, one.cause.source.observed_at, traceparent) for one in messages]
        await self.foundation.inboxes["roadmap.changes"].receive(records)

    async def hear_receipts(self, *messages: ReceiptsChanged) -> None:
        records = [record("notify.receipts", one, one.cause.source.observed_at) for one in messages]
        await self.foundation.inboxes["notify.receipts"].receive(records)

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = await self.client.get(f"/launch/api/v1/portfolios/{DEFAULT}/{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(
        self, launch: str, body: Any, status: int | None = 200, if_match: str = "", key: str = ""
    ) -> httpx2.Response:
        """Change a launch; `status` None: any answer will do."""
        path = f"/launch/api/v1/portfolios/{DEFAULT}/launches/{launch}"
        answer = await self.client.patch(path, json=body, headers=_headers(if_match, key))
        assert status in {None, answer.status_code}, answer.text
        return answer

    async def post(self, body: Any, status: int = 201, key: str = "") -> httpx2.Response:
        """Make a launch."""
        path = f"/launch/api/v1/portfolios/{DEFAULT}/launches"
        answer = await self.client.post(path, json=body, headers=_headers("", key))
        assert answer.status_code == status, answer.text
        return answer

    async def told(self, portfolio: str = DEFAULT) -> list[LaunchesChanged]:
        answer = await self.client.get(f"/launch/api/v1/portfolios/{portfolio}/changes?limit=1000")
        return [
            LaunchesChanged.model_validate_json(httpx2.Response(200, json=one).text) for one in answer.json()["items"]
        ]


def _headers(if_match: str, key: str) -> dict[str, str]:
    given = {"if-match": if_match, "idempotency-key": key}
    return {name: value for name, value in given.items() if value}


def changed(revision: int, *changes: FeatureChange, at: datetime = START, portfolio: str = DEFAULT) -> RoadmapChanged:
    """What roadmap says as its nth revision."""
    return RoadmapChanged(
        portfolio=PortfolioId(portfolio), revision=revision, cause=cause(f"{portfolio}-{revision}", at), changes=changes
    )


def record(
    topic: str, message: RoadmapChanged | ReceiptsChanged, at: datetime, traceparent: str | None = None
) -> Record:
    """The message as it lies in the topic."""
    envelope = Envelope(
        id=derive_ce_id(topic, message.cause.id, message.revision, 1),
        type=message.TYPE,
        source="/test",
        subject=message.portfolio,
        time=at,
        cause_id=message.cause.id,
        revision=message.revision,
        traceparent=traceparent,
    )
    headers: Sequence[tuple[str, bytes]] = envelope.headers()
    return Record(
        topic, 0, message.revision, message.portfolio.encode(), tuple(headers), message.model_dump_json().encode()
    )


@asynccontextmanager
async def open_house(
    url: str, now: datetime = START, exporter: SpanExporter | None = None, policy_file: Path = DEFAULT_POLICY
) -> AsyncIterator[House]:
    """The service with its schema in place, its doors open, and nothing running in the background."""
    settings = LaunchSettings(
        database_url=url, kafka_bootstrap=NOWHERE, time_source="observations", policy_file=policy_file
    )
    clock = [now]
    app = create_app(settings, Runtime(clock=lambda: clock[0], exporter=exporter))
    foundation: Foundation = app.state.foundation
    await migrate(foundation.database.engine, foundation.migrations)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://launch.test") as client:
        try:
            yield House(app, client, foundation, clock)
        finally:
            app.state.solving.close()
            await foundation.database.close()
            foundation.telemetry.close()
