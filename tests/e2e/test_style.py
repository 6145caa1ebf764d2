"""The one look in a real browser: readable by everyone, on a phone and a wide screen, with the keyboard alone, live."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import Scheme, check_accessible, check_fits, opened, screenshot, served
from tests.e2e.style_page.app import Room, create_app

PAGES = ["", "launches", "inbox", "coverage", "ripple", "problem"]
PAGE_BYTES = 150_000


@pytest.fixture(scope="module")
def style() -> Iterator[str]:
    with served(create_app()) as address:
        yield f"{address}/style/"


@pytest.fixture
def lively() -> Iterator[tuple[str, Room]]:
    app = create_app()
    with served(app) as address:
        yield f"{address}/style/inbox", app.state.room


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_and_fits(
    chromium: Browser, style: str, name: str, width: int, scheme: Scheme
) -> None:
    with opened(chromium, width=width, scheme=scheme) as page:
        page.goto(style + name)
        check_fits(page)
        check_accessible(page)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_light_and_has_one_heading_of_the_first_rank(page: Page, style: str, name: str) -> None:
    answer = page.goto(style + name)
    assert answer is not None
    assert len(answer.body()) < PAGE_BYTES
    expect(page.locator("h1")).to_have_count(1)
    screenshot(page, name or "parts")


def test_axe_would_have_complained(page: Page, style: str) -> None:
    page.goto(style)
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"x.png\"><h6>deep</h6>')")
    with pytest.raises(AssertionError, match=r"image-alt.*\n?.*"):
        check_accessible(page)


def test_the_security_policy_bites(chromium: Browser, style: str) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"):
        _write_a_style_into(chromium, style)


def _write_a_style_into(chromium: Browser, address: str) -> None:
    with opened(chromium) as page:
        page.goto(address)
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
        page.wait_for_timeout(100)


def test_slash_goes_to_the_search(page: Page, style: str) -> None:
    page.goto(f"{style}launches")
    page.keyboard.press("/")
    page.keyboard.type("refunds")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=refunds"))
    expect(page.locator("[data-row]")).to_have_count(1)


def test_j_and_k_walk_the_rows_and_enter_opens_one(page: Page, style: str) -> None:
    page.goto(f"{style}launches")
    for key in "jjk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.key") == "L-PAY-204"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/launches/L-PAY-204$"))


def test_a_question_mark_helps_and_escape_goes_back(page: Page, style: str) -> None:
    page.goto(style)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    check_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_a_acknowledges_the_row_it_stands_on_and_no_other(page: Page, lively: tuple[str, Room]) -> None:
    address, room = lively
    page.goto(address)
    page.keyboard.press("a")  # two could be meant: nothing happens but that the first row is shown
    assert room.states == {"n1": "open", "n2": "open", "n3": "acknowledged"}
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("[data-key=n2] .mark")).to_have_text("knows")
    assert room.states["n1"] == "open"


def test_keys_are_letters_while_somebody_writes(page: Page, style: str) -> None:
    page.goto(f"{style}launches")
    page.get_by_label("Find a launch").fill("")
    page.get_by_label("Find a launch").press_sequentially("j/?a")
    expect(page.get_by_label("Find a launch")).to_have_value("j/?a")


def test_what_somebody_else_did_appears_without_a_reload_and_keeps_the_reader_s_place(
    page: Page, lively: tuple[str, Room]
) -> None:
    address, room = lively
    page.goto(address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.evaluate("window.wasHere = true")
    for key in "jj":
        page.keyboard.press(key)
    room.acknowledge("n1")
    expect(page.locator("[data-key=n1] .mark")).to_have_text("knows")
    expect(page.get_by_text("1 thing needs your OK.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The page was updated.")
    assert page.evaluate("[window.wasHere, document.activeElement.dataset.key]") == [True, "n2"]


def test_a_page_works_without_script(chromium: Browser, lively: tuple[str, Room]) -> None:
    address, room = lively
    with opened(chromium, java_script_enabled=False) as page:
        page.goto(address)
        page.get_by_role("button", name="I know: Passkeys is on hold").click()
        expect(page.get_by_text("1 thing needs your OK.")).to_be_visible()
        assert room.states["n2"] == "acknowledged"
        expect(page.get_by_text("Keyboard")).to_have_count(2)  # the dialog's title and its button, both unseen
        expect(page.get_by_role("button", name="Keyboard")).to_be_hidden()


def test_the_browser_s_zone_is_used_from_the_first_page_on(chromium: Browser, lively: tuple[str, Room]) -> None:
    with opened(chromium, timezone_id="Asia/Tokyo") as page:
        page.goto(lively[0])
        expect(page.get_by_text("Times are in Asia/Tokyo.")).to_be_visible()
        expect(page.locator("[data-key=n1] time").last).to_have_text("4 May, 17:08")


def test_french_is_spoken_when_asked_for(page: Page, style: str) -> None:
    page.goto(f"{style}launches")
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("heading", name="Lancements", exact=True)).to_be_visible()
    check_accessible(page)


def test_nothing_moves_for_those_who_asked_for_no_motion(chromium: Browser, lively: tuple[str, Room]) -> None:
    address, room = lively
    with opened(chromium, reduced_motion="reduce") as page:
        page.goto(address)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        room.acknowledge("n1")
        expect(page.locator("[data-key=n1] .mark")).to_have_text("knows")
        assert page.evaluate("document.getAnimations().length") == 0
