"""Open pages hear of a new revision once, soon, and from whichever process raised it."""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request

from shared.web.live import MAX_LISTENERS, EventStream, close_streams


class Ledger:
    """Where the revision stands; counts how often it is asked, and can be away."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.asked = 0
        self.away = False

    async def read(self, _key: str) -> int:
        self.asked += 1
        if self.away:
            raise ConnectionError("the database is away")
        return self.revision


async def following(events: AsyncIterator[ServerSentEvent]) -> str:
    async with asyncio.timeout(5):
        async for event in events:
            if event.event == "changed":
                return str(event.data)
    raise AssertionError("the stream ended")


async def test_a_page_that_is_behind_hears_it_at_once() -> None:
    events = EventStream(Ledger(7).read).events("default", last=5)
    assert await following(events) == "7"
    await events.aclose()


async def test_a_page_that_is_up_to_date_hears_of_the_next_commit_only() -> None:
    stream = EventStream(Ledger(7).read, poll_seconds=60)
    events = stream.events("default", last=7)
    waiting = asyncio.create_task(following(events))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stream.tell("default", 8)
    assert await waiting == "8"
    await events.aclose()


async def test_what_another_process_committed_is_seen_by_asking() -> None:
    ledger = Ledger(1)
    events = EventStream(ledger.read, poll_seconds=0.02).events("default", last=1)
    waiting = asyncio.create_task(following(events))
    await asyncio.sleep(0.05)
    ledger.revision = 2
    assert await waiting == "2"
    await events.aclose()


async def test_a_hundred_pages_ask_the_database_as_one() -> None:
    ledger = Ledger(3)
    stream = EventStream(ledger.read, poll_seconds=60)
    pages = [stream.events("default", last=0) for _ in range(100)]
    assert await asyncio.gather(*(following(page) for page in pages)) == ["3"] * 100
    assert ledger.asked == 1
    for page in pages:
        await page.aclose()


async def test_a_burst_is_one_event_with_the_newest_revision() -> None:
    stream = EventStream(Ledger(1).read, poll_seconds=60)
    events = stream.events("default", last=0)
    assert await following(events) == "1"
    for revision in range(2, 200):
        stream.tell("default", revision)
    assert await following(events) == "199"
    await events.aclose()


async def test_while_the_database_is_away_the_stream_waits() -> None:
    ledger = Ledger(4)
    ledger.away = True
    events = EventStream(ledger.read, poll_seconds=0.02).events("default", last=3)
    waiting = asyncio.create_task(following(events))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    ledger.away = False
    assert await waiting == "4"
    await events.aclose()


async def test_a_revision_lower_than_the_reader_s_is_news_too_after_a_database_was_made_anew() -> None:
    events = EventStream(Ledger(2).read).events("default", last=900)
    assert await following(events) == "2"
    await events.aclose()


async def test_closing_ends_the_streams_and_takes_no_new_ones() -> None:
    stream = EventStream(Ledger(1).read, poll_seconds=60)
    events = stream.events("default", last=1)

    async def to_the_end() -> list[ServerSentEvent]:
        return [event async for event in events]

    waiting = asyncio.create_task(to_the_end())
    await asyncio.sleep(0.02)
    stream.close()
    async with asyncio.timeout(2):
        assert len(await waiting) == 1  # the greeting
    assert stream.response(_request(), "default").status_code == 503


async def test_nobody_listens_when_the_last_page_is_gone() -> None:
    stream = EventStream(Ledger(1).read, poll_seconds=60)
    events = stream.events("default", last=0)
    await following(events)
    assert stream.listeners == 1
    await events.aclose()
    assert stream.listeners == 0
    assert MAX_LISTENERS > 100


def _request(headers: dict[str, str] | None = None, query: str = "") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "path": "/events", "query_string": query.encode(), "headers": raw})


async def test_a_server_that_stops_ends_the_streams_of_its_apps_and_of_no_other() -> None:
    ending, staying = Starlette(), Starlette()
    streams = [EventStream(Ledger(1).read, poll_seconds=60) for _ in range(2)]
    for app, stream in zip((ending, staying), streams, strict=True):
        request = _request()
        request.scope["app"] = app
        assert stream.response(request, "default").status_code == 200
    close_streams([ending, Starlette()])
    assert streams[0].response(_request(), "default").status_code == 503
    assert streams[1].response(_request(), "default").status_code == 200
