"""Where a feature's date has been: one row each time it moved, a window with soft edges, never a day it is not.

Pure: values in, escaped markup out.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from babel.dates import format_skeleton
from markupsafe import Markup

from shared.contracts.feature import FeatureSnapshot, Target
from shared.web.drawing.svg import drawing, element, frame, join, label
from shared.web.reader import Reader

WIDTH, LEFT, RIGHT, TOP, ROW = 1040, 190, 180, 34, 34
MARGIN_DAYS, DAYS_OF_MONTHS, MIN_WIDTH = 20, 430, 26
MAX_ROWS: Final = 24

Stand = tuple[datetime, FeatureSnapshot]


def draw_history(title: str, stands: Sequence[Stand], reader: Reader) -> Markup:
    """The drawing of at most the newest rows; empty markup when no date was ever known."""
    shown = list(stands)[-MAX_ROWS:]
    days = [day for _, one in shown if one.target for day in (one.target.earliest, one.target.latest) if day]
    if not days:
        return Markup()
    first, last = _grow(min(days), -MARGIN_DAYS), _grow(max(days), MARGIN_DAYS)
    height = TOP + ROW * len(shown) + 10
    desc = "; ".join(f"{reader.instant(at)}: {say_target(one.target, reader)}" for at, one in shown)
    drawn = drawing(
        "history",
        (WIDTH, height),
        title,
        desc,
        _soft(),
        join(_months(first, last, height, reader)),
        join(_row(TOP + ROW * index, stand, (first, last), reader) for index, stand in enumerate(shown)),
    )
    return frame("history", title, drawn)


def say_target(target: Target | None, reader: Reader) -> str:
    """A target as people say it, never more precise than it is."""
    if target is None:
        return "—"
    written = next(iter(target.as_written.values()))
    if target.earliest is None or target.latest is None:
        return written
    window = reader.window(target.earliest, target.latest, target.resolution)
    return f"{written} · {window}" if target.resolution == "release" else window


def _grow(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:  # the end of the calendar
        return day


def _x(day: date, span: tuple[date, date]) -> float:
    first, last = span
    return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / max((last - first).days, 1)


def _soft() -> Markup:
    stops = (("0", 0.0), ("0.3", 0.6), ("0.7", 0.6), ("1", 0.0))
    gradient = [element("stop", offset=at, class_="dw-stop", stop_opacity=opacity) for at, opacity in stops]
    return element("defs", element("linearGradient", *gradient, id="history-soft"))


def _months(first: date, last: date, height: float, reader: Reader) -> Iterator[Markup]:
    """A line at each month; at each year where months would be too many; at most forty."""
    by_year = (last - first).days > DAYS_OF_MONTHS
    step = 1 + (last.year - first.year) // 40
    for year in range(first.year, last.year + 1, step):
        for month in (1,) if by_year else range(1, 13):
            day = date(year, month, 1)
            if first <= day <= last:
                x = _x(day, (first, last))
                text = format_skeleton("y" if by_year else "MMM", day, locale=reader.locale)
                yield element("line", x1=x, x2=x, y1=24, y2=height, class_="dw-rule")
                yield element("text", text, x=x + 5, y=18, class_="dw-axis")


def _row(y: float, stand: Stand, span: tuple[date, date], reader: Reader) -> Markup:
    at, one = stand
    middle = y + ROW / 2
    since = element("text", reader.day(at.astimezone(reader.zone).date()), x=0, y=middle + 4.5, class_="dw-soft")
    said = say_target(one.target, reader)
    target = one.target
    if target is None or target.earliest is None or target.latest is None:
        line = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=middle, y2=middle, class_="dw-none")
        return element("g", since, line, label(said, 22, x=WIDTH - RIGHT + 12, y=middle + 4.5, class_="dw-soft"))
    left, right = _x(target.earliest, span), _x(target.latest, span)
    if target.earliest == target.latest:
        shape = element("circle", element("title", said), cx=left, cy=middle, r=6, class_="dw-told")
        beside = left + 12
    else:
        width = max(right - left, MIN_WIDTH)
        shape = element(
            "rect",
            element("title", said),
            x=left,
            y=middle - 9,
            width=width,
            height=18,
            rx=9,
            fill="url(#history-soft)",
        )
        beside = left + width + 6
    return element("g", since, shape, label(said, 26, x=beside, y=middle + 4.5, class_="dw-date"))
