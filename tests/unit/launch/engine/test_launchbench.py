"""The public problems with known answers, where they are at hand (shared/data/launchbench beside the repository)."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli.plan_files import read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from tests.oracle.plans.check import check_plan
from tests.unit.launch.engine.cases import as_json

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "launchbench"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public problems are not at {FOLDER}")


def _load(name: str) -> tuple[Any, list[Any]]:
    packed = FOLDER / f"{name}.portfolio.json.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else packed.with_suffix("").read_bytes()
    events = (FOLDER / f"{name}.events.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(raw), [json.loads(line) for line in events]


def _answers(name: str) -> dict[str, Any]:
    lines = (FOLDER / "reference.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["event"]: one for one in map(json.loads, lines) if one["portfolio"] == name}


@pytest.mark.parametrize("name", ["lb-100-bu-1", "lb-1000-bu-1", "lb-1000-pooled-1"])
def test_public_problems_are_solved_soundly_and_near_the_optimum(name: str) -> None:
    raw, events = _load(name)
    portfolio = read_portfolio(raw)
    planner, answers = Planner(portfolio), _answers(name)
    cost = least = 0
    for line, event in enumerate(events, 1):
        plan = planner.plan(read_event(event, line, portfolio))
        answer = answers[event["id"]]
        assert plan.lower_bound <= answer["best_known"]
        if answer["optimum"] is not None:
            assert plan.cost >= answer["optimum"]
            cost, least = cost + plan.cost, least + answer["optimum"]
        if name == "lb-100-bu-1":
            assert check_plan(raw, event, as_json(plan)) == []
    assert cost <= 1.5 * least


def test_nothing_moves_when_a_feature_is_ready_earlier_and_a_pinned_launch_is_in_conflict_alone() -> None:
    raw, events = _load("lb-100-bu-1")
    portfolio = read_portfolio(raw)
    planner = Planner(portfolio)
    earlier, pinned = (planner.plan(read_event(events[at], at, portfolio)) for at in (6, 8))
    assert (earlier.moves, earlier.conflicts) == ((), ())
    assert pinned.moves == ()
    assert [conflict.constraint for conflict in pinned.conflicts] == ["ready"]
