"""Launch's pages over HTTP, on PostgreSQL: what they say, their forms, and what a stranger's text becomes."""

import html
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.integration.launch import House, changed, open_house
from tests.integration.test_launch_road import added, delayed
from tests.servers.fixtures import FreshDatabase
from tests.unit.launch.story import target

PAGE = "/launch/launches/L-F-1"
HEALTH = ("/livez", "/readyz", "/startupz", "/metrics")
DOCUMENTS = ("/launch/api/openapi.json", "/launch/api/asyncapi.json")
OPEN = frozenset({*HEALTH, *(f"/launch{one}" for one in HEALTH), "/launch/sign-in", *DOCUMENTS})


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(await fresh_database("launch")) as opened:
        yield opened


def read(page: str) -> str:
    """What a person reads of the page."""
    return re.sub(r"<[^>]+>", "", page)


async def form(house: House, act: str, **fields: Any) -> httpx2.Response:
    """Fill in one form of the page as a browser does."""
    page = (await house.client.get(PAGE)).text
    hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("request", "seen")}
    values = {name: match[1] for name, match in hidden.items() if match}
    return await house.client.post(PAGE, data={"act": act, "by": "Ana", **values, **fields})


async def test_an_empty_list_says_what_will_appear_and_how(house: House) -> None:
    page = await house.client.get("/launch/")
    assert page.status_code == 200
    assert "A launch appears by itself" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_list_shows_day_tier_state_and_slack_with_the_drawing_above(house: House) -> None:
    await house.hear(changed(1, added(), added("B", day=None, target=target(None, "v9"), release="v9")))
    page = (await house.client.get("/launch/")).text
    assert "<svg" in page
    assert page.index('class="drawing ') < page.index('class="rows"')
    assert "B waits for a day of release v9" in page
    assert 'href="/launch/launches/L-F-1"' in page
    assert len(page.encode()) < 150_000


async def test_a_calendar_of_hundreds_of_launches_stays_small_and_says_what_is_not_drawn(house: House) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(5, 11) for day in range(1, 29)]
    many = [added(f"F-{number}", day=days[number % len(days)], title=f"Feature {number} " * 5) for number in range(400)]
    await house.hear(changed(1, *many))
    page = (await house.client.get("/launch/")).text
    assert len(page.encode()) < 150_000
    assert "40 of these 50 are drawn" in page
    assert page.count("<tr tabindex") == 50
    later = re.search(r'rel="next" href="([^"]+)"', page)
    assert later
    assert (await house.client.get(html.unescape(later[1]))).text.count("<tr tabindex") == 50


async def test_the_list_is_filtered_by_its_address_and_exported(house: House) -> None:
    await house.hear(changed(1, added(), added("B", title="=HYPERLINK(1)")))
    assert "L-F-1" not in (await house.client.get("/launch/?state=launched")).text
    sheet = await house.client.get("/launch/?format=csv&q=HYPER")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.text.splitlines()[1].startswith("L-B,'=HYPERLINK(1),2026-06-10,T2,T2,planned")


async def test_one_launch_shows_the_old_date_as_a_ghost_with_its_chain_and_history(house: House) -> None:
    await house.hear(changed(1, added()), changed(2, delayed("2026-06-08")))
    page = (await house.client.get(PAGE)).text
    assert re.search(r'<s><time datetime="2026-06-10".*?datetime="2026-06-17"', page)
    assert "F-1 is ready on Jun 8; help-center articles (docs) needs 7 working days after that: Jun 17" in read(page)
    assert "Score 52 gives T2" in page
    assert (await house.client.get(f"{PAGE}?lang=fr")).text.count("Pourquoi ce jour") == 1


async def test_why_not_another_day_and_what_the_loudness_rests_on_are_answered_without_script(house: House) -> None:
    await house.hear(changed(1, added()))
    assert 'id="answer"' not in (await house.client.get(PAGE)).text
    page = read((await house.client.get(f"{PAGE}?day=2026-06-13")).text)
    assert "Why not" in page
    assert "Jun 13 is no working day" in page
    page = read((await house.client.get(f"{PAGE}?day=2026-06-08")).text)
    assert "F-1 is ready on Jun 1; help-center articles (docs) needs 7 working days after that: Jun 10" in page
    assert "value to customers 3 of 3" in page
    assert "T3 if customer value goes to 0" in page
    assert (await house.client.get(f"{PAGE}?day=soon")).status_code == 200


