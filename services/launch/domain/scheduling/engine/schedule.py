"""The resident state: where every block sits and what it uses, with a journal to take everything back.

Answers "does it fit there" in a few array look-ups. Only bookkeeping: what to move where is decided in search.py.
Indices are flat: row of the team (or segment) + padding + week counted from today's + offset.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from services.launch.domain.scheduling.engine.allowed import AllowedDays
from services.launch.domain.scheduling.engine.blocks import Blocks, Members, named_once, order_launches
from services.launch.domain.scheduling.engine.model import (
    DAYS_A_WEEK,
    REST,
    Costs,
    Entry,
    Event,
    Line,
    PlanningProblem,
    Scope,
    TeamWeeks,
    next_day,
    next_monday,
    week_of,
)

OUT = 0  # the date of a block that is taken out

UNLIMITED = 1 << 40  # capacity of weeks that are over: they no longer count

NEVER = 1 << 60  # a price nobody pays


class Columns:
    """What is known of each block: lists with one value a block. A block without launches has the values given here."""

    def __init__(self, count: int) -> None:
        self.days: list[tuple[int, ...]] = [()] * count  # allowed dates
        self.pinned = [True] * count
        self.home = [0] * count  # the baseline date; 0: none
        self.date = [0] * count  # the present one
        self.own = [0] * count  # the earliest by its own features
        self.last = [0] * count  # the latest that it may have by itself
        self.load: list[dict[int, int]] = [{}] * count  # units by row of the team plus offset
        # The same, the largest needs first: they fail first, which makes the common answer of `fits` a quick one.
        self.profile: list[tuple[tuple[int, int], ...]] = [()] * count
        self.segments: list[tuple[int, ...]] = [()] * count
        self.scopes: list[tuple[Scope, ...]] = [()] * count  # lines to keep so many days apart in
        self.audience: list[tuple[int, ...]] = [()] * count  # where the segments that hear of it are counted
        self.rides = [False] * count  # whether it shares its announcement with others on its day
        self.kind = [0] * count  # blocks of one kind fit on the same days, wherever the others are
        self.weight = [0] * count
        self.nudge = [0] * count  # the least price of moving
        self.leave = [0] * count  # and of leaving its week

    def add(self) -> int:
        """A block without launches at the end."""
        for column, empty in self._columns():
            column.append(empty)
        return len(self.home) - 1

    def pop(self) -> None:
        """Take back the last `add`."""
        for column, _ in self._columns():
            column.pop()

    def clear(self, block: int) -> None:
        """Forget all that is known of the block."""
        for column, empty in self._columns():
            column[block] = empty

    def _columns(self) -> Iterator[tuple[list[Any], Any]]:
        """Each with the value of a block without launches."""
        return ((getattr(self, name), column[0]) for name, column in vars(EMPTY).items())


EMPTY = Columns(1)


class Schedule(Columns):
    """Built from a portfolio in one pass. `home` is the baseline date, `date` the present, `cost` that of all moves."""

    def __init__(self, portfolio: PlanningProblem) -> None:
        super().__init__(0)
        self.portfolio = portfolio
        self.policy: Costs = portfolio.policy
        self.blocks: Blocks = order_launches(named_once(portfolio.launches))
        self.calendar = AllowedDays(portfolio)
        self.features = {feature.id: (feature.ready_on, feature.confident_since) for feature in portfolio.features}
        self.using: dict[str, list[int]] = {name: [] for name in self.features}
        self.cost = 0
        self.journal: list[tuple[int, int]] = []
        self._lay_out()
        for at, members in enumerate(self.blocks.members):
            self.add()
            for name in sorted({name for launch in members for name in launch.features}):
                self.using[name].append(at)
            if not portfolio.today <= members[0].date <= portfolio.horizon:
                raise ValueError(f"{members[0].id} must have a date from today to the horizon")
            self._settle_in(at, members)

    def _settle_in(self, block: int, members: Members) -> None:
        """Work out all that is known of the block, and put it where it is at home."""
        self.days[block] = self.calendar.days(members)
        self.pinned[block] = any(one.pinned for one in members)
        self.home[block] = members[0].date
        self.own[block] = self._own(block)
        self.last[block] = min([self.portfolio.horizon, *(one.not_after for one in members if one.not_after)])
        self.load[block] = self._load(members)
        self.profile[block] = tuple(sorted(self.load[block].items(), key=lambda need: (-need[1], need[0])))
        self.segments[block] = self._rows(name for one in members for name in one.segments)
        self.scopes[block] = self._scopes(members)
        self.audience[block] = self._rows(name for one in members for name in one.audience)
        self.rides[block] = all(one.rides for one in members)
        listens = (self.audience[block], self.rides[block])
        need = (id(self.days[block]), self.profile[block], self.segments[block], self.scopes[block], *listens)
        self.kind[block] = self.kinds.setdefault(need, len(self.kinds))
        self._price_home(block)
        self.put(block, self.home[block])
        self._come_home(block)
        self.journal.clear()

    def _price_home(self, block: int) -> None:
        self.weight[block] = self._weigh(block)
        self.nudge[block] = self._least(block, self.home[block] + 1)
        self.leave[block] = self._least(block, next_monday(self.home[block]))

    def _lay_out(self) -> None:
        """Give every team, segment and line its indices."""
        self.span = week_of(self.portfolio.horizon) - self.calendar.first_week + 1
        offsets = [offset for offset in self._offsets() if offset > -self.span]
        self.pad = max(0, -min(offsets, default=0))
        self.width = self.pad + self.span + max(0, *offsets, 0)
        self.teams: list[TeamWeeks] = []
        self.row: dict[str, int] = {}
        self.free: list[int] = []
        self.users: list[set[int]] = []
        # Who can be asked to leave a team's week: (price of leaving, block) of those at home there, the cheapest first.
        self.residents: list[list[tuple[int, int]]] = []
        for team in sorted(self.portfolio.teams, key=lambda team: team.id):
            self.add_team(team)
        self.segment_names = sorted({name for launch in self.portfolio.launches for name in launch.segments})
        self.at_segment = {name: at * self.width for at, name in enumerate(self.segment_names)}
        self.speakers: defaultdict[int, set[int]] = defaultdict(set)
        # Of segments with an audience rule, by week: who speaks to them, and how many of these are announced alone.
        self.listening: defaultdict[int, set[int]] = defaultdict(set)
        self.alone: defaultdict[int, int] = defaultdict(int)
        self.lines: defaultdict[Line, list[tuple[int, int]]] = defaultdict(list)
        self.kinds: dict[tuple[object, ...], int] = {}

    def add_team(self, team: TeamWeeks) -> None:
        """Count one more team, or whatever else is limited by weeks."""
        start = self.row[team.id] = len(self.free) + self.pad
        self.teams.append(team)
        self.free += [UNLIMITED] * self.pad + [0] * (self.width - self.pad)
        for at, units in enumerate(team.capacity, team.first_week - self.calendar.first_week):
            if 0 <= at < self.width - self.pad:
                self.free[start + at] = units
        self.users += [set() for _ in range(self.width)]
        self.residents += [[] for _ in range(self.width)]

    def team_at(self, at: int) -> TeamWeeks:
        """Whose row a place is in; rows follow each other as they were first needed, teams by name say more."""
        return self.teams[at // self.width]

    def _offsets(self) -> list[int]:
        """The weeks, counted from a launch's own, in which launches need work."""
        return [work.offset for launch in self.portfolio.launches for work in launch.work]

    def _load(self, members: Members) -> dict[int, int]:
        """Units by flat index of the team's row and the offset; work that is always over is left out."""
        load: dict[int, int] = {}
        for launch in members:
            for team, offset, units in launch.work:
                if offset > -self.span:
                    at = self.row[team] + offset
                    load[at] = load.get(at, 0) + units
        return load

    def _rows(self, segments: Iterable[str]) -> tuple[int, ...]:
        """Where these segments are counted; one that nobody spoke to yet gets its place."""
        names = set(segments)
        for name in sorted(names - self.at_segment.keys()):
            self.at_segment[name] = len(self.segment_names) * self.width
            self.segment_names.append(name)
        return tuple(sorted(self.at_segment[name] for name in names))

    def _scopes(self, block: Members) -> tuple[Scope, ...]:
        return tuple(sorted({scope for one in block for scope in one.scopes}))

    def _own(self, block: int) -> int:
        return max((self.bound(one, name) for one in self.blocks.members[block] for name in one.features), default=OUT)

    def bound(self, launch: Entry, feature: str) -> int:
        """Earliest date the feature allows the launch."""
        ready, confident = self.features[feature]
        return max(ready + self.policy.soak[launch.tier], confident + self.policy.lead[launch.tier])

    def _weigh(self, block: int) -> int:
        members = self.blocks.members[block]
        weight = max(self.policy.weight[launch.tier] for launch in members)
        if any(launch.announced for launch in members):
            weight *= self.policy.announced_factor
        ahead = self.home[block] - self.portfolio.today
        return weight * next(f for within, f in self.policy.proximity if within is None or ahead <= within)

    def _least(self, block: int, first: int) -> int:
        """Least price of moving the block to that day or later."""
        day = None if self.pinned[block] else next_day(self.days[block], first)
        return NEVER if day is None else self.price(block, day)

    def price(self, block: int, day: int) -> int:
        late = day - self.home[block]
        return self.weight[block] * (self.policy.fixed_days + late) if late else 0

    def week(self, day: int) -> int:
        """Week counted from today's."""
        return (day - 1) // DAYS_A_WEEK - self.calendar.first_week

    def learn(self, event: Event) -> Event:
        """Give the feature its new dates; the event that takes this back is returned."""
        ready, confident = self.features[event.feature]
        self.features[event.feature] = (
            ready if event.ready_on is None else event.ready_on,
            confident if event.confident_since is None else event.confident_since,
        )
        for block in self.using[event.feature]:
            self.own[block] = self._own(block)
        return Event(event.id, event.feature, ready, confident)

    def settle(self) -> None:
        """Make the present dates the baseline."""
        moved = {block for block, _ in self.journal}
        self.journal.clear()
        self.cost = 0
        for block in moved:
            self._leave_home(block)
            self.home[block] = self.date[block]
            self._price_home(block)
            self._come_home(block)

    def _come_home(self, block: int) -> None:
        week = self.week(self.home[block])
        for at, _ in self.profile[block] if self.leave[block] < NEVER else ():
            insort(self.residents[at + week], (self.leave[block], block))

    def _leave_home(self, block: int) -> None:
        week = self.week(self.home[block])
        for at, _ in self.profile[block] if self.leave[block] < NEVER else ():
            self.residents[at + week].remove((self.leave[block], block))

    def fits(self, block: int, day: int) -> bool:
        """Say whether teams, segments and lines have room; calendar and predecessors are not asked."""
        week = (day - 1) // DAYS_A_WEEK - self.calendar.first_week
        return self.has_room(block, week) and not self.is_near(block, day)

    def has_room(self, block: int, week: int) -> bool:
        """Say whether teams and segments have room in the week, counted from today's."""
        free, speakers = self.free, self.speakers
        for at, units in self.profile[block]:
            if free[at + week] < units:
                return False
        if not all(not speakers.get(at + week) for at in self.segments[block]):
            return False
        return all(self.touches(at + week, self.rides[block]) < self.portfolio.touches for at in self.audience[block])

    def touches(self, at: int, rides: bool) -> int:  # noqa: FBT001 - as the blocks have it
        """Announcements that a segment hears in the week, but for the train if the block that asks rides on it."""
        alone = self.alone.get(at, 0)
        return alone if rides else alone + (len(self.listening.get(at, ())) > alone)

    def is_aboard(self, block: int, day: int) -> bool:
        """Whether the block on the day is part of its train's announcement."""
        return self.rides[block] and day in self.portfolio.train_days

    def too_many(self, block: int, day: int) -> Iterator[tuple[int, list[int]]]:
        """For each segment that hears enough in the day's week: how many announcements must leave, and who could."""
        week = self.week(day)
        for at in self.audience[block]:
            over = self.touches(at + week, self.rides[block]) - self.portfolio.touches + 1
            if over > 0:
                riders = {other for other in self.listening[at + week] if self.is_aboard(other, self.date[other])}
                stay = riders if self.rides[block] or len(riders) > 1 else set()
                yield over, sorted(self.listening[at + week] - stay)

    def is_near(self, block: int, day: int) -> bool:
        """Say whether another block of the same line is too close. The block itself must be out."""
        for scope, gap in self.scopes[block]:
            line = self.lines[scope]
            at = bisect_left(line, (day - gap + 1, -1))
            if at == len(line) or line[at][0] >= day + gap:  # the common answer, without a loop
                continue
            if scope.constraint != REST or any(True for _ in self.near_in(block, day, scope, gap)):
                return True
        return False

    def _shares(self, block: int, day: int, scope: Line, other: tuple[int, int]) -> bool:
        """Whether both are one announcement to the segment: on the same train."""
        together = scope.constraint == REST and other[0] == day
        return together and self.is_aboard(block, day) and self.is_aboard(other[1], day)

    def near(self, block: int, day: int) -> list[int]:
        """Blocks of the same lines that are too close to the day."""
        return [other for scope, gap in self.scopes[block] for other in self.near_in(block, day, scope, gap)]

    def near_in(self, block: int, day: int, scope: Line, gap: int) -> Iterator[int]:
        """Other blocks in one line that are too close to the day."""
        line = self.lines[scope]
        at = bisect_left(line, (day - gap + 1, -1))
        while at < len(line) and line[at][0] < day + gap:
            if line[at][1] != block and not self._shares(block, day, scope, line[at]):
                yield line[at][1]
            at += 1

    def put(self, block: int, day: int) -> None:
        self.journal.append((block, OUT))
        self._put(block, day)

    def take(self, block: int) -> None:
        self.journal.append((block, self.date[block]))
        self._take(block)

    def undo(self, mark: int) -> None:
        """Take back everything since the journal had this length."""
        while len(self.journal) > mark:
            block, day = self.journal.pop()
            if day == OUT:
                self._take(block)
            else:
                self._put(block, day)

    def _put(self, block: int, day: int) -> None:
        self.date[block] = day
        self.cost += self.price(block, day)
        week = self.week(day)
        free, users = self.free, self.users
        for at, units in self.profile[block]:
            free[at + week] -= units
            users[at + week].add(block)
        for at in self.segments[block]:
            self.speakers[at + week].add(block)
        for at in self.audience[block]:
            self.listening[at + week].add(block)
            self.alone[at + week] += not self.is_aboard(block, day)
        for scope, _ in self.scopes[block]:
            insort(self.lines[scope], (day, block))

    def _take(self, block: int) -> None:
        day = self.date[block]
        self.date[block] = OUT
        self.cost -= self.price(block, day)
        week = self.week(day)
        free, users = self.free, self.users
        for at, units in self.profile[block]:
            free[at + week] += units
            users[at + week].discard(block)
        for at in self.segments[block]:
            self.speakers[at + week].discard(block)
        for at in self.audience[block]:
            self.listening[at + week].discard(block)
            self.alone[at + week] -= not self.is_aboard(block, day)
        for scope, _ in self.scopes[block]:
            self.lines[scope].remove((day, block))
