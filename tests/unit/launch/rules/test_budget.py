"""The budget of the loudest tier, counted the slow and obvious way beside ours."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launch.domain.policy import Budget
from services.launch.domain.rules.budget import BudgetCandidate, is_same_choice, over_budget
from shared.contracts.launch import Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.story import on

BUDGET = Budget(per_quarter=3, at_once=2, days=30)
FIRST = on("2026-03-01")
PLACES = st.lists(st.tuples(st.integers(0, 140), st.integers(60, 63)), max_size=12)


def candidates(places: list[tuple[int, int]]) -> list[BudgetCandidate]:
    return [
        BudgetCandidate(LaunchId(f"L-{number:02}"), f"Launch {number}", FIRST + timedelta(days=day), score)
        for number, (day, score) in enumerate(places)
    ]


def too_many(group: list[BudgetCandidate], most: int) -> set[str]:
    return {one.launch for one in sorted(group, key=lambda one: (-one.score, one.day, one.launch))[most:]}


def largest(one: BudgetCandidate, listed: list[BudgetCandidate]) -> list[BudgetCandidate]:
    """Of all stretches of so many days with this launch in them, the first with the most launches."""
    stretches = [
        [other for other in listed if start <= other.day <= start + timedelta(days=BUDGET.days)]
        for start in sorted({other.day for other in listed})
        if start <= one.day <= start + timedelta(days=BUDGET.days)
    ]
    return max(stretches, key=len)


@given(PLACES)
def test_who_is_one_too_many_is_who_a_plain_count_says(places: list[tuple[int, int]]) -> None:
    listed = candidates(places)
    expected = set()
    for one in listed:
        same = [other for other in listed if _quarter(other) == _quarter(one)]
        if one.launch in too_many(same, BUDGET.per_quarter) | too_many(largest(one, listed), BUDGET.at_once):
            expected.add(one.launch)
    assert over_budget(listed, BUDGET).keys() == expected


def _quarter(one: BudgetCandidate) -> tuple[int, int]:
    return one.day.year, (one.day.month + 2) // 3


def test_each_conflict_lists_all_there_is_to_choose_from() -> None:
    found = over_budget(candidates([(0, 62), (1, 61), (2, 60)]), BUDGET)
    assert found.keys() == {"L-02"}
    assert found[LaunchId("L-02")].detail == (
        "more than 2 within 30 days would be T1: Launch 0 (score 62, 2026-03-01), Launch 1 (score 61, 2026-03-02),"
        " Launch 2 (score 60, 2026-03-03); choose which"
    )
    assert [one.cost for one in found[LaunchId("L-02")].options] == [60, 61, 62]


@pytest.mark.parametrize(("tier", "quieter"), [("T1", "T2"), ("T2", "T3"), ("T3", "T4"), ("T4", "T4")])
def test_a_way_out_is_one_tier_quieter_as_long_as_there_is_one(tier: Tier, quieter: Tier) -> None:
    found = over_budget(candidates([(0, 62), (1, 61), (2, 60)]), BUDGET.model_copy(update={"tier": tier}))
    assert [one.detail for one in found[LaunchId("L-02")].options] == [
        f"Make Launch {number} {quieter}: override its tier." for number in (2, 1, 0)
    ]


def test_other_scores_and_days_do_not_make_it_another_choice_but_other_launches_do() -> None:
    (first,) = over_budget(candidates([(0, 62), (1, 61), (2, 60)]), BUDGET).values()
    (later,) = over_budget(candidates([(3, 63), (4, 62), (9, 61)]), BUDGET).values()
    assert is_same_choice(first, later)
    other = over_budget(candidates([(0, 62), (1, 61), (2, 60), (3, 59)]), BUDGET)[LaunchId("L-02")]
    assert not is_same_choice(first, other)
