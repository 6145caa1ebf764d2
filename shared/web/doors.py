"""The doors every service has: a FastAPI app with access control, body limits, spans, health and metrics.

People's pages and each service's own routes are not here; the routes about the plumbing are in plumbing.py.
"""

import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import RouteContext, iter_route_contexts
from opentelemetry.trace import SpanKind
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.asyncapi import Topic, describe
from shared.runtime.clock import monotonic
from shared.runtime.foundation import Foundation
from shared.runtime.telemetry import Telemetry
from shared.web.plumbing import plumbing_routers
from shared.web.problems import ProblemError, install, problem_response

COOKIE = "inloop-token"
SECURE_COOKIE = "__Host-inloop-token"
SCHEME_LENGTH = len("Bearer ")

MEBIBYTE = 1024 * 1024
API_LIMIT = MEBIBYTE
BULK_LIMIT = 25 * MEBIBYTE
_BULK = re.compile(r"/api/v1/portfolios/[^/]+/observations$|/hooks/")

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Background = Callable[[], Awaitable[None]]


def create_app(
    foundation: Foundation,
    *,
    title: str,
    topics: Sequence[Topic] = (),
    background: Background | None = None,
) -> FastAPI:
    """A service's app under `/<service>`; its lifespan starts and stops the foundation.

    Args:
        foundation: with everything it hears already declared.
        title: of the OpenAPI document, at `/<service>/api/openapi.json`.
        topics: what the service owns, described at `/<service>/api/asyncapi.json`.
        background: called once after the start, to supervise what the service itself runs.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await foundation.start()
        try:
            if background:
                await background()
            yield
        finally:
            await foundation.stop()

    prefix = f"/{foundation.service}"
    app = FastAPI(
        title=title,
        lifespan=lifespan,
        openapi_url=f"{prefix}/api/openapi.json",
        docs_url=None,  # its page loads scripts from a CDN
        redoc_url=None,
    )
    app.state.foundation = foundation
    install(app)
    app.add_middleware(Limits)
    app.add_middleware(Tracing, telemetry=foundation.telemetry)
    app.include_router(_health(foundation), include_in_schema=False)
    app.include_router(_health(foundation), prefix=prefix, include_in_schema=False)
    for router in plumbing_routers(foundation):
        app.include_router(router, prefix=f"{prefix}/api/v1", dependencies=[Depends(require_access)])
    app.include_router(_open_to_all(topics), prefix=prefix, include_in_schema=False)
    return app


async def require_access(request: Request) -> None:
    """Let in whoever carries the token, as bearer or in the cookie of a signed-in browser; everyone if the API is open.

    Raises:
        ProblemError: 401 without a token, 403 with a wrong one or with a cookie from another origin.
    """
    settings = request.app.state.foundation.settings
    if settings.is_open:
        return
    expected = settings.api_token.get_secret_value().encode() if settings.api_token else b""
    given = _given_token(request)
    if given is None:
        raise ProblemError(401, "a bearer token is needed", where="header authorization")
    if not expected or not hmac.compare_digest(given.encode(), expected):
        raise ProblemError(403, "this token is not known here", where="header authorization")


def _given_token(request: Request) -> str | None:
    headers = request.headers.getlist("authorization")
    if len(headers) == 1 and headers[0].lower().startswith("bearer "):
        return headers[0][SCHEME_LENGTH:].strip()
    cookie = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
    if cookie and request.method not in {"GET", "HEAD"}:
        check_origin(request)
    return cookie


def check_origin(request: Request) -> None:
    """Refuse a form that another site makes a signed-in browser send.

    Raises:
        ProblemError: 403 when the Origin is neither ours nor absent.
    """
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    if origin and origin.partition("://")[2] != host:
        raise ProblemError(403, "this form came from another site", where="header origin")


def check_settings(foundation: Foundation) -> None:
    """Refuse to listen to the world without a token.

    Raises:
        RuntimeError: saying what to set.
    """
    settings = foundation.settings
    if settings.api_token is None and not settings.is_open:
        raise RuntimeError(
            f"{foundation.service} would listen on {settings.host} without INLOOP_API_TOKEN: set it (or"
            " INLOOP_API_TOKEN_FILE), or INLOOP_LOOPBACK_ONLY=true if only this machine can reach the port"
        )


def _health(foundation: Foundation) -> APIRouter:
    router = APIRouter()

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/startupz")
    async def startupz() -> Response:
        return JSONResponse({"status": "started"}) if foundation.process.started else JSONResponse({}, 503)

    @router.get("/readyz")
    async def readyz() -> Response:
        problems = await foundation.process.problems()
        return JSONResponse(
            {"status": "not ready" if problems else "ready", "problems": problems}, 503 if problems else 200
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(foundation.telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _open_to_all(topics: Sequence[Topic]) -> APIRouter:
    router = APIRouter()

    @router.get("/api/asyncapi.json")
    async def asyncapi() -> dict[str, Any]:
        return describe(topics, version("inloop"))

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        """Keep the token in a cookie that scripts cannot read."""
        check_origin(request)
        form = await request.form()
        secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        response = RedirectResponse(request.url.path.removesuffix("sign-in"), 303)
        response.set_cookie(
            SECURE_COOKIE if secure else COOKIE,
            str(form.get("token", "")),
            httponly=True,
            samesite="lax",
            secure=secure,
            path="/",
        )
        return response

    return router


def routes_without_access(app: FastAPI, open_paths: frozenset[str]) -> list[str]:
    """The routes that forgot to say who may call them; a test keeps this empty."""
    return [
        str(route.path)
        for route in iter_route_contexts(app.routes)  # app.routes alone hides what came with a router
        if route.path not in open_paths and not _requires_access(route)
    ]


def _requires_access(route: RouteContext) -> bool:
    dependant = getattr(route, "dependant", None)
    return dependant is not None and any(one.call is require_access for one in dependant.dependencies)


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
