"""Disruption against the proved optimum, and latency, on portfolios that resemble LaunchBench (portfolios.py).

    python -m tests.bench.launchbench [--seeds A-B | --train] [--sizes 100,1000,1000p,10000]
        [--stages S1,S2,S3] [--seconds N] [--list]

The seeds HELD_OUT are for judging only: nobody looks at single events of theirs while working on the engine, that is
what TRAIN is for. "p" after a size pools the teams. Optima come from the third stage with much more effort than in
service, and are kept, like all results, in a file outside the repository: a run that is cut off (--seconds) goes on
where it stopped. Results of another version of the engine or of the portfolios are never taken for the present one's.
Every plan is checked by tests/oracle, and by check_plan.py where that is at hand (--checker PATH).
"""

import argparse
import gc
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

from deploy.cli.plan_files import plan_to_json, read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.domain.scheduling.engine.forced import force
from services.launch.domain.scheduling.engine.model import Event, Plan
from services.launch.optimize import load_solver
from tests.bench.portfolios import build_events, build_portfolio
from tests.bench.reschedule import place_anew
from tests.oracle.plans import check_baseline, check_plan

Json = dict[str, Any]
TRAIN, HELD_OUT = range(1, 13), range(5001, 5013)
SIZES = ("100", "1000", "1000p", "10000")
STAGES = ("S1", "S2", "S3")
KINDS = tuple(f"{which} {days}" for which in ("typical", "worst") for days in (7, 21, 60))
KINDS += ("pull-in", "confidence-lost", "pinned")  # in the order of build_events
PROOF_EFFORT = 10.0  # deterministic time of one solve; in service it is 1
CHECKED_UP_TO = 1000  # tests/oracle looks at every pair of launches: too slow beyond
CHECKER = Path(__file__).parents[3] / "shared" / "tools" / "check_plan.py"
STORE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inloop" / "launchbench.jsonl"


class Case(NamedTuple):
    """A portfolio with its nine events, and what tells it from all others."""

    name: str
    portfolio: Json
    events: list[Json]
    digest: str


class Trial(NamedTuple):
    """One event planned by one stage. Milliseconds of the processor and of the wall clock, explanation included."""

    case: str
    event: int  # place in KINDS
    stage: str
    cost: int
    lower_bound: int
    moves: int
    conflicts: int
    avoidable: int
    anew: int  # launches that a planner without memory moves, none of them before its date
    spent: float
    elapsed: float


class Reference(NamedTuple):
    """No plan costs less than the bound; `best` is the cost of the cheapest known, the optimum where both agree."""

    best: int
    bound: int


