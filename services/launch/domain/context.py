"""When and by which policy a decision is made, and what it may not do. No decision here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Context:
    """The decision's now and its policy's calendar."""

    calendar: Calendar
    now: datetime
    stage: str | None = None
    """How hard to look for a better plan; None: what the policy says."""
    solver: Callable[[Any], Any] | None = None
    """For the third stage; what it takes and gives is between the engine and it (scheduling/engine/closure.py)."""

    @property
    def reached(self) -> str:
        """How hard is really looked: without a solver the third stage is the second."""
        stage = self.stage or self.policy.objective.stage
        return "S2" if stage == "S3" and self.solver is None else stage

    @property
    def today(self) -> date:
        """The day of `now` in the anchor zone."""
        return self.calendar.day_of(self.now)

    @property
    def policy(self) -> Policy:
        """The policy that the decision reads."""
        return self.calendar.policy


class RefusedError(Exception):
    """A person's command cannot be carried out; the text says why and what would be right."""

    def __init__(self, message: str, where: str = "$", *, missing: bool = False) -> None:
        super().__init__(message)
        self.where = where
        """JSON path into the command."""
        self.missing = missing
        """What the command names does not exist."""
