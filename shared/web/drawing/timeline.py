"""The timeline of launches: when each is, where it was before, and how sure that is.

A window without a day has soft edges and never a badge on a day. Drawn twice, for wide and for narrow screens; the
stylesheet shows one. What stands behind the launches is in axis.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from shared.web.drawing.axis import Scale, Span, ground
from shared.web.drawing.badge import BADGE_WIDTH, badge, tier_text
from shared.web.drawing.bands import LoadBand, bands
from shared.web.drawing.svg import drawing, element, frame, join, label, link
from shared.web.reader import Reader

TOP, LANE, FOOT = 36, 28, 24
CHAR, LEAST_FUZZY, LEAST_NAME = 7.0, 34, 12
MARGIN_DAYS, LEAST_DAYS, NEAR_DAYS = 10, 28, 120


@dataclass(frozen=True, slots=True)
class LaunchBar:
    """One launch. `day` is its date, `before` the date it had until this change, `proposed` the one that waits.

    `starts` is the first activity for it, `slack` the days by which what it tells of may slip before it moves.
    Without a day it may have a `window` (earliest, latest), drawn fuzzy; without either it stands at the right and says
    what it `waits_for`.
    """

    name: str
    tier: str
    href: str = ""
    lane: str = ""
    state: str = "planned"
    day: date | None = None
    before: date | None = None
    proposed: date | None = None
    starts: date | None = None
    slack: int = 0
    window: tuple[date, date] | None = None
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What the launches stand before: freezes hatched, trains as rails, and above them how full the teams are."""

    freezes: Sequence[Span] = ()
    trains: Sequence[date] = ()
    loads: Sequence[LoadBand] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """Measures of one of the two drawings. In the narrow one the name and the date stand above the bar."""

    kind: str
    width: float
    left: float
    right: float
    row: float
    middle: float
    name_y: float
    name_chars: int
    above: bool


WIDE = _Shape("wide", 1040, 250, 24, 30, 15, 19.5, 34, above=False)
NARROW = _Shape("narrow", 340, 16, 20, 54, 36, 17, 30, above=True)


def timeline(
    key: str,
    title: str,
    bars: Sequence[LaunchBar],
    reader: Reader,
    backdrop: Backdrop = Backdrop(),
) -> Markup:
    """The drawing, bars in the order given, grouped by lane, below how full the teams are. Empty without a bar."""
    if not bars:
        return Markup()
    desc = "; ".join(f"{bar.name}, {bar.tier}, {_when(bar, reader)}" for bar in bars)
    first, last = _range(bars, reader.today)
    drawn = []
    for shape in (WIDE, NARROW):
        scale = Scale(first, last, shape.left, shape.width - shape.right, reader)
        full, top = bands(backdrop.loads, scale, TOP, above=shape.above)
        launches, bottom = _launches(f"{key}-{shape.kind}", bars, scale, shape, top)
        behind = ground(f"{key}-{shape.kind}", scale, bottom, backdrop.freezes, backdrop.trains)
        size = (shape.width, bottom + FOOT)
        kind = f"dw-{shape.kind}"
        drawn.append(drawing(f"{key}-{shape.kind}", size, title, desc, behind, full, launches, class_=kind))
    return frame("timeline", title, *drawn)


def _range(bars: Sequence[LaunchBar], today: date) -> tuple[date, date]:
    """All the days there are, today if it is near, and room at the right for the date beside the last badge."""
    days = [day for bar in bars for day in (bar.day, bar.before, bar.proposed, *(bar.window or ())) if day] or [today]
    near = timedelta(days=NEAR_DAYS)
    if min(days) - today < near and today - max(days) < near:
        days.append(today)
    length = max((max(days) - min(days)).days, LEAST_DAYS)
    words = length // 4 if any(bar.proposed for bar in bars) else length // 6
    return min(days) - timedelta(days=MARGIN_DAYS), max(days) + timedelta(days=MARGIN_DAYS + words)


def _launches(key: str, bars: Sequence[LaunchBar], scale: Scale, shape: _Shape, top: float) -> tuple[Markup, float]:
    """The rows below one another with the names of their lanes, and where the last one ends."""
    y, lane, parts = top, "", []
    for bar in bars:
        if bar.lane != lane:
            lane = bar.lane
            parts.append(element("line", x1=0, x2=shape.width, y1=y + 0.5, y2=y + 0.5, class_="dw-rule"))
            parts.append(element("text", lane, x=0, y=y + 21, class_="dw-lane dw-halo"))
            y += LANE
        parts.append(_row(key, y, bar, scale, shape))
        y += shape.row
    return join(parts), y


def _row(key: str, y: float, bar: LaunchBar, scale: Scale, shape: _Shape) -> Markup:
    name = label(bar.name, _name_chars(bar, scale, shape), x=0, y=y + shape.name_y, class_="dw-name dw-halo")
    middle = y + shape.middle
    if bar.day:
        placed = _dated(middle, bar.day, bar, scale)
    elif bar.window:
        placed = _fuzzy(key, middle, bar, bar.window, scale)
    else:
        placed = badge(bar.tier, scale.right - BADGE_WIDTH / 2, middle)
    words = _words_above(y, bar, scale, shape) if shape.above else _words_beside(middle, bar, scale)
    return element("g", link(bar.href, name, class_="dw-link"), placed, words, class_=f"dw-state-{bar.state}")


