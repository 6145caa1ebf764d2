"""What a person sees when a request is refused or fails: a page in their language instead of a problem document.

Programs keep their problem documents (problems.py); which answer is due is judged by the address and the Accept header.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.web.problems import ProblemError

SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}

Handler = Callable[[Request, Exception], Awaitable[Response]]
RefusalPage = Callable[[Request, int, str], Response]
"""From a status and a detail (or "") to a page."""


class PageProblemError(Exception):
    """Raised by a page's route: becomes a page that says what is wrong and what to do."""

    def __init__(self, status: int, title: str, advice: str = "") -> None:
        super().__init__(title)
        self.status, self.title, self.advice = status, title, advice


def refuse_people_with(page: RefusalPage, app: Starlette, service: str) -> None:
    """Answer people with pages. The handlers that the app has by now decide the status and do the logging."""
    for kind in (ProblemError, HTTPException, RequestValidationError, Exception):
        handler: Any = app.exception_handlers.get(kind)
        if handler is not None:
            app.add_exception_handler(kind, _for_people(handler, page, service))


def require_own_page(request: Request) -> None:
    """FastAPI dependency of every form's route: refuses a form that another site sent (PageProblemError 403).

    Browsers say where a form comes from; a program without a browser has no cookies to abuse and may pass.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site not in {None, "same-origin", "none"}
    if foreign or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise PageProblemError(
            403, "This form was sent from another site.", "Open the page here and press the button again."
        )


def _for_people(handler: Handler, page: RefusalPage, service: str) -> Handler:
    async def handled(request: Request, error: Exception) -> Response:
        answer = await handler(request, error)
        if not _is_person(request, service):
            return answer
        shown = page(request, answer.status_code, _detail(error))
        if "retry-after" in answer.headers:
            shown.headers["retry-after"] = answer.headers["retry-after"]
        return shown

    return handled


def _is_person(request: Request, service: str) -> bool:
    """A browser that asks for a page, not a program at the API nor a script of ours."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(f"/{service}/api/")


def _detail(error: Exception) -> str:
    """What was said about it, when somebody thought of the reader; a status line or a fault of ours says nothing."""
    return error.detail if isinstance(error, ProblemError) else ""
