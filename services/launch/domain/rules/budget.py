"""How many launches of the loudest tier there may be: in a quarter, and near each other. Over it, persons choose.

Nothing is dropped or moved here: an excess is a conflict that lists all candidates with their scores.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from services.launch.domain.policy import TIERS, Budget
from shared.contracts.launch import Conflict, Option
from shared.contracts.words import LaunchId

BUDGET = "t1_budget"

"""The constraint that such a conflict names."""


@dataclass(frozen=True, slots=True)
class BudgetCandidate:
    """A launch of the budget's tier with a date ahead."""

    launch: LaunchId
    name: str
    day: date
    score: int


def over_budget(candidates: Sequence[BudgetCandidate], budget: Budget) -> Mapping[LaunchId, Conflict]:
    """The conflict of each launch that is one too many: of a group those with the lowest scores."""
    by_quarter: dict[tuple[int, int], list[BudgetCandidate]] = {}
    for one in candidates:
        by_quarter.setdefault(_quarter(one.day), []).append(one)
    found: dict[LaunchId, Conflict] = {}
    for group in _crowds(candidates, budget):
        found |= _conflicts(group, budget.at_once, f"{budget.at_once} within {budget.days} days", budget)
    for quarter in by_quarter.values():
        group = _Group(quarter, quarter)
        found |= _conflicts(group, budget.per_quarter, f"{budget.per_quarter} in a quarter", budget)
    return found


def is_same_choice(one: Conflict, other: Conflict) -> bool:
    """Whether the same launches are to be chosen from; other days and scores do not make it another conflict."""
    return {option.detail for option in one.options} == {option.detail for option in other.options}


class _Group(NamedTuple):
    """Launches to choose from, and those of them that are judged by this group."""

    candidates: Sequence[BudgetCandidate]
    judged: Sequence[BudgetCandidate]


def _crowds(candidates: Sequence[BudgetCandidate], budget: Budget) -> Iterator[_Group]:
    """For each launch the largest group around it, the first of them, no longer than the budget says."""
    in_order = sorted(candidates, key=lambda one: (one.day, one.launch))
    days = [one.day for one in in_order]
    ends = [bisect_right(days, day + timedelta(days=budget.days)) for day in days]
    judged: dict[int, list[BudgetCandidate]] = {}
    for at, one in enumerate(in_order):
        starts = range(bisect_left(days, one.day - timedelta(days=budget.days)), at + 1)
        judged.setdefault(max(starts, key=lambda start: (ends[start] - start, -start)), []).append(one)
    return (_Group(in_order[start : ends[start]], some) for start, some in judged.items())


def _conflicts(group: _Group, most: int, what: str, budget: Budget) -> dict[LaunchId, Conflict]:
    if len(group.candidates) <= most:
        return {}
    ranked = sorted(group.candidates, key=lambda one: (-one.score, one.day, one.launch))
    listed = ", ".join(f"{one.name} (score {one.score}, {one.day})" for one in ranked)
    detail = f"more than {what} would be {budget.tier}: {listed}; choose which"
    quieter = TIERS[min(TIERS.index(budget.tier) + 1, len(TIERS) - 1)]
    options = tuple(
        Option(action="lower_tier", detail=f"Make {one.name} {quieter}: override its tier.", cost=one.score)
        for one in reversed(ranked)
    )
    too_many = {one.launch for one in ranked[most:]} & {one.launch for one in group.judged}
    return {name: Conflict(launch=name, constraint=BUDGET, detail=detail, options=options) for name in sorted(too_many)}


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3
