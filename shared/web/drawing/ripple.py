"""The ripple of one cause, left to right: the act, features, launches, teams, one dot per person; the times between."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from shared.web.drawing.badge import BADGE_WIDTH, badge
from shared.web.drawing.svg import drawing, element, frame, join, label, link
from shared.web.reader import Reader

WIDTH, TOP, GAP = 1040, 64, 14
COLUMNS = (0, 184, 398, 662, 856)
"""Where each column begins."""
WIDTHS = (150, 180, 230, 158, 184)
NODE, LAUNCH_NODE, DOT, DOTS_PER_ROW = 46, 58, 26, 7
CHAR = 7.0


@dataclass(frozen=True, slots=True)
class RippleNode:
    """A feature (or the act itself): its name and a second line, such as what happened to it."""

    id: str
    name: str
    more: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class RippleLaunch:
    """A launch that followed from some of the features; `before` is the date it had."""

    id: str
    name: str
    tier: str
    features: tuple[str, ...]
    before: date | None = None
    day: date | None = None
    href: str = ""


@dataclass(frozen=True, slots=True)
class RipplePerson:
    """One person concerned: of which team, through which launches, in which state, and the words for that."""

    id: str
    name: str
    team: str
    state: str
    text: str
    launches: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True, slots=True)
class Ripple:
    """Everything that followed from one cause. `heads` are the five column titles; `times` the words under them."""

    act: RippleNode
    features: Sequence[RippleNode]
    launches: Sequence[RippleLaunch]
    people: Sequence[RipplePerson]
    heads: tuple[str, str, str, str, str]
    times: tuple[str, str, str, str, str] = ("", "", "", "", "")


Place = tuple[float, float, float]
"""Left edge, right edge, middle line."""


def ripple(title: str, desc: str, what: Ripple, reader: Reader) -> Markup:
    """The drawing. People of no launch (a feature that raised none) hang on the features."""
    teams = _teams(what.people)
    heights: list[list[float]] = [
        [NODE],
        [float(NODE) for _ in what.features],
        [float(LAUNCH_NODE) for _ in what.launches],
        [_team_height(len(people)) for people in teams.values()],
    ]
    inner = max(sum(column) + GAP * max(len(column) - 1, 0) for column in heights)
    middles = [_spread(column, inner) for column in heights]
    act = _place(0, middles[0][0])
    features = {one.id: _place(1, y) for one, y in zip(what.features, middles[1], strict=True)}
    launches = {one.id: _place(2, y) for one, y in zip(what.launches, middles[2], strict=True)}
    squads = {name: _place(3, y) for name, y in zip(teams, middles[3], strict=True)}
    drawn = drawing(
        "ripple",
        (WIDTH, TOP + inner + 16),
        title,
        desc,
        join(_heads(what)),
        join(_edges(what, act, features, launches, squads)),
        _node(what.act, act, 0, "dw-act"),
        join(_node(one, features[one.id], 1, "dw-feature") for one in what.features),
        join(_launch(one, launches[one.id], reader) for one in what.launches),
        join(_squad(name, people, squads[name]) for name, people in teams.items()),
    )
    return frame("ripple", title, drawn)


def _teams(people: Sequence[RipplePerson]) -> dict[str, list[RipplePerson]]:
    teams: dict[str, list[RipplePerson]] = {}
    for one in people:
        teams.setdefault(one.team, []).append(one)
    return teams


def _team_height(people: int) -> float:
    return max(NODE, -(-people // DOTS_PER_ROW) * DOT + 12)


def _spread(heights: Sequence[float], inner: float) -> list[float]:
    """The middle of each box, the column centred, at most loosely spread over the height."""
    gap = GAP if len(heights) < 2 else min((inner - sum(heights)) / (len(heights) - 1), GAP * 2)  # noqa: PLR2004 - a gap lies between two
    y, middles = TOP + (inner - sum(heights) - gap * max(len(heights) - 1, 0)) / 2, []
    for height in heights:
        middles.append(y + height / 2)
        y += height + gap
    return middles


def _place(column: int, y: float) -> Place:
    return COLUMNS[column], COLUMNS[column] + WIDTHS[column], y


def _heads(what: Ripple) -> Iterable[Markup]:
    for x, head, time in zip(COLUMNS, what.heads, what.times, strict=True):
        yield element("text", head, x=x, y=16, class_="dw-head")
        yield element("text", time, x=x, y=34, class_="dw-axis")


def _edges(
    what: Ripple, act: Place, features: dict[str, Place], launches: dict[str, Place], squads: dict[str, Place]
) -> Iterable[Markup]:
    yield from (_edge(act, place) for place in features.values())
    for launch in what.launches:
        yield from (_edge(features[id_], launches[launch.id]) for id_ in launch.features if id_ in features)
    ways = {(id_, one.team) for one in what.people for id_ in one.launches if id_ in launches}
    yield from (_edge(launches[id_], squads[team]) for id_, team in sorted(ways))
    lone = {one.team for one in what.people if not any(id_ in launches for id_ in one.launches)}
    yield from (_edge(place, squads[team]) for team in sorted(lone) for place in list(features.values())[:1])


def _edge(start: Place, end: Place) -> Markup:
    (_, x, y), (until, _, end_y) = start, end
    bend = (until - x) / 2
    return element(
        "path",
        d=f"M{x:.0f} {y:.1f}C{x + bend:.0f} {y:.1f} {until - bend:.0f} {end_y:.1f} {until:.0f} {end_y:.1f}",
        class_="dw-edge",
    )


def _box(place: Place, height: float, kind: str) -> Markup:
    left, right, y = place
    return element("rect", x=left, y=y - height / 2, width=right - left, height=height, rx=10, class_=kind)


def _node(one: RippleNode, place: Place, column: int, kind: str) -> Markup:
    left, _, y = place
    chars = int((WIDTHS[column] - 20) / CHAR)
    name = label(one.name, chars, x=left + 11, y=y - 2 if one.more else y + 4.5, class_="dw-name")
    more = label(one.more, chars + 2, x=left + 11, y=y + 14, class_="dw-soft") if one.more else ""
    return element("g", _box(place, NODE, "dw-box"), link(one.href, name, class_="dw-link"), more, class_=kind)


def _launch(one: RippleLaunch, place: Place, reader: Reader) -> Markup:
    left, right, y = place
    chars = int((right - left - 34 - BADGE_WIDTH) / CHAR)
    name = label(one.name, chars, x=left + 22 + BADGE_WIDTH, y=y - 8, class_="dw-name")
    spans = []
    if one.before and one.before != one.day:
        spans = [element("tspan", reader.day(one.before), class_="dw-struck"), element("tspan", " → ")]
    spans.append(element("tspan", reader.day(one.day) if one.day else "…", class_="dw-date"))
    when = element("text", *spans, x=left + 12, y=y + 17, class_="dw-when")
    mark = badge(one.tier, left + 12 + BADGE_WIDTH / 2, y - 12)
    return element("g", _box(place, LAUNCH_NODE, "dw-box"), mark, link(one.href, name, class_="dw-link"), when)


def _squad(name: str, people: Sequence[RipplePerson], place: Place) -> Markup:
    left, right, y = place
    height = _team_height(len(people))
    text = label(name, int((right - left - 20) / CHAR), x=left + 11, y=y + 4.5, class_="dw-name")
    rows = -(-len(people) // DOTS_PER_ROW)
    top = y - (rows - 1) * DOT / 2
    dots = join(
        _dot(one, COLUMNS[4] + 13 + index % DOTS_PER_ROW * DOT, top + index // DOTS_PER_ROW * DOT)
        for index, one in enumerate(people)
    )
    line = element("line", x1=right, x2=COLUMNS[4] - 4, y1=y, y2=y, class_="dw-edge")
    return element("g", line, _box(place, min(height, NODE), "dw-box"), text, dots)


def _dot(one: RipplePerson, x: float, y: float) -> Markup:
    """Filled when told, ringed when acknowledged, a triangle when nobody can reach them, else hollow."""
    words = f"{one.name}: {one.text}"
    shapes = {
        "acknowledged": [
            element("circle", cx=x, cy=y, r=9.5, class_="dw-ringed"),
            element("circle", cx=x, cy=y, r=6, class_="dw-told"),
        ],
        "unreachable": [element("path", d=f"M{x:.1f} {y - 8:.1f}l9 16h-18z", class_="dw-lost")],
        "seen": [element("circle", cx=x, cy=y, r=6.5, class_="dw-told")],
        "told": [element("circle", cx=x, cy=y, r=6.5, class_="dw-told")],
    }
    drawn = shapes.get(one.state, [element("circle", cx=x, cy=y, r=6, class_="dw-untold")])
    target = element("circle", cx=x, cy=y, r=12, class_="dw-target")
    inner = join([element("title", words), target, *drawn])
    if one.href:
        return element("a", inner, href=one.href, aria_label=words)
    return element("g", inner, role="img", aria_label=words)
