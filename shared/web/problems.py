"""Errors as RFC 9457 problem documents: what is wrong, where, and what would be right."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.runtime.database import is_outage

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2

logger = logging.getLogger(__name__)


class ProblemError(Exception):
    """The request cannot be served as it is. `where` is a JSON path, a header, or a parameter."""

    def __init__(self, status: int, detail: str, *, where: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = where
        self.more = more


def json_path(steps: Sequence[int | str]) -> str:
    """`$.changes[3].feature.ref` for pydantic's ("changes", 3, "feature", "ref")."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def problem_response(status: int, detail: str, where: str | None = None, **more: Any) -> JSONResponse:
    """The document itself; `more` are its extension members."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if where:
        body["where"] = where
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if status in {429, 503} else None
    return JSONResponse(body | more, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_anything_else)


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - what the handler is registered for
    return problem_response(error.status, error.detail, error.where, **error.more)


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    return problem_response(error.status_code, str(error.detail))


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    if isinstance(error.body, bytes):  # unread, because it did not call itself JSON
        return problem_response(415, "say that it is JSON: content-type: application/json", "header content-type")
    found = [{"where": _place(one["loc"]), "detail": one["msg"]} for one in error.errors()]
    first = found[0]
    return problem_response(422, first["detail"], first["where"], errors=found)


def _place(location: Sequence[int | str]) -> str:
    """FastAPI says ("body", "a", 1) or ("query", "limit")."""
    door, *steps = location
    return json_path(steps) if door == "body" else f"{door} {'.'.join(str(step) for step in steps)}"


async def _on_anything_else(request: Request, error: Exception) -> JSONResponse:
    if is_outage(error):
        return problem_response(503, "the database is away; nothing was changed that was not answered for; try again")
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "this is a fault of ours; it is in the log with this time and path")
