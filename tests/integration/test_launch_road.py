"""From a message of roadmap to launch's outbox, on PostgreSQL: decided in order, saved, told once, answerable."""

from collections.abc import AsyncIterator

import pytest

from shared.contracts.feature import FeatureChange
from tests.integration.launch import House, changed, open_house
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import MEDIUM, snapshot


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(await fresh_database("launch")) as opened:
        yield opened


def added(ref: str = "F-1", **fields: object) -> FeatureChange:
    return FeatureChange(
        kinds=("added",), feature=snapshot(ref, **{"day": "2026-06-01", "impact": MEDIUM, **fields}), before=None
    )


async def test_a_feature_worth_telling_gets_a_launch_that_can_be_asked_for(house: House) -> None:
    await house.hear(changed(1, added()))
    launch = await house.get("launches/L-F-1")
    assert (launch["date"], launch["market_tier"], launch["revision"], launch["state"]) == (
        "2026-06-08",
        "T2",
        1,
        "planned",
    )
    assert [one["kinds"] for one in launch["history"]] == [["planned"]]
    (told,) = await house.told()
    assert (told.cause.id, told.revision) == ("native:default-1", 1)
