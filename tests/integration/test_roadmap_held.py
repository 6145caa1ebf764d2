"""What cannot be judged is held alone; a person can see it, try it again, or give it up; the sums hold all along."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.roadmap import House, feature, lines, open_house
from tests.servers.fixtures import FreshDatabase


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    """F-2 of alpha is held: it was accepted, and then reading became stricter."""
    async with open_house(fresh_database) as opened:
        await opened.post(lines(feature(), feature("F-2"), feature("F-3")))
        await opened.post(lines(feature()), portfolio="beta")
        await write_body(opened, b"[]")
        assert await opened.judge_all() == 4
        yield opened


async def write_body(house: House, body: bytes) -> None:
    async with house.foundation.database.engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE observation SET body = :body WHERE observation_id = 'F-2@0'"), {"body": body}
        )


async def act(house: House, method: str, observation: str, status: int, act: str = "") -> Any:
    answer = await house.http.request(method, f"/roadmap/api/v1/portfolios/alpha/observations/{observation}{act}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def list_held(house: House, limit: int = 100) -> Any:
    return (await house.http.get(f"/roadmap/api/v1/held?limit={limit}")).json()


async def test_a_poisoned_observation_is_held_alone(house: House) -> None:
    assert sorted(await house.select("SELECT portfolio, observation_id, state FROM observation")) == [
        ("alpha", "F-1@0", "caused"),
        ("alpha", "F-2@0", "held"),
        ("alpha", "F-3@0", "caused"),
        ("beta", "F-1@0", "caused"),
    ]
    assert (await house.get("conservation"))["held"] == 1


async def test_what_is_held_is_listed_over_all_portfolios_with_its_place_its_reason_and_its_time(house: House) -> None:
    listed = await list_held(house)
    (held,) = listed["items"]
    stored = await house.get("observations/F-2@0")
    assert (held["portfolio"], held["id"], held["ref"], held["seq"]) == ("alpha", "F-2@0", "F-2", stored["seq"])
    assert held["why"].startswith("UnreadableError: ")
    assert (held["accepted_at"], listed["total"]) == (stored["accepted_at"], 1)


async def test_a_page_of_what_is_held_says_how_many_there_are_in_all(house: House) -> None:
    async with house.foundation.database.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE observation SET state = 'held', why = 'as a test'"))
    listed = await list_held(house, limit=3)
    assert [one["id"] for one in listed["items"]] == ["F-1@0", "F-2@0", "F-3@0"]
    assert listed["total"] == 4
    assert (await house.http.get("/roadmap/api/v1/held?limit=0")).status_code == 422


@pytest.mark.parametrize("by_number", [False, True])
async def test_a_held_observation_is_judged_again_when_its_cause_is_mended(house: House, *, by_number: bool) -> None:
    await write_body(house, lines(feature("F-2")).strip())
    name = f"seq:{(await list_held(house))['items'][0]['seq']}" if by_number else "F-2@0"
    await act(house, "POST", name, 202, "/retry")
    await house.judge_all()
    assert (await house.get("observations/F-2@0"))["state"] == "caused"
    assert await list_held(house) == {"items": [], "total": 0}


async def test_a_held_observation_that_is_given_up_is_kept_as_refused_and_the_sums_add_up(house: House) -> None:
    before = await house.get("conservation")
    why = (await house.get("observations/F-2@0"))["why"]
    assert await act(house, "DELETE", "F-2@0", 200) == {"dropped": True}
    kept = await house.get("observations/F-2@0")
    assert (kept["state"], kept["body"], kept["revision"]) == ("refused", "[]", None)
    assert kept["why"] == f"given up by a person; it was held: {why}"
    after = await house.get("conservation")
    assert (before["refused"], before["held"], before["accepted"]) == (0, 1, 3)
    assert (after["refused"], after["held"], after["accepted"]) == (1, 0, 2)
    assert after["received"] == before["received"] == 3
    for until in range(3):
        assert (await house.get(f"conservation?until={until}"))["ok"]
    assert (await list_held(house))["total"] == 0
    assert await house.judge_all() == 0


async def test_what_was_given_up_can_be_said_again_under_the_same_id_once_it_is_right(house: House) -> None:
    assert [one["outcome"] for one in await house.post(lines(feature("F-2")))] == ["duplicate"]
    await act(house, "DELETE", "F-2@0", 200)
    assert [one["outcome"] for one in await house.post(lines(feature("F-2")))] == ["accepted"]
    await house.judge_all()
    assert (await house.get("observations/F-2@0"))["state"] == "caused"
    sums = await house.get("conservation")
    assert (sums["received"], sums["refused"], sums["duplicates"], sums["causes"], sums["ok"]) == (5, 1, 1, 3, True)


@pytest.mark.parametrize("name", ["F-1@0", "never", "seq:999"])
async def test_only_what_is_held_can_be_tried_again_or_given_up(house: House, name: str) -> None:
    for method, path in (("POST", "/retry"), ("DELETE", "")):
        assert "no observation of this id is held" in (await act(house, method, name, 404, path))["detail"]
    assert (await house.get("observations/F-1@0"))["state"] == "caused"
    assert (await house.get("conservation"))["held"] == 1


async def test_a_portfolio_that_nobody_knows_is_not_made_by_asking_for_it(house: House) -> None:
    answer = await house.http.delete("/roadmap/api/v1/portfolios/typo/observations/F-2@0")
    assert answer.status_code == 404
    assert await house.select("SELECT id FROM portfolio ORDER BY id") == [("alpha",), ("beta",)]
