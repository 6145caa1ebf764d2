"""The launches of a portfolio in the engine's schedule: who has which block, kept with every told message.

Also the trial: things tried out on it and taken back, so that a decision leaves no trace.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Self

from services.launch.domain.calendar import SOFT, Calendar, Context
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, Launch, tier_of
from services.launch.domain.policy import Follows
from services.launch.domain.portfolio import State
from services.launch.domain.rules.audience import audience_of
from services.launch.domain.rules.catalogue import BETWEEN
from services.launch.domain.scheduling.compile import WEEKLY, Days, frame_of, row_of, scopes_of, team_of, work_of
from services.launch.domain.scheduling.engine.blocks import Blocks, Members
from services.launch.domain.scheduling.engine.engine import Effort, Planner
from services.launch.domain.scheduling.engine.explain import Reason, reasons
from services.launch.domain.scheduling.engine.forced import Deadlines
from services.launch.domain.scheduling.engine.model import After, Entry, PlanningProblem, TeamWeeks, week_of
from services.launch.domain.scheduling.engine.schedule import OUT, UNLIMITED, Schedule
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId


def feature_of(launch: str) -> str:
    """The engine's feature that stands for everything that a launch's own rules ask of its date."""
    return f"={launch}"


class EngineState:
    """What the planner keeps of a portfolio for the decisions of one year."""

    def __init__(self, calendar: Calendar, today: date) -> None:
        policy = calendar.policy
        self.calendar = calendar
        self.year = today.year
        frame = frame_of(calendar, today)
        self.weeks = range(week_of(frame.today), week_of(frame.horizon) + 1)
        offsets = [week for rule in WEEKLY for week in rule.reach(policy)]
        self.schedule = LiveSchedule(frame, Days(calendar, frame, {}, {}), offsets, policy.after)
        self.planner = LivePlanner(self.schedule)
        self.members = {f"group {name}": sorted(ids) for name, ids in policy.together.items()}
        self.groups: dict[str, str] = {launch: f"group {name}" for launch, name in calendar.group_of.items()}
        self.own_block: dict[str, int] = {}
        self.entries: dict[str, Entry] = {}
        self.advance(today)

    @classmethod
    def of(cls, calendar: Calendar, today: date, launches: Iterable[Launch]) -> "EngineState":
        """Built from what is stored."""
        found = cls(calendar, today)
        for launch in sorted(launches, key=lambda launch: (launch.number, launch.id)):
            found.keep(launch)
        return found

    def serves(self, calendar: Calendar, today: date) -> bool:
        """Whether it can be brought to the day: it is of that policy and year, and no later day has counted yet."""
        same = self.calendar is calendar and self.year == today.year
        return same and self.schedule.portfolio.today <= today.toordinal()

    def advance(self, today: date) -> None:
        """The day moves on."""
        self.schedule.advance(today.toordinal())

    # ---- launches

    def keep(self, launch: Launch) -> None:
        """Take in what a launch is now."""
        self.know(launch.id)
        snapshot = launch.snapshot
        counts = snapshot.state in OPEN_STATES or snapshot.state in HAPPENED_STATES
        entry = self.entry(snapshot, snapshot.date) if counts and snapshot.date else None
        if self.entries.get(launch.id) != entry:
            self.set(launch.id, entry)

    def entry(self, shape: LaunchSnapshot, day: date, *, fixed: bool | None = None) -> Entry | None:
        """The launch on a day, in the engine's words; None outside of the frame."""
        if not self.schedule.base <= day.toordinal() <= self.schedule.portfolio.horizon:
            return None
        tier = tier_of(shape)
        self._count_needs(shape, tier)
        pinned = shape.pin is not None or shape.state in HAPPENED_STATES
        return Entry(
            id=shape.id,
            tier=tier,
            date=day.toordinal(),
            regions=tuple(sorted(set(shape.regions))),
            segments=shape.segments if tier in self.calendar.policy.spacing else (),
            features=(feature_of(shape.id),),
            pinned=pinned if fixed is None else fixed,
            announced=shape.state == "announced",
            work=work_of(shape, tier, self.calendar.policy),
            audience=audience_of(shape),
            rides=self.calendar.boards(tier),
            scopes=scopes_of(shape, tier, self.calendar.policy),
            together=self.groups.get(shape.id),
            not_after=shape.not_after.toordinal() if shape.not_after else None,
        )

    def _count_needs(self, shape: LaunchSnapshot, tier: Tier) -> None:
        """What the launch is the first to need is counted from now on."""
        schedule = self.schedule
        for rule in WEEKLY:
            for use in rule.uses(shape, tier, self.calendar.policy):
                if row_of(rule, use.resource, self.calendar.policy) not in schedule.row:
                    schedule.add_team(team_of(rule, use.resource, self.weeks, self.calendar.policy))

    def know(self, launch: str) -> bool:
        """Give the launch its blocks; False if it has them."""
        if launch in self.own_block:
            return False
        group = self.groups.get(launch, launch)
        if group not in self.own_block:
            self.own_block[group] = self.schedule.add()
        if group != launch:
            self.own_block[launch] = self.schedule.add()
        return True

    def forget(self, launch: str) -> None:
        """Take back the last `know`."""
        group = self.groups.get(launch, launch)
        if group != launch:
            del self.own_block[launch]
            self.schedule.pop()
        if self.own_block[group] == len(self.schedule.home) - 1:
            del self.own_block[group]
            self.schedule.pop()

    def set(self, launch: str, entry: Entry | None) -> None:
        """Put the launch where the entry says, or nowhere. A group shares one block as long as it shares one day."""
        at = self.schedule.blocks.block_of.get(launch)
        if at is not None:
            self._refill(at, [entry for entry in self.schedule.blocks.members[at] if entry.id != launch])
        self.entries.pop(launch, None)
        if entry is not None:
            self.entries[launch] = entry
        if launch in self.groups:
            self._lay(self.groups[launch])
        elif entry is not None:
            self._refill(self.own_block[launch], [entry])
        if not self.schedule.linked.isdisjoint(self.members.get(self.groups.get(launch, ""), (launch,))):
            self.schedule.rewire()

    def _lay(self, group: str) -> None:
        """Give the group's block to its first launch and all on that day, and to each other one a block of its own.

        Always the same way, whoever came, went or moved before.
        """
        members = [self.entries[name] for name in self.members[group] if name in self.entries]
        shared = [entry for entry in members if entry.date == members[0].date]
        apart = {self.own_block[entry.id]: [entry] for entry in members if entry not in shared}
        blocks = [self.own_block[name] for name in (group, *self.members[group]) if name in self.own_block]
        for at in blocks:
            self._refill(at, [])
        for at in blocks:
            self._refill(at, shared if at == self.own_block[group] else apart.get(at, []))

    def _refill(self, at: int, members: Collection[Entry]) -> None:
        self.schedule.fill(at, tuple(sorted(members, key=lambda entry: entry.id)))

    # ---- questions

    def block(self, launch: str) -> int | None:
        """The launch's block, if it has a date."""
        return self.schedule.blocks.block_of.get(launch)

    def mates(self, launch: str) -> list[str]:
        """Launches that share its date."""
        at = self.own_block.get(self.groups.get(launch, launch))
        return [entry.id for entry in self.schedule.blocks.members[at] if entry.id != launch] if at is not None else []

    def last_day(self, launch: str) -> int:
        """The last day that it may have, others apart."""
        return self.schedule.last[self.schedule.blocks.block_of[launch]]

    def first_free(self, launch: str, first: int, last: int) -> int:
        """The first day in these bounds on which the launch fits, all others as they are; OUT if there is none."""
        schedule, block = self.schedule, self.schedule.blocks.block_of[launch]
        after = max((schedule.date[other] + lag for other, lag in schedule.blocks.before[block]), default=OUT)
        mark = len(schedule.journal)
        schedule.take(block)
        days = schedule.days[block]
        ahead = days[bisect_left(days, max(first, after)) : bisect_right(days, last)]
        found = next((day for day in ahead if schedule.fits(block, day)), OUT)
        schedule.undo(mark)
        schedule.journal.clear()
        return found

    def reasons_against(self, launch: str, day: int, leaving: Collection[LaunchId] = ()) -> list[Reason]:
        """Every hard rule that keeps the launch (with its group) from the day, all others but `leaving` as they are."""
        schedule, block = self.schedule, self.block(launch)
        if block is None:
            return []
        mark = len(schedule.journal)
        for other in sorted({block, *(at for name in leaving if (at := self.block(name)) is not None)}):
            schedule.take(other)
        found = [reason for reason in reasons(schedule, block, day) if reason.constraint != SOFT]
        schedule.undo(mark)
        schedule.journal.clear()
        return found

    def crowd(self, launch: str, day: int) -> list[Reason]:
        """The rules between launches that keep it from the day."""
        return [reason for reason in self.reasons_against(launch, day) if reason.constraint in BETWEEN]


