"""Days and instants as HTML, as one reader writes them. Which words stand around them is the template's."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from markupsafe import Markup, escape

from shared.web.reader import Reader

ISO_DAY: Final = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")
NEAR_DAYS: Final = {-1: "when.yesterday", 0: "when.today", 1: "when.tomorrow"}

Say = Callable[[str], str]


def write_day(reader: Reader, day: date, say: Say, *, relative: bool = False, weekday: bool = True) -> Markup:
    """`<time>` of a plain day; `relative` adds how far away it is."""
    far = reader.days_away(day) or say(NEAR_DAYS[(day - reader.today).days])
    shown = Markup('<time datetime="{}" title="{}">{}</time>').format(
        day.isoformat(), reader.full_day(day), reader.day(day, weekday=weekday)
    )
    return shown + Markup(' <span class="far">{}</span>').format(far) if relative else shown


def write_days_in(reader: Reader, text: str) -> Markup:
    """A sentence from a rule, which knows no locale: its days (2026-05-19) written as the reader writes them.

    What is markup has been through here already, or holds `<time>` of its own: it stays as it is.
    """
    if isinstance(text, Markup):
        return text

    def written(found: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(found[0])
        except ValueError:
            return found[0]
        return Markup('<time datetime="{}">{}</time>').format(found[0], reader.day(day, weekday=False))

    return Markup(ISO_DAY.sub(written, str(escape(text))))  # noqa: S704 - escaped before the days were replaced


def write_instant(reader: Reader, at: datetime, say: Say, *, relative: bool = True) -> Markup:
    """`<time>` of an instant in the reader's zone; `relative` adds how long ago, kept fresh by the script."""
    stamp = escape(at.isoformat())
    shown = Markup('<time datetime="{}" title="{} {}">{}</time>').format(
        stamp, reader.full_day(at.astimezone(reader.zone).date()), reader.clock(at), reader.instant(at)
    )
    ago = Markup(' <span class="far">· <span data-ago="{}">{}</span></span>').format(
        stamp, reader.ago(at) or say("when.now")
    )
    return shown + ago if relative else shown