async def test_a_person_pins_renames_moves_and_calls_off_by_form(house: House) -> None:
    await house.hear(changed(1, added()))
    for act, fields in (
        ("rename", {"name": "Night <b>shift</b>"}),
        ("move", {"date": "2026-06-15"}),
        ("pin", {"date": "2026-06-16", "reason": "the fair"}),
        ("unpin", {}),
        ("cancel", {}),
        ("reopen", {}),
    ):
        answer = await form(house, act, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE), act
    launch = await house.get("launches/L-F-1")
    assert (launch["name"], launch["date"], launch["pin"], launch["state"]) == (
        "Night <b>shift</b>",
        "2026-06-16",
        None,
        "planned",
    )
    assert "Night &lt;b&gt;shift&lt;/b&gt;" in (await house.client.get(PAGE)).text
    assert [one["cause"]["source"]["actor"] for one in launch["history"]][:6] == ["Ana"] * 6


async def test_a_person_sets_and_lifts_the_first_and_the_last_day_by_form(house: House) -> None:
    await house.hear(changed(1, added()))
    await form(house, "bounds", not_before="2026-06-13", not_after="2026-06-30")
    launch = await house.get("launches/L-F-1")
    assert (launch["date"], launch["not_before"], launch["not_after"]) == ("2026-06-15", "2026-06-13", "2026-06-30")
    refused = await form(house, "bounds", not_before="2026-07-20", not_after="2026-06-30")
    assert (refused.status_code, "no day is on or after" in refused.text) == (422, True)
    await form(house, "bounds", not_before="", not_after="2026-06-30")
    launch = await house.get("launches/L-F-1")
    assert (launch["not_before"], launch["not_after"]) == (None, "2026-06-30")


async def test_a_form_sent_twice_acts_once(house: House) -> None:
    await house.hear(changed(1, added()))
    sent = {"act": "rename", "by": "Ana", "name": "Once", "request": "a-request-id", "seen": "1.1"}
    assert [(await house.client.post(PAGE, data=sent)).status_code for _ in range(2)] == [303, 303]
    assert len(await house.told()) == 2


async def test_a_form_that_comes_too_late_shows_the_difference_and_changes_nothing(house: House) -> None:
    await house.hear(changed(1, added()))
    await house.patch("L-F-1", {"name": "Faster"})
    late = {"act": "rename", "by": "Ana", "name": "Slower", "request": "a-request-id", "seen": "1.1"}
    answer = await house.client.post(PAGE, data=late)
    assert answer.status_code == 412
    assert re.search(r"name</th><td>Feature F-1</td><td>Faster</td>", answer.text)
    assert (await house.get("launches/L-F-1"))["name"] == "Faster"


async def test_what_cannot_be_done_is_said_on_the_page(house: House) -> None:
    await house.hear(changed(1, added()))
    answer = await form(house, "move", date="2026-06-14")
    assert answer.status_code == 422
    assert "Jun 14 is no working day" in read(answer.text)
    assert (await form(house, "move", date="soon")).status_code == 422
    assert (await form(house, "explode")).status_code == 422


WISH = {"tier": "T1", "internal": "", "reason": "the keynote", "until": "2026-03-02"}


def typed(page: str, form: str, name: str) -> str:
    """What stands in a field of a form."""
    found = re.search(rf'id="field-{form}-{name}"[^>]*value="([^"]*)"', page)
    assert found
    return found[1]


def said_at(page: str, form: str, name: str) -> str:
    """What the page says is wrong with a field."""
    found = re.search(rf'id="hint-{form}-{name}" class="hint">(.*?)</p>', page)
    assert found
    assert f'aria-describedby="hint-{form}-{name}" aria-invalid="true"' in page
    return read(found[1])


