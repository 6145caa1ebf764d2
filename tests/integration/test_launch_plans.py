"""Plans on PostgreSQL through the doors: proposals, approvals that race with events, undo, what if, loading."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.engine_state import engine_state_of
from services.launch.settings import DEFAULT_POLICY
from services.launch.store.writing import load_state
from shared.contracts.feature import FeatureChange
from shared.contracts.words import PortfolioId
from tests.bench.loading import MANY, store_launches
from tests.integration.launch import DEFAULT, House, changed, open_house
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import LOUD, MEDIUM, START, snapshot, target

RULES = {
    "extends": str(DEFAULT_POLICY),
    "activities": [],  # a launch's first day is then its features' soak alone
    "teams": {"marketing": {"weekly": 2}},
    "load": {tier: [{"team": "marketing", "units": 2}] for tier in ("T1", "T2")},
    "approval": {"alone": {"T2": {}, "T3": {}}},
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(RULES))
    return file


@pytest.fixture
async def house(fresh_database: FreshDatabase, policy: Path) -> AsyncIterator[House]:
    async with open_house(await fresh_database("launch"), policy_file=policy) as opened:
        yield opened


def added(ref: str, day: str, impact: dict[str, int] = MEDIUM) -> FeatureChange:
    feature = snapshot(ref, day=day, impact=impact, labels=("demo",))
    return FeatureChange(kinds=("added",), feature=feature, before=None)


def delayed(ref: str, day: str, impact: dict[str, int] = MEDIUM, version: int = 2) -> FeatureChange:
    before = snapshot(ref, day="2026-06-01", impact=impact, labels=("demo",))
    after = before.model_copy(update={"target": target(day), "version": version})
    return FeatureChange(kinds=("delayed",), feature=after, before=before)


def at(hours: int) -> Any:
    return START + timedelta(hours=hours)


async def propose(house: House, portfolio: PortfolioId = DEFAULT) -> dict[str, Any]:
    """A loud launch whose slip waits for a person."""
    await house.hear(
        changed(1, added("A", "2026-06-01", LOUD), portfolio=portfolio),
        changed(2, delayed("A", "2026-06-10", LOUD), at=at(1), portfolio=portfolio),
    )
    answer = await house.client.get(f"/launch/api/v1/portfolios/{portfolio}/proposals?state=open")
    (found,) = answer.json()["items"]
    assert isinstance(found, dict)
    return found


async def say(house: House, path: str, body: dict[str, Any], portfolio: str = DEFAULT) -> Any:
    house.now[0] += timedelta(hours=5)
    return await house.client.post(f"/launch/api/v1/portfolios/{portfolio}/{path}", json=body)


async def test_a_proposal_is_asked_for_approved_and_undone(house: House) -> None:
    proposal = await propose(house)
    assert (await house.get("launches/L-A"))["date"] == "2026-06-11"
    assert (proposal["moves"][0]["later_date"], proposal["base_version"]) == ("2026-06-22", 2)
    assert proposal["because"] == ["Feature A is T1"]
    assert (await house.get("launches/L-A/explain"))["proposals"] == [proposal["id"]]
    answer = await say(house, f"proposals/{proposal['id']}/approve", {"by": "ana", "hash": proposal["hash"]})
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    launch = await house.get("launches/L-A")
    assert launch["date"] == "2026-06-22"
    assert "ana approved" in str(launch["history"][0]["why"])
    answer = await say(house, f"proposals/{proposal['id']}/approve", {"by": "ben"})
    assert (answer.status_code, "approved since" in answer.text) == (409, True)
    answer = await say(house, f"proposals/{proposal['id']}/undo", {"by": "ana"})
    assert answer.status_code == 200, answer.text
    launch = await house.get("launches/L-A")
    assert (launch["date"], launch["history"][0]["kinds"]) == (
        "2026-06-11",
        ["rescheduled", "conflict_opened", "undone"],
    )
    answer = await say(house, f"plans/{(await house.told())[2].revision}/undo", {"by": "ben"})
    assert (answer.status_code, "any more" in answer.json()["detail"]) == (409, True)


async def test_a_rejection_says_why_and_the_inbox_is_empty_then(house: House) -> None:
    proposal = await propose(house)
    answer = await say(house, f"proposals/{proposal['id']}/reject", {"by": "ana"})
    assert answer.status_code == 422
    answer = await say(house, f"proposals/{proposal['id']}/reject", {"by": "ana", "reason": "the stage is booked"})
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    assert (await house.get("proposals", state="open"))["items"] == []
    assert (await house.get("launches/L-A"))["conflicts"][0]["constraint"] == "ready"
    assert (await house.client.get(f"/launch/api/v1/portfolios/{DEFAULT}/proposals/P-9-9")).status_code == 404


async def test_an_approval_that_the_world_overtook_is_refused_with_the_difference(house: House) -> None:
    proposal = await propose(house)
    await house.hear(changed(3, added("B", "2026-06-17"), at=at(2)))
    assert (await house.get("launches/L-B"))["date"] == "2026-06-22"
    answer = await say(house, f"proposals/{proposal['id']}/approve", {"by": "ana", "hash": proposal["hash"]})
    problem = answer.json()
    assert (answer.status_code, problem["differences"][0]["launch"]) == (409, "L-B")
    (fresh,) = problem["proposals"]
    answer = await say(house, f"proposals/{fresh['id']}/approve", {"by": "ana", "hash": fresh["hash"]})
    assert answer.status_code == 200, answer.text
    assert (await house.get("launches/L-A"))["date"] == "2026-06-22"
    assert (await house.get("launches/L-B"))["date"] == "2026-07-01"  # the quarter ends frozen
    messages = await house.told()
    assert [one.revision for one in messages] == list(range(1, len(messages) + 1))


async def test_an_approval_that_races_with_an_event_is_applied_or_refused_never_both(house: House) -> None:
    proposal = await propose(house)
    later = changed(3, delayed("A", "2026-06-20", LOUD, 3), at=at(2))
    approve = say(house, f"proposals/{proposal['id']}/approve", {"by": "ana", "hash": proposal["hash"]})
    answer, _ = await asyncio.gather(approve, house.hear(later))
    kept = await house.get(f"proposals/{proposal['id']}")
    launch = await house.get("launches/L-A")
    if answer.status_code == 200:
        assert (kept["state"], launch["date"]) == ("approved", "2026-06-22")
    else:
        assert (answer.status_code, kept["state"], launch["date"]) == (409, "superseded", "2026-06-11")
        assert answer.json()["differences"][0]["you_saw"] == "2026-06-22"
    assert len((await house.get("proposals", state="open"))["items"]) == 1


async def test_a_restart_between_proposal_and_approval_changes_nothing(
    fresh_database: FreshDatabase, policy: Path
) -> None:
    url = await fresh_database("launch")
    async with open_house(url, policy_file=policy) as house:
        proposal = await propose(house)
        await house.hear(changed(3, added("B", "2026-06-01"), at=at(2)))
        context = Context(house.deciding.calendar, at(3))
        kept = await house.deciding.query_locked(DEFAULT, lambda state: engine_state_of(state, context).schedule)
    async with open_house(url, at(3), policy_file=policy) as house:
        loaded = await house.deciding.query_locked(DEFAULT, lambda state: engine_state_of(state, context).schedule)
        assert (kept.home, kept.free, kept.users) == (loaded.home, loaded.free, loaded.users)
        answer = await say(house, f"proposals/{proposal['id']}/approve", {"by": "ana", "hash": proposal["hash"]})
        assert answer.status_code == 200, answer.text


async def test_two_portfolios_do_not_share_teams_or_proposals(house: House) -> None:
    other = PortfolioId("acme")
    first, second = await propose(house), await propose(house, other)
    assert first["hash"] == second["hash"] or first["moves"][0]["launch"] != second["moves"][0]["launch"]
    answer = await say(house, f"proposals/{second['id']}/approve", {"by": "ana"}, other)
    assert answer.status_code == 200
    assert [one["id"] for one in (await house.get("proposals", state="open"))["items"]] == [first["id"]]


async def test_what_if_answers_and_stores_nothing(house: House) -> None:
    await house.hear(changed(1, added("A", "2026-06-01", LOUD)), changed(2, added("B", "2026-06-11"), at=at(1)))
    body = {"events": [{"feature": "A", "ready_on": "2026-06-05"}], "stage": "S2"}
    answer = (await say(house, "simulations", body)).json()
    assert [(one["launch"], one["needs_approval"]) for one in answer["moves"]] == [("L-A", True), ("L-B", True)]
    assert (answer["dry_run"], answer["stage"], answer["cost"] > 0) == (True, "S2", True)
    edit = {"edits": [{"launch": "L-B", "date": "2026-06-30", "pin": "on stage"}]}
    answer = await say(house, "simulations", edit)
    assert [one["to"] for one in answer.json()["moves"]] == ["2026-06-30"]
    assert (await say(house, "simulations", {})).status_code == 422
    assert (await say(house, "simulations", {"events": [{"feature": "Z", "ready_on": None}]})).status_code == 404
    (hurts, *_) = (await house.get("blast-radius"))["items"]
    assert (hurts["feature"], [one["slip_days"] for one in hurts["slips"]]) == ("A", [7, 21, 60])
    against = await house.get("launches/L-B/explain", day="2026-06-09")
    assert [(one["constraint"], one["by"]) for one in against["between"]] == [("capacity", ["L-A"])]
    assert len(await house.told()) == 2


async def test_a_question_that_is_refused_does_not_make_the_next_one_load_the_portfolio_again(house: House) -> None:
    await propose(house)
    asked: list[State] = []

    def refuse(state: State) -> None:
        asked.append(state)
        raise RefusedError("no such feature")

    with pytest.raises(RefusedError):
        await house.deciding.query_locked(DEFAULT, refuse)
    await house.deciding.query_locked(DEFAULT, asked.append)
    assert asked[0] is asked[1]


async def test_ten_thousand_stored_launches_are_loaded_and_planned_in_two_seconds_of_the_processor(
    house: House,
) -> None:
    await store_launches(house.foundation.database, MANY)
    async with house.foundation.database.reading() as connection:
        began = process_time()  # what others do on the machine is not our time
        state = await load_state(connection, DEFAULT)
        resident = engine_state_of(state, Context(house.deciding.calendar, START))
        spent = process_time() - began
    assert len(state.launches) == len(state.features) == len(resident.entries) == MANY
    assert all(resident.entries[name].date == day.toordinal() for name, day in state.standing.items())
    assert spent < 2.0


async def test_the_inbox_draws_before_and_after_and_its_keys_decide(house: House) -> None:
    assert "Nothing waits" in (await house.client.get("/launch/proposals")).text
    await propose(house)
    assert "1 proposal waits for a person" in (await house.client.get("/launch/")).text
    assert "A move waits for a person" in (await house.client.get("/launch/launches/L-A")).text
    page = (await house.client.get("/launch/proposals")).text
    assert "<svg" in page
    assert 'data-key-press="a"' in page
    assert "Feature A is T1" in page
    action = re.search(r'formaction="(/launch/proposals/[^"]+/approve)"', page)
    assert action
    house.now[0] += timedelta(hours=5)
    nobody = await house.client.post(action[1])
    assert (nobody.status_code, "Say who you are" in nobody.text) == (422, True)
    assert (await house.client.post(action[1], data={"by": "ana"})).status_code == 303
    assert (await house.get("launches/L-A"))["date"] == "2026-06-22"
    page = (await house.client.get("/launch/proposals")).text
    assert 'data-key-press="u"' in page
    assert (await house.client.post(action[1])).status_code == 409
    assert (await house.get("launches/L-A"))["history"][0]["cause"]["source"]["actor"] == "ana"


async def test_the_calendar_shows_what_waits_how_full_teams_are_and_lanes_by_tier(house: House) -> None:
    await propose(house)
    page = (await house.client.get("/launch/")).text
    assert "dw-wish" in page
    assert "dw-wish" in (await house.client.get("/launch/launches/L-A")).text
    assert "feature=A#scenarios" in (await house.client.get("/launch/proposals")).text
    assert 'class="dw-load"' in page
    assert "marketing: 1 full week ahead" in page
    by_tier = (await house.client.get("/launch/?lanes=tier")).text
    assert re.search(r'class="dw-lane[^"]*">T1</text>', by_tier)
    assert not re.search(r'class="dw-lane[^"]*">T1</text>', page)
    assert "Nothing matches" in (await house.client.get("/launch/?since=2027-01-01")).text
    assert "Feature A" in (await house.client.get("/launch/?since=2026-06-11")).text


async def test_the_inbox_takes_back_what_was_approved_but_not_for_another_site(house: House) -> None:
    proposal = await propose(house)
    await say(house, f"proposals/{proposal['id']}/approve", {"by": "ana"})
    undo = f"/launch/proposals/{DEFAULT}/{proposal['id']}/undo"
    foreign = await house.client.post(undo, headers={"origin": "https://elsewhere.test"})
    assert foreign.status_code == 403
    assert (await house.client.post(undo, data={"by": "ana"})).status_code == 303
    assert (await house.get("launches/L-A"))["date"] == "2026-06-11"
    assert (await house.client.post(f"/launch/proposals/{DEFAULT}/P-9/approve")).status_code == 404


async def test_teams_and_weeks_and_what_a_slip_would_move_are_pages(house: House) -> None:
    await house.hear(changed(1, added("A", "2026-03-20", LOUD)), changed(2, added("B", "2026-03-30"), at=at(1)))
    page = (await house.client.get("/launch/capacity")).text
    assert "2 of 2" in page
    assert "/launch/launches/L-A" in page
    assert "Feature A</a>" in page
    assert "Nothing matches" in (await house.client.get("/launch/capacity?team=nobody")).text
    sheet = (await house.client.get("/launch/capacity?format=csv")).text
    assert "marketing" in sheet
    page = (await house.client.get("/launch/blast-radius")).text
    assert "60 days later" in page
    assert "Feature A" in page
    sheet = (await house.client.get("/launch/blast-radius?format=csv")).text
    assert "A,Feature A,60,1," in sheet
    assert "1 launch" in page
    form = {"request": "a-request-of-a-page", "by": "ana"}
    for _ in range(2):  # a second press is the same act
        answer = await house.client.post("/launch/blast-radius", data=form)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/launch/blast-radius?portfolio=default&told=3",
        )
    assert "It is told" in (await house.client.get(answer.headers["location"])).text
    assert {one.feature for one in (await house.told())[2].blast_radius} == {"A", "B"}


async def test_asking_what_slips_would_move_is_told_once_as_an_act_that_changes_no_launch(house: House) -> None:
    await house.hear(changed(1, added("A", "2026-06-01", LOUD)), changed(2, added("B", "2026-06-11"), at=at(1)))
    before = await house.get("launches")
    path = f"/launch/api/v1/portfolios/{DEFAULT}/blast-radius"
    bodies = [
        await house.client.post(path, json={"days": [21], "by": "ana"}, headers={"idempotency-key": "r1"}) for _ in "12"
    ]
    assert {answer.status_code for answer in bodies} == {201}
    assert bodies[0].json() == bodies[1].json()
    assert [(one["feature"], one["slips"][0]["slip_days"]) for one in bodies[0].json()["items"]] == [
        ("A", 21),
        ("B", 21),
    ]
    *_, message = await house.told()
    assert (message.revision, message.cause.kind, message.changes) == (3, "person", ())
    assert message.cause.summary == "ana asked what a slip of 2 features would move, as of revision 2"
    assert await house.get("launches") == before
    assert (await house.get("conservation"))["ok"]
    refused = await house.client.post(path, json={"features": ["A", "Z"]})
    assert (refused.status_code, refused.json()["where"]) == (404, "$.features")
    wrong = await house.client.post(path, json={"days": [0]})
    assert (wrong.status_code, "$.days[0]" in wrong.text) == (422, True)
