"""Small portfolios, where every plan can be tried: the third stage is exact, and the first two are not far from it."""

from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import assume, given

from deploy.cli.plan_files import read_portfolio
from services.launch.domain.scheduling.engine.closure import SolverResult, Study
from services.launch.domain.scheduling.engine.engine import Effort, Planner
from services.launch.optimize import load_solver
from tests.oracle.plans.check import check_plan, price
from tests.oracle.plans.rules import World, group_of
from tests.unit.launch.engine.cases import (
    QUICK,
    Case,
    Json,
    as_json,
    bounded,
    build_case,
    cases,
    event_of,
    plan_of,
    planner_of,
)

SOLVER = load_solver()
with_ortools = pytest.mark.skipif(SOLVER is None, reason="the extra inloop[optimize] is not installed")
DEAREST = 130  # plans up to this cost can all be tried in a moment


@with_ortools
@bounded(40)
@given(case=cases(3, 6))
def test_no_plan_at_all_is_cheaper_than_the_third_stages(case: Case) -> None:
    plan = planner_of(case.portfolio).plan(event_of(case), "S3", SOLVER)
    assume(0 < plan.cost <= DEAREST)
    assert plan.lower_bound == plan.cost
    assert next(_cheaper(case, as_json(plan)), None) is None


@with_ortools
@bounded(60)
@given(case=cases())
def test_each_stage_is_at_least_as_good_as_the_one_before(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    first, second = planner.plan(event, "S1"), planner.plan(event, "S2")
    third = planner.plan(event, "S3", SOLVER)
    assert (first.stage, second.stage, third.stage) == ("S1", "S2", "S3")
    assert first.cost >= second.cost >= third.cost >= third.lower_bound >= second.lower_bound
    assert check_plan(case.portfolio, case.event, as_json(third)) == []


@with_ortools
@bounded(20)
@given(case=cases(6, 14))
def test_the_solver_sees_enough_with_next_to_no_search_before_it(case: Case) -> None:
    lazy = Planner(read_portfolio(case.portfolio), Effort(0, 0)).plan(event_of(case), "S3", SOLVER)
    assert lazy.cost == planner_of(case.portfolio).plan(event_of(case), "S3", SOLVER).cost


@with_ortools
@bounded(25)
@given(case=cases(6, 14))
def test_no_stage_moves_anybody_who_is_locked(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    blocks = planner.schedule.blocks
    moves = planner.plan(event, "S3", SOLVER).moves
    asked = {blocks.block_of[one.launch] for one in moves if len(one.why) == 1}
    locked = {block for one in moves if not blocks.before[block := blocks.block_of[one.launch]]} - asked
    assume(locked)
    planner.locked = locked
    for stage in ("S1", "S2", "S3"):
        plan = planner.plan(event, stage, SOLVER)
        assert locked.isdisjoint(blocks.block_of[one.launch] for one in plan.moves)
        assert check_plan(case.portfolio, case.event, as_json(plan)) == []


def test_without_a_solver_the_second_stages_plan_comes_and_says_so() -> None:
    case = build_case(12, 5, 14, 3)
    assert planner_of(case.portfolio).plan(event_of(case), "S3") == plan_of(case, "S2")


def test_a_solver_that_finds_nothing_changes_nothing() -> None:
    case = build_case(12, 5, 14, 3)

    def give_up(study: Study) -> SolverResult:
        return SolverResult(None, study.floor)

    plan = Planner(read_portfolio(case.portfolio), QUICK).plan(event_of(case), "S3", give_up)
    assert plan.moves == plan_of(case, "S2").moves


def _cheaper(case: Case, plan: Json) -> Iterator[dict[str, date]]:
    """Every cheaper right-only plan with no other conflicts than the given one."""
    world = World(case.portfolio, case.event)
    groups: dict[str, list[Json]] = {}
    for launch in world.launches.values():
        groups.setdefault(group_of(launch), []).append(launch)
    free = [group for group in groups.values() if not any(one["pinned"] for one in group)]
    declared = {(c["launch"], c["constraint"]) for c in plan["conflicts"]}
    for dates in _combinations(world, free, plan["cost"] - 1):
        broken = World(case.portfolio, case.event, dates).violations()
        if all((v.launches[0], v.rule) in declared for v in broken):
            yield dates


def _combinations(world: World, groups: list[list[Json]], budget: int) -> Iterator[dict[str, date]]:
    if not groups:
        yield {}
        return
    group, *rest = groups
    old = world.old[group[0]["id"]]
    for ordinal in range(old.toordinal(), old.toordinal() + budget + 1):
        day = date.fromordinal(ordinal)
        cost = price(world, group, day)
        if cost > budget:
            break
        if not any(True for one in group for _ in world.calendar(one, day)):
            for others in _combinations(world, rest, budget - cost):
                yield {**others, **{one["id"]: day for one in group}}
