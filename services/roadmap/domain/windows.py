"""Targets as written, and the window of plain days that each promises. Nothing here knows a feature."""

import calendar
import re
from datetime import date, timedelta
from typing import Final, NamedTuple

from shared.contracts.feature import Resolution, Target

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
SATURDAY: Final = 5
_MONTHS_OF: Final = {"month": 1, "quarter": 3, "half": 6, "year": 12}


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
        day = _day(year, *numbers)
        return Window(earliest=day, latest=day)
    months = _MONTHS_OF[form]
    last = (numbers[0] if numbers else 1) * months
    first = last - months + 1
    if year < 1:
        raise ValueError("no such year")
    return Window(earliest=date(year, first, 1), latest=date(year, last, calendar.monthrange(year, last)[1]))


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError("no such day") from None


def build_target(form: str, text: str, planned_on: date | None) -> Target:
    """The target with its window; `planned_on` is the named release's day, None while it is unknown."""
    if form == "release":
        return Target(as_written={form: text}, earliest=planned_on, latest=planned_on, resolution="release")
    window = read_window(form, text)
    return Target(
        as_written={form: text}, earliest=window.earliest, latest=window.latest, resolution=_RESOLUTIONS[form]
    )


def window_of(target: Target) -> Window | None:
    """The target's window; None while nobody knows it."""
    if target.earliest is None or target.latest is None:
        return None
    return Window(earliest=target.earliest, latest=target.latest)


def count_working_days(one: date, other: date) -> int:
    """Monday-to-Friday days after the earlier and up to the later of two days; never negative."""
    earlier, later = sorted((one, other))
    weeks, rest = divmod((later - earlier).days, 7)
    return weeks * 5 + sum((earlier + timedelta(days=step)).weekday() < SATURDAY for step in range(1, rest + 1))
