"""The pages of all three services in one browser: one slip on its road from the tracker to a person's "I know"."""

import re
import threading
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import check_accessible, check_fits, opened, screenshot
from tests.e2e.household import Household, housed, wait_for

SLOW_MS = 20_000
_PAUSE = threading.Event()
PAGE_BYTES = 150_000
PAGES = {
    "roadmap": "/roadmap/",
    "roadmap-nothing-found": "/roadmap/?q=nothing+of+the+kind",
    "roadmap-empty": "/roadmap/?portfolio=elsewhere",
    "features": "/roadmap/features",
    "feature": "/roadmap/features/PAY-310",
    "launches": "/launch/",
    "launches-by-tier": "/launch/?lanes=tier",
    "launch": "/launch/launches/L-PAY-310",
    "proposals-empty": "/launch/proposals",
    "capacity-empty": "/launch/capacity",
    "blast-radius": "/launch/blast-radius?feature=PAY-310",
    "trains": "/launch/trains",
    "people": "/notify/",
    "inbox": "/notify/people/caspian",
    "me": "/notify/me",
    "coverage": "/notify/coverage/L-PAY-310/1",
    "ripple": "/notify/causes/native:said-2",
    "nobody": "/notify/people/nobody",
    "nowhere": "/launch/nowhere",
}
LISTS = [
    "/roadmap/",
    "/roadmap/features",
    "/launch/",
    "/launch/blast-radius",
    "/notify/",
    "/notify/people/caspian",
    "/notify/coverage/L-PAY-310/1",
]


@pytest.fixture(scope="module")
def told() -> Iterator[Household]:
    """A house in which a launch was planned and somebody knows of it."""
    with housed() as house:
        house.say(release={"name": "Spring", "planned_on": house.today().isoformat()})
        house.pay_by_link(60)
        wait_for(f"{house.url}/notify/people/caspian", "Pay by link")
        yield house


@pytest.fixture
def house() -> Iterator[Household]:
    """A house of this test's own."""
    with housed() as house:
        house.pay_by_link(60)
        wait_for(f"{house.url}/notify/people/caspian", "Pay by link")
        yield house


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_everybody(page: Page, told: Household, name: str) -> None:
    answer = page.goto(told.url + PAGES[name])
    assert answer is not None
    assert len(answer.body()) < PAGE_BYTES
    expect(page.locator("h1")).to_have_count(1)
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    check_accessible(page)
    page.set_viewport_size({"width": 360, "height": 780})
    check_fits(page)
    screenshot(page, name)


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_a_file_too(told: Household, path: str) -> None:
    answer = httpx2.get(f"{told.url}{path}?format=csv", timeout=20)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(answer.text.splitlines()) > 1


@pytest.mark.parametrize(
    "path", ["/roadmap/", "/launch/", "/launch/launches/L-PAY-310", "/launch/proposals", "/notify/"]
)
def test_every_room_speaks_french(page: Page, told: Household, path: str) -> None:
    page.goto(f"{told.url}{path}?lang=fr")
    expect(page.get_by_role("navigation", name="Principal")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "fr"


def test_one_slip_changes_every_open_page_without_a_reload(chromium: Browser, house: Household) -> None:
    with opened(chromium) as log, opened(chromium) as launch, opened(chromium) as inbox:
        pages = {log: "/roadmap/", launch: "/launch/launches/L-PAY-310", inbox: "/notify/people/caspian"}
        for page, path in pages.items():
            page.goto(house.url + path)
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
            page.evaluate("window.wasHere = true")
        expect(inbox.locator("[data-row]")).to_have_count(1)
        house.pay_by_link(90, reason="Two banks answer too slowly.")
        expect(log.get_by_role("heading", name=re.compile("PAY-310 slipped"))).to_be_visible(timeout=SLOW_MS)
        expect(launch.get_by_text("A move waits for a person")).to_be_visible(timeout=SLOW_MS)
        expect(inbox.locator("[data-row]")).to_have_count(2, timeout=SLOW_MS)
        assert all(page.evaluate("window.wasHere") for page in pages)


def test_a_person_says_i_know_with_the_keyboard_and_everybody_sees_it(page: Page, house: Household) -> None:
    page.goto(f"{house.url}/notify/people/caspian")
    expect(page.locator("[data-row] .tone-ring").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("[data-row] .mark").filter(has_text="knows")).to_be_visible(timeout=SLOW_MS)
    page.goto(f"{house.url}/notify/coverage/L-PAY-310/1")
    expect(page.locator("[data-key=caspian] .mark")).to_have_text("knows")
    expect(page.locator("[data-key=petra] .mark")).not_to_have_text("knows")
    page.goto(f"{house.url}/launch/launches/L-PAY-310")
    expect(page.get_by_role("region", name="Who knows").get_by_text("knows", exact=True)).to_be_visible(timeout=SLOW_MS)


def test_the_link_in_a_mail_changes_nothing_until_its_button_is_pressed(page: Page, house: Household) -> None:
    link = _link_for(house, "caspian@tallyfern.example.org")
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        httpx2.request(method, link, timeout=20)
    page.goto(link)
    expect(page.get_by_text("Caspian Roe").first).to_be_visible()
    check_accessible(page)
    page.goto(f"{house.url}/notify/coverage/L-PAY-310/1")
    expect(page.locator("[data-key=caspian] .mark")).to_have_text("needs their OK")
    page.goto(link)
    page.get_by_role("main").get_by_role("button").click()
    page.goto(f"{house.url}/notify/coverage/L-PAY-310/1")
    expect(page.locator("[data-key=caspian] .mark")).to_have_text("knows")


def test_the_ripple_has_one_dot_for_each_person_who_was_told(page: Page, told: Household) -> None:
    page.goto(f"{told.url}/notify/causes/native:said-2")
    people = page.get_by_role("region", name="People").locator("[data-row]").count()
    assert people > 5
    expect(page.locator(".drawing-ripple .dw-target")).to_have_count(people)


def test_a_launch_is_pinned_without_script_and_says_so(chromium: Browser, house: Household) -> None:
    with opened(chromium, java_script_enabled=False) as page:
        page.goto(f"{house.url}/launch/launches/L-PAY-310")
        page.get_by_text("Pin its day").first.click()
        form = page.get_by_role("form", name="Pin its day")
        form.locator("[name=reason]").fill("On stage at the user conference")
        form.locator("[name=by]").fill("Caspian")
        form.get_by_role("button").click()
        expect(page.get_by_text("On stage at the user conference").first).to_be_visible()


def _link_for(house: Household, recipient: str) -> str:
    for _ in range(600):
        for mail in house.house.mails.mails:
            if recipient in mail.to and (found := re.search(r"http\S+/notify/a/[\w-]+", mail.text)):
                return found[0]
        _PAUSE.wait(0.05)
    raise AssertionError(f"no mail with a link for {recipient}")
