"""A move that waits for a person: approved, undone, rejected and refused on the page, with all three services live."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser import check_accessible, opened, screenshot
from tests.e2e.household import LOUD, Household, housed, wait_for

POLICY = Path(__file__).parents[2] / "services" / "launch" / "policies" / "four_teams.yaml"
LAUNCH = "/launch/api/v1/portfolios/default/launches/L-PAY-310"
CARDS = "ol.cards > [data-row]"
SLOW_MS = 20_000


@pytest.fixture
def house() -> Iterator[Household]:
    """A house whose policy binds, with a loud launch whose feature has slipped: its new date waits for a person."""
    with housed(policy_file=POLICY) as house:
        house.pay_by_link(90)
        wait_for(f"{house.url}/notify/people/caspian", "Pay by link")
        house.pay_by_link(120, reason="Two banks answer too slowly.")
        wait_for(f"{house.url}/launch/proposals", "Pay by link")
        yield house


def date_of(house: Household) -> str:
    return str(httpx2.get(house.url + LAUNCH, timeout=20).json()["date"])


def sit_down(page: Page, house: Household) -> None:
    """Open the inbox of proposals and go to the first row."""
    page.goto(f"{house.url}/launch/proposals")
    page.keyboard.press("j")
    expect(page.locator("[data-row]").first).to_be_focused()


def sign(page: Page, name: str) -> None:
    """The key has led to the empty field for the name: type it, and Enter."""
    expect(page.locator("[name=by]").first).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def count_notices(page: Page, house: Household) -> dict[str, int]:
    """The people who were told of the launch, with how many notices lie in the inbox of each."""
    sheet = httpx2.get(f"{house.url}/notify/coverage/L-PAY-310/1?format=csv", timeout=20).text
    people = [line.split(",")[0] for line in sheet.splitlines()[1:]]
    return {person: _look(page, house, person).count() for person in people}


def expect_one_more(page: Page, house: Household, before: dict[str, int], words: str) -> dict[str, int]:
    """Everybody has exactly one notice more than before, and the newest says what happened."""
    for person, count in before.items():
        cards = _look(page, house, person)
        expect(cards).to_have_count(count + 1, timeout=SLOW_MS)
        expect(cards.first).to_contain_text(words)
    now = count_notices(page, house)
    assert now == {person: count + 1 for person, count in before.items()}
    return now


def _look(page: Page, house: Household, person: str) -> Locator:
    page.goto(f"{house.url}/notify/people/{person}")
    return page.locator(CARDS)


def approve(page: Page, house: Household) -> None:
    sit_down(page, house)
    check_accessible(page)
    screenshot(page, "proposal")
    page.keyboard.press("a")
    sign(page, "Odile Marchand")
    expect(page.get_by_text("Nothing waits")).to_be_visible(timeout=SLOW_MS)


def undo(page: Page, house: Household) -> None:
    """The name is known by now: one key does it."""
    page.goto(f"{house.url}/launch/proposals")
    check_accessible(page)
    screenshot(page, "approved")
    page.keyboard.press("u")
    expect(page.locator("[data-key-press=u]")).to_have_count(0, timeout=SLOW_MS)


def test_a_move_is_approved_and_undone_with_the_keyboard_alone_and_each_hears_of_each_once(
    page: Page, house: Household
) -> None:
    first, told = date_of(house), count_notices(page, house)
    assert len(told) > 5
    approve(page, house)
    assert date_of(house) > first
    told = expect_one_more(page, house, told, "Odile Marchand approved")
    undo(page, house)
    assert date_of(house) == first
    expect_one_more(page, house, told, "Odile Marchand undid")


def test_the_help_names_the_keys_of_this_page(page: Page, house: Household) -> None:
    page.goto(f"{house.url}/launch/proposals")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    for words in ("Search", "Approve, on the row", "Reject it", "Undo what was approved"):
        expect(keys.get_by_text(words)).to_be_visible()
    page.keyboard.press("a")  # an open dialog takes no orders
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(page.get_by_text("1 part of a plan waits")).to_be_visible()


def test_a_rejection_needs_its_reason_and_keeps_what_was_typed(page: Page, house: Household) -> None:
    first = date_of(house)
    sit_down(page, house)
    page.keyboard.press("r")
    expect(page.locator("[name=reason]")).to_be_focused()
    page.locator("[name=by]").fill("Ana")
    page.get_by_role("button", name="Reject").last.press("Enter")
    expect(page.locator(".field-wrong .hint")).to_have_text("Say why.")
    expect(page.locator("[name=by]")).to_have_value("Ana")
    check_accessible(page)
    page.locator("[name=reason]").fill("The stage is booked.")
    page.get_by_role("button", name="Reject").last.press("Enter")
    expect(page.get_by_text("rejected · ")).to_be_visible()
    assert date_of(house) == first


def test_an_approval_that_the_world_overtook_is_refused_with_the_difference(
    chromium: Browser, house: Household
) -> None:
    with opened(chromium, java_script_enabled=False) as late, opened(chromium) as early:
        late.goto(f"{house.url}/launch/proposals")
        was = late.locator(".move strong time").first.get_attribute("datetime") or ""
        house.pay_by_link(150, reason="A third bank, too.", impact=LOUD)
        early.goto(f"{house.url}/launch/proposals")
        moved = early.locator(".move strong time").first
        expect(moved).not_to_have_attribute("datetime", was, timeout=SLOW_MS)
        late.locator("[name=by]").fill("Odile Marchand")
        late.get_by_role("button", name="Approve").click()
        expect(late.get_by_text("no longer holds")).to_be_visible()
        differences = late.locator(".callout tbody tr")
        expect(differences).to_have_count(1)
        expect(differences.locator("time").nth(0)).to_have_attribute("datetime", was)
        expect(differences.locator("time").nth(1)).to_have_attribute("datetime", moved.get_attribute("datetime") or "")
        expect(late.locator("[name=by]")).to_have_value("Odile Marchand")
        check_accessible(early)


def test_without_script_a_name_is_typed_once(chromium: Browser, house: Household) -> None:
    first = date_of(house)
    with opened(chromium, java_script_enabled=False) as page:
        page.goto(f"{house.url}/launch/proposals")
        page.locator("[name=by]").fill("Zoë O'Neil")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Nothing waits")).to_be_visible()
        expect(page.locator("[name=by]")).to_have_value("Zoë O'Neil")
    assert date_of(house) > first
