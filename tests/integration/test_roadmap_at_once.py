"""Several at once: processes that judge, requests that hold each other's ids, and one trace through it all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.roadmap.app import create_app
from services.roadmap.handlers.judging import Judge
from shared.contracts.words import PortfolioId
from shared.runtime.failpoints import Failpoint, arm
from tests.integration.roadmap import House, feature, lines, open_house
from tests.servers.fixtures import FreshDatabase

ALPHA = PortfolioId("alpha")
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database) as opened:
        yield opened
    arm("")


async def judge_all(judge: Judge) -> int:
    total = 0
    while count := await judge.judge_pending():
        total += count
        await asyncio.sleep(0)
    return total


async def test_two_processes_that_judge_do_it_once_and_see_what_the_other_remembered(house: House) -> None:
    second = create_app(house.foundation.settings.model_copy(update={"batch_size": 7}))
    other: Judge = second.state.judge
    try:
        for minute in range(0, 40, 2):
            told = [feature(f"F-{n}", minute=minute, title=f"Title {minute}") for n in range(5)]
            noted = [feature(f"F-{n}", minute=minute + 1, title=f"Title {minute}", labels=["x"]) for n in range(5)]
            await house.post(lines(*told))
            await asyncio.gather(judge_all(house.judge), judge_all(other))
            await house.post(lines(*noted))  # no-ops: remembered, not told
            await asyncio.gather(judge_all(other), judge_all(house.judge))
    finally:
        await second.state.foundation.database.close()
    sums = await house.get("conservation")
    assert (sums["causes"], sums["noops"], sums["ok"]) == (100, 100, True)
    revisions = await house.select("SELECT revision FROM outbox ORDER BY seq")
    assert [row[0] for row in revisions] == list(range(1, 101))


async def test_requests_that_hold_each_others_ids_both_get_through(house: House) -> None:
    forth = [feature(f"F-{n}") for n in range(300)]
    for turn in range(5):
        mine = [{**one, "id": f"{one['id']}-{turn}"} for one in forth]
        answers = await asyncio.gather(
            *(house.post(lines(*ordered)) for ordered in (mine, mine[::-1], mine, mine[::-1]))
        )
        accepted = [one["id"] for results in answers for one in results if one["outcome"] == "accepted"]
        assert sorted(accepted) == sorted(one["id"] for one in mine)
    sums = await house.get("conservation")
    assert (sums["received"], sums["duplicates"], sums["ok"]) == (6000, 4500, True)


@pytest.mark.parametrize("point", ["after_claim", "after_outbox", "after_save"])
async def test_a_judge_that_dies_midway_leaves_nothing_half_done(house: House, point: str) -> None:
    await house.post(lines(feature(), feature("F-2")))
    arm(f"roadmap.{point}=raise")
    with pytest.raises(Failpoint):
        async with house.foundation.database.locked([ALPHA]) as batch:
            await house.judge.judge_locked(batch, 10)
    assert await house.select("SELECT count(*) FROM outbox") == [(0,)]
    assert await house.judge_all() == 2
    assert (await house.get("conservation"))["causes"] == 2


async def test_what_was_answered_is_durable_and_what_was_not_can_be_sent_again(house: House) -> None:
    arm("roadmap.after_raw_insert=raise")
    answer = await house.http.post("/roadmap/api/v1/portfolios/alpha/observations", content=lines(feature()))
    assert answer.status_code == 500
    assert (await house.get("conservation"))["received"] == 0
    assert (await house.post(lines(feature())))[0]["outcome"] == "accepted"


async def test_one_trace_leads_from_the_request_to_the_message(fresh_database: FreshDatabase) -> None:
    exporter = InMemorySpanExporter()
    async with open_house(fresh_database, exporter=exporter) as house:
        await house.http.post(
            "/roadmap/api/v1/portfolios/alpha/observations",
            content=lines(feature()),
            headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
        )
        await house.judge_all()
        [(traceparent,)] = await house.select("SELECT traceparent FROM outbox")
        house.foundation.telemetry.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request = next(span for name, span in spans.items() if name.startswith("POST"))
    process, create = spans["process observation"], spans["create roadmap.changes"]
    assert process.parent is not None
    assert create.parent is not None
    assert process.parent.span_id == request.context.span_id
    assert create.parent.span_id == process.context.span_id
    assert traceparent == f"00-{TRACE}-{create.context.span_id:016x}-01"
    assert process.attributes is not None
    assert process.attributes["inloop.cause_id"] == "native:F-1@0"
