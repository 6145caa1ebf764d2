"""What every request passes through: a limit on its body, and a span with its measure."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.clock import monotonic
from shared.runtime.telemetry import Telemetry
from shared.web.problems import problem_response

MEBIBYTE = 1024 * 1024
API_LIMIT = MEBIBYTE
BULK_LIMIT = 25 * MEBIBYTE
_BULK = re.compile(r"/api/v1/portfolios/[^/]+/observations$|/hooks/")

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class TooLargeError(Exception):
    """The body went over the limit while it came in."""


class Limits:
    """Stops reading a body at 1 MiB, or 25 MiB where many observations come at once; no request decompression."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting `receive`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = BULK_LIMIT if _BULK.search(scope["path"]) else API_LIMIT
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            response = problem_response(415, "send the body uncompressed", "header content-encoding")
            await response(scope, receive, send)
            return
        started = [False]
        try:
            await self._app(scope, _counting(receive, limit), _noting(send, started))
        except TooLargeError:
            if not started[0]:
                detail = f"the body is larger than {limit // MEBIBYTE} MiB; send it in several requests"
                await problem_response(413, detail, "body")(scope, receive, send)


def _counting(receive: Receive, limit: int) -> Callable[[], Awaitable[Message]]:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLargeError
        return message

    return counted


def _noting(send: Send, started: list[bool]) -> Callable[[Message], Awaitable[None]]:
    async def noted(message: Message) -> None:
        started[0] = started[0] or message["type"] == "http.response.start"
        await send(message)

    return noted


class Tracing:
    """A SERVER span around each request, child of the caller's `traceparent`, and a latency measure by route."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = [500]
        began = monotonic()
        with self._telemetry.span(f"{scope['method']}", SpanKind.SERVER, parent=_parent(scope)) as span:
            await self._app(scope, receive, _status(send, status))
            route = _route(scope)
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status[0])
        self._telemetry.requests.labels(scope["method"], route, str(status[0])).observe(monotonic() - began)


def _parent(scope: Scope) -> str | None:
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    text = found[0].decode("latin-1") if len(found) == 1 else ""
    return text if _TRACEPARENT.fullmatch(text) else None


def _route(scope: Scope) -> str:
    """The route's pattern, never the path: a path may hold a secret, and there is no end of paths."""
    # A route inside a router knows only its own part; FastAPI leaves the whole in its place of the scope.
    whole = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return str(getattr(whole, "path", "unmatched"))


def _status(send: Send, status: list[int]) -> Callable[[Any], Awaitable[None]]:
    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            status[0] = message["status"]
        await send(message)

    return noted
