"""A waiting proposal on PostgreSQL: the solver's process finds a better plan while the road goes on."""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.launch.app import create_app
from services.launch.domain.decisions.better_plan import look_for_better_plan
from services.launch.domain.policy import Policy
from services.launch.handlers.solving import SolverAwayError, Solving
from services.launch.settings import DEFAULT_POLICY, LaunchSettings
from services.launch.store.writing import load_state
from services.launch.timers import Improving
from shared.contracts.feature import FeatureChange
from shared.runtime.foundation import Runtime
from tests.integration.launch import DEFAULT, NOWHERE, House, changed, open_house
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.decisions.test_better_plans import LOAD, LOUD_ONES, MEDIUM_ONES, SOLVER, TEAMS
from tests.unit.launch.story import LOUD, MEDIUM, START, snapshot, target

RULES = {
    "extends": str(DEFAULT_POLICY),
    "activities": [],  # a launch's first day is then its features' soak alone
    "teams": {name: team.model_dump() for name, team in TEAMS.items()},
    "load": {tier: [one.model_dump() for one in works] for tier, works in LOAD.items()},
    "slots": [],
    "spacing": ["T1", "T2"],
    "apart_days": {},
    "approval": {"alone": {}},
}
with_ortools = pytest.mark.skipif(SOLVER is None, reason="the extra inloop[optimize] is not installed")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(RULES))
    return file


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> str:
    return await fresh_database("launch")


@pytest.fixture
async def house(database: str, policy: Path) -> AsyncIterator[House]:
    async with open_house(database, policy_file=policy) as opened:
        yield opened


def feature(ref: str) -> Any:
    day = {**LOUD_ONES, **MEDIUM_ONES}[ref]
    segments = ("public",) if ref in {"E", "H"} else ()
    return snapshot(ref, day=day, impact=LOUD if ref in LOUD_ONES else MEDIUM, labels=("demo",), segments=segments)


async def crowd(house: House) -> dict[str, Any]:
    """A crowded month, a slip, and the proposal that waits; it is not the least."""
    refs = sorted({**LOUD_ONES, **MEDIUM_ONES})
    added = [FeatureChange(kinds=("added",), feature=feature(ref), before=None) for ref in refs]
    await house.hear(*(changed(at, one, at=START + timedelta(hours=at)) for at, one in enumerate(added, 1)))
    slipped = feature("B").model_copy(update={"target": target("2026-06-21"), "version": 2})
    delayed = FeatureChange(kinds=("delayed",), feature=slipped, before=feature("B"))
    await house.hear(changed(len(refs) + 1, delayed, at=START + timedelta(hours=len(refs) + 1)))
    house.now[0] = START + timedelta(days=1)
    (found,) = (await house.get("proposals", state="open"))["items"]
    assert isinstance(found, dict)
    assert found["cost"] > found["lower_bound"]
    return found


def improving(house: House, solving: Solving | None = None) -> Improving:
    return Improving(house.deciding, solving or house.solving, lambda: house.now[0])


async def started() -> None:
    """Until there is a solver's process."""
    while not multiprocessing.active_children():
        await asyncio.sleep(0.01)


@with_ortools
async def test_a_waiting_proposal_is_superseded_by_a_cheaper_one_and_looked_at_once(house: House) -> None:
    first = await crowd(house)
    before = {one["id"]: one["date"] for one in (await house.get("launches"))["items"]}
    background = improving(house)
    await background.look()
    (fresh,) = (await house.get("proposals", state="open"))["items"]
    assert fresh["stage"] == "S3"
    assert fresh["lower_bound"] == fresh["cost"] < first["cost"]
    old = await house.get(f"proposals/{first['id']}")
    assert (old["state"], old["reason"]) == (
        "superseded",
        f"a plan was found that costs {fresh['cost']} instead of {first['cost']}",
    )
    assert {one["id"]: one["date"] for one in (await house.get("launches"))["items"]} == before
    told = await house.told()
    assert told[-1].cause.id.startswith("launch:clock:")
    assert (await house.get("conservation", until=10))["ok"]
    await background.look()
    await improving(house).look()
    assert len(await house.told()) == len(told)


