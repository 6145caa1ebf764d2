"""The envelope of every message: CloudEvents 1.0 in Kafka's binary mode, and how a large message is sent in parts.

No transport here: headers in, headers out.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol, Self, TypeVar

from shared.contracts.cause import Cause
from shared.contracts.words import MAX_MESSAGE_BYTES, PORTFOLIO_PATTERN, CauseId, PortfolioId, format_instant

Headers = Sequence[tuple[str, bytes]]

REQUIRED: Final = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type")
JSON_TYPE: Final = "application/json"

# The data of one message without the items of its lists: cause, names, revision. Generous on purpose.
_FRAME_BYTES: Final = 24 * 1024


class EnvelopeError(ValueError):
    """The record is not a message of ours: the text says which header is wrong and what would be right."""


class Message(Protocol):
    """What every message of ours has in common: it is one part of one revision of one portfolio."""

    TYPE: ClassVar[str]
    LISTS: ClassVar[tuple[str, ...]]

    @property
    def portfolio(self) -> PortfolioId: ...
    @property
    def revision(self) -> int: ...
    @property
    def part(self) -> int: ...
    @property
    def parts(self) -> int: ...
    @property
    def cause(self) -> Cause: ...

    def model_copy(self, *, update: dict[str, object]) -> Self: ...
    def model_dump_json(self) -> str: ...


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of one record. `revision` and `cause_id` are None only on `roadmap.inbound`."""

    id: str
    type: str
    source: str
    subject: PortfolioId
    time: datetime
    cause_id: CauseId | None = None
    revision: int | None = None
    kinds: tuple[str, ...] = ()
    traceparent: str | None = None

    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers; those without a value are left out."""
        values = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_subject": self.subject,
            "ce_time": format_instant(self.time),
            "content-type": JSON_TYPE,
            "ce_causeid": self.cause_id,
            "ce_revision": None if self.revision is None else str(self.revision),
            "inloop_kinds": ",".join(self.kinds) or None,
            "traceparent": self.traceparent,
        }
        return [(name, value.encode()) for name, value in values.items() if value is not None]


def derive_ce_id(service: str, cause_id: str, revision: int, part: int) -> str:
    """The same message has the same id whenever it is sent again."""
    return hashlib.sha256(f"{service}\n{cause_id}\n{revision}\n{part}".encode()).hexdigest()[:32]


def read_envelope(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Parse the headers of a record.

    Raises:
        EnvelopeError: a header is missing, repeated, not UTF-8 or malformed, or the key is not the subject.
    """
    values = _decode(headers)
    for name in REQUIRED:
        if name not in values:
            raise EnvelopeError(f"header {name}: missing")
    if values["ce_specversion"] != "1.0":
        raise EnvelopeError(f"header ce_specversion: expected 1.0, got {values['ce_specversion']!r}")
    return Envelope(
        id=values["ce_id"],
        type=values["ce_type"],
        source=values["ce_source"],
        subject=_subject(key, values["ce_subject"]),
        time=_time(values["ce_time"]),
        cause_id=CauseId(values["ce_causeid"]) if "ce_causeid" in values else None,
        revision=_revision(values.get("ce_revision")),
        kinds=tuple(filter(None, values.get("inloop_kinds", "").split(","))),
        traceparent=values.get("traceparent"),
    )


def _decode(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, raw in headers:
        if raw is None:
            raise EnvelopeError(f"header {name}: null; expected UTF-8 text")
        if name in values:
            raise EnvelopeError(f"header {name}: given twice")
        try:
            values[name] = raw.decode()
        except UnicodeDecodeError:
            raise EnvelopeError(f"header {name}: not UTF-8") from None
    return values


def _subject(key: bytes | None, subject: str) -> PortfolioId:
    if not re.fullmatch(PORTFOLIO_PATTERN, subject):
        raise EnvelopeError(f"header ce_subject: {subject[:80]!r} is no portfolio id ({PORTFOLIO_PATTERN})")
    if key != subject.encode():
        raise EnvelopeError(f"key: {key!r:.80} differs from header ce_subject {subject!r}")
    return PortfolioId(subject)


def _time(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise EnvelopeError(f"header ce_time: {text[:80]!r}; expected RFC 3339 with a zone")
    return instant


def _revision(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise EnvelopeError(f"header ce_revision: {text[:80]!r}; expected a whole number from 1")
    return int(text)


def split(message: M, limit: int = MAX_MESSAGE_BYTES) -> list[M]:
    """Cut a message into parts of at most `limit` bytes, its lists in order; usually the one part it is."""
    size = len(message.model_dump_json())
    if size * 4 <= limit or len(message.model_dump_json().encode()) <= limit:
        return [message]
    empty: dict[str, object] = dict.fromkeys(message.LISTS, ())
    pages = list(_pages(message, limit - _FRAME_BYTES))
    return [
        message.model_copy(update={**empty, **page, "part": number, "parts": len(pages)})
        for number, page in enumerate(pages, start=1)
    ]


def _pages(message: Message, room: int) -> Iterator[dict[str, tuple[object, ...]]]:
    page: dict[str, tuple[object, ...]] = {}
    used = 0
    for name in message.LISTS:
        for item in getattr(message, name):
            size = len(item.encode()) + 2 if isinstance(item, str) else len(item.model_dump_json().encode())
            if used and used + size > room:
                yield page
                page, used = {}, 0
            page[name] = (*page.get(name, ()), item)
            used += size + 1
    yield page


def join(parts: Sequence[M]) -> M:
    """The whole message again, from all its parts in order."""
    if len(parts) == 1:
        return parts[0]
    lists = {name: tuple(item for part in parts for item in getattr(part, name)) for name in parts[0].LISTS}
    return parts[0].model_copy(update={**lists, "part": 1, "parts": 1})
