"""The planning engine: from an event to a plan with the least disruption, its reasons and its certificate.

Start with engine.py (the library) and model.py (its words). Pure: no clock, no files, no randomness.
"""

from services.launch.domain.planner.engine import Effort, Planner
from services.launch.domain.planner.interchange import plan_to_json, read_event, read_portfolio
from services.launch.domain.planner.model import Conflict, CycleError, Event, Launch, Link, Move, Plan, Portfolio
from services.launch.domain.planner.node import FormatError
from services.launch.domain.planner.oracle import Reason

__all__ = [
    "Conflict",
    "CycleError",
    "Effort",
    "Event",
    "FormatError",
    "Launch",
    "Link",
    "Move",
    "Plan",
    "Planner",
    "Portfolio",
    "Reason",
    "plan_to_json",
    "read_event",
    "read_portfolio",
]
