"""The plumbing's small parts, each by itself."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from shared.contracts.words import PortfolioId
from shared.runtime.broker import Progress, check_subscribers, create_broker, subscribe
from shared.runtime.clock import derive_id
from shared.runtime.database import Batch, Cache, PortfolioRow, is_outage
from shared.runtime.failpoints import Failpoint, arm, failpoint
from shared.runtime.process import Heartbeat, Process, Wake
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import JsonLines, Telemetry, current_traceparent, span_context
from tests.integration import toy
from tests.servers.fixtures import FreshDatabase

URL = "postgresql://roadmap@127.0.0.1:5432/roadmap"


def portfolio(version: int = 1) -> PortfolioRow:
    return PortfolioRow(PortfolioId("alpha"), version, 0, None)


def test_the_same_parts_make_the_same_id_and_their_borders_count() -> None:
    assert derive_id("a", "b") == derive_id("a", "b") != derive_id("ab")


def test_a_failpoint_fires_only_when_armed_and_at_its_passage() -> None:
    failpoint("here")
    arm("here=raise:2")
    failpoint("here")
    with pytest.raises(Failpoint):
        failpoint("here")
    arm("")
    failpoint("here")


@pytest.mark.parametrize("text", ["here", "here=explode", "here=raise:x"])
def test_a_failpoint_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected name=kill or name=raise"):
        arm(text)


def test_a_state_taken_and_not_kept_is_gone_so_that_a_failure_leaves_nothing_half_changed() -> None:
    cache: Cache[list[int]] = Cache()
    _keep(cache, portfolio(1), [1])
    assert cache.take(portfolio(1)) == [1]
    assert cache.take(portfolio(1)) is None


def test_a_state_of_another_version_is_not_used() -> None:
    cache: Cache[list[int]] = Cache()
    _keep(cache, portfolio(1), [1])
    assert cache.take(portfolio(2)) is None


def test_the_cache_forgets_the_oldest_when_it_is_full() -> None:
    cache: Cache[int] = Cache(size=2)
    for name in "abc":
        _keep(cache, PortfolioRow(PortfolioId(name), 1, 0, None), 1)
    assert [cache.take(PortfolioRow(PortfolioId(name), 1, 0, None)) for name in "abc"] == [None, 1, 1]


def _keep(cache: Cache[Any], row: PortfolioRow, state: object) -> None:
    batch = Batch(None, {})  # type: ignore[arg-type]
    cache.keep(batch, row, state)
    for callback in batch.after_commit:
        callback()


def test_settings_read_a_secret_from_the_file_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("INLOOP_API_TOKEN_FILE", str(tmp_path / "token"))
    settings = RuntimeSettings(database_url=URL, kafka_bootstrap="127.0.0.1:9092")
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_variable_left_empty_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INLOOP_API_TOKEN", "")
    assert RuntimeSettings(database_url=URL, kafka_bootstrap="127.0.0.1:9092").api_token is None


@pytest.mark.parametrize(
    ("host", "loopback_only", "token", "is_open"),
    [
        ("127.0.0.1", False, None, True),
        ("0.0.0.0", False, None, False),  # noqa: S104 - the case under test
        ("0.0.0.0", True, None, True),  # noqa: S104 - the case under test
        ("127.0.0.1", False, "token", False),
    ],
)
def test_the_api_is_open_only_on_loopback_and_without_a_token(
    host: str,
    loopback_only: bool,  # noqa: FBT001 - a table of cases
    token: str | None,
    is_open: bool,  # noqa: FBT001 - a table of cases
) -> None:
    settings = RuntimeSettings.model_validate(
        {
            "database_url": URL,
            "kafka_bootstrap": "127.0.0.1:9092",
            "host": host,
            "loopback_only": loopback_only,
            "api_token": token,
        }
    )
    assert settings.is_open is is_open


def test_a_database_that_is_not_postgresql_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected postgresql://"):
        RuntimeSettings(database_url="sqlite:///x.db", kafka_bootstrap="127.0.0.1:9092")


async def test_every_subscriber_commits_by_itself_and_has_a_group() -> None:
    settings = RuntimeSettings(database_url=URL, kafka_bootstrap="127.0.0.1:9092")
    broker = create_broker(settings)

    async def receive(_: object) -> None: ...

    subscribe(broker, settings, "launch", "roadmap.changes", receive)
    check_subscribers(broker)
    broker.subscriber("careless")(receive)
    with pytest.raises(RuntimeError, match="careless"):
        check_subscribers(broker)


async def test_progress_is_reached_when_the_slowest_reader_has_committed() -> None:
    progress = Progress()
    progress.register("launch", "topic")
    progress.register("notify", "topic")
    waiting = asyncio.create_task(progress.reached("topic", {0: 5}))
    await progress.committed("launch", "topic", 0, 9)
    await asyncio.sleep(0)
    assert not waiting.done()
    await progress.committed("notify", "topic", 0, 5)
    await asyncio.wait_for(waiting, 1)


async def test_background_work_that_fails_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.process.RESTART_SECONDS", 0.0)
    process = Process("toy")
    runs = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError("not yet")
        done.set()
        await asyncio.Event().wait()

    process.supervise("work", work)
    await asyncio.wait_for(done.wait(), 1)
    await process.stop()
    assert runs == 3


async def test_a_process_says_what_keeps_it_from_being_ready() -> None:
    process = Process("toy")
    assert await process.problems() == {"process": "starting"}
    process.started = True

    async def broken() -> None:
        raise RuntimeError("Kafka is away")

    process.checks["kafka"] = broken
    assert await process.problems() == {"kafka": "Kafka is away"}
    await process.stop()
    assert await process.problems() == {"process": "stopping"}


async def test_a_bell_rung_before_anyone_listens_is_heard() -> None:
    bell = Wake()
    bell.ring()
    async with asyncio.timeout(0.5):
        await bell.wait(60)


async def test_a_loop_that_stands_still_is_not_ready() -> None:
    heartbeat = Heartbeat(limit_seconds=-1)
    with pytest.raises(TimeoutError, match="no turn"):
        await heartbeat.check()


def test_a_span_continues_the_trace_it_is_given_and_links_what_it_answers() -> None:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry("toy", exporter)
    with telemetry.span("create", SpanKind.PRODUCER):
        created = current_traceparent()
    assert created is not None
    with telemetry.span("process", SpanKind.CONSUMER, parent=created, links=[created], cause="c1"):
        pass
    telemetry.close()
    create, process = exporter.get_finished_spans()
    assert process.parent is not None
    assert process.parent.span_id == create.context.span_id == span_context(created).span_id
    assert process.links[0].context.span_id == create.context.span_id
    assert process.attributes is not None
    assert process.attributes["inloop.cause_id"] == "c1"


def test_a_log_line_carries_trace_and_cause_and_cannot_be_forged() -> None:
    telemetry = Telemetry("toy", InMemorySpanExporter())
    record = logging.LogRecord("toy", logging.INFO, "", 1, "hello\n%s", ('{"level":"error"}',), None)
    with telemetry.span("process", cause="c1"):
        text = JsonLines().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert line["cause_id"] == "c1"
    assert len(line["trace_id"]) == 32
    telemetry.close()


async def test_a_wrong_argument_is_not_mistaken_for_an_outage(fresh_database: FreshDatabase) -> None:
    database = toy.open_database(await fresh_database("toy", toy.prepare))
    with pytest.raises(DBAPIError) as wrong:
        async with database.reading() as connection:
            await connection.execute(sa.text("SELECT CAST(:n AS bigint)"), {"n": 2**70})
    assert not is_outage(wrong.value)
    await database.close()


async def test_a_database_that_is_not_there_is_an_outage() -> None:
    database = toy.open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OSError, match="Connect") as away:
        await database.ping()
    assert is_outage(away.value)
    await database.close()
