"""From a message of roadmap to launch's outbox, on PostgreSQL: decided in order, saved, told once, answerable."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State, evolve
from services.launch.store.reading import read_moment
from services.launch.store.writing import Changes, load_state, save
from services.launch.timers import fire_due
from shared.contracts.feature import FeatureChange
from shared.contracts.notify import Receipt, ReceiptsChanged
from shared.contracts.words import LaunchId, PortfolioId
from tests.integration.launch import DEFAULT, House, changed, open_house
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import MEDIUM, START, cause, is_reminder, snapshot, target

MANY = 10_000
TRACED = (SpanKind.CONSUMER, SpanKind.PRODUCER)


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(await fresh_database("launch")) as opened:
        yield opened


def added(ref: str = "F-1", **fields: Any) -> FeatureChange:
    given = {"day": "2026-06-01", "impact": MEDIUM} | fields
    return FeatureChange(kinds=("added",), feature=snapshot(ref, **given), before=None)


def delayed(day: str, ref: str = "F-1") -> FeatureChange:
    before = snapshot(ref, day="2026-06-01", impact=MEDIUM)
    after = before.model_copy(update={"target": target(day), "version": 2})
    return FeatureChange(kinds=("delayed",), feature=after, before=before)


def shipped(ref: str = "F-1") -> FeatureChange:
    before = snapshot(ref, day="2026-06-01", impact=MEDIUM)
    return FeatureChange(kinds=("shipped",), feature=before.model_copy(update={"status": "shipped"}), before=before)


async def stored(house: House, portfolio: PortfolioId = DEFAULT) -> State:
    async with house.foundation.database.reading() as connection:
        return await load_state(connection, portfolio)


async def test_a_feature_worth_telling_gets_a_launch_that_can_be_asked_for(house: House) -> None:
    await house.hear(changed(1, added()))
    launch = await house.get("launches/L-F-1")
    known = (launch["date"], launch["market_tier"], launch["revision"], launch["state"])
    assert known == ("2026-06-10", "T2", 1, "planned")
    assert [one["kinds"] for one in launch["history"]] == [["planned"]]
    (told,) = await house.told()
    assert (told.cause.id, told.revision) == ("native:default-1", 1)


async def test_a_batch_of_several_portfolios_is_decided_in_order_and_each_cause_is_answered(house: House) -> None:
    other = PortfolioId("acme")
    await house.hear(
        changed(1, added()),
        changed(1, added(), portfolio=other),
        changed(2, delayed("2026-06-08"), at=START + timedelta(hours=1)),
        changed(3, at=START + timedelta(hours=2)),
        changed(2, added("F-2"), portfolio=other, at=START + timedelta(hours=1)),
    )
    assert [one.revision for one in await house.told()] == [1, 2, 3]
    assert [one.changes[0].launch.id for one in await house.told(other)] == ["L-acme~F-1", "L-acme~F-2"]
    launch = await house.get("launches/L-F-1")
    assert (launch["date"], launch["revision"], launch["version"]) == ("2026-06-17", 2, 2)


async def test_a_repeated_message_changes_nothing(house: House) -> None:
    for _ in range(2):
        await house.hear(changed(1, added()))
    await house.hear(changed(1, added()), changed(2, delayed("2026-06-08")))
    assert len(await house.told()) == 2


async def test_after_a_restart_it_goes_on_where_it_was(fresh_database: FreshDatabase) -> None:
    url = await fresh_database("launch")
    async with open_house(url) as first:
        await first.hear(changed(1, added()))
    async with open_house(url) as second:
        await second.hear(changed(2, delayed("2026-06-08"), at=START + timedelta(hours=1)))
        launch = await second.get("launches/L-F-1")
        assert [one["kinds"] for one in launch["history"]] == [["rescheduled"], ["planned"]]
        assert launch["history"][0]["why"][1]["detail"] == (
            "F-1 is ready on 2026-06-08; help-center articles (docs) needs 7 working days after that: 2026-06-17"
        )


async def test_however_it_is_cut_into_batches_and_restarted_it_says_the_same(fresh_database: FreshDatabase) -> None:
    whole, cut = await fresh_database("launch"), await fresh_database("launch")
    history = [changed(n + 1, one, at=START + timedelta(days=12 * n)) for n, one in enumerate(eventful())]
    async with open_house(whole) as house:
        await house.hear(*history)
        expected = await house.told()
    for first in range(0, len(history), 3):
        async with open_house(cut) as house:
            await house.hear(*history[first : first + 3])
    async with open_house(cut) as house:
        assert await house.told() == expected
    kinds = {kind for message in expected for one in message.changes for kind in one.kinds}
    assert {"planned", "rescheduled", "held", "launched", "released_hold"} <= kinds


def eventful() -> list[FeatureChange]:
    """A history in which days pass, dates move and features ship, early and late."""
    months = [f"2026-{month:02}-0{day}" for month in range(3, 9) for day in (2, 9)]
    slips = [delayed(day, ref) for day, ref in zip(months, ("A", "B") * 6, strict=True)]
    return [added("A"), added("B", stage="ga", impact={}), *slips, shipped("A"), *slips[:3], shipped("B"), added("C")]


async def test_what_was_told_gives_what_is_stored(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, added("B")), changed(3, delayed("2026-06-08")))
    await house.patch("L-F-1", {"pin": "the fair"})
    await house.hear(changed(4, delayed("2026-09-01"), at=START + timedelta(days=1)))
    state = State(DEFAULT)
    async with house.foundation.database.reading() as connection:
        rows = await connection.execute(sa.text("SELECT time_at FROM outbox ORDER BY revision"))
        times = [row.time_at for row in rows]
    for message, now in zip(await house.told(), times, strict=True):
        evolve(state, message, now, house.deciding.calendar)
    found = await stored(house)
    assert (found.launches, found.features) == (state.launches, state.features)


async def test_a_day_that_passes_between_two_messages_is_decided_before_the_later_one(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, shipped(), at=START + timedelta(days=1)))
    await house.hear(changed(3, added("B", day="2026-12-01"), at=START + timedelta(days=200)))
    told = [one for one in await house.told() if not is_reminder(one)]
    assert [one.cause.kind for one in told] == ["observation", "observation", "clock", "observation"]
    assert (told[2].changes[0].kinds, told[2].cause.caused_by) == (("launched",), "native:default-1")


async def test_the_clock_launches_on_the_day_and_only_once(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, shipped(), at=START + timedelta(days=1)))
    for day in (150, 155, 156):
        house.now[0] = START + timedelta(days=day)
        await fire_due(house.deciding, lambda: house.now[0])
    told = [one for one in await house.told() if not is_reminder(one)]
    assert [one.cause.kind for one in told] == ["observation", "observation", "clock"]
    assert (await house.get("launches/L-F-1"))["state"] == "launched"


async def test_of_two_people_who_edit_a_launch_at_once_one_is_shown_the_difference(house: House) -> None:
    await house.hear(changed(1, added()))
    seen = (await house.client.get(f"/launch/api/v1/portfolios/{DEFAULT}/launches/L-F-1")).headers["etag"]
    answers = await asyncio.gather(
        house.patch("L-F-1", {"name": "Ana's name", "by": "ana"}, status=None, if_match=seen),
        house.patch("L-F-1", {"name": "Ben's name", "by": "ben"}, status=None, if_match=seen),
    )
    assert sorted(one.status_code for one in answers) == [200, 412]
    (late,) = [one.json() for one in answers if one.status_code == 412]
    (won,) = [one.json() for one in answers if one.status_code == 200]
    assert late["differences"] == [{"field": "name", "you_saw": "Feature F-1", "now": won["name"]}]
    assert len(await house.told()) == 2


async def test_a_revision_alone_suffices_as_what_was_seen(house: House) -> None:
    await house.hear(changed(1, added()))
    await house.patch("L-F-1", {"segments": ["schools"]}, if_match='"1"')
    late = await house.patch("L-F-1", {"segments": ["banks"]}, status=412, if_match='"1"')
    assert {one["field"] for one in late.json()["differences"]} == {"segments", "revision"}
    await house.patch("L-F-1", {"segments": ["banks"]}, status=400, if_match='"one"')


async def test_a_request_sent_twice_is_one_act(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, added("B")))
    answers = [await house.post({"features": ["F-1", "B"], "name": "Both"}, key="k-1") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"] == "L-F-1.2"
    for _ in range(2):
        await house.patch("L-B", {"name": "Blue"}, key="k-2")
    causes = [one.cause.id for one in await house.told()]
    assert causes == ["native:default-1", "native:default-2", "launch:person:k-1", "launch:person:k-2"]


async def test_what_a_person_cannot_do_is_a_problem_that_says_where_and_nothing_is_told(house: House) -> None:
    await house.hear(changed(1, added()))
    refused = (await house.patch("L-F-1", {"date": "2026-06-07"}, status=422)).json()
    assert (refused["where"], "no working day" in refused["detail"]) == ("$.date", True)
    await house.patch("L-F-9", {"name": "x"}, status=404)
    assert (await house.post({"features": ["nobody"]}, status=422)).json()["where"] == "$.features"
    assert len(await house.told()) == 1


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"features": []}, "$.features"),
        ({}, "$.features"),
        ({"features": ["F-1"], "nonsense": 1}, "$.nonsense"),
        ({"features": ["F-1"], "date": "2026-02-30"}, "$.date"),
        ({"features": ["F-1"], "name": "a\x00b"}, "$.name"),
        ({"features": ["F-1"], "owners": [{"role": "pmm"}]}, "$.owners[0].person"),
        ({"features": "F-1"}, "$.features"),
    ],
)
async def test_a_bad_body_is_refused_with_its_place(house: House, body: dict[str, Any], where: str) -> None:
    assert (await house.post(body, status=422)).json()["where"] == where


async def test_why_this_date_and_why_not_another(house: House) -> None:
    await house.hear(changed(1, added()))
    why = await house.get("launches/L-F-1/explain", day="2026-06-06")
    assert (why["earliest"], [one["constraint"] for one in why["against"]]) == ("2026-06-10", ["lead", "workday"])
    assert [one["detail"] for one in why["bounds"][:2]] == [
        "F-1 is ready on 2026-06-01; help-center articles (docs) needs 7 working days after that: 2026-06-10",
        "F-1 is ready on 2026-06-01; plus 5 days to settle: 2026-06-06",
    ]


async def test_receipts_say_who_knows_and_move_nothing(house: House) -> None:
    await house.hear(changed(1, added()))
    subject = {"kind": "launch", "id": "L-F-1", "revision": 1}
    receipts = tuple(
        Receipt.model_validate_json(json.dumps({"subject": subject, "person": name, "state": state, "at": str(START)}))
        for name, state in (("p1", "open"), ("p2", "unreachable"), ("p1", "acknowledged"))
    )
    message = ReceiptsChanged(portfolio=DEFAULT, revision=1, cause=cause("default-1", START), receipts=receipts)
    await house.hear_receipts(message)
    launch = await house.get("launches/L-F-1")
    assert [(one["person"], one["state"]) for one in launch["who_knows"]] == [
        ("p1", "acknowledged"),
        ("p2", "unreachable"),
    ]
    assert (launch["revision"], len(await house.told())) == (1, 1)
    (listed,) = (await house.get("launches"))["items"]
    assert listed["who_knows"] == {"acknowledged": 1, "unreachable": 1}


async def test_an_open_page_hears_of_decisions_and_of_receipts(house: House) -> None:
    async def moment() -> int:
        async with house.foundation.database.reading() as connection:
            return await read_moment(connection, DEFAULT)

    moments = [await moment()]
    await house.hear(changed(1, added()))
    moments.append(await moment())
    await house.hear_receipts(ReceiptsChanged(portfolio=DEFAULT, revision=1, cause=cause("default-1", START)))
    moments.append(await moment())
    assert moments == [0, 1, 2]


async def test_the_trace_goes_on_from_roadmap_to_what_is_told(fresh_database: FreshDatabase) -> None:
    spans = InMemorySpanExporter()
    roadmap = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with open_house(await fresh_database("launch"), exporter=spans) as house:
        await house.hear(changed(1, added()), traceparent=roadmap)
        async with house.foundation.database.reading() as connection:
            told = (await connection.execute(sa.text("SELECT traceparent FROM outbox"))).scalar_one()
    process, create = (next(one for one in spans.get_finished_spans() if one.kind is kind) for kind in TRACED)
    assert process.parent is not None
    assert f"{process.parent.span_id:016x}" == roadmap.split("-")[2]
    assert create.parent == process.context
    assert told.split("-")[1:3] == [roadmap.split("-")[1], f"{create.context.span_id:016x}"]
    assert dict(process.attributes or {}) == {"inloop.cause_id": "native:default-1"}


async def test_every_cause_heard_is_accounted_for(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, delayed("2026-06-08")), changed(3))
    await house.patch("L-F-1", {"name": "Blue"})
    sums = await house.get("conservation", until=2)
    assert (sums["causes"], sums["own"], sums["ok"]) == (["native:default-1", "native:default-2"], 1, True)
    assert (await house.get("conservation", until=4))["differences"] == [{"revision": 4, "problem": "never heard"}]
    async with house.foundation.database.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM outbox WHERE revision = 2"))
    problems = (await house.get("conservation"))["differences"]
    assert problems == [{"cause": "native:default-2", "problem": "heard but never told"}]


async def test_the_list_can_be_narrowed_down_and_paged(house: House) -> None:
    await house.hear(changed(1, *(added(f"F-{n}", day=f"2026-06-0{n}") for n in range(1, 8)), added("Z", day=None)))
    first = await house.get("launches", limit=5)
    second = await house.get("launches", limit=5, after=first["next"])
    assert [one["id"] for one in first["items"]] == [f"L-F-{n}" for n in range(1, 6)]
    assert ([one["id"] for one in second["items"]], second["next"]) == (["L-F-6", "L-F-7", "L-Z"], None)
    assert [one["id"] for one in (await house.get("launches", q="feature f-3"))["items"]] == ["L-F-3"]
    assert [one["id"] for one in (await house.get("launches", feature="F-4"))["items"]] == ["L-F-4"]
    assert (await house.get("launches", tier="T1"))["items"] == []
    await house.get("launches", status=422, state="nonsense")
    await house.get("launches", status=422, after="nonsense")


async def test_ten_thousand_launches_are_loaded_and_one_change_decided_in_seconds(house: House) -> None:
    """Loading is promised in less than two seconds; the bound is loose, since the machine is shared."""
    await fill(house, MANY)
    began = perf_counter()
    await house.hear(changed(2, delayed("2026-06-08", "X-77"), at=START + timedelta(hours=1)))
    loaded = perf_counter()
    await house.hear(changed(3, delayed("2026-08-24", "X-77"), at=START + timedelta(hours=2)))
    decided = perf_counter()
    assert (await house.told())[-1].changes[0].launch.id == "L-X-77"
    assert loaded - began < 6
    assert decided - loaded < 0.5


async def fill(house: House, count: int) -> None:
    """Put launches X-0 … into the store, made after a first one that was decided."""
    await house.hear(changed(1, added()))
    state = await stored(house)
    known, model = state.features["F-1"], state.launches[LaunchId("L-F-1")].snapshot
    changes = Changes()
    for n in range(count):
        feature = known.snapshot.model_copy(update={"id": f"X-{n}", "ref": f"X-{n}"})
        one = model.features[0].model_copy(update={"id": f"X-{n}"})
        shot = model.model_copy(update={"id": f"L-X-{n}", "features": (one,)})
        changes.features[DEFAULT, feature.id] = known.model_copy(update={"snapshot": feature})
        changes.launches[DEFAULT, LaunchId(shot.id)] = Launch(snapshot=shot, version=1, changed_at=START)
    async with house.foundation.database.locked([DEFAULT]) as batch:
        await save(batch, changes)
        batch.portfolios[DEFAULT].changed = True


async def test_a_failing_transaction_leaves_no_half_changed_state(house: House) -> None:
    await house.hear(changed(1, added()))
    database = house.foundation.database
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE launch_history RENAME TO gone"))
    await house.hear(changed(2, delayed("2026-06-08"), at=START + timedelta(hours=1)))
    assert (await house.get("heads"))["parked"] == ["roadmap.changes"]
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE gone RENAME TO launch_history"))
    assert await house.foundation.inboxes["roadmap.changes"].unpark(DEFAULT)
    launch = await house.get("launches/L-F-1")
    assert (launch["date"], launch["revision"], len(await house.told())) == ("2026-06-17", 2, 2)
