"""notify's pages and the mail's link: looking changes nothing, a press of the button does."""

import re
from collections.abc import AsyncIterator

import pytest

from shared.contracts.launch import Owner
from shared.contracts.words import PersonId
from tests.integration.test_notify_road import Notify, prepare, running
from tests.servers.fixtures import FreshDatabase
from tests.servers.smtp import ScriptedMailServer
from tests.unit.notify.stories import COMPANY_CSV, launches_changed, moved, planned

Mailed = tuple[Notify, set[str]]
"""The running service, and the links in a mail."""


@pytest.fixture
async def notify(fresh_database: FreshDatabase) -> AsyncIterator[Notify]:
    async with running(await fresh_database("notify", prepare)) as one:
        await one.put_directory(COMPANY_CSV)
        yield one


async def page(notify: Notify, path: str, language: str = "en") -> str:
    answer = await notify.client.get(f"/notify{path}", headers={"accept": "text/html", "accept-language": language})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_before_anything_happens_every_page_says_what_will_appear(fresh_database: FreshDatabase) -> None:
    async with running(await fresh_database("notify", prepare)) as notify:
        assert "Put a directory" in await page(notify, "/")
        await notify.put_directory(COMPANY_CSV)
        assert "No launch is ahead" in await page(notify, "/")
        assert "Nothing here yet" in await page(notify, "/people/ana")
        assert "Ana Ruiz" in await page(notify, "/me")


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_shows_the_news(notify: Notify, language: str) -> None:
    owner = Owner(role="champion", person=PersonId("gone"))
    await notify.hear(
        launches_changed(1, planned()),
        launches_changed(2, moved()),
        launches_changed(3, planned("L-2", owners=(owner,))),
    )
    for path in ("/", "/people/ana", "/people/dev", "/coverage/L-1/2", "/coverage/L-2/1", "/causes/native:2"):
        html = await page(notify, path, language)
        assert "Instant payouts" in html or path == "/people/dev"
        assert 'style="' not in html
    assert "Dev Patel" in await page(notify, "/", language)


async def test_lists_are_filtered_by_address_and_exported(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    html = await page(notify, "/?q=ana&role=pmm")
    everybody = html[html.index('id="list"') :]
    assert "Ana Ruiz" in everybody
    assert "Bo Chen" not in everybody
    for path, first in (("/", "person"), ("/people/ana", "at"), ("/coverage/L-1/1", "person")):
        answer = await notify.client.get(f"/notify{path}?format=csv")
        assert answer.text.startswith(first)


async def test_an_unknown_address_says_what_to_do(notify: Notify) -> None:
    for path in (
        "/people/nobody",
        "/coverage/L-9/1",
        "/coverage/L-9/x",
        "/causes/none",
        "/a/none",
        "/?portfolio=A%20B",
    ):
        answer = await notify.client.get(f"/notify{path}", headers={"accept": "text/html"})
        assert answer.status_code == 404
        assert "<h1>" in answer.text


async def test_the_button_of_the_inbox_settles_the_message(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    html = await page(notify, "/people/ana")
    action = re.search(r'action="(/notify/notices/[^"]+/acknowledge)"', html)
    assert action is not None
    foreign = await notify.client.post(action[1], headers={"origin": "https://evil.test"})
    assert foreign.status_code == 403
    answer = await notify.client.post(action[1], headers={"origin": "http://notify.test"})
    assert answer.headers["location"] == "/notify/people/ana?portfolio=default"
    ana = next(one for one in (await notify.get("/coverage/L-1/1"))["people"] if one["person"] == "ana")
    assert (ana["class"], ana["evidence"]) == ("acknowledged", "A:page")


async def test_me_is_remembered(notify: Notify) -> None:
    answer = await notify.client.get("/notify/me?person=ana")
    assert answer.headers["location"] == "/notify/people/ana?portfolio=default"
    again = await notify.client.get("/notify/me")
    assert again.status_code == 303


@pytest.fixture
async def mailed(fresh_database: FreshDatabase, mail_server: ScriptedMailServer) -> AsyncIterator[Mailed]:
    """Ana has a mail about L-1, revision 1; these are the links in it."""
    url = f"smtp://127.0.0.1:{mail_server.port}"
    dsn = await fresh_database("notify", prepare)
    async with running(dsn, smtp_url=url, public_url="http://notify.test") as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))
        await mail_server.arrived(4)
        (mail,) = mail_server.mails_to("ana@example.com")
        yield notify, set(re.findall(r"http://notify\.test\S*?(?=[\s\"<])", mail.text + mail.html))


async def test_a_mail_scanner_that_opens_every_link_acknowledges_nothing(mailed: Mailed) -> None:
    notify, links = mailed
    assert len(links) >= 2
    for link in links:
        for method in ("HEAD", "GET", "OPTIONS"):
            answer = await notify.client.request(method, link.replace("&amp;", "&"))
            assert answer.status_code < 500
    assert (await notify.get("/coverage/L-1/1"))["classes"]["acknowledged"] == 0
    assert len(await notify.told()) == 1


async def test_a_press_on_the_page_of_the_link_acknowledges_once(mailed: Mailed) -> None:
    notify, links = mailed
    (link,) = {link for link in links if "/notify/a/" in link}
    looked = await notify.client.get(link)
    assert "You are acknowledging as Ana Ruiz" in looked.text
    assert "no-store" in looked.headers["cache-control"]
    assert "Noted: Ana Ruiz knows" in (await notify.client.post(link)).text
    first = await notify.get("/coverage/L-1/1")
    await notify.client.post(link)
    assert first["people"] == (await notify.get("/coverage/L-1/1"))["people"]
    ana = next(one for one in first["people"] if one["person"] == "ana")
    assert (ana["class"], ana["evidence"]) == ("acknowledged", "B:mail")


async def test_an_old_link_says_that_something_newer_is_known(mailed: Mailed) -> None:
    notify, links = mailed
    (link,) = {link for link in links if "/notify/a/" in link}
    await notify.hear(launches_changed(2, moved()))
    assert "Something newer is known" in (await notify.client.get(link)).text
    await notify.client.post(link)
    assert (await notify.get("/coverage/L-1/2"))["classes"]["acknowledged"] == 0
