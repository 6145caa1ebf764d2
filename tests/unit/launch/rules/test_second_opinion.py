"""The catalogue of rules and the independent checker, which shares no code with it, say the same of invented plans."""

import pytest

from services.launch.domain.rules.catalogue import CheckedPlan, check_plan, situation_of
from tests.oracle.verifier import CheckedPlan as OtherPlan
from tests.oracle.verifier import Verifier
from tests.unit.launch.random_portfolios import TODAY, draw

SLICES = 8
CASES_IN_A_SLICE = 100
"""Others are compared by `python -m tests.bench.second_opinion FIRST LAST`; a million placements are 0 to 150000."""


def compare(seed: int) -> tuple[set[str], set[str]]:
    """The rules that the one and the other find broken in a case."""
    case = draw(seed)
    plan = CheckedPlan(
        shapes=case.shapes,
        before=case.before,
        changes=case.changes,
        asked=case.asked,
        were=case.were,
        situations={
            name: situation_of(case.shapes[name], known, case.context) for name, known in case.features.items()
        },
        declared=case.declared,
        undone=case.undone,
    )
    other = OtherPlan(
        case.shapes, case.before, case.changes, case.asked, case.were, case.features, case.declared, case.undone
    )
    ours = {broken.rule for broken in check_plan(plan, case.calendar, TODAY)}
    return ours, {broken.rule for broken in Verifier.of(case.calendar, TODAY.year).judge(other, TODAY)}


@pytest.mark.parametrize("number", range(SLICES))
def test_both_find_the_same_rules_broken(number: int) -> None:
    cases = range(number * CASES_IN_A_SLICE, (number + 1) * CASES_IN_A_SLICE)
    differing = {seed: pair for seed in cases if (pair := compare(seed))[0] != pair[1]}
    assert differing == {}
