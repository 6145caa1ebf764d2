"""Roadmap without Kafka for tests: its app over ASGI, its judge called by hand, so that nothing runs by itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SpanExporter

from services.roadmap import app as roadmap_app
from services.roadmap.handlers.judging import Judge
from shared.runtime.database import Database, migrate
from shared.runtime.foundation import Foundation, Runtime
from shared.runtime.settings import RuntimeSettings
from tests.servers.fixtures import FreshDatabase

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


def feature(ref: str = "F-1", *, minute: int = 0, id: str = "", **told: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    """A native observation of a feature, `minute` minutes after 08:00 of the tests' day."""
    at = NOW - timedelta(hours=1) + timedelta(minutes=minute)
    values = {"ref": ref, "title": "Dark mode", "status": "planned", **told}
    return {"id": id or f"{ref}@{minute}", "at": at.isoformat(), "feature": values}


def release(name: str, on: str, *, minute: int = 0) -> dict[str, Any]:
    """A native observation of a release."""
    at = NOW - timedelta(hours=1) + timedelta(minutes=minute)
    return {"id": f"{name}@{minute}", "at": at.isoformat(), "release": {"name": name, "planned_on": on}}


def lines(*observations: dict[str, Any]) -> bytes:
    """As a file or a bulk request holds them."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in observations)


async def prepare(dsn: str) -> None:
    """Make roadmap's tables."""
    database = Database(RuntimeSettings(database_url=dsn, kafka_bootstrap="unused").database_url)
    await migrate(database.engine, roadmap_app.HERE / "migrations")
    await database.close()


@dataclass
class House:
    """What a test holds in its hands."""

    app: FastAPI
    http: httpx2.AsyncClient
    now: list[datetime] = field(default_factory=lambda: [NOW])

    @property
    def foundation(self) -> Foundation:
        found: Foundation = self.app.state.foundation
        return found

    @property
    def judge(self) -> Judge:
        found: Judge = self.app.state.judge
        return found

    async def post(self, body: bytes, portfolio: str = "alpha") -> list[dict[str, Any]]:
        """Send lines; returns their results."""
        answer = await self.http.post(f"/roadmap/api/v1/portfolios/{portfolio}/observations", content=body)
        assert answer.status_code == 200, answer.text
        return [json.loads(result) for result in answer.text.splitlines()]

    async def judge_all(self) -> int:
        """Until nothing waits; returns how many were judged."""
        total = 0
        while judged := await self.judge.judge_pending():
            total += judged
        return total

    async def get(self, path: str, portfolio: str = "alpha", status: int = 200) -> Any:
        """A read of the API."""
        answer = await self.http.get(f"/roadmap/api/v1/portfolios/{portfolio}/{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows, as the database has them."""
        async with self.foundation.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(sa.text(sql))]


@asynccontextmanager
async def open_house(
    fresh_database: FreshDatabase, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[House]:
    """A roadmap on a database of its own."""
    dsn = await fresh_database("roadmap", prepare)
    now = [NOW]
    given = RuntimeSettings(database_url=dsn, kafka_bootstrap="127.0.0.1:1", **settings)
    app = roadmap_app.create_app(given, Runtime(clock=lambda: now[0], exporter=exporter))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield House(app, http, now)
    await app.state.foundation.database.close()
