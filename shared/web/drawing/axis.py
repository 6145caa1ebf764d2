"""The ground a timeline stands on: days to places, months, freezes, trains and today. No launch is drawn here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_skeleton
from markupsafe import Markup

from shared.web.drawing.svg import element, join, label
from shared.web.reader import Reader

AXIS_TOP = 26
MONTH_DAYS, QUARTER_DAYS, YEAR_MONTHS = 30, 91, 12
NAME_CHARS, NAME_CHAR = 34, 6.4
LEAST_MONTH_WIDTH, LEAST_QUARTER_WIDTH, LEAST_YEAR_WIDTH = 40, 58, 72


@dataclass(frozen=True, slots=True)
class Span:
    """Days with a name of their own, such as a freeze."""

    first: date
    last: date
    name: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From days to places: `first` is at `left`, `last` at `right`."""

    first: date
    last: date
    left: float
    right: float
    reader: Reader

    def x(self, day: date) -> float:
        """The place of a day; what lies outside is at the edge."""
        share = (day - self.first).days / max((self.last - self.first).days, 1)
        return self.left + min(max(share, 0), 1) * (self.right - self.left)

    def shows(self, first: date, last: date) -> bool:
        """Whether any day of the span is on the drawing."""
        return last >= self.first and first <= self.last

    def width(self, days: int) -> float:
        """How wide so many days are."""
        return days * (self.right - self.left) / max((self.last - self.first).days, 1)


def ground(key: str, scale: Scale, height: float, freezes: Sequence[Span], trains: Sequence[date]) -> Markup:
    """Everything behind the launches."""
    return join(
        [
            _definitions(key),
            *_freezes(key, freezes, scale, height),
            *_months(scale, height),
            *(_train(day, scale, height) for day in trains if scale.shows(day, day)),
            _today(scale, height),
        ]
    )


def _definitions(key: str) -> Markup:
    stops = join(
        element("stop", offset=offset, class_="dw-stop", stop_opacity=opacity)
        for offset, opacity in (("0", 0.0), ("0.3", 0.4), ("0.7", 0.4), ("1", 0.0))
    )
    hatch = element("path", d="M0 8L8 0M-2 2L2 -2M6 10L10 6", class_="dw-hatch")
    return element(
        "defs",
        element("linearGradient", stops, id=f"{key}-soft"),
        element("pattern", hatch, id=f"{key}-freeze", width=8, height=8, patternUnits="userSpaceOnUse"),
    )


def _months(scale: Scale, height: float) -> Iterator[Markup]:
    """A line at each month, or at each quarter or year where months would be too many."""
    step = _step(scale)
    month = scale.first.replace(day=1)
    while (month := _next_month(month)) <= scale.last:
        if (month.month - 1) % step:
            continue
        x = scale.x(month)
        yield element("line", x1=x, x2=x, y1=AXIS_TOP, y2=height, class_="dw-rule")
        skeleton = _skeleton(month, step, scale)
        if x + scale.width(MONTH_DAYS) <= scale.right + LEAST_MONTH_WIDTH:
            text = format_skeleton(skeleton, month, locale=scale.reader.locale)
            yield element("text", text, x=x + 6, y=20, class_="dw-axis")


def _step(scale: Scale) -> int:
    if scale.width(MONTH_DAYS) >= LEAST_MONTH_WIDTH:
        return 1
    return 3 if scale.width(QUARTER_DAYS) >= LEAST_QUARTER_WIDTH else YEAR_MONTHS


def _skeleton(month: date, step: int, scale: Scale) -> str:
    """January carries the year, alone where there is no room for both."""
    if month.month > 1:
        return "MMM"
    return "yMMM" if scale.width(step * MONTH_DAYS) >= LEAST_YEAR_WIDTH and step < YEAR_MONTHS else "y"


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _freezes(key: str, spans: Sequence[Span], scale: Scale, height: float) -> Iterator[Markup]:
    """Hatched, with the name below where there is room for it; pointing at one tells it anyway."""
    written = scale.left
    for span in sorted(spans, key=lambda one: one.first):
        if not scale.shows(span.first, span.last):
            continue
        x, until = scale.x(span.first), scale.x(span.last + timedelta(days=1))
        width = max(until - x, 3)
        box = element("rect", x=x, y=AXIS_TOP, width=width, height=height - AXIS_TOP, fill=f"url(#{key}-freeze)")
        half = min(len(span.name), NAME_CHARS) * NAME_CHAR / 2
        middle = min(max(x + width / 2, scale.left + half), scale.right - half)
        name = label(span.name, NAME_CHARS, x=middle, y=height + 14, text_anchor="middle", class_="dw-axis")
        free = middle - half >= written
        written = middle + half if free else written
        yield element("g", element("title", span.name), box, name if free else "")


def _train(day: date, scale: Scale, height: float) -> Markup:
    x, title = scale.x(day), element("title", scale.reader.full_day(day))
    return element("line", title, x1=x, x2=x, y1=AXIS_TOP, y2=height, class_="dw-train")


def _today(scale: Scale, height: float) -> Markup:
    today = scale.reader.today
    if not scale.shows(today, today):
        return Markup()
    x = scale.x(today)
    line = element("line", x1=x, x2=x, y1=AXIS_TOP, y2=height, class_="dw-today")
    dot = element("circle", cx=x, cy=AXIS_TOP, r=4, class_="dw-now")
    return element("g", element("title", scale.reader.full_day(today)), line, dot)
