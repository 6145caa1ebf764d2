"""Door: programs. Observations in, one at a time or many; what became of them, what is held; features and sums out.

The routes about the plumbing (changes, republish, parked) are shared.web's; `inloop parked` shows both what the inboxes
parked and what is held here. PostgreSQL refuses a zero character, so we do first.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.causes import NATIVE, derive_cause_id
from services.roadmap.domain.reading import MAX_LINE_BYTES, Reading, check_names
from services.roadmap.handlers.accepting import Acceptance, ObservationLine, Result
from services.roadmap.handlers.exactly import Exactly, VersionError
from services.roadmap.store import queries, sums
from services.roadmap.store.effects import load_radii
from services.roadmap.store.observations import count_waiting, drop_held, release_held
from shared.contracts.words import PortfolioId, canonical_json
from shared.runtime.database import Database
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

MAX_BIGINT: Final = 2**62
LINES_AT_ONCE: Final = 2000
MAX_LINES: Final = 250_000
HISTORY: Final = 1000
UNDER: Final = "/portfolios/{portfolio}"

_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"', re.ASCII)
_AS_STORED = (
    "seq",
    "portfolio",
    "source",
    "kind",
    "ref",
    "at",
    "received_at",
    "accepted_at",
    "state",
    "why",
    "summary",
)

Act = Callable[[AsyncConnection, PortfolioId, int], Awaitable[bool]]


def storable(text: str) -> str:
    """The text, unless the database could not even look for it.

    Raises:
        ValueError: it holds a zero character.
    """
    if "\x00" in text:
        raise ValueError("holds a zero character")
    return text


Text = Annotated[str, Field(max_length=512), AfterValidator(storable)]
Name = Annotated[str, Path(min_length=1, max_length=512), AfterValidator(storable)]
SourceId = Annotated[str, Query(max_length=512), AfterValidator(storable)]
Until = Annotated[int | None, Query(ge=0, le=MAX_BIGINT)]
IfMatch = Annotated[str | None, Header()]


class PageQuery(BaseModel):
    """A page of a list; each list adds its own filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1000)


class LogQuery(PageQuery):
    """Filters of the log. `after` is the `next` of the page before."""

    state: Text = ""
    kind: Text = ""
    ref: Text = ""
    text: Text = ""
    after: int = Field(default=0, ge=0, le=MAX_BIGINT)


class FeaturesQuery(PageQuery):
    """Filters of the features. `after` is the `next` of the page before."""

    status: Text = ""
    release: Text = ""
    owner_team: Text = ""
    text: Text = ""
    after: Text = ""

    def filters(self) -> dict[str, Any]:
        """The filters alone."""
        return self.model_dump(exclude={"limit", "after"})


def build_routers(exactly: Exactly) -> list[APIRouter]:
    """All of roadmap's own routes, to be put under `/roadmap/api/v1`."""
    database = exactly.acceptance.database
    return [
        build_puts(exactly),
        build_bulk(exactly),
        build_held(exactly.acceptance),
        build_observation_reads(database),
        build_sums(database),
        build_feature_reads(database),
    ]


