"""How late teams ship what they promised, and the day that makes likely for a target that names none.

Working days between the last day first promised for a stage and the day it shipped. What a feature remembers of this is
in readiness.py; here it is counted by team.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.contracts.words import Day, Word


class Slip(Word):
    """A stage of a feature that shipped: by which team, and how many working days late; 0: not late."""

    stage: str | None
    team: str
    days: int


class Likely(Word):
    """The day by which a team has shipped in `percentile` of 100 cases: `days` working days after the promise."""

    day: Day
    team: str
    percentile: int
    days: int


@dataclass(slots=True)
class Slips:
    """Every slip there was, by team, the shortest first."""

    by_team: dict[str, list[int]] = field(default_factory=dict)

    def add(self, slips: Sequence[Slip]) -> None:
        """Count these too."""
        for one in slips:
            insort(self.by_team.setdefault(one.team, []), one.days)

    def remove(self, slips: Sequence[Slip]) -> None:
        """No longer count these, which were counted."""
        for one in slips:
            days = self.by_team[one.team]
            del days[bisect_left(days, one.days)]
            if not days:
                del self.by_team[one.team]

    def percentile(self, team: str, percentile: int, least: int) -> int | None:
        """The fewest working days within which so many of 100 shipped; None with fewer than `least` to go by."""
        days = self.by_team.get(team, [])
        return days[-(-percentile * len(days) // 100) - 1] if len(days) >= least else None
