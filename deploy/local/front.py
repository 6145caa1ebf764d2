"""One ASGI app over the three services, for one process: the first segment of a path says whose a request is.

It adds nothing to a request or an answer: what nginx does in front of containers, without nginx. No route of a
service is defined here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Forwards by prefix (`/roadmap/…` to roadmap, the path as it is); `/` leads to `home`."""

    def __init__(self, rooms: Mapping[str, ASGIApp], home: str) -> None:
        self._rooms = rooms
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request, or answer that there is no such door."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP comes in here, not {scope['type']}")
        name = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        room = self._rooms.get(name, self._elsewhere)
        await room(scope, receive, send)

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in {"", "/"}:
            await RedirectResponse(self._home, 307)(scope, receive, send)
            return
        doors = ", ".join(f"/{name}/" for name in self._rooms)
        problem = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": f"nothing here; try {doors}"}
        await JSONResponse(problem, 404, media_type="application/problem+json")(scope, receive, send)


@asynccontextmanager
async def alive(apps: Sequence[FastAPI]) -> AsyncIterator[None]:
    """The apps started one after another, and stopped in the opposite order when the block ends."""
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield
