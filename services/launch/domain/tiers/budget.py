"""How many launches of the loudest tier there may be: in a quarter, and near each other. Over it, persons choose.

Nothing is dropped or moved here: an excess is a conflict that lists all candidates with their scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.launch.domain.policy import TIERS, Budget
from shared.contracts.launch import Conflict, Option
from shared.contracts.words import LaunchId

BUDGET = "t1_budget"
"""The constraint that such a conflict names."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A launch of the budget's tier with a date ahead."""

    launch: LaunchId
    name: str
    day: date
    score: int


def over_budget(candidates: Sequence[Candidate], budget: Budget) -> Mapping[LaunchId, Conflict]:
    """The conflict of each launch that is one too many: of a group those with the lowest scores."""
    found: dict[LaunchId, Conflict] = {}
    for one in candidates:
        quarter = _rank(other for other in candidates if _quarter(other.day) == _quarter(one.day))
        near = _rank(_crowd(one, candidates, budget))
        if one in quarter[budget.per_quarter :]:
            found[one.launch] = _conflict(one, quarter, budget, f"{budget.per_quarter} in a quarter")
        elif one in near[budget.at_once :]:
            what = f"{budget.at_once} within {budget.days} days"
            found[one.launch] = _conflict(one, near, budget, what)
    return found


def is_same_choice(one: Conflict, other: Conflict) -> bool:
    """Whether the same launches are to be chosen from; other days and scores do not make it another conflict."""
    return {option.detail for option in one.options} == {option.detail for option in other.options}


def _rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Highest score first."""
    return sorted(candidates, key=lambda other: (-other.score, other.day, other.launch))


def _crowd(one: Candidate, candidates: Sequence[Candidate], budget: Budget) -> list[Candidate]:
    """The largest group with this launch whose first and last lie no further apart than the budget says."""
    groups = [
        [other for other in candidates if 0 <= (other.day - first.day).days <= budget.days]
        for first in candidates
        if 0 <= (one.day - first.day).days <= budget.days
    ]
    return max(groups, key=len, default=[])


def _conflict(one: Candidate, ranked: Sequence[Candidate], budget: Budget, what: str) -> Conflict:
    listed = ", ".join(f"{other.name} (score {other.score}, {other.day})" for other in ranked)
    quieter = TIERS[min(TIERS.index(budget.tier) + 1, len(TIERS) - 1)]
    options = tuple(
        Option(action="lower_tier", detail=f"Make {other.name} {quieter}: override its tier.", cost=other.score)
        for other in reversed(ranked)
    )
    detail = f"more than {what} would be {budget.tier}: {listed}; choose which"
    return Conflict(launch=one.launch, constraint=BUDGET, detail=detail, options=options)


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3
