"""The door for tests: what deploy/testing.py promises, on whole houses with real servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from inspect import signature
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from deploy import testing
from deploy.local.books import Books
from deploy.local.host import free_port
from deploy.local.house import House
from deploy.testing import Api, CannotError, Order, open_books, open_house, wait_until_quiet
from services.launch.timers import LOOK_EVERY_SECONDS
from tests.servers.smtp import Answer, ScriptedMailServer

MONDAY = datetime(2027, 1, 4, 9, tzinfo=UTC)
ANA = {"id": "ana", "name": "Ana Müller", "email": "ana@example.org", "roles": ["pmm"], "team": "exports"}
HERS = {"ref": "EXP-1", "title": "Größe & Café", "status": "in_progress", "stage": "ga", "owner_team": "exports"}
SERVICES = ("roadmap", "launch", "notify")
OBSERVATIONS = "/roadmap/api/v1/portfolios/default/observations"
LINES = "application/x-ndjson"
HOLD_PORTFOLIO = "SELECT id FROM portfolio WHERE id = 'default' FOR UPDATE"
HOLD_MAILS = "SELECT notice FROM delivery WHERE state = 'due' FOR UPDATE"
LONG_ENOUGH = 1.0  # for whoever does not wait to be caught, and many looks of whoever does

Release = Callable[[], Awaitable[None]]


@dataclass
class Household:
    """A house opened through the door, and a clock that stands until a test moves it."""

    house: House
    api: Api
    books: Books
    now: list[datetime]
    told: int = 0

    async def tell(self, on: str = "2027-04-19") -> None:
        """Say when Ana's feature is to be there, as a PM tool would; what follows from it is not waited for."""
        self.told += 1
        fact = {"id": f"o{self.told}", "at": self.now[0].isoformat(), "feature": {**HERS, "target": {"on": on}}}
        answer = await self.api.send("POST", OBSERVATIONS, json.dumps(fact).encode(), LINES)
        assert [one["outcome"] for one in answer] == ["accepted"], answer

    async def rest(self, api: Api | None = None) -> None:
        async with asyncio.timeout(60):  # less than what `wait_until_quiet` itself calls a halt
            await wait_until_quiet(api or self.api, self.books, "default", lambda _: None)

    async def inbox(self) -> list[dict[str, Any]]:
        found = await self.api.get("/notify/api/v1/people/ana/inbox", portfolio="default")
        return list(found["items"])

    async def launch(self) -> dict[str, Any]:
        (found,) = (await self.api.get("/launch/api/v1/portfolios/default/launches"))["items"]
        return dict(found)

    async def everybody_heard(self) -> bool:
        """Whether all that was told was heard, by every service that must hear it."""
        heads = {one: await self.api.get(f"/{one}/api/v1/portfolios/default/heads") for one in SERVICES}
        roadmap, launch, notify = (heads[one]["revision"] for one in SERVICES)
        return bool(roadmap and notify) and {one: heads[one]["heard"] for one in SERVICES} == {
            "roadmap": {"launch.changes": launch, "notify.receipts": notify},
            "launch": {"roadmap.changes": roadmap, "notify.receipts": notify},
            "notify": {"launch.changes": launch},
        }

    @asynccontextmanager
    async def held_up(self, service: str, statement: str = HOLD_PORTFOLIO) -> AsyncIterator[Release]:
        """Nothing is decided or heard in a service until the release: the row of its portfolio is locked."""
        connection = await asyncpg.connect(self.house.dsns[service])
        try:
            await connection.execute("BEGIN")
            assert await connection.fetch(statement)
            yield connection.close
        finally:
            await connection.close()


@asynccontextmanager
async def at_work(**settings: Any) -> AsyncIterator[Household]:
    """A house on a Monday with Ana in it; `settings` are those of notify."""
    now = [MONDAY]
    order = Order(every={"time_source": "clock"}, notify=settings, clock=lambda: now[0])
    async with open_house(order) as house, Api(house.url) as api, open_books(house.dsns) as books:
        people = yaml.safe_dump([ANA], allow_unicode=True).encode()
        await api.send("PUT", "/notify/api/v1/portfolios/default/directory", people, "application/yaml")
        yield Household(house, api, books, now)