class Store:
    """Results by key, one JSON line each, appended as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows: dict[str, Any] = dict(json.loads(line) for line in lines)

    def keep(self, key: str, value: object) -> None:
        self.rows[key] = json.loads(json.dumps(value))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")


def build_case(name: str, seed: int) -> Case:
    raw = build_portfolio(int(name.rstrip("p")), seed, pooled=name.endswith("p"))
    events = build_events(raw, seed)
    digest = hashlib.sha256(json.dumps([raw, events]).encode()).hexdigest()[:16]
    return Case(f"{name}-{seed}", raw, events, digest)


def engine_digest() -> str:
    """Tells one version of the engine from another, wherever its modules are."""
    sources = sorted(Path(str(sys.modules[Planner.__module__].__file__)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def unavoidable(planner: Planner, event: Event) -> set[int]:
    """Blocks that longest paths alone put in conflict."""
    known = planner.schedule.learn(event)
    forced = force(planner.schedule, planner.schedule.using[event.feature], set())
    planner.schedule.learn(known)
    return forced.broken | forced.stuck


class Runner:
    """Measures cases, checks their plans and proves optima; what the store knows is not done again."""

    def __init__(self, store: Store, checker: Path, stages: list[str]) -> None:
        self.store, self.checker, self.stages = store, checker, stages
        self.engine = engine_digest()

    def trials(self, case: Case) -> list[Trial]:
        """All events of the case, by each stage in turn."""
        found: list[Trial] = []
        planner: Planner | None = None
        for stage in self.stages:
            key = f"{stage} {case.digest} {self.engine}"
            if key not in self.store.rows:
                planner = planner or Planner(read_portfolio(case.portfolio))
                self.store.keep(key, list(self._measure(case, planner, stage)))
            found += [Trial(*row) for row in self.store.rows[key]]
        return found

    def _measure(self, case: Case, planner: Planner, stage: str) -> Iterator[Trial]:
        solver, plans = load_solver(), []
        gc.collect()
        gc.freeze()  # as `inloop plan` does
        for at, raw in enumerate(case.events):
            event = read_event(raw, at + 1, planner.schedule.portfolio)
            wall, processor = perf_counter(), process_time()
            plan = planner.plan(event, stage, solver)
            spent, elapsed = process_time() - processor, perf_counter() - wall
            block_of, spared = planner.schedule.blocks.block_of, unavoidable(planner, event)
            avoidable = sum(block_of[one.launch] not in spared for one in plan.conflicts)
            anew = place_anew(planner.schedule, event, kind=True) if stage == STAGES[0] else 0
            counts = (plan.cost, plan.lower_bound, len(plan.moves), len(plan.conflicts), avoidable, anew)
            yield Trial(case.name, at, stage, *counts, round(spent * 1000, 2), round(elapsed * 1000, 2))
            plans.append(plan)
        self._check(case, plans)

    def _check(self, case: Case, plans: list[Plan]) -> None:
        """Raises ValueError when a plan does not hold: figures of wrong plans are worth nothing."""
        printed = [{**plan_to_json(plan), "elapsed_ms": 0.0} for plan in plans]
        wrong: list[object] = []
        if len(case.portfolio["launches"]) <= CHECKED_UP_TO:
            wrong += check_baseline(case.portfolio)
            decoded = json.loads(json.dumps(printed))
            wrong += [
                v
                for event, plan in zip(case.events, decoded, strict=True)
                for v in check_plan(case.portfolio, event, plan)
            ]
        if self.checker.exists():
            with tempfile.TemporaryDirectory() as folder:
                paths = [Path(folder) / name for name in ("portfolio.json", "events.jsonl", "plans.jsonl")]
                for path, lines in zip(paths, ([case.portfolio], case.events, printed), strict=True):
                    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
                command = [sys.executable, str(self.checker), *map(str, paths)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
            wrong += [done.stdout + done.stderr] if done.returncode else []
        if wrong:
            raise ValueError(f"{case.name} {plans[0].stage}: {wrong}")

    def reference(self, case: Case, at: int) -> Reference:
        """Prove the optimum of one event, as far as it can be done."""
        key = f"reference {case.digest} {at} {PROOF_EFFORT}"
        if key not in self.store.rows:
            portfolio = read_portfolio(case.portfolio)
            plan = Planner(portfolio).plan(
                read_event(case.events[at], at + 1, portfolio), "S3", load_solver(PROOF_EFFORT)
            )
            self.store.keep(key, [plan.cost, plan.lower_bound])
        return Reference(*self.store.rows[key])


Result = tuple[dict[str, Trial], Reference]  # by stage


def collect(runner: Runner, cases: list[tuple[str, int]], seconds: float) -> Iterator[Result]:
    """Results of each event, until the time is over; then only those that are known already."""
    end = perf_counter() + seconds
    for name, seed in cases:
        if perf_counter() > end:
            sys.stdout.write(f"time is over before {name} seed {seed}: call again to go on\n")
            return
        case = build_case(name, seed)
        trials = runner.trials(case)
        for at in range(len(case.events)):
            yield {one.stage: one for one in trials if one.event == at}, runner.reference(case, at)


def case_of(result: Result) -> str:
    return next(iter(result[0].values())).case


def percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def report(title: str, results: list[Result]) -> None:
    """One line a stage: cost against the optimum, the worst event, conflicts, milliseconds."""
    proved = [(trials, optimum.best) for trials, optimum in results if optimum.best == optimum.bound]
    least = sum(best for _, best in proved)
    for stage in results[0][0] if results else ():
        runs = [trials[stage] for trials, _ in results]
        known = [(trials[stage], best) for trials, best in proved]
        below = [run for run, best in known if run.cost < best]
        ratio = sum(run.cost for run, _ in known) / least if least else 1.0
        top = sum(run.cost == best for run, best in known) / max(1, len(known))
        worst, best = max(known, key=lambda one: (one[0].cost / max(1, one[1]), one[1]))
        spent, elapsed = ([getattr(run, name) for run in runs] for name in ("spent", "elapsed"))
        sys.stdout.write(
            f"{title:16} {stage} {ratio:.3f} of the optimum ({len(known)} of {len(runs)} proved), "
            f"{top:4.0%} at it, worst "
            f"{worst.cost / max(1, best):.2f} ({worst.case} {KINDS[worst.event]}), avoidable conflicts "
            f"{sum(run.avoidable for run in runs)}, {percentile(spent, 95):.0f}/{max(spent):.0f} ms of the processor "
            f"(p95/max; wall {percentile(elapsed, 95):.0f}/{max(elapsed):.0f})\n"
        )
        for run in below:
            sys.stdout.write(f"  FAULT: {run.case} {KINDS[run.event]} costs {run.cost}, below the proved optimum\n")


def compare(results: list[Result]) -> None:
    """What concerns several stages: none may be worse than the one before; moves against a planner without memory."""
    for before, after in pairwise(results[0][0] if results else ()):
        worse = [f"{t[after].case} {KINDS[t[after].event]}" for t, _ in results if t[before].cost < t[after].cost]
        sys.stdout.write(f"{after} is worse than {before}: {', '.join(worse) or 'never'}\n")
    anew = sum(trials[STAGES[0]].anew for trials, _ in results if STAGES[0] in trials)
    for stage in results[0][0] if anew else ():
        moves = sum(trials[stage].moves for trials, _ in results)
        sys.stdout.write(
            f"{stage} moves {moves} launches, {moves / anew:.0%} of the {anew} of a planner without memory\n"
        )


def show(results: list[Result]) -> None:
    for trials, best in results:
        run = next(iter(trials.values()))
        costs = " ".join(f"{stage} {one.cost:6}" for stage, one in trials.items())
        sys.stdout.write(
            f"{run.case:12} {KINDS[run.event]:16} {costs} best {best.best:6} bound {best.bound:6} "
            f"first {run.lower_bound:6}\n"
        )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", help="A-B, both included; else the held-out ones")
    parser.add_argument("--train", action="store_true", help="the seeds to work with")
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so long")
    parser.add_argument("--list", action="store_true", help="each event, too")
    parser.add_argument("--store", type=Path, default=STORE)
    parser.add_argument("--checker", type=Path, default=CHECKER)
    asked = parser.parse_args(arguments)
    seeds = TRAIN if asked.train else HELD_OUT
    if asked.seeds:
        first, last = map(int, asked.seeds.split("-"))
        seeds = range(first, last + 1)
    sizes = asked.sizes.split(",")
    runner = Runner(Store(asked.store), asked.checker, asked.stages.split(","))
    results = list(collect(runner, [(size, seed) for seed in seeds for size in sizes], asked.seconds))
    if asked.list:
        show(results)
    for size in sizes:
        report(size, [one for one in results if case_of(one).startswith(f"{size}-")])
    for at, kind in enumerate(KINDS):
        report(kind, [one for one in results if next(iter(one[0].values())).event == at])
    report("all", results)
    compare(results)
    sys.stdout.write(
        f"checked by tests/oracle up to {CHECKED_UP_TO} launches, by check_plan.py: {asked.checker.exists()}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
