"""The planning engine as a library: build it from a portfolio, ask for plans, accept one, ask why not.

Pure: no clock, no files, no randomness. `plan` and `why_not` leave the state as it was; only `accept` changes it.
"""

from typing import NamedTuple

from services.launch.domain.scheduling.engine.closure import Solver, Study
from services.launch.domain.scheduling.engine.explain import Causes, Reason, conflicts, reasons
from services.launch.domain.scheduling.engine.forced import Deadlines, Forced, floor_cost, force
from services.launch.domain.scheduling.engine.improve import Improver, construct
from services.launch.domain.scheduling.engine.model import Event, Plan, PlanningProblem
from services.launch.domain.scheduling.engine.schedule import OUT, Schedule
from services.launch.domain.scheduling.engine.search import Reach, Search

LAST_STEPS = 500  # of the first stage, when finding a first plan took all others

S1_REACHES = (Reach(2, 2, 6),)

S2_REACHES = (Reach(3, 2, 5), Reach(2, 4, 12))

ROUNDS = 8  # of taking back moves nobody asked for


class Effort(NamedTuple):
    """Steps for each stage, the second one's in addition; a thousand take about four milliseconds."""

    s1: int = 3500
    s2: int = 45000


DEFAULT_EFFORT = Effort()


class Planner:
    """Resident state of one workspace."""

    def __init__(self, portfolio: PlanningProblem, effort: Effort = DEFAULT_EFFORT) -> None:
        self.effort = effort
        self.schedule = Schedule(portfolio)
        self.deadlines = Deadlines(self.schedule)
        self.standing: set[int] = set()  # blocks that already break a bound: conflicts of accepted plans
        self.locked: set[int] = set()  # blocks that never make room for others

    def plan(self, event: Event, stage: str = "S1", solver: Solver | None = None) -> Plan:
        """Plan one event from the present state, which stays as it is (a dry run until `accept`).

        The third stage needs a solver (services/launch/optimize.py); without one the second stage's plan comes.
        """
        schedule = self.schedule
        known = schedule.learn(event)
        try:
            return PlanRun(self, event, solver).plan("S2" if stage == "S3" and solver is None else stage)
        finally:
            schedule.undo(0)
            schedule.learn(known)

    def accept(self, plan: Plan) -> None:
        """Make a plan made from the present state the new baseline."""
        schedule = self.schedule
        schedule.learn(plan.event)
        dates = {schedule.blocks.block_of[move.launch]: move.after for move in plan.moves}
        for block in dates:
            schedule.take(block)
        for block, day in dates.items():
            schedule.put(block, day)
        schedule.settle()
        self.standing = {schedule.blocks.block_of[conflict.launch] for conflict in plan.conflicts}
        self.deadlines = Deadlines(schedule)

    def why_not(self, launch: str, day: int) -> list[Reason]:
        """Say which rules keep the launch (with its group) from the day, all others as they are now."""
        schedule = self.schedule
        block = schedule.blocks.block_of[launch]
        mark = len(schedule.journal)
        schedule.take(block)
        found = list(reasons(schedule, block, day))
        schedule.undo(mark)
        return found


