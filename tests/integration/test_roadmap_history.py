"""Five years of a real roadmap through the doors and the database: told exactly as expected, twice the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.roadmap.store.roadmaps import load_roadmap
from shared.contracts.words import PortfolioId
from tests.integration.roadmap import House, open_house
from tests.servers.fixtures import FreshDatabase

HISTORY = Path(__file__).parents[3] / "shared" / "data" / "kubernetes-roadmap"
pytestmark = pytest.mark.skipif(not HISTORY.exists(), reason="the history lies beside the repository, not in it")


async def told(house: House) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while page := (await house.get(f"changes?after={len(items)}&limit=500"))["items"]:
        items += page
    return items


async def test_a_history_is_told_as_expected_and_sent_again_tells_nothing(fresh_database: FreshDatabase) -> None:
    expected = [json.loads(line) for line in (HISTORY / "expected.jsonl").read_text().splitlines()]
    async with open_house(fresh_database, time_source="observations") as house:
        await house.post((HISTORY / "observations.jsonl").read_bytes())
        assert await house.judge_all() == 1825
        messages = await told(house)
        found = {
            one["cause"]["id"].removeprefix("native:"): sorted(
                [change["feature"]["ref"], kind] for change in one["changes"] for kind in change["kinds"]
            )
            for one in messages
        }
        assert found == {one["id"]: one["changes"] for one in expected}
        sums = await house.get("conservation")
        assert (sums["causes"], sums["noops"], sums["refused"], sums["ok"]) == (1636, 189, 0, True)

        async with house.foundation.database.reading() as connection:
            state = await load_roadmap(connection, PortfolioId("alpha"))
        versions = {
            change["feature"]["ref"]: change["feature"]["version"] for one in messages for change in one["changes"]
        }
        assert {ref: known.snapshot.version for ref, known in state.features.items()} == versions

        again = await house.post((HISTORY / "observations.jsonl").read_bytes())
        assert {one["outcome"] for one in again} == {"duplicate"}
        assert await house.judge_all() == 0
