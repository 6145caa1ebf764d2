"""How full weeks are: one thin band a team, the fuller the taller and the darker. What fills them is not known here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from markupsafe import Markup

from shared.web.drawing.axis import Scale
from shared.web.drawing.svg import element, join, label, link

ROW, HEIGHT, LEAST = 17.0, 10.0, 2.0
STEPS = 4
WEEK = 7


@dataclass(frozen=True, slots=True)
class LoadBand:
    """One team: `weeks` gives for a Monday what share of the team is taken; 1 is all of it, more is too much."""

    name: str
    weeks: Mapping[date, float]
    text: str
    href: str = ""


def bands(loads: Sequence[LoadBand], scale: Scale, top: float, *, above: bool) -> tuple[Markup, float]:
    """The bands below one another from `top` on, and where the last one ends; `above`: the name over its band."""
    parts, y = [], top
    for load in loads:
        name_y = y + HEIGHT
        y += ROW if above else 0
        name = label(load.name, 30, x=0, y=name_y, class_="dw-soft dw-halo")
        parts.append(element("g", element("title", load.text), link(load.href, name, class_="dw-link")))
        parts.append(_band(load, scale, y))
        y += ROW
    return join(parts), y


def _band(load: LoadBand, scale: Scale, y: float) -> Markup:
    """One path for all weeks that are equally full keeps the page small."""
    by_step: dict[int, list[str]] = {}
    width, foot = scale.width(WEEK) - 1, y + HEIGHT
    for monday, share in sorted(load.weeks.items()):
        if share > 0 and scale.shows(monday, monday):
            step = min(ceil(share * STEPS), STEPS + 1)
            high = max(min(share, 1) * HEIGHT, LEAST)
            box = f"M{scale.x(monday):.1f} {foot:.1f}v-{high:.1f}h{width:.1f}v{high:.1f}z"
            by_step.setdefault(step, []).append(box)
    base = element("line", x1=scale.left, x2=scale.right, y1=foot + 0.5, y2=foot + 0.5, class_="dw-rule")
    return join([base, *(_path(step, boxes) for step, boxes in sorted(by_step.items()))])


def _path(step: int, boxes: Sequence[str]) -> Markup:
    kind = "dw-load dw-over" if step > STEPS else "dw-load"
    return element("path", d="".join(boxes), class_=kind, fill_opacity=str(min(step, STEPS) / STEPS))
