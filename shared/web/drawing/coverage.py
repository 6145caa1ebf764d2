"""The coverage grid: people by launches, one mark per cell, so that a gap jumps to the eye.

A real table with drawn marks: every cell has its row's and its column's heading, and a word for who cannot see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from shared.web.drawing.svg import element, frame, join, shorten

COLUMN_CHARS = 30

TONES = {
    "acknowledged": "done",
    "seen": "half",
    "told": "half",
    "waived": "dash",
    "superseded": "dash",
    "transferred": "dash",
    "unreachable": "alert",
    "open": "ring",
}
"""The shape of each class; the same as `ui.mark` draws."""


@dataclass(frozen=True, slots=True)
class GridColumn:
    """One launch: its name, a second line (its date) and where it leads."""

    id: str
    name: str
    more: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One person: name, a second line (roles or team) and where it leads."""

    id: str
    name: str
    more: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One person and one launch: the class, and the word for it in the reader's language."""

    state: str
    text: str


def coverage_grid(
    title: str, rows: Sequence[GridRow], columns: Sequence[GridColumn], cells: Mapping[tuple[str, str], Cell]
) -> Markup:
    """The grid; `cells` is keyed by (row id, column id), and who is not concerned by a launch has no cell."""
    if not rows or not columns:
        return Markup()
    head = element("tr", element("td"), join(_column(column) for column in columns))
    body = join(_row(row, columns, cells) for row in rows)
    table = element("table", element("caption", title), element("thead", head), element("tbody", body), class_="grid")
    return frame("grid", title, SYMBOLS, table)


def _column(column: GridColumn) -> Markup:
    name = shorten(column.name, COLUMN_CHARS)
    shown = element("a", name, href=column.href, title=column.name) if column.href else element("span", name)
    more = element("span", column.more, class_="more") if column.more else ""
    return element("th", element("div", shown, more), scope="col")


def _row(row: GridRow, columns: Sequence[GridColumn], cells: Mapping[tuple[str, str], Cell]) -> Markup:
    shown = element("a", row.name, href=row.href) if row.href else element("span", row.name)
    more = element("span", row.more, class_="more") if row.more else ""
    marks = join(_cell(cells.get((row.id, column.id))) for column in columns)
    return element("tr", element("th", shown, more, scope="row"), marks, tabindex="-1", data_row="", data_key=row.id)


def _cell(cell: Cell | None) -> Markup:
    if cell is None:
        return Markup("<td></td>")
    tone = TONES.get(cell.state, "ring")
    mark = element("svg", element("use", href=f"#mark-{tone}"), class_="shape", role="img", aria_label=cell.text)
    return element("td", mark, class_=f"tone-{tone}", title=cell.text)


def _symbol(name: str, *children: str) -> Markup:
    return element("symbol", *children, id=f"mark-{name}", viewBox="0 0 16 16")


def _path(d: str, kind: str) -> Markup:
    return element("path", d=d, class_=kind)


_RING = element("circle", cx=8, cy=8, r=6, class_="m-line")

SYMBOLS = element(
    "svg",
    _symbol("done", element("circle", cx=8, cy=8, r=7, class_="m-fill"), _path("M4.6 8.3l2.3 2.3 4.6-5", "m-cut")),
    _symbol("half", _RING, _path("M8 2a6 6 0 0 1 0 12z", "m-fill")),
    _symbol("alert", _path("M8 1.2l7.2 13.3H.8z", "m-fill"), _path("M8 6v4.2M8 12v.6", "m-cut")),
    _symbol("dash", _RING, _path("M5 8h6", "m-line")),
    _symbol("ring", _RING),
    width=0,
    height=0,
    aria_hidden="true",
    class_="shape unseen",
)
"""Each shape once; cells only point at it, so that a grid of a thousand cells stays small."""