class PlanRun:
    """One event being planned, on the journal of the resident state."""

    def __init__(self, planner: Planner, event: Event, solver: Solver | None) -> None:
        self.planner = planner
        self.schedule = planner.schedule
        self.event = event
        self.features = frozenset([event.feature])
        self.solver = solver
        self.held: set[int] = set()  # unpinned blocks without any date up to the horizon
        self.freed: set[int] = set()  # blocks that cannot be kept by a pin or a last day, although nothing forces it
        self.grown: frozenset[int] = frozenset()  # blocks that the event made need more than there is at home
        self.forced = Forced()

    def plan(self, stage: str) -> Plan:
        while True:
            self.forced = self._force()
            changed = self.planner.deadlines.without(frozenset(self.forced.overrun | self.freed))
            try:
                plan = self._try(stage)
            finally:
                self.planner.deadlines.restore(changed)
            if plan is not None:
                return plan

    def _force(self) -> Forced:
        return force(self.schedule, {*self._seeds(), *self.planner.standing}, self.held)

    def _seeds(self) -> list[int]:
        """The blocks whose bounds the event changes."""
        return self.schedule.using[self.event.feature]

    def _try(self, stage: str) -> Plan | None:
        """Plan with what is held and freed so far; None after holding or freeing more."""
        schedule, forced = self.schedule, self.forced
        for block in sorted(forced.dates):
            schedule.take(block)
        bound = floor_cost(schedule, forced)
        search = Search(schedule, forced, self.planner.deadlines.latest)
        search.locked |= self.planner.locked
        if not construct(search, sorted(forced.dates), bound):
            schedule.undo(0)
            self._give_way(search)
            return None
        improver = Improver(search, bound)
        improver.run(max(self.planner.effort.s1 - search.spent, LAST_STEPS), S1_REACHES)
        improver.keep_order()
        self._justify(improver)
        if stage != "S1":
            self._improve(improver)
        if stage == "S3":
            bound = self._optimize(improver)
        self._release_all(improver)
        return self._explain(stage, bound)

    def _give_way(self, search: Search) -> None:
        """No plan keeps all pins and last days, so let them break; none has a date for every block, so hold one."""
        reached = self._kept_behind()
        if reached <= self.freed | self.forced.overrun:
            self.held.add(search.failed)
        else:
            self.freed |= reached

    def _kept_behind(self) -> set[int]:
        """Blocks with a pin or a last day that come after a forced one, at any distance."""
        blocks = self.schedule.blocks
        reached, rest = set(self.forced.dates), list(self.forced.dates)
        while rest:
            fresh = [other for other, _ in blocks.behind[rest.pop()] if other not in reached]
            reached.update(fresh)
            rest += fresh
        last, horizon = self.schedule.last, self.schedule.portfolio.horizon
        return {block for block in reached if self.schedule.pinned[block] or last[block] < horizon}

    def _improve(self, improver: Improver) -> None:
        """Second stage: more steps, deeper and wider."""
        if self.schedule.cost <= improver.lower_bound:
            return
        cost, dates = self.schedule.cost, improver.state()
        improver.run(self.planner.effort.s2, S2_REACHES)
        self._justify(improver)
        if self.schedule.cost > cost:
            improver.come_back(dates)

    def _optimize(self, improver: Improver) -> int:
        """Third stage: ask the solver; returns the lower bound."""
        schedule, cost, bound = self.schedule, self.schedule.cost, improver.lower_bound
        if cost <= bound or self.held or self.freed or self.solver is None:
            return bound
        dates = improver.state()
        schedule.undo(0)
        for block in sorted(self.forced.dates):
            schedule.take(block)
        latest, locked = improver.search.latest, self.planner.locked
        outcome = self.solver(Study(schedule, self.forced, latest, (bound, cost), locked))
        improver.search.apply(outcome.dates or dates)
        if outcome.dates:
            improver.polish()
            self._justify(improver)
        if schedule.cost > cost:
            improver.come_back(dates)
        return outcome.lower_bound

    def _release_all(self, improver: Improver) -> None:
        """Repeat, as a block that gets a date may free one for another."""
        for _ in range(ROUNDS if self.held else 0):
            if not self._release(improver.search):
                return
            improver.polish()
            self._justify(improver)

    def _release(self, search: Search) -> bool:
        """Give held blocks a date after all, where the final plan has one; tells whether it changed anything.

        A successor that finds no date then is stuck in its stead.
        """
        schedule, released = self.schedule, False
        rest = sorted(self.forced.stuck)
        while rest:
            block = rest.pop(0)
            mark = len(schedule.journal)
            schedule.take(block)
            day = search.first_free(block, schedule.last[block])
            if day == OUT:
                schedule.undo(mark)
                self.forced.stuck.add(block)
                continue
            schedule.put(block, day)
            self.forced.stuck.discard(block)
            released = True
            early = (other for other, lag in schedule.blocks.behind[block] if schedule.date[other] < day + lag)
            rest += [other for other in early if not schedule.pinned[other] and other not in rest]
        search.locked |= self.forced.stuck
        return released

    def _justify(self, improver: Improver) -> None:
        """Place the moves that the event does not explain again, all at once, until there are none."""
        for _ in range(ROUNDS):
            astray = Causes(self.schedule, improver.moved(), self.features, self.grown).unexplained()
            if not astray:
                return
            improver.replace(astray)
            improver.polish()

    def _explain(self, stage: str, bound: int) -> Plan:
        schedule = self.schedule
        home, date = schedule.home, schedule.date
        moved = sorted({block for block, _ in schedule.journal if date[block] != home[block]})
        behind = {other for block in moved for other, _ in schedule.blocks.behind[block] if schedule.pinned[other]}
        pinned = behind | self.forced.broken | {block for block in self.planner.standing if schedule.pinned[block]}
        return Plan(
            event=self.event,
            stage=stage,
            moves=tuple(Causes(schedule, moved, self.features, self.grown).moves()),
            conflicts=tuple(conflicts(schedule, pinned, self.forced.stuck)),
            cost=schedule.cost,
            lower_bound=min(bound, schedule.cost),
        )
