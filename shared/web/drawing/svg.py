"""Elements of SVG as text: escaped, numbers short. No picture is drawn here."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

# What no XML document may hold; a browser would show a replacement mark for each.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

Attribute = str | float | None


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """`<name …>children</name>`. `class_` is `class`, `_` a hyphen, None no attribute; texts are escaped."""
    written = "".join(f' {_key(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    inner = "".join(str(clean(child)) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")  # noqa: S704 - every part was escaped above


def clean(text: str) -> Markup:
    """The text escaped, without what no document may hold."""
    return text if isinstance(text, Markup) else escape(_FORBIDDEN.sub("", text))


def join(parts: Iterable[str]) -> Markup:
    """The parts one after the other."""
    return Markup("").join(clean(part) for part in parts)


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the last one an ellipsis where something was left out."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def label(text: str, length: int, **attributes: Attribute) -> Markup:
    """A text element cut to `length` characters, with the whole text as its title."""
    short = shorten(text, length)
    return element("text", short, element("title", text) if short != text else "", **attributes)


def link(href: str, *children: str, **attributes: Attribute) -> Markup:
    """The children as a link; just the children when there is no address."""
    return element("a", *children, href=href, **attributes) if href else join(children)


def drawing(key: str, size: tuple[float, float], title: str, desc: str, *children: str, class_: str = "") -> Markup:
    """One `<svg>` with its name and its description; `key` is unique on the page. Links inside stay links."""
    width, height = size
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        element("desc", desc, id=f"{key}-desc"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        role="group",
        aria_labelledby=f"{key}-title {key}-desc",
        class_=class_ or None,
    )


def frame(kind: str, title: str, *drawings: str) -> Markup:
    """Where drawings stand on the page: scrolls on a narrow screen, for the keyboard too."""
    return element("div", *drawings, class_=f"drawing drawing-{kind}", tabindex="0", role="group", aria_label=title)


def _key(key: str) -> str:
    return key.rstrip("_") if key in {"class_", "for_"} else key.replace("_", "-")


def _value(value: str | float) -> str:
    return str(clean(value)) if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return f"{round(value, 1):g}"