@with_ortools
async def test_the_road_does_not_wait_and_a_stale_answer_is_dropped(house: House) -> None:
    await crowd(house)
    looking = asyncio.create_task(improving(house).look())
    await started()
    slipped = feature("B").model_copy(update={"target": target("2026-06-28"), "version": 3})
    delayed = FeatureChange(kinds=("delayed",), feature=slipped, before=feature("B"))
    await house.hear(changed(11, delayed, at=START + timedelta(hours=11)))
    assert not looking.done()
    revision = len(await house.told())
    await looking
    assert len(await house.told()) == revision
    (waiting,) = (await house.get("proposals", state="open"))["items"]
    assert waiting["base_version"] == 11


def never_answer(pipe: Connection, _: str, __: Policy) -> None:
    """A solver's process that thinks for ever."""
    pipe.recv()
    time.sleep(600)


def fall_over(pipe: Connection, _: str, __: Policy) -> None:
    """A solver's process that ends instead of answering."""
    pipe.recv()


@with_ortools
async def test_a_restart_in_the_middle_loses_nothing(database: str, policy: Path) -> None:
    async with open_house(database, policy_file=policy) as house:
        first = await crowd(house)
        slow = Solving(house.foundation.settings.database_url, house.deciding.calendar.policy, never_answer)
        looking = asyncio.create_task(improving(house, slow).look())
        await started()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        assert multiprocessing.active_children() == []
    async with open_house(database, START + timedelta(days=2), policy_file=policy) as house:
        await improving(house).look()
        (fresh,) = (await house.get("proposals", state="open"))["items"]
        assert fresh["cost"] < first["cost"]
        async with house.foundation.database.reading() as connection:
            loaded = await load_state(connection, DEFAULT)
        kept = await house.deciding.query_locked(DEFAULT, lambda state: (dict(state.launches), dict(state.proposals)))
        assert kept == (loaded.launches, loaded.proposals)


async def test_a_process_that_falls_over_is_said_and_started_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    first = await crowd(house)
    broken = Solving(house.foundation.settings.database_url, house.deciding.calendar.policy, fall_over)
    for _ in range(2):
        with pytest.raises(SolverAwayError):
            await broken.ask(DEFAULT, START, partial(look_for_better_plan, proposal=first["id"]))
    await improving(house, broken).look()
    assert "no better plan" in caplog.text
    assert [one["id"] for one in (await house.get("proposals", state="open"))["items"]] == [first["id"]]


@with_ortools
async def test_the_service_looks_by_itself_and_ends_the_process_when_it_stops(database: str, policy: Path) -> None:
    async with open_house(database, policy_file=policy) as house:
        first = await crowd(house)
        settings = LaunchSettings(database_url=database, kafka_bootstrap=NOWHERE, policy_file=policy)
        app = create_app(settings, Runtime(clock=lambda: house.now[0]))
        async with app.router.lifespan_context(app), asyncio.timeout(60):
            while (await house.get(f"proposals/{first['id']}"))["state"] == "open":
                await asyncio.sleep(0.1)
        assert multiprocessing.active_children() == []


async def simulate(house: House, stage: str) -> Any:
    body = {"events": [{"feature": "E", "ready_on": "2026-07-05"}], "stage": stage}
    answer = await house.client.post(f"/launch/api/v1/portfolios/{DEFAULT}/simulations", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@with_ortools
async def test_what_if_at_the_third_stage_really_asks_the_solver(house: House) -> None:
    await crowd(house)
    revision = len(await house.told())
    quick, proved = await simulate(house, "S1"), await simulate(house, "S3")
    assert (quick["stage"], proved["stage"]) == ("S1", "S3")
    assert {one["stage"] for one in proved["proposals"] if one["state"] == "open"} == {"S3"}
    assert proved["cost"] <= quick["cost"]
    assert proved == await simulate(house, "S3")
    assert len(await house.told()) == revision
    wrong = {"events": [{"feature": "nobody", "ready_on": None}], "stage": "S3"}
    answer = await house.client.post(f"/launch/api/v1/portfolios/{DEFAULT}/simulations", json=wrong)
    assert (answer.status_code, answer.json()["where"]) == (404, "$.events[0].feature")


async def test_without_the_extra_the_second_stage_answers_and_nothing_starts(
    house: House, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ortools", None)  # as if it were not installed
    first = await crowd(house)
    assert (await simulate(house, "S3"))["stage"] == "S2"
    settings = LaunchSettings(
        database_url=house.foundation.settings.database_url, kafka_bootstrap=NOWHERE, policy_file=policy
    )
    app = create_app(settings, Runtime(clock=lambda: house.now[0]))
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0.5)
    assert multiprocessing.active_children() == []
    assert (await house.get(f"proposals/{first['id']}"))["state"] == "open"
