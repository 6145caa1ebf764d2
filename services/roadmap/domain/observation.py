"""The native observation: the one format in which anything outside tells us what is true of a roadmap now.

Strict types and limits only. From bytes to here: reading.py. What follows from one: roadmap.py.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.roadmap.domain.windows import EXAMPLES, read_window
from shared.contracts.feature import Health, Impact, Status

MAX_ITEMS: Final = 500

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_INSTANT_DUE: Final = "an RFC 3339 instant with zone such as 2026-05-01T09:30:00Z"


def wrong(what: str, due: str) -> PydanticCustomError:
    """A refusal: what is wrong, and what would be right."""
    return PydanticCustomError("wrong", "{what}", {"what": what, "due": due})


def _read_instant(value: Any) -> Any:
    if not isinstance(value, str):
        raise wrong("not a string", _INSTANT_DUE)
    if not _INSTANT.fullmatch(value):
        zoneless = _INSTANT.fullmatch(value + "Z")
        raise wrong("an instant without a zone" if zoneless else "not an instant", _INSTANT_DUE)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong("no such instant", _INSTANT_DUE) from None


def _check(form: str) -> Callable[[Any], Any]:
    """A validator: None, or text of this form that names days which exist."""

    def check(value: Any) -> Any:
        if value is not None and not isinstance(value, str):
            raise wrong("not a string", EXAMPLES[form])
        try:
            if value is not None:
                read_window(form, value)
        except ValueError as error:
            raise wrong(str(error), EXAMPLES[form]) from None
        return value

    return check


_check_day = _check("on")


def _read_day(value: Any) -> Any:
    if value is None:
        raise wrong("not a string", EXAMPLES["on"])
    return date.fromisoformat(_check_day(value))


def _none_as_empty(value: Any) -> Any:
    return () if value is None else tuple(value) if isinstance(value, list) else value


def _read_impact(value: Any) -> Any:
    return {"value": value} if isinstance(value, int) and not isinstance(value, bool) else value


Ref = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Short = Annotated[str, StringConstraints(max_length=512)]
Long = Annotated[str, StringConstraints(max_length=16_384)]
Names = Annotated[tuple[Ref, ...], BeforeValidator(_none_as_empty), Field(max_length=MAX_ITEMS)]
Day = Annotated[date, BeforeValidator(_read_day)]
At = Annotated[datetime, BeforeValidator(_read_instant)]


class _Native(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class NativeTarget(_Native):
    """Exactly one form is given."""

    on: Annotated[str | None, BeforeValidator(_check("on"))] = None
    month: Annotated[str | None, BeforeValidator(_check("month"))] = None
    quarter: Annotated[str | None, BeforeValidator(_check("quarter"))] = None
    half: Annotated[str | None, BeforeValidator(_check("half"))] = None
    year: Annotated[str | None, BeforeValidator(_check("year"))] = None
    release: Ref | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "NativeTarget":
        if len(self._given()) != 1:
            raise wrong(f"{len(self._given()) or 'no'} targets", f"exactly one of {', '.join(type(self).model_fields)}")
        return self

    def _given(self) -> dict[str, str]:
        return {name: text for name, text in self.__dict__.items() if text is not None}

    @property
    def as_written(self) -> tuple[str, str]:
        """The form and its text."""
        return next(iter(self._given().items()))


class NativeImpact(Impact):
    """One input of the tier score: a number 0-3, or that with evidence and source."""

    model_config = ConfigDict(extra="forbid")

    evidence: Long | None = None
    source: Short | None = None


Input = Annotated[NativeImpact | None, BeforeValidator(_read_impact)]


class NativeImpacts(_Native):
    """The inputs of the tier score that the source knows."""

    customer_value: Input = None
    reach: Input = None
    revenue: Input = None
    differentiation: Input = None
    narrative: Input = None
    novelty: Input = None
    disruption: Input = None

    def known(self) -> dict[str, Impact]:
        """Those that were given."""
        return {name: Impact(**value.__dict__) for name, value in self.__dict__.items() if value is not None}


class NativeFeature(_Native):
    """The whole present truth of one feature."""

    ref: Ref
    title: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    status: Status
    owner_team: Short | None = None
    contributors: Names = ()
    stage: Short | None = None
    target: NativeTarget | None = None
    summary: Long | None = None
    product_line: Short | None = None
    segments: Names = ()
    regions: Names = ()
    labels: Names = ()
    impact: NativeImpacts | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    health: Health | None = None
    blocked_by: Names = ()
    url: Annotated[str, StringConstraints(max_length=2048)] | None = None
    actor: Short | None = None
    reason: Long | None = None


class NativeRelease(_Native):
    """A named shipment with its planned day."""

    name: Ref
    planned_on: Day


class Observation(_Native):
    """Exactly one of feature, release, removed is given. `at` is when it became true at the source."""

    id: Ref
    at: At
    feature: NativeFeature | None = None
    release: NativeRelease | None = None
    removed: Ref | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Observation":
        given = [name for name in ("feature", "release", "removed") if getattr(self, name) is not None]
        if len(given) != 1:
            raise wrong(
                f"{' and '.join(given) or 'none of feature, release, removed'} given",
                "exactly one of feature, release, removed",
            )
        return self

    @property
    def kind(self) -> Literal["feature", "release", "removed"]:
        """What it speaks of."""
        return "feature" if self.feature else "release" if self.release else "removed"

    @property
    def ref(self) -> str:
        """The feature's ref or the release's name."""
        if self.feature:
            return self.feature.ref
        return self.release.name if self.release else self.removed or ""
