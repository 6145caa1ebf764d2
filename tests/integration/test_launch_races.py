"""Persons and roadmap at the same portfolio at once, in many interleavings; and two portfolios that do not wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.launch.domain.portfolio import State, evolve
from services.launch.store.writing import load_state
from shared.contracts.words import PortfolioId
from tests.integration.launch import House, changed, open_house
from tests.integration.test_launch_plans import RULES, added, at, delayed, propose
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import LOUD, START

TURNS = 12
STEP = 0.004


@pytest.fixture
async def house(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(RULES))
    async with open_house(await fresh_database("launch"), at(5), policy_file=file) as opened:
        yield opened


async def post(house: House, portfolio: str, path: str, body: dict[str, Any], after: float = 0) -> Any:
    await asyncio.sleep(after)
    return await house.client.post(f"/launch/api/v1/portfolios/{portfolio}/{path}", json=body)


async def hear(house: House, message: Any, after: float) -> None:
    await asyncio.sleep(after)
    await house.hear(message)


async def test_whenever_an_approval_meets_an_event_it_is_applied_or_refused_and_the_story_adds_up(house: House) -> None:
    ends: Counter[int] = Counter()
    for turn in range(-TURNS, TURNS + 1):
        portfolio = PortfolioId(f"p{turn + TURNS}")
        proposal = await propose(house, portfolio)
        body = {"by": "ana", "hash": proposal["hash"]}
        late = changed(3, delayed("A", "2026-06-20", LOUD, 3), at=at(2), portfolio=portfolio)
        answer, _ = await asyncio.gather(
            post(house, portfolio, f"proposals/{proposal['id']}/approve", body, max(0, turn) * STEP),
            hear(house, late, max(0, -turn) * STEP),
        )
        ends[answer.status_code] += 1
        await check(house, portfolio, proposal, answer)
    assert ends.keys() == {200, 409}, ends


async def check(house: House, portfolio: PortfolioId, proposal: dict[str, Any], answer: Any) -> None:
    """The answer is what was told, and what is stored is the replay of what was told."""
    told = await house.told(portfolio)
    assert [one.revision for one in told] == list(range(1, len(told) + 1))
    ours = [one for message in told for one in message.proposals if one.id == proposal["id"]]
    if answer.status_code == 200:
        assert [one.state for one in ours] == ["open", "approved"]
        (moved,) = [one for message in told for one in message.changes if "proposal_approved" in one.kinds]
        assert str(moved.launch.date) == proposal["moves"][0]["later_date"]
    else:
        assert [one.state for one in ours] == ["open", "superseded"]
        assert answer.json()["differences"][0]["you_saw"] == proposal["moves"][0]["later_date"]
    async with house.foundation.database.reading() as connection:
        stored = await load_state(connection, portfolio)
    replayed, now = State(portfolio), START
    for message in told:
        now = max(now, message.cause.source.observed_at)  # time does not go back, whoever comes late
        evolve(replayed, message, now, house.deciding.calendar)
    assert replayed.launches == stored.launches
    assert replayed.proposals == stored.proposals


async def test_two_portfolios_side_by_side_decide_as_each_would_alone(house: House) -> None:
    names = [PortfolioId("one"), PortfolioId("two")]
    proposals = [await propose(house, name) for name in names]
    await asyncio.gather(
        *(
            post(house, name, f"proposals/{proposal['id']}/approve", {"by": "ana", "hash": proposal["hash"]})
            for name, proposal in zip(names, proposals, strict=True)
        ),
        *(
            house.hear(
                *(changed(number, added(f"B{number}", "2026-07-10"), at=at(6), portfolio=name) for number in (3, 4))
            )
            for name in names
        ),
    )
    dates = []
    for name in names:
        told = await house.told(name)
        assert [one.revision for one in told] == [1, 2, 3, 4, 5]
        last = {change.launch.id.partition("~")[2]: change.launch.date for one in told for change in one.changes}
        dates.append(last)
    assert dates[0] == dates[1]
    assert len(dates[0]) == len({"A", "B3", "B4"})
