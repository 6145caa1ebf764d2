"""HTML pages of a service: templates, the words and dates of their reader, safe headers, and the two static files.

A service makes one `Pages`, installs it on its app and calls `render` from its routes. No service's own page is here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shared.runtime.clock import Clock, system_clock
from shared.web.pages.markup import write_day, write_days_in, write_instant
from shared.web.pages.me import read_me
from shared.web.pages.phrases import Phrases
from shared.web.pages.refusals import PageProblemError, refuse_people_with
from shared.web.reader import LANGUAGE_COOKIE, LANGUAGES, ZONE_COOKIE, Reader, read_reader

WEB: Final = Path(__file__).parent.parent
YEAR_SECONDS: Final = 31_536_000
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PARTS: Final = ("marks", "lists", "forms")
UNAUTHORIZED: Final = 401

# `same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` with our own forms.
SECURITY_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class _StaticFile:
    body: bytes
    etag: str
    media_type: str


class Pages:
    """The pages of one service, found in `<folder>/templates`, with their phrases in `<folder>/words`."""

    def __init__(self, service: str, folder: Path, *, clock: Clock = system_clock) -> None:
        self.service = service
        self.phrases = Phrases(folder / "words")
        self._clock = clock
        self._files = {
            file.name: _read_static(file) for file in (WEB / "static").iterdir() if file.suffix in MEDIA_TYPES
        }
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder / "templates"), FileSystemLoader(WEB / "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def install(self, app: Starlette) -> None:
        """Serve the static files under the service's prefix, and answer people's refused requests with pages.

        Call it when the app has its other handlers (`create_app` of doors.py gives them).
        """
        app.router.routes.append(Route(f"/{self.service}/static/{{name}}", self._static, methods=["GET", "HEAD"]))
        app.add_exception_handler(PageProblemError, self._on_problem)
        refuse_people_with(self._refusal, app, self.service)

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """The page, escaped, in the reader's language. A name that the template uses and nobody gave raises."""
        reader = self.reader(request)
        names = self._names(request, reader)
        html = self._environment.get_template(template).render(names | context)
        response = HTMLResponse(
            html, status, {**SECURITY_HEADERS, "cache-control": "private, no-cache"} | dict(headers or {})
        )
        response.headers["vary"] = "Accept-Language, Cookie"
        _remember(request, response, reader)
        return response

    def problem(self, request: Request, status: int, title: str, advice: str = "") -> HTMLResponse:
        """A page that says what is wrong and what to do about it."""
        return self.render(request, "problem.html", status=status, problem_status=status, problem=title, advice=advice)

    def reader(self, request: Request) -> Reader:
        """Who reads; for routes that need the reader's language or today."""
        return read_reader(request, self._clock())

    def say(self, request: Request, key: str, **values: Any) -> str:
        """A phrase for this reader, outside a template."""
        return self.phrases.say(self.reader(request).language, key, values)

    def static_url(self, name: str) -> str:
        """The address of a static file; it changes with the content, so it may be cached for ever."""
        return f"/{self.service}/static/{name}?v={self._files[name].etag}"

    def _names(self, request: Request, reader: Reader) -> dict[str, Any]:
        """What every template and every part may use."""

        def t(key: str, **values: Any) -> str:
            return self.phrases.say(reader.language, key, values)

        ui = SimpleNamespace()
        names = {
            "t": t,
            "ui": ui,
            "reader": reader,
            "me": read_me(request),
            "languages": LANGUAGES,
            "static_url": self.static_url,
            "service": self.service,
            "path": request.url.path,
            "query": request.query_params,
            "has_phrase": self.phrases.has,
            "with_query": lambda **changed: with_query(request, **changed),
            "day": lambda day, **options: write_day(reader, day, t, **options),
            "instant": lambda at, **options: write_instant(reader, at, t, **options),
            "dated": lambda text: write_days_in(reader, text),
            "number": reader.number,
        }
        for part in PARTS:
            module = self._environment.get_template(f"parts/{part}.html").make_module(names)
            vars(ui).update({name: value for name, value in vars(module).items() if not name.startswith("_")})
        return names

    async def _static(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response(status_code=404, headers={"x-content-type-options": "nosniff"})
        fresh = request.query_params.get("v") == file.etag
        headers = {
            "etag": f'"{file.etag}"',
            "cache-control": f"public, max-age={YEAR_SECONDS}, immutable" if fresh else "no-cache",
            "x-content-type-options": "nosniff",
        }
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    def _refusal(self, request: Request, status: int, detail: str) -> HTMLResponse:
        if status == UNAUTHORIZED:
            return self.render(request, "sign_in.html", status=status, headers={"cache-control": "no-store"})
        key = f"refusal.{status}" if self.phrases.has(f"refusal.{status}") else "refusal.400"
        return self.problem(request, status, self.say(request, key), detail)

    async def _on_problem(self, request: Request, problem: Exception) -> Response:
        if not isinstance(problem, PageProblemError):
            raise problem
        return self.problem(request, problem.status, problem.title, problem.advice)


def with_query(request: Request, **changed: Any) -> str:
    """This page's address with some query parameters changed; None or empty takes one away. Paging starts anew."""
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name not in {*changed, "after", "lang"}
    ]
    asked = [(name, str(value)) for name, value in changed.items() if value not in {None, ""}]
    query = urlencode(kept + asked)
    return f"{request.url.path}?{query}" if query else request.url.path


def _read_static(file: Path) -> _StaticFile:
    body = file.read_bytes()
    return _StaticFile(body, hashlib.sha256(body).hexdigest()[:16], MEDIA_TYPES[file.suffix])


def _remember(request: Request, response: Response, reader: Reader) -> None:
    """Keep a language or zone that was asked for in the address, when it was understood."""
    chosen = {LANGUAGE_COOKIE: ("lang", reader.language), ZONE_COOKIE: ("zone", reader.zone.key)}
    for cookie, (name, understood) in chosen.items():
        if request.query_params.get(name) == understood:
            response.set_cookie(cookie, understood, max_age=YEAR_SECONDS, samesite="lax")
