"""One record opened: its envelope, its message, and which of those at hand are next. No database here."""

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
class InboxMessage(Generic[M]):
    """One message or one part of it, as it came. `message` is None when its body cannot be read; `problem` says why."""

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
class ReaderPosition:
    """How far a topic is applied for one portfolio; `waiting`: some messages lie in the inbox table."""

    portfolio: PortfolioId
    revision: int = 0
    waiting: bool = False
    parked: bool = False


def open_record(record: Record, model: type[M]) -> InboxMessage[M]:
    """Read a record of one of our own topics.

    Raises:
        EnvelopeError: its headers do not say what it is; it can only be set aside.
    """
    envelope = read_envelope(record.key, record.headers)
    if envelope.revision is None or envelope.cause_id is None:
        raise EnvelopeError("headers ce_revision and ce_causeid: one is missing; this topic carries both")
    if envelope.type != model.TYPE:
        raise EnvelopeError(f"header ce_type: expected {model.TYPE}, got {envelope.type!r:.80}")
    return read_inbox_message(envelope, record.value or b"", model)


def read_inbox_message(envelope: Envelope, body: bytes, model: type[M]) -> InboxMessage[M]:
    """Read the body; one that is wrong gives a message with a problem, since its place in the order is known."""
    revision = envelope.revision or 0
    try:
        message: M = model.model_validate_json(body)  # type: ignore[attr-defined]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        return InboxMessage(envelope, revision, body, None, f"${where}: {first['msg']}")
    if (message.portfolio, message.revision) != (envelope.subject, revision):
        problem = "$.portfolio, $.revision: differ from ce_subject, ce_revision"
        return InboxMessage(envelope, revision, body, None, problem)
    return InboxMessage(envelope, revision, body, message)


def whole(parts: Sequence[InboxMessage[M]]) -> Received[M]:
    """The message that these parts make.

    Raises:
        PoisonedError: one of them could not be read.
    """
    messages = []
    for part in parts:
        if part.message is None:
            raise PoisonedError(part.problem)
        messages.append(part.message)
    return Received(join(messages), parts[0].envelope.time, parts[0].envelope.traceparent)


def take_ready(
    positions: Mapping[PortfolioId, ReaderPosition], messages: Iterable[InboxMessage[M]], limit: int | None = None
) -> tuple[list[list[InboxMessage[M]]], list[InboxMessage[M]]]:
    """Move each position forward over what is next and whole, at most `limit` revisions; says what has to wait.

    Returns:
        the parts of each revision that is ready, in order within a portfolio, and the messages to be kept.
    """
    mine: dict[PortfolioId, list[InboxMessage[M]]] = {portfolio: [] for portfolio in positions}
    for message in messages:
        mine[message.portfolio].append(message)
    ready: list[list[InboxMessage[M]]] = []
    keep: list[InboxMessage[M]] = []
    for portfolio, position in positions.items():
        taken, rest = _advance(position, mine[portfolio], limit)
        position.waiting = bool(rest)
        ready += taken
        keep += rest
    return ready, keep


def _advance(
    position: ReaderPosition, messages: Iterable[InboxMessage[M]], limit: int | None
) -> tuple[list[list[InboxMessage[M]]], list[InboxMessage[M]]]:
    ahead: dict[int, dict[int, InboxMessage[M]]] = {}
    for message in messages:
        if message.revision > position.revision:
            ahead.setdefault(message.revision, {}).setdefault(message.part, message)
    ready: list[list[InboxMessage[M]]] = []
    while not position.parked and (limit is None or len(ready) < limit):
        parts = ahead.get(position.revision + 1, {})
        if not parts or len(parts) < next(iter(parts.values())).parts:
            break
        position.revision += 1
        ready.append([parts[number] for number in sorted(parts)])
        del ahead[position.revision]
    return ready, [message for parts in ahead.values() for message in parts.values()]
