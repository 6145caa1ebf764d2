"""From a door of roadmap to its outbox, on PostgreSQL: kept, judged in order, told once, answerable."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from services.roadmap.store.roadmaps import load_roadmap
from shared.contracts.words import PortfolioId
from tests.integration.roadmap import House, feature, lines, open_house, release
from tests.servers.fixtures import FreshDatabase


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database) as opened:
        yield opened


async def test_a_slip_becomes_one_change_with_its_cause(house: House) -> None:
    await house.post(lines(feature(target={"on": "2026-06-01"}), feature(minute=1, target={"on": "2026-06-10"})))
    await house.judge_all()
    told = await house.get("changes")
    assert [[change["kinds"] for change in one["changes"]] for one in told["items"]] == [[["added"]], [["delayed"]]]
    slip = told["items"][1]
    assert slip["cause"]["id"] == "native:F-1@1"
    assert slip["cause"]["summary"] == "F-1 slipped by 7 working days, to 10 Jun 2026"
    assert (slip["revision"], slip["changes"][0]["by_working_days"], slip["changes"][0]["feature"]["version"]) == (
        2,
        7,
        2,
    )


async def test_a_release_that_moves_takes_its_open_features_along_in_one_cause(house: House) -> None:
    await house.post(
        lines(release("v1", "2026-06-01"), *(feature(f"F-{n}", target={"release": "v1"}) for n in range(5)))
    )
    await house.post(lines(feature("F-0", minute=1, target={"release": "v1"}, status="shipped")))
    await house.post(lines(release("v1", "2026-06-08", minute=2)))
    await house.judge_all()
    last = (await house.get("changes"))["items"][-1]
    assert last["cause"]["kind"] == "release_moved"
    assert [(change["feature"]["ref"], change["kinds"]) for change in last["changes"]] == [
        (f"F-{n}", ["delayed"]) for n in range(1, 5)
    ]
    assert (await house.get("features/F-3"))["feature"]["target"]["latest"] == "2026-06-08"


async def test_what_became_of_each_observation_can_be_asked(house: House) -> None:
    await house.post(
        lines(
            feature(minute=5), feature(minute=3), feature(minute=6), feature(minute=5), feature(minute=7, status="gone")
        )
    )
    await house.judge_all()
    states = {at: (await house.get(f"observations/F-1@{at}"))["state"] for at in (3, 5, 6, 7)}
    assert states == {5: "caused", 3: "stale", 6: "noop", 7: "refused"}
    twice = await house.get("observations/F-1@5")
    assert (twice["times_received"], twice["cause"], json.loads(twice["body"])["id"]) == (2, "native:F-1@5", "F-1@5")
    refused = await house.get("observations/F-1@7")
    assert refused["where"] == "$.feature.status"
    await house.get("observations/never", status=404)


async def test_the_same_id_again_has_no_effect_in_one_request_or_in_two(house: House) -> None:
    results = await house.post(lines(feature(), feature(title="Another"), feature("F-2")))
    assert [one["outcome"] for one in results] == ["accepted", "duplicate", "accepted"]
    assert [one["outcome"] for one in await house.post(lines(feature()))] == ["duplicate"]
    await house.judge_all()
    assert (await house.get("features/F-1"))["feature"]["title"] == "Dark mode"
    sums = await house.get("conservation")
    assert (sums["received"], sums["duplicates"], sums["accepted"], sums["causes"], sums["ok"]) == (4, 2, 2, 2, True)


async def test_a_bad_line_is_refused_alone_and_kept(house: House) -> None:
    results = await house.post(lines(feature()) + b"\n{nonsense\n\n" + lines(feature("F-2")))
    assert [(one["line"], one["outcome"]) for one in results] == [(1, "accepted"), (3, "refused"), (5, "accepted")]
    assert results[1]["problem"]["where"] == "$"
    assert await house.select("SELECT body, why IS NOT NULL FROM observation WHERE state = 'refused'") == [
        (b"{nonsense", True)
    ]
    listed = await house.get("observations?state=refused")
    assert await house.get(f"observations/seq:{listed['items'][0]['seq']}")


async def test_the_sums_hold_at_every_cut(house: House) -> None:
    await house.post(
        lines(feature(), feature("F-2"), feature(minute=1, title="Night mode"), feature(minute=2)) + b"[]\n"
    )
    await house.judge_all()
    for until in range(5):
        sums = await house.get(f"conservation?until={until}")
        assert sums["ok"], sums
        assert sums["received"] == sums["refused"] + sums["duplicates"] + sums["accepted"] == 5
        assert len(sums["cause_ids"]) == sums["causes"] == min(until, 4)
        assert sums["in_flight"] == 4 - min(until, 4)


async def test_a_cause_that_was_never_told_shows_as_a_difference(house: House) -> None:
    await house.post(lines(feature(), feature("F-2")))
    await house.judge_all()
    async with house.foundation.database.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM outbox WHERE cause_id = 'native:F-2@0'"))
    sums = await house.get("conservation")
    assert not sums["ok"]
    assert any("native:F-2@0" in one for one in sums["differences"])


async def test_an_exact_write_is_applied_only_to_the_version_its_writer_knew(house: House) -> None:
    await house.post(lines(feature()))  # not yet judged: the exact write must see it
    url = "/roadmap/api/v1/portfolios/alpha/features/F-1"
    wrong = await house.http.put(url, json=feature(minute=1, title="A"), headers={"if-match": '"0"'})
    assert (wrong.status_code, wrong.json()["version"]) == (412, 1)
    right = await house.http.put(url, json=feature(minute=2, title="B"), headers={"if-match": '"1"'})
    assert right.json() == {"observation": "F-1@2", "outcome": "caused", "cause": "native:F-1@2"}
    read = await house.http.get(url)
    assert (read.headers["etag"], read.json()["feature"]["title"]) == ('"2"', "B")
    assert (await house.get("observations/F-1@1", status=404))["status"] == 404


async def test_of_two_people_who_write_at_once_one_is_told_to_look_again(house: House) -> None:
    await house.post(lines(feature()))
    url = "/roadmap/api/v1/portfolios/alpha/features/F-1"
    answers = await asyncio.gather(
        *(
            house.http.put(url, json=feature(minute=1, id=who, title=who), headers={"if-match": '"1"'})
            for who in ("ana", "ben", "cem")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_a_put_answers_what_it_took(house: House) -> None:
    url = "/roadmap/api/v1/portfolios/alpha/features/org%2Frepo%237"
    body = feature("org/repo#7", id="one")
    first, second = await house.http.put(url, json=body), await house.http.put(url, json=body)
    assert first.json() == {"observation": "one", "outcome": "accepted", "cause": "native:one"}
    assert second.json()["outcome"] == "duplicate"
    await house.judge_all()
    assert (await house.get("features/org%2Frepo%237"))["feature"]["ref"] == "org/repo#7"


async def test_lists_come_in_pages_without_loss(house: House) -> None:
    await house.post(lines(*(feature(f"F-{n:02}", owner_team=f"team-{n % 2}") for n in range(25))))
    await house.judge_all()
    seen: list[str] = []
    after = ""
    while after is not None:
        page = await house.get(f"features?limit=4&owner_team=team-1&after={after}")
        seen += [one["ref"] for one in page["items"]]
        after = page["next"]
    assert seen == [f"F-{n:02}" for n in range(1, 25, 2)]
    logged: list[int] = []
    cursor = 0
    while cursor is not None:
        page = await house.get(f"observations?limit=7&after={cursor}")
        logged += [one["seq"] for one in page["items"]]
        cursor = page["next"]
    assert logged == sorted(logged, reverse=True)
    assert len(set(logged)) == 25


async def test_a_burst_of_ten_thousand_is_judged_whole_and_in_order(house: House) -> None:
    burst = [feature(f"F-{n % 500}", minute=n // 500, id=str(n), title=f"Title {n}") for n in range(10_000)]
    await house.post(lines(*burst))
    assert await house.judge_all() == 10_000
    sums = await house.get("conservation")
    assert (sums["causes"], sums["in_flight"], sums["ok"]) == (10_000, 0, True)
    assert (await house.get("features/F-499"))["feature"]["title"] == "Title 9999"
    assert await house.select("SELECT count(*), max(revision), min(revision) FROM outbox") == [(10_000, 10_000, 1)]


async def test_what_is_loaded_equals_what_was_told(house: House) -> None:
    await house.post(
        lines(
            feature(target={"release": "v1"}),
            release("v1", "2026-07-01", minute=1),
            feature(minute=2, target={"quarter": "2026-Q3"}, impact={"reach": 3}, confidence=0.5),
            feature("F-2", blocked_by=["F-1"]),
        )
    )
    await house.judge_all()
    told: dict[str, object] = {}
    for message in (await house.get("changes"))["items"]:
        told |= {change["feature"]["ref"]: change["feature"] for change in message["changes"]}
    async with house.foundation.database.reading() as connection:
        state = await load_roadmap(connection, PortfolioId("alpha"))
    assert {ref: json.loads(one.snapshot.model_dump_json()) for ref, one in state.features.items()} == told


async def test_in_a_replay_time_is_the_observations_own(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database, time_source="observations") as house:
        await house.post(lines({**feature(), "at": "2031-01-01T00:00:00Z"}))
        await house.judge_all()
        told = (await house.get("changes"))["items"][0]
        assert told["cause"]["source"]["observed_at"] == "2031-01-01T00:00:00Z"
        assert await house.select("SELECT time_at = '2031-01-01T00:00:00Z' FROM outbox") == [(True,)]
