"""The servers as pytest fixtures, and the lines of the report that say which ones a run really used.

kafka, kafka_room, embedded_kafka, postgres, fresh_database, durable_postgres, mail_server. A server starts when the
first test asks for it. How one is started is in the modules beside this one.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from deploy.local.kafka import EmbeddedKafka
from deploy.local.postgres import EmbeddedPostgres
from tests.servers.apache.broker import Broker, NoBrokerError
from tests.servers.kafka import start_broker
from tests.servers.needs import not_run
from tests.servers.postgres import Databases, Prepare, given_server, server_version
from tests.servers.smtp import ScriptedMailServer
from tests.servers.topics import KafkaRoom

USED = pytest.StashKey[dict[str, str]]()


class FreshDatabase(Protocol):
    """`await fresh_database("roadmap", migrate)` gives a DSN; it is dropped after the test."""

    def __call__(self, service: str, prepare: Prepare | None = None) -> Awaitable[str]: ...


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USED] = {}


def pytest_report_header() -> str:
    kafka = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or "Docker or Maven"
    database = "given" if given_server() else "PostgreSQL from the wheel"
    return f"servers, when a test needs them: broker from {kafka}; database {database}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if used := config.stash[USED]:
        terminalreporter.write_line("; ".join(f"{what}: {which}" for what, which in used.items()))


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """A real broker; `restart(hard=True)`, `kill` and `start` for tests of outages."""
    try:
        broker = start_broker()
    except NoBrokerError as reason:
        pytestconfig.stash[USED]["broker"] = "none"
        not_run(f"no Kafka ({reason})")
    pytestconfig.stash[USED]["broker"] = broker.description
    yield broker
    broker.stop()


@pytest.fixture
async def kafka_room(kafka: Broker) -> AsyncIterator[KafkaRoom]:
    """Topics and groups of this test alone."""
    room = KafkaRoom(kafka.bootstrap, f"t{secrets.token_hex(4)}")
    yield room
    await room.clear()


@pytest.fixture
def embedded_kafka() -> Iterator[EmbeddedKafka]:
    """The broker of the demo, empty."""
    with EmbeddedKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """The server of this run. It does not survive a crash: for that there is durable_postgres."""
    if dsn := given_server():
        databases = Databases(dsn, f"PostgreSQL {asyncio.run(server_version(dsn))}, given")
        pytestconfig.stash[USED]["database"] = databases.description
        yield databases
        asyncio.run(databases.drop_templates())
        return
    with EmbeddedPostgres(fsync=False) as server:
        databases = Databases(server.dsn(), f"PostgreSQL {server.version}")
        pytestconfig.stash[USED]["database"] = databases.description
        yield databases


@pytest.fixture
async def fresh_database(postgres: Databases) -> AsyncIterator[FreshDatabase]:
    """A factory of databases for this test, one per service or several."""
    given: list[str] = []

    async def fresh(service: str, prepare: Prepare | None = None) -> str:
        given.append(await postgres.fresh(service, prepare))
        return given[-1]

    yield fresh
    for dsn in given:
        await postgres.drop(dsn)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder a server's account may enter; pytest's own tmp_path is closed to all but us."""
    with tempfile.TemporaryDirectory(prefix="inloop-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def durable_postgres(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test alone whose commits survive `kill` and `restart(hard=True)`."""
    with EmbeddedPostgres(server_folder / "postgres") as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[ScriptedMailServer]:
    """Accepts all mail until it is told otherwise."""
    with ScriptedMailServer() as server:
        yield server
