"""The tier badge inside a drawing; the same weights as `ui.badge` on a page."""

from markupsafe import Markup

from shared.web.drawing.svg import element

BADGE_WIDTH, BADGE_HEIGHT = 28, 18


def badge(tier: str, x: float, y: float, title: str = "") -> Markup:
    """The tier at a place; its middle is (x, y)."""
    box = element(
        "rect",
        x=x - BADGE_WIDTH / 2,
        y=y - BADGE_HEIGHT / 2,
        width=BADGE_WIDTH,
        height=BADGE_HEIGHT,
        rx=6,
        class_="dw-badge",
    )
    return element(
        "g", element("title", title) if title else "", box, tier_text(tier, x, y), class_=f"dw-{tier.lower()}"
    )


def tier_text(tier: str, x: float, y: float) -> Markup:
    """The tier without a box, for something that has no day to stand on."""
    return element("text", tier, x=x, y=y + 4.2, text_anchor="middle", class_="dw-tier")
