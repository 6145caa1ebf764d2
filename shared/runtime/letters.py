"""One record opened: its envelope, its message, and which of the letters at hand are next. No database here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from pydantic import ValidationError

from shared.contracts.envelope import Envelope, EnvelopeError, M, join, read_envelope
from shared.contracts.words import PortfolioId
from shared.runtime.broker import Record


class PoisonedError(ValueError):
    """A record cannot be read as the message that its topic carries."""


@dataclass(frozen=True, slots=True)
class Letter(Generic[M]):
    """One part as it came. `message` is None when its body cannot be read; `problem` then says why."""

    envelope: Envelope
    revision: int
    body: bytes
    message: M | None
    problem: str | None = None

    @property
    def portfolio(self) -> PortfolioId:
        return self.envelope.subject

    @property
    def part(self) -> int:
        return self.message.part if self.message else 1

    @property
    def parts(self) -> int:
        return self.message.parts if self.message else 1


@dataclass(frozen=True, slots=True)
class Received(Generic[M]):
    """One whole message, next in order for its portfolio. `time` is its `ce_time`."""

    message: M
    time: datetime
    traceparent: str | None


@dataclass(slots=True)
class Reader:
    """How far a topic is applied for one portfolio; `waiting`: some letters lie in the inbox table."""

    portfolio: PortfolioId
    revision: int = 0
    waiting: bool = False
    parked: bool = False


def open_record(record: Record, model: type[M]) -> Letter[M]:
    """Read a record of one of our own topics.

    Raises:
        EnvelopeError: its headers do not say what it is; it can only be set aside.
    """
    envelope = read_envelope(record.key, record.headers)
    if envelope.revision is None or envelope.cause_id is None:
        raise EnvelopeError("headers ce_revision and ce_causeid: one is missing; this topic carries both")
    if envelope.type != model.TYPE:
        raise EnvelopeError(f"header ce_type: expected {model.TYPE}, got {envelope.type!r:.80}")
    return read_letter(envelope, record.value or b"", model)


def read_letter(envelope: Envelope, body: bytes, model: type[M]) -> Letter[M]:
    """Read the body; one that is wrong gives a letter with a problem, since its place in the order is known."""
    revision = envelope.revision or 0
    try:
        message: M = model.model_validate_json(body)  # type: ignore[attr-defined]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        return Letter(envelope, revision, body, None, f"${where}: {first['msg']}")
    if (message.portfolio, message.revision) != (envelope.subject, revision):
        return Letter(envelope, revision, body, None, "$.portfolio, $.revision: differ from ce_subject, ce_revision")
    return Letter(envelope, revision, body, message)


def whole(parts: Sequence[Letter[M]]) -> Received[M]:
    """The message that these parts make.

    Raises:
        PoisonedError: one of them could not be read.
    """
    messages = []
    for letter in parts:
        if letter.message is None:
            raise PoisonedError(letter.problem)
        messages.append(letter.message)
    return Received(join(messages), parts[0].envelope.time, parts[0].envelope.traceparent)


def take_ready(
    readers: Mapping[PortfolioId, Reader], letters: Iterable[Letter[M]], limit: int | None = None
) -> tuple[list[list[Letter[M]]], list[Letter[M]]]:
    """Move each reader forward over what is next and whole, at most `limit` revisions; says what has to wait.

    Returns:
        the parts of each revision that is ready, in order within a portfolio, and the letters to be kept.
    """
    mine: dict[PortfolioId, list[Letter[M]]] = {portfolio: [] for portfolio in readers}
    for letter in letters:
        mine[letter.portfolio].append(letter)
    ready: list[list[Letter[M]]] = []
    keep: list[Letter[M]] = []
    for portfolio, reader in readers.items():
        taken, rest = _advance(reader, mine[portfolio], limit)
        reader.waiting = bool(rest)
        ready += taken
        keep += rest
    return ready, keep


def _advance(
    reader: Reader, letters: Iterable[Letter[M]], limit: int | None
) -> tuple[list[list[Letter[M]]], list[Letter[M]]]:
    ahead: dict[int, dict[int, Letter[M]]] = {}
    for letter in letters:
        if letter.revision > reader.revision:
            ahead.setdefault(letter.revision, {}).setdefault(letter.part, letter)
    ready: list[list[Letter[M]]] = []
    while not reader.parked and (limit is None or len(ready) < limit):
        parts = ahead.get(reader.revision + 1, {})
        if not parts or len(parts) < next(iter(parts.values())).parts:
            break
        reader.revision += 1
        ready.append([parts[number] for number in sorted(parts)])
        del ahead[reader.revision]
    return ready, [letter for parts in ahead.values() for letter in parts.values()]
