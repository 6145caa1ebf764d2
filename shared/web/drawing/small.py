"""Small drawings inside a line or a card: how a number went, and how a whole divides."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from shared.web.drawing.svg import element, join

METER_WIDTH, METER_HEIGHT, GAP = 400, 10, 2


@dataclass(frozen=True, slots=True)
class MeterPart:
    """One part of a whole: how many, its tone (done, half, wait, alert, ring, dash), and what to call it."""

    count: int
    tone: str
    text: str


def meter(title: str, parts: Sequence[MeterPart]) -> Markup:
    """A bar divided in proportion; whoever must be seen (one of a thousand) is at least a few pixels wide.

    The legend is the page's: colour is never the only sign.
    """
    shown = [part for part in parts if part.count > 0]
    if not shown:
        return element(
            "svg", element("title", title), viewBox=f"0 0 {METER_WIDTH} {METER_HEIGHT}", class_="dw-meter", role="img"
        )
    widths = _widths([part.count for part in shown], METER_WIDTH - GAP * (len(shown) - 1))
    x, drawn = 0.0, []
    for part, width in zip(shown, widths, strict=True):
        box = element("rect", element("title", part.text), x=x, y=0, width=width, height=METER_HEIGHT)
        drawn.append(element("g", box, class_=f"tone-{part.tone}"))
        x += width + GAP
    name = f"{title}: {', '.join(part.text for part in shown)}"
    return element(
        "svg",
        element("title", name),
        join(drawn),
        viewBox=f"0 0 {METER_WIDTH} {METER_HEIGHT}",
        preserveAspectRatio="none",
        class_="dw-meter",
        role="img",
    )


def _widths(counts: Sequence[int], room: float) -> list[float]:
    """In proportion, but none under six; the sum is `room`."""
    least = min(6.0, room / len(counts))
    free = room - least * len(counts)
    return [least + free * count / sum(counts) for count in counts]


def sparkline(title: str, values: Sequence[float], *, width: int = 120, height: int = 28) -> Markup:
    """How a number went, its last value marked."""
    if not values:
        return Markup()
    low, high = min(values), max(values)
    step = (width - 8) / max(len(values) - 1, 1)
    points = [
        (4 + index * step, height - 4 - (value - low) / ((high - low) or 1) * (height - 8))
        for index, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element(
        "svg",
        element("title", title),
        element("polyline", points=path, class_="dw-spark"),
        element("circle", cx=points[-1][0], cy=points[-1][1], r=3, class_="dw-now"),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="dw-sparkline",
        role="img",
    )