@asynccontextmanager
async def still_waiting(waits: Awaitable[None]) -> AsyncIterator[None]:
    """It must not return before the block ends, and must return afterwards."""
    task = asyncio.ensure_future(waits)
    try:
        done, _ = await asyncio.wait({task}, timeout=LONG_ENOUGH)
        assert not done, "it did not wait"
        yield
        await task
    finally:
        task.cancel()


class SlowMailServer(ScriptedMailServer):
    """Keeps a sender waiting until `answers_now` is set; then it answers as its scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.answers_now = asyncio.Event()

    async def answer_recipient(self, recipient: str) -> str:
        await self.answers_now.wait()
        return await super().answer_recipient(recipient)


def mailing_to(server: ScriptedMailServer) -> dict[str, Any]:
    return {"smtp_url": f"smtp://{server.host}:{server.port}"}


class LateApi(Api):
    """Is told of mails only when none is on its way any more; `before` is set first, and lets them go."""

    def __init__(self, url: str, before: asyncio.Event) -> None:
        super().__init__(url)
        self._before = before

    async def get(self, path: str, **query: Any) -> Any:
        answer = await super().get(path, **query)
        if path.endswith("/deliveries"):
            self._before.set()
            while any(answer.values()):
                answer = await super().get(path, **query)
        return answer


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.02)


def test_the_door_is_six_names_and_an_order_of_seven_things() -> None:
    assert set(testing.__all__) == {"Api", "CannotError", "Order", "open_books", "open_house", "wait_until_quiet"}
    wanted = ["state", "port", "every", "roadmap", "launch", "notify", "clock"]
    assert list(signature(Order).parameters)[: len(wanted)] == wanted
    assert list(signature(wait_until_quiet).parameters) == ["api", "books", "portfolio", "say"]


async def test_what_was_taken_in_is_in_the_inbox_and_the_mail_when_it_is_quiet() -> None:
    async with at_work() as home:
        for day in range(10, 30):
            await home.tell(f"2027-04-{day}")
        seen: list[object] = []
        await wait_until_quiet(home.api, home.books, "default", seen.append)
        assert await home.everybody_heard()
        assert (await home.launch())["id"] == "L-EXP-1"
        assert await home.inbox()
        mail = home.house.mails.mails[0]
    assert seen
    assert mail.to == ("ana@example.org",)
    assert "Größe & Café" in mail.subject
    assert "Größe & Café" in mail.text
    assert "Größe &amp; Café" in mail.html
    assert isinstance(mail.raw, bytes)
    assert b"ana@example.org" in mail.raw
    assert isinstance(mail.parsed, EmailMessage)
    assert mail.parsed["Subject"] == mail.subject


async def test_it_is_not_quiet_before_every_service_has_decided_and_heard() -> None:
    async with at_work() as home:
        await home.tell()
        await home.rest()
        for number, service in enumerate(SERVICES):
            async with home.held_up(service) as release:
                await home.tell(f"2027-05-1{number}")
                async with still_waiting(home.rest()):
                    await release()
            assert await home.everybody_heard(), service
            assert len(await home.inbox()) == number + 2, service


async def test_it_is_not_quiet_before_receipts_are_heard() -> None:
    async with at_work() as home:
        for number, service in enumerate(("launch", "roadmap")):
            await home.tell(f"2027-05-1{number}")
            await home.rest()
            notice = (await home.inbox())[0]["id"]
            async with home.held_up(service) as release:
                acknowledged = await home.api.send("POST", f"/notify/api/v1/notices/{notice}/acknowledge")
                assert [one["state"] for one in acknowledged["obligations"]] == ["acknowledged"]
                async with still_waiting(home.rest()):
                    await release()
            assert await home.everybody_heard(), service


async def test_it_is_not_quiet_while_a_mail_is_on_its_way() -> None:
    async with SlowMailServer().on_this_loop() as server, at_work(**mailing_to(server)) as home:
        await home.tell()
        async with still_waiting(home.rest()):
            server.answers_now.set()
        assert [mail.to for mail in server.mails] == [("ana@example.org",)]


async def test_a_retry_does_not_count_before_it_is_due_by_the_clock_of_the_house() -> None:
    async with ScriptedMailServer().on_this_loop() as server, at_work(**mailing_to(server)) as home:
        server.answers("ana@example.org", Answer.MAILBOX_FULL, times=1)
        await home.tell()
        await home.rest()
        assert (server.mails, len(await home.inbox())) == ([], 1)
        async with home.held_up("notify", HOLD_MAILS) as release:
            home.now[0] += timedelta(minutes=2)
            async with still_waiting(home.rest()):
                await release()
        assert [mail.to for mail in server.mails] == [("ana@example.org",)]


async def test_what_a_mail_that_comes_back_says_is_heard_too() -> None:
    """It comes back in the middle of a look: the revision of notify was read, mails were not asked for yet."""
    async with SlowMailServer().on_this_loop() as server, at_work(**mailing_to(server)) as home:
        server.answers("ana@example.org", Answer.UNKNOWN_RECIPIENT)
        await home.tell()
        await until(home.everybody_heard)
        async with (
            LateApi(home.house.url, server.answers_now) as api,
            home.held_up("launch") as release,
            still_waiting(home.rest(api)),
        ):
            await release()
        assert await home.everybody_heard()
        assert [one["state"] for one in (await home.inbox())[0]["obligations"]] == ["unreachable"]


async def test_what_is_due_is_done_within_five_seconds_of_the_clock_of_the_house() -> None:
    async with at_work() as home:
        await home.tell()
        await home.rest()
        planned = await home.launch()
        assert (planned["state"], len(home.house.mails.mails)) == ("planned", 1)
        home.now[0] = datetime.fromisoformat(f"{planned['date']}T23:00:00Z")
        assert LOOK_EVERY_SECONDS < 5, "the look itself takes time too"
        await asyncio.sleep(5)
        await home.rest()
        assert (await home.launch())["state"] == "held"
        assert await home.everybody_heard()


async def test_settings_are_given_by_their_names_to_all_services_or_to_one() -> None:
    order = Order(every={"api_token": "everybody's"}, roadmap={"api_token": "its own"}, notify={"smtp_url": None})
    right = {"roadmap": "its own", "launch": "everybody's", "notify": "everybody's"}
    async with open_house(order) as house:
        for service, token in right.items():
            for tried in set(right.values()):
                async with Api(house.url, tried) as api:
                    asked = api.get(f"/{service}/api/v1/portfolios/default/changes")
                    if tried == token:
                        assert (await asked)["items"] == []
                    else:
                        with pytest.raises(CannotError, match="403"):
                            await asked


async def test_a_house_goes_on_with_its_state_at_the_port_that_was_asked_for(tmp_path: Path) -> None:
    order = Order(state=tmp_path, port=free_port())
    for told in (1, 2):
        async with open_house(order) as house, Api(house.url) as api, open_books(house.dsns) as books:
            assert house.url.endswith(f":{order.port}")
            fact = {"id": f"o{told}", "at": "2026-01-05T09:00:00Z", "feature": {**HERS, "ref": f"EXP-{told}"}}
            await api.send("POST", OBSERVATIONS, json.dumps(fact).encode(), LINES)
            await wait_until_quiet(api, books, "default", lambda _: None)
            assert len((await api.get("/roadmap/api/v1/portfolios/default/changes"))["items"]) == told


async def test_what_cannot_be_done_says_so() -> None:
    async with open_house(Order()) as house, Api(house.url) as api:
        with pytest.raises(CannotError, match="404"):
            await api.get("/launch/api/v1/portfolios/default/launches/L-NONE")
        with pytest.raises(CannotError, match=r"expected .*\(4\d\d, PUT"):
            await api.send("PUT", "/notify/api/v1/portfolios/default/directory", b"[1]")
    async with Api(house.url) as api:
        with pytest.raises(CannotError, match="Nobody answers"):
            await api.get("/roadmap/readyz")
