"""Why this tier, who must begin when, and what persons agree on: asked and said through the API, on PostgreSQL."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.launch.timers import fire_due
from shared.contracts.feature import FeatureChange, FeatureSnapshot, Impact
from tests.integration.launch import DEFAULT, House, changed, open_house
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import MEDIUM, SMALL, snapshot

PATH = f"/launch/api/v1/portfolios/{DEFAULT}/launches/L-F-1"
LOUDER = {"market_tier": "T1", "reason": "the keynote", "by": "ana", "until": "2026-02-02"}
LESS = {"activity": "kickoff", "reason": "the text is there", "by": "ana", "approved_by": "bo", "until": "2026-02-02"}


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(await fresh_database("launch")) as opened:
        feature = snapshot("F-1", day="2026-06-01", impact=MEDIUM)
        await opened.hear(changed(1, FeatureChange(kinds=("added",), feature=feature, before=None)))
        yield opened


async def ask(house: House, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await house.client.request(method, f"{PATH}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def let_time_pass(house: House, *day: int) -> None:
    house.now[0] = datetime(*day, 9, tzinfo=UTC)  # type: ignore[misc, arg-type]
    await fire_due(house.deciding, lambda: house.now[0])


async def test_why_t2_is_answered_with_score_inputs_gates_and_the_nearest_flip(house: House) -> None:
    tier = await house.get("launches/L-F-1/tier")
    assert (tier["market_tier"], tier["score"], tier["why"]) == ("T2", 52, "Score 52 gives T2.")
    assert tier["quieter_if"]["detail"] == "T3 if customer value goes to 0"
    assert {one["input"]: one["value"] for one in tier["inputs"]}["reach"] == 3
    assert (tier["override"], tier["asked"], tier["locked"]) == (None, None, False)
    await house.get("launches/L-nothing/tier", status=404)


async def test_an_override_needs_a_second_name_holds_until_its_day_and_can_be_ended(house: House) -> None:
    problem = await ask(house, "PUT", "tier/override", LOUDER, 422)
    assert problem["where"] == "$.approved_by"
    await ask(house, "PUT", "tier/override", LOUDER | {"approved_by": "Ana"}, 422)
    await ask(house, "PUT", "tier/override", LOUDER | {"approved_by": "bo", "until": "2026-01-05"}, 422)
    launch = await ask(house, "PUT", "tier/override", LOUDER | {"approved_by": "bo"})
    assert (launch["market_tier"], launch["override"]["approved_by"]) == ("T1", "bo")
    assert launch["tier_reason"].startswith("ana decided T1, approved by bo, until 2026-02-02: the keynote.")
    assert "By itself it would be T2" in launch["tier_reason"]
    await let_time_pass(house, 2026, 2, 2)
    back = await house.get("launches/L-F-1")
    assert (back["market_tier"], back["override"]) == ("T2", None)
    assert back["history"][0]["cause"]["kind"] == "clock"
    await ask(house, "DELETE", "tier/override", status=404)
    await ask(house, "PUT", "tier/override", LOUDER | {"approved_by": "bo", "until": "2026-09-01"})
    ended = await house.client.request("DELETE", f"{PATH}/tier/override", params={"by": "bo"})
    assert ended.json()["market_tier"] == "T2"


async def test_activities_hang_on_the_date_and_completed_ones_do_not_move(house: House) -> None:
    asked = await house.get("launches/L-F-1/activities")
    assert asked["items"][0]["begin_by"] == "2026-04-29"  # 30 working days before 10 June
    assert {one["state"] for one in asked["items"]} == {"ahead"}
    before = await house.get("launches/L-F-1")
    await ask(house, "POST", "activities/kickoff/complete", {"by": "ana"})
    await ask(house, "POST", "activities/no-such/complete", {"by": "ana"}, 404)
    await house.patch("L-F-1", {"date": "2026-07-06", "by": "ana"})
    later = {one["activity"]: one for one in (await house.get("launches/L-F-1/activities"))["items"]}
    assert (later["kickoff"]["state"], later["kickoff"]["begin_by"]) == ("completed", "2026-04-29")
    assert later["positioning"]["begin_by"] == "2026-06-01"
    now = await house.get("launches/L-F-1")
    assert now["revision"] == before["revision"] + 1  # the date's; what is completed is not material


async def test_the_clock_says_once_what_must_begin_today(house: House) -> None:
    await let_time_pass(house, 2026, 4, 29)
    await let_time_pass(house, 2026, 4, 30)
    told = [one for one in await house.told() if one.cause.kind == "clock"]
    assert [one.cause.summary for one in told] == [
        "Today is the last day to start kickoff and agreed tier for Feature F-1 on 2026-06-10 (pmm), and of 1 more"
    ]
    (change,) = told[0].changes
    assert (change.kinds, change.material) == (("lead_time_at_risk",), False)


async def test_less_lead_is_waived_by_two_names_and_the_waiver_ends(house: House) -> None:
    await house.patch("L-F-1", {"date": "2026-01-30", "by": "ana"}, 422)  # neither ready nor enough notice
    alone = await ask(house, "POST", "waivers", LESS | {"approved_by": None}, 422)
    assert alone["where"] == "$.approved_by"
    launch = await ask(house, "POST", "waivers", LESS, 201)
    assert [(one["activity"], one["lead"], one["approved_by"]) for one in launch["waivers"]] == [("kickoff", 30, "bo")]
    assert "lead_time_waived" in (await house.get("launches/L-F-1"))["history"][0]["kinds"]
    states = {one["activity"]: one["state"] for one in (await house.get("launches/L-F-1/activities"))["items"]}
    assert states["kickoff"] == "waived"
    await let_time_pass(house, 2026, 2, 2)
    assert (await house.get("launches/L-F-1"))["waivers"] == []


async def test_what_was_agreed_survives_a_restart(house: House) -> None:
    await ask(house, "PUT", "tier/override", LOUDER | {"approved_by": "bo"})
    again = type(house.deciding)(
        house.deciding.database, house.foundation.outbox, house.foundation.telemetry, house.deciding.calendar
    )
    await again.fire(DEFAULT, datetime(2026, 2, 3, tzinfo=UTC))
    assert (await house.get("launches/L-F-1"))["market_tier"] == "T2"


async def rescope(house: House, revision: int, before: FeatureSnapshot, **fields: Any) -> FeatureSnapshot:
    after = before.model_copy(update={**fields, "version": revision})
    await house.hear(changed(revision, FeatureChange(kinds=("rescoped",), feature=after, before=before)))
    return after


async def propose_quieter(house: House) -> tuple[FeatureSnapshot, Any]:
    """Work has started on the launch, and its feature has shrunk: the feature, and the proposal to make it quieter."""
    await ask(house, "POST", "activities/kickoff/complete", {"by": "ana"})
    quiet = {name: Impact(value=value) for name, value in SMALL.items()}
    feature = await rescope(house, 2, snapshot("F-1", day="2026-06-01", impact=MEDIUM), impact=quiet)
    (proposal,) = (await house.get("proposals"))["items"]
    assert (proposal["kind"], proposal["state"], proposal["hash"]) == ("retier", "open", "T3/T3")
    return feature, proposal


async def decide(house: House, proposal: Any, verdict: str, status: int = 200, **body: Any) -> None:
    path = f"/launch/api/v1/portfolios/{DEFAULT}/proposals/{proposal['id']}/{verdict}"
    answer = await house.client.post(path, json={"by": "bo", **body})
    assert answer.status_code == status, answer.text


async def test_a_proposed_tier_is_approved_and_dated_anew(house: House) -> None:
    _, proposal = await propose_quieter(house)
    await decide(house, proposal, "approve", 409, hash="T1/T1")
    await decide(house, proposal, "approve", hash=proposal["hash"])
    launch = await house.get("launches/L-F-1")
    assert (launch["market_tier"], launch["train"]) == ("T3", launch["date"])
    assert {"proposal_approved", "retiered"} <= set(launch["history"][0]["kinds"])
    await decide(house, proposal, "approve", 409)


async def test_a_proposed_tier_is_shown_before_and_after_decided_on_the_page_and_not_undone(house: House) -> None:
    _, proposal = await propose_quieter(house)
    page = (await house.client.get("/launch/proposals")).text
    card = page[page.index(f'data-key="{proposal["id"]}"') :]
    assert re.findall(r'class="tier tier-(t\d)"', card) == ["t2", "t3", "t2", "t3"]
    assert "Its lead times follow" in card
    path = f"/launch/proposals/{DEFAULT}/{proposal['id']}"
    answer = await house.client.post(f"{path}/approve", data={"by": "bo", "hash": "T1/T1"})
    assert (answer.status_code, "no longer holds" in answer.text) == (409, True)
    answer = await house.client.post(f"{path}/approve", data={"by": "bo", "hash": proposal["hash"]})
    assert answer.status_code == 303
    assert (await house.get("launches/L-F-1"))["market_tier"] == "T3"
    assert 'data-key-press="u"' not in (await house.client.get("/launch/proposals")).text
    answer = await house.client.post(f"{path}/undo", data={"by": "bo"})
    assert (answer.status_code, "undo moves only days" in answer.text) == (409, True)
    await decide(house, proposal, "undo", 409)
    assert (await house.get("launches/L-F-1"))["market_tier"] == "T3"


async def test_a_rejected_tier_is_not_asked_for_again(house: House) -> None:
    feature, proposal = await propose_quieter(house)
    await decide(house, proposal, "reject", reason="the kickoff was a success")
    await rescope(house, 3, feature, title="Another title")
    assert (await house.get("launches/L-F-1"))["market_tier"] == "T2"
    assert [one for one in (await house.get("proposals"))["items"] if one["state"] == "open"] == []


async def test_trains_and_audiences_can_be_asked_for_and_are_a_page(house: House) -> None:
    small = snapshot("F-2", day="2026-03-18", impact=SMALL, segments=("smb",))
    quiet = snapshot("F-3", day="2026-03-12", impact={"reach": 1}, segments=("smb",), title="A small thing")
    news = (FeatureChange(kinds=("added",), feature=one, before=None) for one in (small, quiet))
    await house.hear(changed(2, *news))
    asked = await house.get("trains")
    assert [(one["day"], one["segment"], one["launches"], one["strength"], one["weak"]) for one in asked["trains"]] == [
        ("2026-03-24", "smb", ["L-F-2"], 29, False)
    ]
    assert (asked["audiences"], asked["missed"]) == ([], [])
    page = (await house.client.get("/launch/trains")).text
    for words in ("29 of at least 20", "F-3: A small thing", "/launch/launches/L-F-2"):
        assert words in page
    assert "Trains et publics" in (await house.client.get("/launch/trains", headers={"accept-language": "fr"})).text
    assert "F-3: A small thing" in (await house.client.get("/launch/trains?format=csv")).text


async def test_a_launch_that_has_missed_trains_says_how_many(house: House) -> None:
    early = snapshot("F-2", day="2026-03-18", impact=SMALL)
    await house.hear(changed(2, FeatureChange(kinds=("added",), feature=early, before=None)))
    for number, day in ((3, "2026-04-15"), (4, "2026-05-13")):
        late = snapshot("F-2", day=day, impact=SMALL)
        await house.hear(changed(number, FeatureChange(kinds=("delayed",), feature=late, before=early)))
        early = late
    (missed,) = (await house.get("trains"))["missed"]
    assert (missed["launch"], missed["missed"], missed["flagged"]) == ("L-F-2", 2, True)
    assert "has missed 2 trains in a row" in (await house.get("launches/L-F-2"))["conflicts"][0]["detail"]
    assert "Missed trains" in (await house.client.get("/launch/launches/L-F-2")).text


async def test_a_pin_that_crowds_a_segment_is_shown_with_why_not_that_day(house: House) -> None:
    for number, (ref, day) in enumerate((("F-2", "2026-06-01"), ("F-3", "2026-05-04")), 2):
        feature = snapshot(ref, day=day, impact=MEDIUM, segments=("smb",))
        await house.hear(changed(number, FeatureChange(kinds=("added",), feature=feature, before=None)))
    explained = await house.get("launches/L-F-3/explain", day="2026-06-11")
    assert ("rest", ["L-F-2"]) in [(one["constraint"], one["by"]) for one in explained["between"]]
    await house.patch("L-F-3", {"date": "2026-06-11", "pin": "a promise", "by": "ana"})
    (crowded,) = (await house.get("trains"))["audiences"]
    assert (crowded["constraint"], crowded["launches"]) == ("rest", ["L-F-2", "L-F-3"])
    assert "smb hears something else" in (await house.client.get("/launch/launches/L-F-3")).text
    assert "Told too much" in (await house.client.get("/launch/trains")).text


async def test_the_page_shows_why_this_tier_and_who_must_begin_when(house: House) -> None:
    await ask(house, "POST", "activities/kickoff/complete", {"by": "ana"})
    page = (await house.client.get("/launch/launches/L-F-1")).text
    for words in ("Score 52 gives T2.", "positioning and message approved", "kickoff and agreed tier"):
        assert words in page


async def test_a_person_sets_a_first_and_a_last_day_and_null_lifts_one(house: House) -> None:
    set_ = (await house.patch("L-F-1", {"not_before": "2026-06-15", "not_after": "2026-06-19", "by": "ana"})).json()
    assert (set_["date"], set_["not_before"], set_["not_after"]) == ("2026-06-15", "2026-06-15", "2026-06-19")
    explained = await house.get("launches/L-F-1/explain", day="2026-06-22")
    assert explained["bounds"][0]["constraint"] == "not_before"
    assert [one["constraint"] for one in explained["against"]] == ["not_after"]
    page = re.sub(r"<[^>]+>", " ", (await house.client.get("/launch/launches/L-F-1")).text)
    assert "Not before" in page
    assert "Not after" in page
    refused = await house.patch("L-F-1", {"not_before": "2026-07-01"}, status=422)
    assert refused.json()["where"] == "$.not_before"
    lifted = (await house.patch("L-F-1", {"not_after": None})).json()
    assert (lifted["not_before"], lifted["not_after"]) == ("2026-06-15", None)
