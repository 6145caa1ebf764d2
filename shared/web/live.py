"""Server-sent events: tells open pages that their portfolio has a new revision, so that they fetch themselves again.

An event carries a revision and nothing else: what a person may see is decided where the page is rendered. No business
word is known here.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

ReadRevision = Callable[[str], Awaitable[int]]
"""The present revision of a key (a portfolio, or whatever a page shows), 0 when there is none yet."""

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15
PAUSE_SECONDS = 0.3
SEND_SECONDS = 10
RETRY_MS = 2000
MAX_LISTENERS = 2000
MAX_REVISION_DIGITS = 18

logger = logging.getLogger(__name__)


class _Room:
    """Everybody who listens to one key. What waits for a listener is one number, however slow it is."""

    def __init__(self) -> None:
        self.listeners = 0
        self.revision: int | None = None
        self.poll: asyncio.Task[None] | None = None
        self._turn = asyncio.Event()

    def move(self, revision: int) -> None:
        if self.revision is None or revision > self.revision:
            self.revision = revision
            self.wake()

    def wake(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    async def wait(self) -> None:
        await self._turn.wait()


class EventStream:
    """The live events of one service.

    `tell` wakes listeners of this process at once, after a commit; a revision that another process raised is seen by
    asking `read_revision` each second, one question per key that somebody listens to.
    """

    def __init__(self, read_revision: ReadRevision, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._read = read_revision
        self._poll_seconds = poll_seconds
        self._rooms: dict[str, _Room] = {}
        self._closed = False

    def tell(self, key: str, revision: int) -> None:
        """This key has this revision now; cheap when nobody listens, and safe to call from `Batch.after_commit`."""
        if room := self._rooms.get(key):
            room.move(revision)

    def response(self, request: Request, key: str) -> Response:
        """The stream: an event `changed` at each new revision, and at once if the reader's last is not the present one.

        The reader's last is `Last-Event-ID` (a reconnection), else `?after=` (what its page was rendered from).
        """
        if self._closed or self.listeners >= MAX_LISTENERS:
            return Response(status_code=503, headers={"retry-after": "5"})
        _streams_of(request.scope.get("app")).add(self)
        last = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return EventSourceResponse(
            self.events(key, _revision(last)),
            ping=HEARTBEAT_SECONDS,
            send_timeout=SEND_SECONDS,
            headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
        )

    @property
    def listeners(self) -> int:
        """How many pages listen now."""
        return sum(room.listeners for room in self._rooms.values())

    async def events(self, key: str, last: int) -> AsyncGenerator[ServerSentEvent, None]:
        """The events themselves; bursts are drawn together, the newest revision wins."""
        yield ServerSentEvent(comment="listening", retry=RETRY_MS)
        room = self._enter(key)
        try:
            while not self._closed:
                if room.revision is None or room.revision == last:
                    await room.wait()
                    continue
                last = room.revision
                yield ServerSentEvent(event="changed", id=str(last), data=str(last))
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._leave(key, room)

    def close(self) -> None:
        """End every stream; browsers come back by themselves."""
        self._closed = True
        for room in self._rooms.values():
            room.wake()

    def _enter(self, key: str) -> _Room:
        room = self._rooms.setdefault(key, _Room())
        room.listeners += 1
        if room.poll is None:
            room.poll = asyncio.create_task(self._ask(key, room), name=f"live {key}")
        return room

    def _leave(self, key: str, room: _Room) -> None:
        room.listeners -= 1
        if room.listeners == 0:
            del self._rooms[key]
            if room.poll:
                room.poll.cancel()

    async def _ask(self, key: str, room: _Room) -> None:
        while True:
            try:
                room.move(await self._read(key))
            except Exception as error:  # noqa: BLE001 - the database may be away; a page waits and the stream stays
                logger.warning("live events of %s: %s", key, error)
            await asyncio.sleep(self._poll_seconds)


def close_streams(apps: Iterable[Starlette]) -> None:
    """End every stream of these apps, before their server waits for its connections; it would wait in vain."""
    for app in apps:
        for stream in _streams_of(app):
            stream.close()


def _streams_of(app: Starlette | None) -> set[EventStream]:
    """The streams that an app has given out so far."""
    if app is None:
        return set()
    if not hasattr(app.state, "event_streams"):
        app.state.event_streams = set()
    streams: set[EventStream] = app.state.event_streams
    return streams


def _revision(text: str) -> int:
    """A revision from outside; 0 for anything that is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_REVISION_DIGITS else 0
