"""Small crowded portfolios for the property tests, and the few steps every test takes with them."""

import json
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from deploy.cli.plan_files import plan_to_json, read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Effort, Planner
from services.launch.domain.scheduling.engine.model import Event, Plan
from tests.bench.portfolios import Dice, build_events, build_portfolio

Json = dict[str, Any]
QUICK = Effort(s1=500, s2=3000)


class Case(NamedTuple):
    portfolio: Json
    event: Json


def bounded(examples: int) -> settings:
    """The same examples every time, and few enough for a quick suite."""
    return settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def build_case(size: int, seed: int, window: int, kind: int) -> Case:
    portfolio = build_portfolio(size, seed, window=window, lines=1 + seed % 2)
    return Case(portfolio, build_events(portfolio, seed)[kind])


def cases(low: int = 3, high: int = 14) -> st.SearchStrategy[Case]:
    return st.builds(
        build_case,
        size=st.integers(low, high),
        seed=st.integers(0, 10_000),
        window=st.sampled_from([14, 40, 90]),
        kind=st.integers(0, 8),
    )


def planner_of(portfolio: Json) -> Planner:
    return Planner(read_portfolio(portfolio), QUICK)


def event_of(case: Case) -> Event:
    return read_event(case.event, 1, read_portfolio(case.portfolio))


def plan_of(case: Case, stage: str = "S1") -> Plan:
    return planner_of(case.portfolio).plan(event_of(case), stage)


def as_json(plan: Plan) -> Json:
    """Turn the plan into JSON and back, as a reader of the command's output sees it."""
    decoded: Json = json.loads(json.dumps(plan_to_json(plan)))
    return decoded


def shuffled(portfolio: Json, seed: int) -> Json:
    """Put every list in another order, except where order has a meaning."""
    dice = Dice(seed)

    def turn(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: turn(one, name) for name, one in value.items()}
        if isinstance(value, list):
            turned = [turn(one) for one in value]
            return turned if key in ("capacity", "proximity") else dice.shuffled(turned)
        return value

    result: Json = turn(portfolio)
    return result
