"""The native observation: the one format in which anything outside tells us what is true of a roadmap now.

Strict types and limits, and the window of plain days that a target as written promises. From bytes to here: reading.py.
What follows from one: roadmap.py.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.feature import Health, Impact, Resolution, Status, Target

MAX_ITEMS: Final = 500

EXAMPLES: Final[dict[str, str]] = {
    "on": "a plain day such as 2026-05-01",
    "month": "a month such as 2026-05",
    "quarter": "a quarter such as 2026-Q3",
    "half": "a half year such as 2026-H2",
    "year": "a year such as 2026",
}

_PATTERNS: Final[dict[str, re.Pattern[str]]] = {
    "on": re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII),
    "month": re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII),
    "quarter": re.compile(r"(\d{4})-Q([1-4])", re.ASCII),
    "half": re.compile(r"(\d{4})-H([12])", re.ASCII),
    "year": re.compile(r"(\d{4})", re.ASCII),
}
_INSTANT_LIKE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)
_RESOLUTIONS: Final[dict[str, Resolution]] = {
    "on": "day",
    "month": "month",
    "quarter": "quarter",
    "half": "half",
    "year": "year",
}
_MONTHS_OF: Final = {"month": 1, "quarter": 3, "half": 6, "year": 12}

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_INSTANT_DUE: Final = "an RFC 3339 instant with zone such as 2026-05-01T09:30:00Z"


class Window(NamedTuple):
    """Both ends inclusive."""

    earliest: date
    latest: date

    def within(self, other: "Window") -> bool:
        """Whether no day of this window lies outside the other."""
        return other.earliest <= self.earliest and self.latest <= other.latest


def read_window(form: str, text: str) -> Window:
    """The window that a target other than a release promises.

    Raises:
        ValueError: the text is not of that form, or names a day or year that does not exist; says which.
    """
    found = _PATTERNS[form].fullmatch(text)
    if not found:
        raise ValueError("an instant, not a day" if _INSTANT_LIKE.match(text) else f"not {EXAMPLES[form]}")
    year, *numbers = (int(group) for group in found.groups())
    if form == "on":
        try:
            day = date(year, *numbers)
        except ValueError:
            raise ValueError("no such day") from None
        return Window(earliest=day, latest=day)
    months = _MONTHS_OF[form]
    last = (numbers[0] if numbers else 1) * months
    first = last - months + 1
    if year < 1:
        raise ValueError("no such year")
    return Window(earliest=date(year, first, 1), latest=date(year, last, calendar.monthrange(year, last)[1]))


def build_target(form: str, text: str, planned_on: date | None) -> Target:
    """The target with its window; `planned_on` is the named release's day, None while it is unknown."""
    if form == "release":
        return Target(as_written={form: text}, earliest=planned_on, latest=planned_on, resolution="release")
    window = read_window(form, text)
    return Target(
        as_written={form: text}, earliest=window.earliest, latest=window.latest, resolution=_RESOLUTIONS[form]
    )


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
