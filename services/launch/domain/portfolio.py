"""The dates of all launches that count, those ahead and those that happened: also by week. No rules here."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from services.launch.domain.calendar import Calendar
from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature, Slips
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, Launch
from services.launch.domain.policy import TIERS
from services.launch.domain.rules.audience import CROWDING
from services.launch.domain.rules.catalogue import ROOM
from services.launch.domain.rules.rule import Board, LaunchDates
from shared.contracts.launch import Proposal, Tier
from shared.contracts.words import LaunchId, PortfolioId

RESCHEDULE = "reschedule"

"""The kind of a proposal to move launches."""

SPARE_DAYS = 1000

"""How many days that no longer hold may lie among those ahead before they are cleared away."""


LAUNCH_DAY, WAKE = "launch-day", "wake"
"""The timers that a launch has: its day, and whatever else it waits for."""


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that has run out."""

    due_at: datetime
    day: date
    launch: LaunchId
    timer: str = LAUNCH_DAY


class KeptUp(Protocol):
    """What is built from all launches and told of each that changes."""

    def keep(self, launch: Launch, /) -> None:
        """Take in what a launch is now."""


@dataclass(slots=True)
class State:
    """Features and launches of a portfolio, which launches each feature is in, and the days ahead, soonest first."""

    portfolio: PortfolioId
    features: dict[str, KnownFeature] = field(default_factory=dict)
    slips: Slips = field(default_factory=Slips)
    """How late teams shipped; never stored, the features know it."""
    launches: dict[LaunchId, Launch] = field(default_factory=dict)
    of_feature: dict[str, set[LaunchId]] = field(default_factory=dict)
    days: list[tuple[date, LaunchId]] = field(default_factory=list)
    wakes: list[tuple[datetime, LaunchId]] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    """Moves that wait for a person."""
    standing: LaunchDates = field(default_factory=LaunchDates)
    """Where all launches that count are; never stored."""
    ahead: dict[Tier, set[LaunchId]] = field(default_factory=lambda: {tier: set() for tier in TIERS})
    """Launches ahead that have a date, by how loud they are outside; never stored."""
    riders: dict[date, set[LaunchId]] = field(default_factory=dict)
    """Launches ahead by the train that they ride on; never stored."""
    crowding: set[LaunchId] = field(default_factory=set)
    """Launches of which it is told that they crowd a segment; never stored."""
    _trains: dict[LaunchId, date] = field(default_factory=dict)
    cramped: set[LaunchId] = field(default_factory=set)
    """Launches ahead that are known to stand where others leave them no room."""
    engine: KeptUp | None = None
    """The launches as the engine sees them, once it was asked for (scheduling/engine_state.py); never stored."""

    def board(self, context: Context) -> Board:
        """Who is where now."""
        return Board(context.calendar, context.today, self.standing, lambda name: self.launches[name].snapshot)

    def fill(self, features: Iterable[KnownFeature], launches: Iterable[Launch], proposals: Iterable[Proposal]) -> None:
        """Fill an empty state from the store, open proposals in the order in which they were told."""
        self.learn({one.id: one for one in features})
        for launch in launches:
            self.put(launch)
        moving = (one for one in proposals if one.kind == RESCHEDULE)  # those of tiers are kept by their launches
        in_order = sorted(moving, key=lambda one: (one.base_version or 0, len(one.id), one.id))
        self.proposals = {one.id: one for one in in_order}

    def learn(self, news: Mapping[str, KnownFeature]) -> None:
        """Take in what is known of features now."""
        for name, known in news.items():
            self.slips.remove(self.features[name].slips if name in self.features else ())
            self.slips.add(known.slips)
        self.features.update(news)

    def put(self, launch: Launch) -> None:
        """Take a launch in, or a new version of it."""
        before = self.launches.get(launch.id)
        self.launches[launch.id] = launch
        gone = {one.id for one in before.snapshot.features} if before else set()
        for one in launch.snapshot.features:
            gone.discard(one.id)
            self.of_feature.setdefault(one.id, set()).add(launch.id)
        for feature in gone:
            self.of_feature[feature].discard(launch.id)
        if launch.snapshot.date and launch.is_awaited:
            heapq.heappush(self.days, (launch.snapshot.date, launch.id))
        if launch.wakes_at:
            heapq.heappush(self.wakes, (launch.wakes_at, launch.id))
        self._keep_up(launch)
        self._forget_days()

    def _keep_up(self, launch: Launch) -> None:
        day, state = launch.snapshot.date, launch.snapshot.state
        self.standing.put(launch.id, day if state in OPEN_STATES or state in HAPPENED_STATES else None)
        for names in self.ahead.values():
            names.discard(launch.id)
        if day and state in OPEN_STATES:
            self.ahead[launch.snapshot.market_tier].add(launch.id)
        broken = {conflict.constraint for conflict in launch.conflicts}
        _keep(self.cramped, launch.id, state in OPEN_STATES and not ROOM.isdisjoint(broken))
        _keep(self.crowding, launch.id, not CROWDING.isdisjoint(broken))
        before = self._trains.pop(launch.id, None)
        if before:
            self.riders[before].discard(launch.id)
            if not self.riders[before]:
                del self.riders[before]
        train = launch.snapshot.train
        if train and day and state in OPEN_STATES:
            self.riders.setdefault(train, set()).add(launch.id)
            self._trains[launch.id] = train
        if self.engine:
            self.engine.keep(launch)

    def _forget_days(self) -> None:
        if len(self.wakes) > SPARE_DAYS + 2 * len(self.launches):
            self.wakes = [(one.wakes_at, one.id) for one in self.launches.values() if one.wakes_at]
            heapq.heapify(self.wakes)
        if len(self.days) > SPARE_DAYS + 2 * len(self.launches):
            self.days = [
                (one.snapshot.date, one.id) for one in self.launches.values() if one.snapshot.date and one.is_awaited
            ]
            heapq.heapify(self.days)

    def next_day(self) -> tuple[date, LaunchId] | None:
        """The soonest launch day ahead; days that no longer hold are forgotten on the way."""
        while self.days:
            day, launch = self.days[0]
            known = self.launches[launch]
            if known.snapshot.date == day and known.is_awaited:
                return day, launch
            heapq.heappop(self.days)
        return None

    def next_wake(self) -> tuple[datetime, LaunchId] | None:
        """The soonest instant at which the clock has something else to do; those that no longer hold are forgotten."""
        while self.wakes:
            at, launch = self.wakes[0]
            if self.launches[launch].wakes_at == at:
                return at, launch
            heapq.heappop(self.wakes)
        return None

    def next_due(self, now: datetime, calendar: Calendar) -> Due | None:
        """The first timer that is due at `now`, by (due_at, id); None if none is."""
        found = []
        soonest, reminder = self.next_day(), self.next_wake()
        if soonest and soonest[0] <= calendar.day_of(now):
            found.append(Due(calendar.start_of(soonest[0]), *soonest))
        if reminder and reminder[0] <= now:
            found.append(Due(reminder[0], calendar.day_of(reminder[0]), reminder[1], WAKE))
        return min(found, key=lambda due: (due.due_at, due.launch, due.timer), default=None)


def _keep(names: set[LaunchId], launch: LaunchId, belongs: bool) -> None:  # noqa: FBT001 - what it decides
    if belongs:
        names.add(launch)
    else:
        names.discard(launch)
