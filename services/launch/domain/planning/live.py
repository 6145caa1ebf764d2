"""The engine's schedule, kept up to date: launches come, change and go, and the day moves on.

Every launch has its block from the moment it is known, empty while it has no date, so that blocks are numbered in the
order in which launches came, kept or loaded. No decision here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.launch.domain.constraints import Follows
from services.launch.domain.planner.blocks import Blocks, Members
from services.launch.domain.planner.engine import Effort, Planner
from services.launch.domain.planner.forced import Deadlines
from services.launch.domain.planner.model import After, Portfolio, week_of
from services.launch.domain.planner.schedule import NEVER, OUT, UNLIMITED, Schedule
from services.launch.domain.planning.frame import Days


class LiveSchedule(Schedule):
    """A schedule whose blocks can be set at any time, as long as nothing is being tried out (no journal)."""

    def __init__(self, frame: Portfolio, days: Days, offsets: Sequence[int], follows: Sequence[Follows]) -> None:
        self.offsets = list(offsets)
        self.follows = follows
        self.linked = {name for one in follows for name in (one.launch, one.after)}
        super().__init__(frame)
        self.base = frame.today
        self.blocks = Blocks([])
        self.calendar = days  # type: ignore[assignment]  # answers the same three questions
        self.passed = 0

    def _offsets(self) -> list[int]:
        return self.offsets

    # ---- blocks

    def add(self) -> int:
        """An empty block at the end."""
        at = len(self.home)
        for column in (self.days, self.segments, self.scopes, self.profile):
            column.append(())
        for numbers in (self.home, self.date, self.own, self.weight, self.nudge, self.leave):
            numbers.append(0)
        self.kind.append(at)  # a kind of its own: what a block needs can change at any time
        self.load.append({})
        self.pinned.append(True)
        self.blocks.members.append(())
        self.blocks.before.append([])
        self.blocks.behind.append([])
        self.blocks.order.append(at)
        self.blocks.rank.append(at)
        return at

    def pop(self) -> None:
        """Take back the last `add`; the block must be empty again."""
        last = len(self.home) - 1
        blocks = self.blocks
        columns = (self.days, self.segments, self.scopes, self.profile, self.home, self.date, self.own)
        rest = (
            self.weight,
            self.nudge,
            self.leave,
            self.kind,
            self.load,
            self.pinned,
            blocks.members,
            blocks.before,
            blocks.behind,
        )
        for column in (*columns, *rest, blocks.rank):
            column.pop()
        blocks.order.remove(last)

    def fill(self, block: int, members: Members) -> None:
        """Give the block these launches, all on one date, in place of those it had; none: it is empty."""
        self._clear(block)
        self.blocks.members[block] = members
        for one in members:
            self.blocks.block_of[one.id] = block
            self.using[one.features[0]] = [block]
            self.features[one.features[0]] = (OUT, OUT)
        if members:
            self._settle_in(block, members)

    def _settle_in(self, block: int, members: Members) -> None:
        span = self.width - self.pad
        self.days[block] = self.calendar.days(members)
        self.pinned[block] = any(one.pinned for one in members)
        self.home[block] = members[0].date
        self.own[block] = OUT
        self.load[block] = self._load(members, self.row, span)
        self.profile[block] = tuple(sorted(self.load[block].items(), key=lambda need: (-need[1], need[0])))
        self.segments[block] = self._rows(members)
        self.scopes[block] = self._scopes(members)
        self._price_home(block)
        self.put(block, self.home[block])
        self._come_home(block)
        self.journal.clear()

    def _clear(self, block: int) -> None:
        members = self.blocks.members[block]
        if not members:
            return
        self._leave_home(block)
        self.take(block)
        self.journal.clear()
        self.pinned[block], self.days[block], self.home[block] = True, (), OUT
        self.load[block], self.profile[block], self.segments[block], self.scopes[block] = {}, (), (), ()
        self.weight[block], self.nudge[block], self.leave[block], self.own[block] = 0, 0, 0, OUT
        for one in members:
            self.blocks.block_of.pop(one.id, None)
            self.using.pop(one.features[0], None)
            self.features.pop(one.features[0], None)

    def _rows(self, members: Members) -> tuple[int, ...]:
        for name in sorted({name for one in members for name in one.segments}):
            if name not in self.at_segment:
                self.at_segment[name] = len(self.segment_names) * self.width
                self.segment_names.append(name)
        return tuple(sorted({self.at_segment[name] for one in members for name in one.segments}))

    # ---- order

    def rewire(self) -> None:
        """Find out again who follows whom, after launches came or went that others follow."""
        blocks, known = self.blocks, self.blocks.block_of
        pairs = [one for one in self.follows if one.launch in known and one.after in known]
        for name in sorted({one.launch for one in self.follows} & known.keys()):
            after = tuple(After(one.after, one.lag_days) for one in pairs if one.launch == name)
            members = blocks.members[known[name]]
            blocks.members[known[name]] = tuple(replace(one, after=after) if one.id == name else one for one in members)
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
    """Deadlines with the days after which a launch may not be."""

    def __init__(self, schedule: LiveSchedule, last: Mapping[int, int]) -> None:
        self._last = last
        if schedule.follows:
            super().__init__(schedule)
        else:
            self._schedule = schedule
            self.latest = [schedule.portfolio.horizon] * len(schedule.home)
            for block, day in last.items():
                self.latest[block] = min(self.latest[block], day)

    def _of(self, block: int, freed: frozenset[int]) -> int:
        return min(super()._of(block, freed), self._last.get(block, NEVER))


class LivePlanner(Planner):
    """The engine on a live schedule."""

    def __init__(self, schedule: LiveSchedule) -> None:
        self.effort = Effort()
        self.schedule: LiveSchedule = schedule
        self.standing = set()
        self.locked = set()
