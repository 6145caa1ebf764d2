"""A second opinion on plans: every rule of docs/reference/planner-files.md, checked the slow and obvious way.

Works on decoded JSON and shares no code with the engine in ../planner, so that a mistake there cannot hide here.
"""

from tests.oracle.plans.check import check_plan
from tests.oracle.plans.rules import Book, Violation, World

__all__ = ["Book", "Violation", "World", "check_baseline", "check_plan"]


def check_baseline(portfolio: dict[str, object]) -> list[Violation]:
    """Say which rules the portfolio breaks before any event."""
    return list(World(portfolio).violations())
