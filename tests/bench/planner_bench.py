"""Cost against the proved optimum, and latency, of the planning engine: python -m tests.bench.planner_bench [SIZE ...].

Portfolios come from seeds (portfolios.py), the optimum from the third stage where it proves one. Sizes up to 1000 are
measured for cost, 10000 for latency; "p" after a size pools the teams (1000p). Takes a minute or two.
"""

import sys
from time import perf_counter
from typing import NamedTuple

from deploy.cli.plan_files import read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.optimize import load_solver
from tests.bench.portfolios import build_events, build_portfolio

SIZES = ("100", "1000", "1000p", "10000")
SEEDS = {"100": range(1, 5)}
FEW = range(1, 3)
PROVED_UP_TO = 1000


class Run(NamedTuple):
    stage: str
    cost: int
    lower_bound: int
    moves: int
    milliseconds: float


def measure(name: str, seed: int) -> list[list[Run]]:
    """Plan nine events with each stage: one list of runs an event."""
    size, pooled = int(name.rstrip("p")), name.endswith("p")
    raw = build_portfolio(size, seed, pooled=pooled)
    portfolio = read_portfolio(raw)
    started = perf_counter()
    planner = Planner(portfolio)
    sys.stdout.write(
        f"{name} seed {seed}: {len(raw['launches'])} launches, built in {perf_counter() - started:.2f} s\n"
    )
    solver = load_solver()
    stages = ("S1", "S2", "S3") if size <= PROVED_UP_TO else ("S1", "S2")
    found = []
    for line, event in enumerate(build_events(raw, seed), 1):
        asked = read_event(event, line, portfolio)
        runs = []
        for stage in stages:
            started = perf_counter()
            plan = planner.plan(asked, stage, solver)
            spent = (perf_counter() - started) * 1000
            runs.append(Run(plan.stage, plan.cost, plan.lower_bound, len(plan.moves), spent))
        found.append(runs)
    return found


def report(name: str, events: list[list[Run]]) -> None:
    proved = [runs for runs in events if runs[-1].cost == runs[-1].lower_bound]
    for at, first in enumerate(events[0]):
        spent = sorted(runs[at].milliseconds for runs in events)
        p95 = spent[min(len(spent) - 1, len(spent) * 95 // 100)]
        least = sum(runs[-1].cost for runs in proved)
        ratio = f"{sum(runs[at].cost for runs in proved) / least:.3f}" if least else "-"
        sys.stdout.write(
            f"{name} {first.stage}: {ratio} of the optimum on {len(proved)} of {len(events)} events, "
            f"{sum(runs[at].moves for runs in events)} moves, p95 {p95:.0f} ms, max {spent[-1]:.0f} ms\n"
        )


def main(names: list[str]) -> None:
    for name in names:
        report(name, [runs for seed in SEEDS.get(name, FEW) for runs in measure(name, seed)])


if __name__ == "__main__":
    main(sys.argv[1:] or list(SIZES))