async def test_loudness_lead_and_work_done_are_decided_on_the_page(house: House) -> None:
    await house.hear(changed(1, added()))
    assert (await form(house, "override", **WISH, approved_by="bo")).status_code == 303
    launch = await house.get("launches/L-F-1")
    assert (launch["market_tier"], launch["override"]["by"], launch["override"]["approved_by"]) == ("T1", "Ana", "bo")
    assert (await form(house, "end_override")).status_code == 303
    waiver = {"activity": "kickoff", "reason": "the fair", "approved_by": "bo", "until": "2026-03-02"}
    assert (await form(house, "waive", **waiver)).status_code == 303
    assert (await form(house, "complete", activity="positioning")).status_code == 303
    launch = await house.get("launches/L-F-1")
    assert (launch["override"], launch["waivers"][0]["activity"]) == (None, "kickoff")
    assert "lead given up · Ana, bo: the fair" in read((await house.client.get(PAGE)).text)
    states = {one["activity"]: one["state"] for one in (await house.get("launches/L-F-1/activities"))["items"]}
    assert (states["kickoff"], states["positioning"]) == ("waived", "completed")


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(house: House) -> None:
    await house.hear(changed(1, added()))
    answer = await form(house, "override", **WISH, approved_by="ana")
    assert answer.status_code == 422
    assert "needs a second name" in said_at(answer.text, "override", "approved_by")
    assert (typed(answer.text, "override", "reason"), typed(answer.text, "override", "until")) == (
        "the keynote",
        "2026-03-02",
    )
    assert '<option value="T1" selected>' in answer.text
    answer = await form(house, "pin", date="2026-06-16", reason=" ")
    assert said_at(answer.text, "pin", "reason") == "Say why."
    assert typed(answer.text, "pin", "date") == "2026-06-16"
    answer = await form(house, "waive", activity="kickoff", reason="x", approved_by="bo", until="2020-01-01")
    assert "is not ahead" in said_at(answer.text, "waive", "until")
    assert len(await house.told()) == 1


async def test_nobody_changes_a_launch_without_a_name_and_the_browser_keeps_it(house: House) -> None:
    await house.hear(changed(1, added()))
    answer = await form(house, "move", by="", date="2026-06-15")
    assert said_at(answer.text, "move", "by").startswith("Say who you are")
    assert (await form(house, "move", by="Zoë", date="2026-06-15")).status_code == 303
    page = (await house.client.get(PAGE)).text
    assert typed(page, "rename", "by") == "Zoë"
    assert (await form(house, "rename", by="", name="Once")).status_code == 303
    assert (await house.get("launches/L-F-1"))["history"][0]["cause"]["source"]["actor"] == "Zoë"


async def test_a_form_that_comes_too_late_keeps_what_was_typed_and_works_the_second_time(house: House) -> None:
    await house.hear(changed(1, added()))
    await house.patch("L-F-1", {"name": "Faster"})
    answer = await form(house, "rename", name="Slower", seen="1.1")
    assert (answer.status_code, typed(answer.text, "rename", "name")) == (412, "Slower")
    seen = re.search(r'name="seen" value="([^"]+)"', answer.text)
    assert seen
    assert (await form(house, "rename", name="Slower", seen=seen[1])).status_code == 303


async def test_a_form_from_another_site_is_refused(house: House) -> None:
    await house.hear(changed(1, added()))
    sent = {"act": "cancel", "request": "a-request-id", "seen": "1.1"}
    answer = await house.client.post(PAGE, data=sent, headers={"origin": "http://elsewhere.test"})
    assert answer.status_code == 403
    assert (await house.get("launches/L-F-1"))["state"] == "planned"


@pytest.mark.parametrize("path", ["L-nobody", "%00", "L-F-1%00"])
async def test_a_launch_that_is_not_there_is_a_page_that_says_so(house: House, path: str) -> None:
    answer = await house.client.get(f"/launch/launches/{path}")
    assert (answer.status_code, "no such launch" in answer.text) == (404, True)
