"""Pictures that say it better than words: values in, escaped markup out. No request, no database, no clock.

Colours and line widths are the stylesheet's (classes `dw-…`); shapes and words carry the meaning as well.
"""

from shared.web.drawing.axis import Span
from shared.web.drawing.bands import LoadBand
from shared.web.drawing.coverage import Cell, GridColumn, GridRow, coverage_grid
from shared.web.drawing.ripple import Ripple, RippleLaunch, RippleNode, RipplePerson, ripple
from shared.web.drawing.small import MeterPart, meter, sparkline
from shared.web.drawing.timeline import Backdrop, LaunchBar, timeline

__all__ = [
    "Backdrop",
    "Cell",
    "GridColumn",
    "GridRow",
    "LaunchBar",
    "LoadBand",
    "MeterPart",
    "Ripple",
    "RippleLaunch",
    "RippleNode",
    "RipplePerson",
    "Span",
    "coverage_grid",
    "meter",
    "ripple",
    "sparkline",
    "timeline",
]