def engine_state_of(state: State, context: Context) -> EngineState:
    """The planner's state of a portfolio, brought to today: made again where a question came from a later day."""
    engine = state.engine
    if not isinstance(engine, EngineState) or not engine.serves(context.calendar, context.today):
        engine = state.engine = EngineState.of(context.calendar, context.today, state.launches.values())
    engine.advance(context.today)
    return engine


class Trial:
    """Changes tried out on the engine's schedule; leaving the block takes all of them back."""

    def __init__(self, engine: EngineState) -> None:
        self.engine = engine
        self._log: list[tuple[str, Entry | None, bool]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.back(0)

    def set(self, launch: LaunchId | str, entry: Entry | None) -> None:
        """Put a launch somewhere."""
        fresh = self.engine.know(launch)
        self._log.append((launch, self.engine.entries.get(launch), fresh))
        self.engine.set(launch, entry)

    def move(self, days: dict[str, int]) -> None:
        """Move several launches at once."""
        before = {name: self.engine.entries[name] for name in sorted(days)}
        for name in before:
            self.set(name, None)
        for name, entry in before.items():
            self.set(name, replace(entry, date=days[name]))

    def mark(self) -> int:
        """A place to come back to."""
        return len(self._log)

    def back(self, mark: int) -> None:
        """Take back everything since the mark."""
        while len(self._log) > mark:
            launch, entry, fresh = self._log.pop()
            self.engine.set(launch, entry)
            if fresh:
                self.engine.forget(launch)


class LiveSchedule(Schedule):
    """A schedule whose blocks can be set at any time, as long as nothing is being tried out (no journal)."""

    def __init__(self, frame: PlanningProblem, days: Days, offsets: Sequence[int], follows: Sequence[Follows]) -> None:
        self.offsets = list(offsets)
        self.follows = follows
        self.linked = {name for rule in follows for name in (rule.launch, rule.after)}
        self.passed = 0
        super().__init__(frame)
        self.base = frame.today
        self.blocks = Blocks([])
        self.calendar = days  # type: ignore[assignment]  # answers the same three questions
        self.lag = days.lag

    def _offsets(self) -> list[int]:
        return self.offsets

    def add_team(self, team: TeamWeeks) -> None:
        """Weeks that are over do not count for it either."""
        super().add_team(team)
        for at in range(self.row[team.id], self.row[team.id] + self.passed):
            self.free[at] += UNLIMITED

    # ---- blocks

    def add(self) -> int:
        """An empty block at the end."""
        self.blocks.add()
        return super().add()

    def pop(self) -> None:
        """Take back the last `add`; the block must be empty again."""
        self.blocks.pop()
        super().pop()

    def fill(self, block: int, members: Members) -> None:
        """Give the block these launches, all on one date, in place of those it had; none: it is empty."""
        self._empty(block)
        self.blocks.members[block] = members
        for entry in members:
            self.blocks.block_of[entry.id] = block
            self.using[entry.features[0]] = [block]
            self.features[entry.features[0]] = (OUT, OUT)
        if members:
            self._settle_in(block, members)

    def _empty(self, block: int) -> None:
        members = self.blocks.members[block]
        if not members:
            return
        self._leave_home(block)
        self.take(block)
        self.journal.clear()
        self.clear(block)
        for entry in members:
            self.blocks.block_of.pop(entry.id, None)
            self.using.pop(entry.features[0], None)
            self.features.pop(entry.features[0], None)

    # ---- order

    def rewire(self) -> None:
        """Find out again who follows whom, after launches came or went that others follow."""
        blocks, known = self.blocks, self.blocks.block_of
        pairs = [rule for rule in self.follows if rule.launch in known and rule.after in known]
        for name in sorted({rule.launch for rule in self.follows} & known.keys()):
            members = blocks.members[known[name]]
            regions = next(entry.regions for entry in members if entry.id == name)
            after = tuple(After(rule.after, self.lag(rule, regions)) for rule in pairs if rule.launch == name)
            blocks.members[known[name]] = tuple(
                replace(entry, after=after) if entry.id == name else entry for entry in members
            )
        fresh = Blocks(blocks.members)
        blocks.before, blocks.behind, blocks.order, blocks.rank = fresh.before, fresh.behind, fresh.order, fresh.rank

    # ---- days

    def advance(self, today: int) -> None:
        """The day moves on: weeks that are over no longer count, and what is near weighs more."""
        if today <= self.portfolio.today:
            return
        self.portfolio = replace(self.portfolio, today=today)
        week = week_of(today) - self.calendar.first_week
        for start in self.row.values():
            for at in range(start + self.passed, start + week):
                self.free[at] += UNLIMITED
        self.passed = max(self.passed, week)
        for block, members in enumerate(self.blocks.members):
            if members and self._weigh(block) != self.weight[block]:
                self._leave_home(block)
                self._price_home(block)
                self._come_home(block)


class LiveDeadlines(Deadlines):
    """Deadlines, found at once where nobody follows anybody."""

    def __init__(self, schedule: LiveSchedule) -> None:
        if schedule.follows:
            super().__init__(schedule)
        else:
            self._schedule, self.latest = schedule, schedule.last.copy()


class LivePlanner(Planner):
    """The engine on a live schedule."""

    def __init__(self, schedule: LiveSchedule) -> None:
        self.effort = Effort()
        self.schedule: LiveSchedule = schedule
        self.standing = set()
        self.locked = set()
