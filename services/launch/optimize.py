"""The third planning stage: the least plan, or a proof that none is cheaper, from CP-SAT (ortools, an optional extra).

One worker, a fixed seed and deterministic time, never the clock: the same input gives the same plan. Without ortools
`load_solver` returns None and the second stage's plan stands. Which dates can matter: closure.py of the domain.
"""

from collections import defaultdict
from importlib.util import find_spec
from typing import Any

from services.launch.domain.scheduling.engine.closure import Domains, Solver, SolverResult, Study, undominated
from services.launch.domain.scheduling.engine.model import REST
from services.launch.domain.scheduling.engine.schedule import Schedule

EFFORT = 1.0  # deterministic time of one solve
SOLVES = 12
FIRST_SLACK = 24


def is_installed() -> bool:
    """Whether there is a solver, without loading it."""
    return find_spec("ortools") is not None


def load_solver(effort: float = EFFORT) -> Solver | None:
    """Return the solver, with that much deterministic time for each solve, or None when ortools is not installed."""
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - an optional extra, and slow to load
    except ImportError:
        return None
    return lambda study: Optimizer(study, cp_model, effort).run()


class Optimizer:
    """Iterative deepening over the cost allowed: an empty round raises the bound, a full one is the optimum."""

    def __init__(self, study: Study, cp_model: Any, effort: float = EFFORT) -> None:
        self.study = study
        self.cp_model = cp_model
        self.effort = effort

    def run(self) -> SolverResult:
        study = self.study
        bound, limit = study.floor, max(study.floor, study.least + FIRST_SLACK)
        for _ in range(SOLVES):
            limit = min(limit, study.best - 1)
            if limit < bound:
                return SolverResult(None, study.best)
            found = self._within(limit)
            if found is None:
                break
            status, dates, proved = found
            bound = max(bound, proved)
            if dates is not None:
                return SolverResult(dates, bound)
            if status == self.cp_model.UNKNOWN:
                break
            bound = max(bound, limit + 1)
            limit = study.least + 2 * (limit - study.least)
        return SolverResult(None, min(bound, study.best))

    def _within(self, limit: int) -> tuple[Any, list[tuple[int, int]] | None, int] | None:
        """Solve with this limit: (status, dates, lower bound), or None when the problem is too large."""
        study = self.study
        domains = study.domains(limit)
        if domains is None:
            return None
        schedule = study.schedule
        mark = len(schedule.journal)
        for block in domains:
            if block not in study.forced.dates:
                schedule.take(block)
        model = Model(schedule, undominated(schedule, domains), self.cp_model)
        result = model.solve(limit, self.effort)
        schedule.undo(mark)
        return result


class Model:
    """One Boolean for each block and day; the blocks are out of the schedule, all others stay where they are."""

    def __init__(self, schedule: Schedule, domains: Domains, cp_model: Any) -> None:
        self.schedule = schedule
        self.cp_model = cp_model
        self.model = cp_model.CpModel()
        self.domains = {block: self._possible(block, days, domains) for block, days in domains.items()}
        self.on = {
            (block, day): self.model.new_bool_var(f"{block}@{day}")
            for block, days in self.domains.items()
            for day in days
        }
        for block, days in self.domains.items():
            self.model.add_exactly_one([self.on[block, day] for day in days])
        self._limit_teams()
        self._limit_segments()
        self._limit_touches()
        self._keep_apart()
        self._keep_order()

    def _possible(self, block: int, days: list[int], domains: Domains) -> list[int]:
        """Leave out days that the blocks outside forbid."""
        outside = [
            self.schedule.date[other] - lag
            for other, lag in self.schedule.blocks.behind[block]
            if other not in domains and not self.schedule.pinned[other]
        ]
        last = min(outside, default=None)
        return [day for day in days if (last is None or day <= last) and self.schedule.fits(block, day)]

    def _limit_teams(self) -> None:
        terms: dict[int, list[tuple[Any, int]]] = defaultdict(list)
        most: dict[int, dict[int, int]] = defaultdict(dict)
        for (block, day), var in self.on.items():
            week = self.schedule.week(day)
            for at, units in self.schedule.profile[block]:
                terms[at + week].append((var, units))
                most[at + week][block] = max(units, most[at + week].get(block, 0))
        for at, pairs in sorted(terms.items()):
            if sum(most[at].values()) > self.schedule.free[at]:
                self.model.add(sum(units * var for var, units in pairs) <= self.schedule.free[at])

    def _limit_segments(self) -> None:
        speaking: dict[int, list[Any]] = defaultdict(list)
        for (block, day), var in self.on.items():
            for at in self.schedule.segments[block]:
                speaking[at + self.schedule.week(day)].append(var)
        for _, group in sorted(speaking.items()):
            if len(group) > 1:
                self.model.add_at_most_one(group)

    def _limit_touches(self) -> None:
        """A segment's announcements in a week, besides those of blocks that stay: all riders of a train are one."""
        schedule = self.schedule
        weeks: dict[int, list[tuple[int, int, Any]]] = defaultdict(list)
        for (block, day), var in self.on.items():
            for at in schedule.audience[block]:
                weeks[at + schedule.week(day)].append((block, day, var))
        for at, spoken in sorted(weeks.items()):
            alone = schedule.alone.get(at, 0)
            aboard = len(schedule.listening.get(at, ())) > alone
            touches = [var for block, day, var in spoken if not schedule.is_aboard(block, day)]
            riders = [var for block, day, var in spoken if schedule.is_aboard(block, day)]
            touches += [self._any_of(riders)] if riders and not aboard else []
            self.model.add(sum(touches) <= schedule.portfolio.touches - alone - aboard)

    def _any_of(self, variables: list[Any]) -> Any:
        """Whether one of them holds."""
        found = self.model.new_bool_var("")
        for var in variables:
            self.model.add_implication(var, found)
        return found

    def _keep_apart(self) -> None:
        lines: dict[Any, list[tuple[int, Any]]] = defaultdict(list)
        trains: dict[tuple[Any, int], list[Any]] = defaultdict(list)
        for (block, day), var in self.on.items():
            for scope in self.schedule.scopes[block]:
                shared = scope[0].constraint == REST and self.schedule.is_aboard(block, day)
                (trains[scope, day] if shared else lines[scope]).append(var if shared else (day, var))
        for (scope, day), riders in trains.items():
            lines[scope].append((day, self._any_of(riders)))
        for (_, gap), days in sorted(lines.items(), key=lambda line: line[0]):
            for first in sorted({day for day, _ in days}):
                self.model.add_at_most_one([var for day, var in days if first <= day < first + gap])

    def _keep_order(self) -> None:
        for block, days in self.domains.items():
            for other, lag in self.schedule.blocks.behind[block]:
                if other not in self.domains:
                    continue
                for day in days:
                    early = [self.on[other, d] for d in self.domains[other] if d < day + lag]
                    if early:
                        self.model.add_at_most_one([self.on[block, day], *early])

    def solve(self, limit: int, effort: float) -> tuple[Any, list[tuple[int, int]] | None, int]:
        schedule, cp_model = self.schedule, self.cp_model
        cost = sum(schedule.price(block, day) * var for (block, day), var in self.on.items())
        self.model.add(cost <= limit)
        self.model.minimize(cost)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        solver.parameters.max_deterministic_time = effort
        status = solver.solve(self.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return status, None, 0
        dates = [at for at, var in self.on.items() if solver.boolean_value(var)]
        proved = round(solver.objective_value) if status == cp_model.OPTIMAL else 0
        return status, dates, proved
