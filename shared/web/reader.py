"""Who reads a page: language, locale and zone, and how days, instants and numbers look to them.

Read from the request only; nothing here knows a template or a business word. Chosen by `?lang=` and `?zone=` (kept in
cookies by pages.py), else by Accept-Language; the zone is UTC until the reader or their browser says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal
from starlette.requests import Request

LANGUAGES = ("en", "fr")
LANGUAGE_COOKIE = "inloop_lang"
ZONE_COOKIE = "inloop_zone"
MAX_ZONE_LENGTH = 64
NOW_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader of one page. `now` is the instant of the request; every relative time is counted from it."""

    language: str
    locale: Locale
    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> date:
        """The day it is where the reader is."""
        return self.now.astimezone(self.zone).date()

    def day(self, day: date, *, weekday: bool = True) -> str:
        """`Fri, May 1`; with its year when that is not this one."""
        year = "" if day.year == self.today.year else "y"
        return format_skeleton(f"{year}MMM{'E' if weekday else ''}d", day, locale=self.locale)

    def full_day(self, day: date) -> str:
        """Nothing left out: `Friday, May 1, 2026`."""
        return format_date(day, "full", locale=self.locale)

    def instant(self, at: datetime) -> str:
        """`May 1, 10:02 AM` in the reader's zone."""
        there = at.astimezone(self.zone)
        return f"{self.day(there.date(), weekday=False)}, {format_time(there, 'short', locale=self.locale)}"

    def clock(self, at: datetime) -> str:
        """The time of the day to the second, for times that lie close together."""
        return format_time(at.astimezone(self.zone), "medium", locale=self.locale)

    def days_away(self, day: date) -> str:
        """`in 12 days`, `7 weeks ago`; empty for yesterday, today and tomorrow, which have words of their own."""
        days = (day - self.today).days
        # Three of a unit at least: "in 7 weeks" where "in 2 months" would be false precision the wrong way.
        return "" if abs(days) <= 1 else self._apart(timedelta(days=days), 3)

    def ago(self, at: datetime) -> str:
        """`3 minutes ago`, `in 2 hours`; empty for the present moment, which has a word of its own."""
        apart = at - self.now
        return "" if abs(apart.total_seconds()) < NOW_SECONDS else self._apart(apart, 1.5)

    def _apart(self, delta: timedelta, threshold: float) -> str:
        return format_timedelta(delta, threshold=threshold, add_direction=True, locale=self.locale)

    def duration(self, length: timedelta) -> str:
        """`42 ms`, `1.4 s`, `3 min`, `2 hr`; never a direction."""
        seconds = abs(length.total_seconds())
        if seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenths still tell something
            return f"{format_decimal(round(seconds, 1), locale=self.locale)} s"
        return format_timedelta(timedelta(seconds=seconds), format="short", threshold=1.5, locale=self.locale)

    def number(self, value: float) -> str:
        """Grouped as the locale does it."""
        return format_decimal(value, locale=self.locale)

    def window(self, earliest: date, latest: date, resolution: str) -> str:
        """A target as people say it, never more precise than it is: `Q3 2026`, `May 2026`, `2026`, or its months."""
        if resolution in {"day", "release"} or earliest == latest:
            return self.day(latest)
        skeleton = {"month": "yMMMM", "quarter": "yQQQ", "year": "y"}.get(resolution)
        if skeleton:
            return format_skeleton(skeleton, earliest, locale=self.locale)
        return format_interval(earliest, latest, "yMMM", locale=self.locale)


def read_reader(request: Request, now: datetime) -> Reader:
    """The reader of this request. Whatever cannot be understood falls back; it never raises."""
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    accepted = list(_accepted(request.headers.get("accept-language", "")))
    tags = [asked, *accepted] if asked in LANGUAGES else accepted
    # A language that was chosen keeps the region of the browser when the two agree: en + en-GB is en-GB.
    best = next((tag for tag in accepted if tags[0] == tag.partition("-")[0]), tags[0] if tags else "en")
    locale = _locale(best)
    zone = request.query_params.get("zone") or request.cookies.get(ZONE_COOKIE)
    return Reader(locale.language, locale, _zone(zone), now.astimezone(UTC))


def _accepted(header: str) -> Iterator[str]:
    """The tags of Accept-Language that we speak, best first."""
    weighed = []
    for part in header[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        if tag.partition("-")[0].lower() in LANGUAGES:
            weighed.append((-_weight(weight), tag))
    yield from (tag for weight, tag in sorted(weighed, key=lambda one: one[0]) if weight < 0)


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale(tag.partition("-")[0].lower())


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name[:MAX_ZONE_LENGTH]) if name else ZoneInfo("UTC")
    except (ValueError, OSError, KeyError):  # unknown, a path, a directory: all the same to the reader
        return ZoneInfo("UTC")
