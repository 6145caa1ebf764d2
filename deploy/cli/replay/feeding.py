"""Lines in by the HTTP door, a batch a request, no faster than they are taken.

What follows from them is not looked at here. `inloop import` feeds the same way.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deploy.cli.replay.history import HistoryLine
from deploy.client import Api, CannotError

LINES_A_REQUEST = 250
BYTES_A_REQUEST = 4 * 1024 * 1024
MEDIA_TYPE = "application/x-ndjson"

Pause = Callable[[], Awaitable[None]]
"""Returns when the next batch may go in."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """One line that was refused: where it stands in the file, its id if it had a readable one, and what is wrong."""

    line: int
    id: str | None
    problem: str


@dataclass(slots=True)
class Fed:
    """What the door said, so far, to the lines that went in."""

    lines: int = 0
    accepted: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


async def feed(api: Api, portfolio: str, lines: Sequence[HistoryLine], fed: Fed, pause: Pause) -> None:
    """Post all lines in order and note every answer in `fed`; `pause` comes before each request.

    Raises:
        CannotError: the door is closed, or answered with something else than a result per line.
    """
    for batch in _batches(lines):
        await pause()
        body = b"\n".join(line.body for line in batch) + b"\n"
        answer = await api.send("POST", f"/roadmap/api/v1/portfolios/{portfolio}/observations", body, MEDIA_TYPE)
        results = answer if isinstance(answer, list) else [answer]
        if len(results) != len(batch):
            raise CannotError(f"{len(batch)} lines went in and {len(results)} answers came back")
        for line, result in zip(batch, results, strict=True):
            _note(fed, line, result)
        fed.lines += len(batch)


def _batches(lines: Sequence[HistoryLine]) -> Iterator[list[HistoryLine]]:
    batch: list[HistoryLine] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == LINES_A_REQUEST or size + len(line.body) > BYTES_A_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.body) + 1
    if batch:
        yield batch


def _note(fed: Fed, line: HistoryLine, result: dict[str, object]) -> None:
    if result["outcome"] == "accepted":
        fed.accepted.append(str(result["id"]))
    elif result["outcome"] == "duplicate":
        fed.duplicates.append(str(result["id"]))
    else:
        name = result.get("id")
        fed.refused.append(RefusedLine(line.number, None if name is None else str(name), _say(result.get("problem"))))


def _say(problem: object) -> str:
    if isinstance(problem, dict):
        return str(problem.get("detail") or problem)
    return str(problem)
