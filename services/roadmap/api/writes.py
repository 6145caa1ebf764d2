"""The ways in: `PUT features/{ref}`, `PUT releases/{name}`, `POST observations`. Reads are beside."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.roadmap.api.parameters import UNDER, IfMatch, Name
from services.roadmap.domain.causes import NATIVE, derive_cause_id
from services.roadmap.domain.reading import MAX_LINE_BYTES, LineProblem, Reading, check_names
from services.roadmap.handlers.accepting import ObservationLine, Result
from services.roadmap.handlers.exactly import Exactly, VersionError
from shared.contracts.words import PortfolioId, canonical_json
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

LINES_AT_ONCE: Final = 2000
MAX_LINES: Final = 250_000

_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"', re.ASCII)


def build_puts(exactly: Exactly) -> APIRouter:
    """One observation at the address of what it speaks of."""
    router = APIRouter(prefix=UNDER)

    @router.put("/features/{ref:path}")
    async def put_feature(
        portfolio: PortfolioPath, ref: Name, request: Request, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """With `If-Match: "<version>"` it is judged at once, and only if the feature still has that version."""
        line = await _read_line(exactly, request, "feature", ref)
        if if_match is not None and line.reading.observation:
            return _answer(*await _put_exactly(exactly, portfolio, line, if_match))
        return await _put(exactly, portfolio, line)

    @router.put("/releases/{name:path}")
    async def put_release(
        portfolio: PortfolioPath, name: Name, request: Request, if_match: IfMatch = None
    ) -> dict[str, Any]:
        if if_match is not None:
            raise ProblemError(400, "a release has no version to match; leave it out", where="header if-match")
        return await _put(exactly, portfolio, await _read_line(exactly, request, "release", name))

    return router


def build_bulk(exactly: Exactly) -> APIRouter:
    """Many observations, one JSON object a line."""
    router = APIRouter(prefix=UNDER)
    acceptance = exactly.acceptance

    @router.post("/observations")
    async def post_observations(portfolio: PortfolioPath, request: Request) -> Response:
        """One result a line, as they came. A bad line is refused alone; a blank one only counts in the numbering."""
        now = exactly.clock()
        numbered = _number_lines(await request.body())
        results: list[Result] = []
        while bodies := list(islice(numbered, LINES_AT_ONCE)):
            lines = [acceptance.read(number, body, now) for number, body in bodies]
            results += await acceptance.accept(portfolio, NATIVE, lines, now)
        answer = "".join(f"{canonical_json(_result(result))}\n" for result in results)
        return Response(answer, media_type="application/x-ndjson")

    return router


def _number_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, one at a time: a body of line ends alone would else fill the memory."""
    if body.count(b"\n") > MAX_LINES:
        raise ProblemError(413, f"more than {MAX_LINES} lines; send them in several requests", where="body")
    return ((number, line.removesuffix(b"\n")) for number, line in enumerate(BytesIO(body), start=1) if line.strip())


async def _put(exactly: Exactly, portfolio: PortfolioId, line: ObservationLine) -> dict[str, Any]:
    results = await exactly.acceptance.accept(portfolio, NATIVE, [line], exactly.clock())
    return _answer(results[0], results[0].outcome)


async def _put_exactly(
    exactly: Exactly, portfolio: PortfolioId, line: ObservationLine, if_match: str
) -> tuple[Result, str]:
    version = _VERSION.fullmatch(if_match.strip())
    if not version:
        due = 'expected one version in quotes, such as "3", or "0" for a feature unknown so far'
        raise ProblemError(400, due, where="header if-match")
    try:
        return await exactly.put(portfolio, NATIVE, line, int(version[1]))
    except VersionError as error:
        detail = f"{error}; read the feature again and decide anew"
        raise ProblemError(412, detail, where="header if-match", version=error.version) from None


async def _read_line(exactly: Exactly, request: Request, kind: str, ref: str) -> ObservationLine:
    """The line in the body, refused if it speaks of another thing than the address does."""
    line = exactly.acceptance.read(1, await request.body(), exactly.clock())
    observation = line.reading.observation
    problem = check_names(observation, kind, ref) if observation else None
    return line._replace(reading=Reading(line.reading.id, None, problem)) if problem else line


def _answer(result: Result, outcome: str) -> dict[str, Any]:
    """The answer to one observation.

    Raises:
        ProblemError: it was refused; the line is kept nevertheless.
    """
    problem = result.problem
    if problem:
        status = 413 if problem.due == f"at most {MAX_LINE_BYTES} bytes a line" else 422
        raise ProblemError(status, str(problem), where=problem.path, expected=problem.due, observation=result.id)
    return {"observation": result.id, "outcome": outcome, "cause": derive_cause_id(NATIVE, result.id or "")}


def _result(result: Result) -> dict[str, Any]:
    problem = _problem(result.problem) if result.problem else None
    return {"line": result.line, "id": result.id, "outcome": result.outcome, "problem": problem}


def _problem(problem: LineProblem) -> dict[str, str]:
    return {"where": problem.path, "detail": str(problem), "expected": problem.due}
