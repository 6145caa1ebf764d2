"""The engine's schedule, kept up to date: launches come, change and go, and the day moves on.

Every launch has its block from the moment it is known, empty while it has no date, so that blocks are numbered in the
order in which launches came, kept or loaded. No decision here.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.launch.domain.constraints import Follows
from services.launch.domain.planner.blocks import Blocks, Members
from services.launch.domain.planner.engine import Effort, Planner
from services.launch.domain.planner.forced import Deadlines
from services.launch.domain.planner.model import After, Portfolio, week_of
from services.launch.domain.planner.schedule import OUT, UNLIMITED, Schedule
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
        self.lag = days.lag
        self.passed = 0

    def _offsets(self) -> list[int]:
        return self.offsets

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
        for one in members:
            self.blocks.block_of[one.id] = block
            self.using[one.features[0]] = [block]
            self.features[one.features[0]] = (OUT, OUT)
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
        for one in members:
            self.blocks.block_of.pop(one.id, None)
            self.using.pop(one.features[0], None)
            self.features.pop(one.features[0], None)

    # ---- order

    def rewire(self) -> None:
        """Find out again who follows whom, after launches came or went that others follow."""
        blocks, known = self.blocks, self.blocks.block_of
        pairs = [one for one in self.follows if one.launch in known and one.after in known]
        for name in sorted({one.launch for one in self.follows} & known.keys()):
            members = blocks.members[known[name]]
            regions = next(one.regions for one in members if one.id == name)
            after = tuple(After(one.after, self.lag(one, regions)) for one in pairs if one.launch == name)
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