def build_puts(exactly: Exactly) -> APIRouter:
    """One observation at the address of what it speaks of."""
    router = APIRouter(prefix=UNDER)

    @router.put("/features/{ref:path}")
    async def put_feature(
        portfolio: PortfolioPath, ref: Name, request: Request, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """One feature as it is now.

        With `If-Match: "<version>"` it is judged at once, and only if the feature still has that version.
        """
        line = await _read_line(exactly, request, "feature", ref)
        if if_match is not None and line.reading.observation:
            return _answer(*await _put_exactly(exactly, portfolio, line, if_match))
        return await _put(exactly, portfolio, line)

    @router.put("/releases/{name:path}")
    async def put_release(
        portfolio: PortfolioPath, name: Name, request: Request, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """A release and its planned day; every feature that targets it follows, in one cause."""
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
        """Many observations; the answer has one result a line, as they came.

        A bad line is refused alone; a blank one only counts in the numbering.
        """
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
    problem = result.problem
    shown = {"where": problem.path, "detail": str(problem), "expected": problem.due} if problem else None
    return {"line": result.line, "id": result.id, "outcome": result.outcome, "problem": shown}


def build_held(acceptance: Acceptance) -> APIRouter:
    """The list, and what a person may do. An observation is named as when it is read: by its id, or `seq:<number>`."""
    router = APIRouter()
    database = acceptance.database

    async def act_on(portfolio: PortfolioId, source: str, observation_id: str, act: Act) -> None:
        async with database.locked([portfolio]) as batch:
            row = await queries.load_observation(batch.connection, portfolio, source, observation_id)
            if row is None or not await act(batch.connection, portfolio, row["seq"]):
                raise ProblemError(404, "no observation of this id is held", where="path observation_id")

    @router.get("/held")
    async def held(query: Annotated[PageQuery, Query()]) -> dict[str, Any]:
        """Observations that could not be judged, oldest first; `total` counts also those beyond `limit`."""
        async with database.reading() as connection:
            items = await queries.list_held(connection, query.limit)
            return {"items": items, "total": (await count_waiting(connection))["held"]}

    @router.post(UNDER + "/observations/{observation_id:path}/retry", status_code=202)
    async def retry(portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE) -> dict[str, bool]:
        """Have it judged again, soon."""
        await act_on(portfolio, source, observation_id, release_held)
        acceptance.bell.ring()
        return {"released": True}

    @router.delete(UNDER + "/observations/{observation_id:path}")
    async def drop(portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE) -> dict[str, bool]:
        """Give it up: it counts as refused, its bytes and the reason are kept, and its id may be sent again."""
        await act_on(portfolio, source, observation_id, drop_held)
        return {"dropped": True}

    return router


def build_observation_reads(database: Database) -> APIRouter:
    """The log, and one observation."""
    router = APIRouter(prefix=UNDER)

    @router.get("/observations")
    async def list_observations(portfolio: PortfolioPath, query: Annotated[LogQuery, Query()]) -> dict[str, Any]:
        """The log of observations, newest first; `next` is null on the last page."""
        filters = queries.LogFilter(**query.model_dump(exclude={"limit"}))
        async with database.reading() as connection:
            rows = await queries.list_log(connection, portfolio, filters, query.limit)
        following = rows[-1]["seq"] if len(rows) == query.limit else None
        return {"items": [show_observation(row) for row in rows], "next": following}

    @router.get("/observations/{observation_id:path}")
    async def get_observation(
        portfolio: PortfolioPath, observation_id: Name, source: SourceId = NATIVE
    ) -> dict[str, Any]:
        """What became of it and why. `seq:<number>` asks by its place in the log: a refused line may have no id."""
        async with database.reading() as connection:
            row = await queries.load_observation(connection, portfolio, source, observation_id)
        if row is None:
            raise ProblemError(404, "no observation of this id was ever received here", where="path observation_id")
        body = row["body"].decode(errors="replace")
        return {**show_observation(row), "body": body, "times_received": row["times_received"]}

    return router


def build_sums(database: Database) -> APIRouter:
    """Whether all that came in is accounted for."""
    router = APIRouter(prefix=UNDER)

    @router.get("/conservation")
    async def conservation(portfolio: PortfolioPath, until: Until = None) -> dict[str, Any]:
        """The sums as of a revision of ours; without one, as of now."""
        async with database.reading() as connection:
            cut = await sums.current_revision(connection, portfolio) if until is None else until
            return await sums.sum_up(connection, portfolio, cut)

    return router


def show_observation(row: dict[str, Any]) -> dict[str, Any]:
    """An observation as the API shows it: what became of it, why, and what it led to."""
    return {
        **{name: row[name] for name in _AS_STORED},
        "id": row["observation_id"],
        "where": row["path"],
        "kinds": row["kinds"],
        "cause": row["cause_id"],
        "revision": row["revision_at"],
        "led_to": {name: row[name] for name in ("launches", "told", "acknowledged", "unreachable", "told_at")},
    }


def build_feature_reads(database: Database) -> APIRouter:
    """A portfolio's features, and one with its history."""
    router = APIRouter(prefix=UNDER)

    @router.get("/features")
    async def list_features(portfolio: PortfolioPath, query: Annotated[FeaturesQuery, Query()]) -> dict[str, Any]:
        """Features by ref; `next` is null on the last page."""
        async with database.reading() as connection:
            rows = await queries.list_features(connection, portfolio, query.filters(), query.after, query.limit)
        following = rows[-1]["ref"] if len(rows) == query.limit else None
        return {"items": [json.loads(row["snapshot"]) for row in rows], "next": following}

    @router.get("/features/{ref:path}")
    async def get_feature(portfolio: PortfolioPath, ref: Name, response: Response) -> dict[str, Any]:
        """One feature and its history. The ETag is the version that `If-Match` takes.

        `blast_radius`: what its slip would move, as last asked.
        """
        async with database.reading() as connection:
            row = await queries.load_feature(connection, portfolio, ref)
            if row is None:
                raise ProblemError(404, "no feature of this ref is known", where="path ref")
            history = await queries.list_versions(connection, portfolio, ref, HISTORY)
            radius = (await load_radii(connection, portfolio, [ref])).get(ref)
        feature = json.loads(row["snapshot"])
        response.headers["etag"] = f'"{feature["version"]}"'
        versions = [{**one, "snapshot": json.loads(one["snapshot"])} for one in history]
        return {"feature": feature, "at": row["at"], "history": versions, "blast_radius": radius}

    return router
