"""How every word of ours behaves on the wire: frozen, strict for writers, tolerant for readers.

No message and no business word is defined here.
"""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints

PortfolioId = NewType("PortfolioId", str)
PersonId = NewType("PersonId", str)
LaunchId = NewType("LaunchId", str)
CauseId = NewType("CauseId", str)

Day = date
"""A plain day; fields that are themselves called `date` need another name for their type."""

PORTFOLIO_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"

MAX_MESSAGE_BYTES: Final = 256 * 1024


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with a `Z`; microseconds only where there are some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc), PlainSerializer(format_instant, when_used="json")]
"""An aware instant, always kept in UTC."""

Text = Annotated[str, StringConstraints(max_length=16_384)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Word(BaseModel):
    """A value that crosses a service's border: immutable; unknown fields are ignored, wrong types are not."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


def canonical_json(value: Any) -> str:
    """The one text for a JSON value: sorted keys, no spaces, no escapes beyond those JSON demands."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
