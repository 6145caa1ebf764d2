"""The HTTP API as our own commands and tests use it: one address, one token, and errors that say what to do.

What is asked, and how a command shows it or ends, is not here.
"""

import json
import os
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx2

DEFAULT_URL = "http://127.0.0.1:8080"
URL_VARIABLE = "INLOOP_URL"
TOKEN_VARIABLE = "INLOOP_API_TOKEN"  # noqa: S105 - the name of a variable, not what is in it
LINES_TYPE = "application/x-ndjson"
TIMEOUT_SECONDS = 60
UNAUTHORIZED = (401, 403)


class CannotError(Exception):
    """What was asked cannot be done; the text says what, where, and what would be right."""


class OvertakenError(CannotError):
    """What was asked no longer fits what is there: somebody or something was quicker."""


class Api:
    """A running Inloop. `url` is its front door: all three services are behind it, by path."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            address = httpx2.URL(self.url)
        except httpx2.InvalidURL as error:
            raise CannotError(f"{self.url} is not an address ({error}); expected such as {DEFAULT_URL}") from None
        self._client = httpx2.AsyncClient(
            base_url=address, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False
        )

    @classmethod
    def from_environment(cls, url: str) -> Self:
        """With the token of INLOOP_API_TOKEN, if there is one."""
        return cls(url, os.environ.get(TOKEN_VARIABLE) or None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at `path`.

        Raises:
            CannotError: nobody answers there, or the answer is a problem.
        """
        return await self.send("GET", path, query=query)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        media_type: str = "application/json",
        query: dict[str, Any] | None = None,
    ) -> Any:
        """Send a request and give its JSON answer; one of JSON lines as a list.

        Raises:
            CannotError: nobody answers there, or the answer is a problem.
        """
        headers = {"content-type": media_type} if body is not None else {}
        try:
            answer = await self._client.request(method, path, content=body, params=query or {}, headers=headers)
        except httpx2.HTTPError as error:
            raise CannotError(_nobody(self.url, error)) from None
        if answer.is_success:
            return _json(answer)
        raise (OvertakenError if answer.status_code == HTTPStatus.CONFLICT else CannotError)(_problem(method, answer))


def _nobody(url: str, error: httpx2.HTTPError) -> str:
    reason = str(error) or type(error).__name__
    return (
        f"Nobody answers at {url} ({reason}). Start Inloop with `inloop demo` or `docker-compose up`, or say where it"
        f" is with --url or {URL_VARIABLE}."
    )


def _json(answer: httpx2.Response) -> Any:
    try:
        if answer.headers.get("content-type", "").startswith(LINES_TYPE):
            return [json.loads(line) for line in answer.text.splitlines()]
        return answer.json()
    except ValueError:
        raise CannotError(f"{answer.url} did not answer with JSON; is Inloop there?") from None


def _problem(method: str, answer: httpx2.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    where = f"{document['where']}: " if document.get("where") not in {None, "$"} else ""
    text = f"{where}{document.get('detail') or answer.reason_phrase} ({answer.status_code}, {method} {answer.url.path})"
    if answer.status_code in UNAUTHORIZED:
        text += f"\nGive the token in {TOKEN_VARIABLE}."
    return "\n  ".join([text, *_errors(document)])


def _errors(document: dict[str, Any]) -> list[str]:
    """A document may list several errors, each with its place."""
    found = document.get("errors") or document.get("problems") or []
    return [_error(one) for one in found[:20]] if isinstance(found, list) else []


def _error(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    place = one.get("where") or one.get("path") or ""
    line = f"line {one['line']}, " if "line" in one else ""
    return f"{line}{place}: {one.get('detail') or one.get('expected') or ''}"
