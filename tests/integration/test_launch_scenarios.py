"""Scenarios through the doors on PostgreSQL: kept, tried out on the plan as it is, compared, forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import yaml

from tests.integration.launch import DEFAULT, House, changed, open_house
from tests.integration.test_launch_plans import RULES, added, at
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import LOUD

API = f"/launch/api/v1/portfolios/{DEFAULT}"
LATE = {"events": [{"feature": "A", "ready_on": "2026-06-05"}]}
TABLES = ("feature", "launch", "launch_history", "heard", "proposal", "outbox", "portfolio", "scenario")


@pytest.fixture
async def house(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(RULES))
    async with open_house(await fresh_database("launch"), policy_file=file) as opened:
        await opened.hear(changed(1, added("A", "2026-06-01", LOUD)), changed(2, added("B", "2026-06-11"), at=at(1)))
        yield opened


async def put(house: House, name: str, body: Any, status: int = 201) -> httpx2.Response:
    answer = await house.client.put(f"{API}/scenarios/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer


async def ask(house: House, body: Any, status: int = 200) -> Any:
    answer = await house.client.post(f"{API}/simulations", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def everything(house: House) -> list[Any]:
    async with house.foundation.database.reading() as connection:
        found = [await connection.execute(sa.text(f"SELECT CAST(t AS text) AS row FROM {one} t")) for one in TABLES]
        return [sorted(row.row for row in rows) for rows in found]


async def test_a_scenario_is_kept_as_it_was_put_and_forgotten_when_nobody_extends_it(house: House) -> None:
    await put(house, "late", LATE)
    edit = {"launch": "L-B", "by": "ana", "date": "2026-06-30", "pin": "on stage"}
    await put(house, "late and pinned", {"edits": [edit, {"launch": "L-A", "pin": None}], "extends": "late"})
    first, second = (await house.get("scenarios"))["items"]
    assert first == {"name": "late", "extends": None, **LATE, "edits": []}
    assert second["edits"] == [edit, {"launch": "L-A", "by": "api", "pin": None}]
    assert await house.get("scenarios/late") == first
    await put(house, "late and pinned", {"edits": second["edits"], "extends": "late"}, 200)
    refused = await house.client.delete(f"{API}/scenarios/late")
    assert (refused.status_code, refused.json()["detail"].split(";")[0]) == (409, "late and pinned extends it")
    for name in ("late and pinned", "late"):
        assert (await house.client.delete(f"{API}/scenarios/{name}")).status_code == 204
    assert (await house.client.delete(f"{API}/scenarios/late")).status_code == 404
    await house.get("scenarios/late", 404)


async def test_a_scenario_is_tried_out_on_the_plan_as_it_is_and_compared_with_what_it_extends(house: House) -> None:
    await put(house, "late", LATE)
    await put(house, "moved", {"edits": [{"launch": "L-B", "date": "2026-07-20"}], "extends": "late"})
    late = await ask(house, {"scenario": "late"})
    assert ([one["launch"] for one in late["moves"]], late["against_parent"]) == (["L-A", "L-B"], None)
    moved = await ask(house, {"scenario": "moved", "stage": "S1"})
    assert (moved["scenario"], moved["stage"], moved["dry_run"]) == ("moved", "S1", True)
    against = moved["against_parent"]
    assert (against["scenario"], [one["launch"] for one in against["moves"]]) == ("late", ["L-B"])
    assert against["cost"] == moved["cost"] - late["cost"]
    more = await ask(house, {"scenario": "moved", "events": [{"feature": "B", "ready_on": "2026-06-25"}]})
    assert (more["scenario"], more["against_parent"]["scenario"]) == ("moved", "moved")
    await house.hear(changed(3, added("C", "2026-06-01"), at=at(2)))
    assert (await ask(house, {"scenario": "late"}))["moves"] != late["moves"]


async def test_trying_out_stores_nothing(house: House) -> None:
    await put(house, "late", LATE)
    before = await everything(house)
    both = {"scenario": "late", **LATE, "edits": [{"launch": "L-B", "date": "2026-07-20", "pin": "x", "by": "ana"}]}
    assert (await ask(house, both))["moves"]
    assert (await ask(house, both)) == (await ask(house, both))
    assert await everything(house) == before


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({}, 422, "$"),
        ({"scenario": "never"}, 422, "$.scenario"),
        ({"scenario": "../x"}, 422, "$.scenario"),
        ({"events": [{"feature": "A"}]}, 422, "$.events[0].ready_on"),
        ({"events": [{"feature": "A", "ready_on": "soon"}]}, 422, "$.events[0].ready_on"),
        ({"events": [LATE["events"][0], LATE["events"][0]]}, 422, "$"),
        ({"events": [*LATE["events"], {"feature": "Z", "ready_on": None}]}, 404, "$.events[1].feature"),
        ({"edits": [{"launch": "L-A", "date": "2020-01-01"}]}, 422, "$.edits[0].date"),
        ({"edits": [{"launch": "L-A", "colour": "red"}]}, 422, "$.edits[0].colour"),
        ({"edits": [{"launch": "L-Z", "cancel": True}]}, 404, "$.edits[0]"),
        ({"edit": {"launch": "L-A", "cancel": True}}, 422, "$.edit"),
    ],
)
async def test_what_cannot_be_supposed_is_refused_with_its_place(
    house: House, body: Any, status: int, where: str
) -> None:
    assert where in (await ask(house, body, status))["where"].split("; ")


async def test_circles_strangers_and_empty_scenarios_are_not_kept(house: House) -> None:
    await put(house, "a", LATE)
    await put(house, "b", {**LATE, "extends": "a"})
    circle = await put(house, "a", {**LATE, "extends": "b"}, 422)
    assert (circle.json()["where"], "a extends b extends a" in circle.json()["detail"]) == ("$.extends", True)
    assert (await put(house, "c", {**LATE, "extends": "z"}, 422)).json()["where"] == "$.extends"
    assert (await put(house, "c", {"extends": "a"}, 422)).json()["where"] == "$"
    await put(house, "c'", LATE, 422)
    nowhere = await house.client.put("/launch/api/v1/portfolios/nowhere/scenarios/a", json=LATE)
    assert nowhere.status_code == 404


async def test_scenarios_are_made_read_and_deleted_on_pages_without_script(house: House) -> None:
    path = "/launch/blast-radius"
    assert "Suppose something" in (await house.client.get(path)).text
    form = {"name": "late", "feature": "A", "ready_on": "2026-06-05"}
    answer = await house.client.post("/launch/scenarios", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/launch/scenarios/late?portfolio=default")
    page = (await house.client.get(answer.headers["location"])).text
    assert "2 launches would move" in page
    assert "<svg" in page
    assert "needs a person" in page
    await house.client.post(
        "/launch/scenarios", data={**form, "name": "later", "ready_on": "2026-07-06", "extends": "late"}
    )
    page = (await house.client.get("/launch/scenarios/later")).text
    assert "Compared with late" in page
    assert "/launch/scenarios/later?" in (await house.client.get(path)).text
    in_use = await house.client.post("/launch/scenarios/late/forget")
    assert (in_use.status_code, "later extends it" in in_use.text) == (422, True)
    assert (await house.client.post("/launch/scenarios/later/forget")).status_code == 303
    assert (await house.client.get("/launch/scenarios/later")).status_code == 404
    assert len(await house.told()) == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "feature": "A", "ready_on": "2026-06-05"}, "Say how it is to be called."),
        ({"name": "a/b", "feature": "A", "ready_on": "2026-06-05"}, "a name is up to 64"),
        ({"name": "late", "feature": "A", "ready_on": "soon"}, "is no day"),
        ({"name": "late", "feature": "A", "ready_on": "2026-06-05", "extends": "z"}, "no such scenario: z"),
    ],
)
async def test_a_scenario_that_cannot_be_kept_is_said_at_its_field_and_what_was_typed_stays(
    house: House, form: dict[str, str], said: str
) -> None:
    answer = await house.client.post("/launch/scenarios", data=form)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert f'value="{form["ready_on"]}"' in answer.text


async def test_a_scenario_that_no_longer_fits_the_plan_says_so_on_its_page(house: House) -> None:
    await put(house, "gone", {"events": [{"feature": "Z", "ready_on": None}]})
    page = await house.client.get("/launch/scenarios/gone")
    assert (page.status_code, "no such feature: Z" in page.text) == (200, True)