def _name_chars(bar: LaunchBar, scale: Scale, shape: _Shape) -> int:
    """A date is never cut for the sake of the name beside it."""
    if not (shape.above and bar.day):
        return shape.name_chars
    return min(shape.name_chars, max(int(shape.width / CHAR) - len(_words(bar, scale.reader)) - 2, LEAST_NAME))


def _dated(y: float, day: date, bar: LaunchBar, scale: Scale) -> Markup:
    x, parts = scale.x(day), []
    if bar.starts and bar.starts < day:
        start = scale.x(bar.starts)
        parts.append(element("rect", x=start, y=y - 4, width=x - start, height=8, rx=4, class_="dw-lead"))
    if bar.slack:
        free = scale.x(day - timedelta(days=bar.slack))
        parts.append(element("path", d=f"M{free:.1f} {y + 4:.1f}v5H{x:.1f}", class_="dw-slack"))
    if bar.before and bar.before != day:
        parts.append(_ghost(y, scale.x(bar.before), x, scale.reader.day(bar.before)))
    if bar.proposed and bar.proposed != day:
        parts.append(_wished(y, x, scale.x(bar.proposed), scale.reader.day(bar.proposed)))
    parts.append(badge(bar.tier, x, y, scale.reader.full_day(day)))
    return join(parts)


def _ghost(y: float, old: float, new: float, text: str) -> Markup:
    """Where it was: a dashed ring, and an arrow to where it is unless the two nearly touch."""
    ring = element("circle", cx=old, cy=y, r=6, class_="dw-ghost")
    if abs(new - old) <= BADGE_WIDTH:
        return element("g", element("title", text), ring)
    way = 1 if new > old else -1
    edge = new - way * (BADGE_WIDTH / 2 + 4)
    arrow = element("path", d=_arrow(y, old + way * 7, edge, way), class_="dw-arrow")
    return element("g", element("title", text), ring, arrow)


def _wished(y: float, day: float, wished: float, text: str) -> Markup:
    """Where it would go: an arrow from the badge to a dashed ring."""
    way = 1 if wished > day else -1
    ring = element("circle", cx=wished, cy=y, r=6, class_="dw-ghost dw-wish")
    edge = wished - way * 8
    arrow = element("path", d=_arrow(y, day + way * (BADGE_WIDTH / 2 + 3), edge, way), class_="dw-arrow dw-wish")
    return element("g", element("title", text), ring, arrow if abs(wished - day) > BADGE_WIDTH else "")


def _arrow(y: float, tail: float, edge: float, way: int) -> str:
    barb = edge - way * 5
    return f"M{tail:.1f} {y:.1f}H{edge:.1f}M{barb:.1f} {y - 4:.1f}L{edge:.1f} {y:.1f}L{barb:.1f} {y + 4:.1f}"


def _fuzzy(key: str, y: float, bar: LaunchBar, window: tuple[date, date], scale: Scale) -> Markup:
    x = scale.x(window[0])
    width = max(scale.x(window[1]) - x, LEAST_FUZZY)
    soft = element("rect", x=x, y=y - 10, width=width, height=20, rx=10, fill=f"url(#{key}-soft)")
    return element("g", element("title", bar.waits_for), soft, tier_text(bar.tier, x + width / 2, y))


def _words_above(y: float, bar: LaunchBar, scale: Scale, shape: _Shape) -> Markup:
    """The date at the end of the name's line."""
    words = _words(bar, scale.reader)
    room = int((shape.width - min(len(bar.name), _name_chars(bar, scale, shape)) * CHAR - 12) / CHAR)
    kind = "dw-date" if bar.day else "dw-soft"
    return label(words, max(room, 12), x=shape.width, y=y + shape.name_y, text_anchor="end", class_=f"{kind} dw-halo")


def _words_beside(y: float, bar: LaunchBar, scale: Scale) -> Markup:
    """The date to the right of the badge, behind the ghost if that is there; what is waited for to the left of it."""
    words = _words(bar, scale.reader)
    if bar.day:
        ghost = max((scale.x(one) + 14 for one in (bar.before, bar.proposed) if one and one > bar.day), default=0)
        x = max(scale.x(bar.day) + BADGE_WIDTH / 2 + 7, ghost)
        return element("text", words, x=x, y=y + 4.5, class_="dw-date")
    if bar.window:
        x = max(scale.x(bar.window[1]), scale.x(bar.window[0]) + LEAST_FUZZY) + 6
        return label(words, 30, x=x, y=y + 4.5, class_="dw-soft dw-halo")
    return label(words, 60, x=scale.right - BADGE_WIDTH - 8, y=y + 4.5, text_anchor="end", class_="dw-soft dw-halo")


def _words(bar: LaunchBar, reader: Reader) -> str:
    if not bar.day:
        return bar.waits_for
    wished = bar.proposed if bar.proposed != bar.day else None
    return f"{reader.day(bar.day)} → {reader.day(wished)}?" if wished else reader.day(bar.day)


def _when(bar: LaunchBar, reader: Reader) -> str:
    if not bar.day:
        return bar.waits_for or "-"
    was = f"{reader.full_day(bar.before)} → " if bar.before and bar.before != bar.day else ""
    wished = f" (→ {reader.full_day(bar.proposed)}?)" if bar.proposed and bar.proposed != bar.day else ""
    return was + reader.full_day(bar.day) + wished
