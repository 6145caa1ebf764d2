"""The independent checker is itself checked: break each rule once, and it must say so."""

import copy
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.oracle.plans import check_baseline
from tests.oracle.plans.check import check_plan
from tests.unit.launch.engine.cases import Case, Json, as_json, build_case, plan_of

CASE = build_case(14, 3, 14, 3)
MONDAY, TRAIN = "2027-03-01", "2027-03-16"


def small() -> Json:
    """Two T2 launches in different weeks, L2 after L1; nothing is broken."""
    policy = {
        "soak_days": {"T1": 10, "T2": 5, "T3": 0},
        "lead_days": {"T1": 42, "T2": 21, "T3": 7},
        "weight": {"T1": 8, "T2": 3, "T3": 1},
        "apart_days": {"T2": 7},
        "announced_factor": 2,
        "fixed_days": 10,
        "proximity": [{"within_days": None, "factor": 1}],
    }
    first = {
        "id": "L1", "line": "B", "tier": "T2", "date": MONDAY, "regions": ["eu"], "segments": ["S"], "features": ["F"],
        "pinned": False, "announced": False, "work": [{"team": "docs", "offset_weeks": 0, "units": 1}], "after": [],
        "together": None,
    }  # fmt: skip
    second = {**first, "id": "L2", "date": "2027-03-15", "after": [{"launch": "L1", "lag_days": 7}]}
    return {
        "format": "inloop-portfolio/1", "today": "2027-01-04", "horizon": "2027-06-30", "policy": policy,
        "regions": [{"id": "eu", "weekend": [6, 7], "holidays": []}], "freezes": [], "trains": {},
        "teams": [{"id": "docs", "first_week": "2027-W01", "capacity": [1] * 26}],
        "features": [{"id": "F", "ready_on": "2027-02-24", "confident_since": "2027-02-08"}],
        "launches": [first, second],
    }  # fmt: skip


def change(portfolio: Json, at: int, **values: object) -> Json:
    portfolio["launches"][at].update(values)
    return portfolio


BREAKS: dict[str, Callable[[Json], object]] = {
    "ready": lambda p: p["features"][0].update(ready_on="2027-02-25"),
    "notice": lambda p: p["features"][0].update(confident_since="2027-02-09"),
    "today": lambda p: p.update(today="2027-03-02"),
    "horizon": lambda p: p.update(horizon="2027-03-14"),
    "workday": lambda p: p["regions"][0].update(holidays=[MONDAY]),
    "freeze": lambda p: p["freezes"].append({"from": MONDAY, "to": MONDAY, "tiers": ["T2"], "regions": None}),
    "train": lambda p: p["trains"].update(T2=[TRAIN]),
    "after": lambda p: p["launches"][1]["after"][0].update(lag_days=15),
    "together": lambda p: [change(p, at, together="G", after=[]) for at in (0, 1)],
    "capacity": lambda p: p["teams"][0].update(capacity=[0] * 26),
    "spacing": lambda p: [change(p, 1, date="2027-03-04", after=[], line="C"), p["teams"][0].update(capacity=[2] * 26)],
    "apart": lambda p: change(p, 1, date="2027-03-05", after=[], segments=[]),
}


def test_a_sound_baseline_breaks_nothing() -> None:
    assert check_baseline(small()) == []


@pytest.mark.parametrize("rule", BREAKS)
def test_each_broken_rule_of_a_baseline_is_named(rule: str) -> None:
    portfolio = small()
    BREAKS[rule](portfolio)
    assert rule in {violation.rule for violation in check_baseline(portfolio)}


def test_a_weekend_a_region_and_a_second_team_count_too() -> None:
    portfolio = small()
    portfolio["regions"][0]["weekend"] = [1]
    assert {violation.rule for violation in check_baseline(portfolio)} == {"workday"}


def test_work_in_weeks_that_are_over_does_not_count() -> None:
    portfolio = small()
    change(portfolio, 0, work=[{"team": "docs", "offset_weeks": -40, "units": 9}])
    assert check_baseline(portfolio) == []


def _first_later(plan: Json, days: int) -> None:
    move = plan["moves"][0]
    move["to"] = (date.fromisoformat(move["to"]) + timedelta(days=days)).isoformat()


FORGERIES: dict[str, Callable[[Json], object]] = {
    "cost": lambda plan: plan.update(cost=plan["cost"] - 1),
    "lower_bound": lambda plan: plan.update(lower_bound=plan["cost"] + 1),
    "from": lambda plan: plan["moves"][0].update({"from": "2027-01-05"}),
    "right-only": lambda plan: _first_later(plan, -900),
    "conflict": lambda plan: plan["conflicts"].append({"launch": "L0", "constraint": "ready", "detail": "no"}),
    "why": lambda plan: plan["moves"][0]["why"][-1].update(constraint="train"),
}


@pytest.mark.parametrize("fault", FORGERIES)
def test_each_forgery_of_a_sound_plan_is_found(fault: str) -> None:
    plan = as_json(plan_of(CASE))
    assert plan["moves"]
    assert check_plan(CASE.portfolio, CASE.event, plan) == []
    FORGERIES[fault](plan)
    assert fault in {violation.rule for violation in check_plan(CASE.portfolio, CASE.event, plan)}


def test_a_chain_without_the_event_is_found() -> None:
    plan = as_json(plan_of(CASE))
    plan["moves"][0]["why"] = plan["moves"][0]["why"][1:]
    assert {violation.rule for violation in check_plan(CASE.portfolio, CASE.event, plan)} == {"why"}


def test_a_pinned_launch_that_moves_is_found() -> None:
    portfolio = small()
    change(portfolio, 0, pinned=True, after=[])
    move = {"launch": "L1", "from": MONDAY, "to": "2027-03-08", "why": []}
    plan = {"event": "E", "stage": "S1", "moves": [move], "conflicts": [], "cost": 51, "lower_bound": 0}
    rules = {violation.rule for violation in check_plan(portfolio, {"id": "E", "feature": "F"}, plan)}
    assert "pin" in rules


def test_a_launch_declared_without_a_date_that_has_one_is_found() -> None:
    event = {"id": "E", "feature": "F", "ready_on": "2027-03-03"}
    stuck = {"launch": "L1", "constraint": "horizon", "detail": "no date"}
    plan = {"event": "E", "stage": "S1", "moves": [], "conflicts": [stuck], "cost": 0, "lower_bound": 0}
    assert "horizon" in {violation.rule for violation in check_plan(small(), event, plan)}


def test_a_forced_move_that_is_left_out_is_found() -> None:
    plan = as_json(plan_of(CASE))
    forced = next(move for move in plan["moves"] if len(move["why"]) == 2)
    shorter = copy.deepcopy(plan)
    shorter["moves"] = [move for move in plan["moves"] if move is not forced and move["launch"] != forced["launch"]]
    rules = {violation.rule for violation in check_plan(CASE.portfolio, CASE.event, shorter)}
    assert rules & {"ready", "notice"}


def test_the_case_of_this_file_has_moves_and_is_sound() -> None:
    assert isinstance(CASE, Case)
    assert check_baseline(CASE.portfolio) == []
