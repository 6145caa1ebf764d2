"""A portfolio: its features and launches, what is kept of them beside, and how what was told becomes its next state.

The state is what all `LaunchesChanged` so far, applied in order by `evolve`, give. Whoever holds the lock changes it in
place. Also when the clock next has something to do with a launch; what it then does is decided elsewhere.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.feature import KnownFeature, Slips, learn
from services.launch.domain.launch import BY_HAND, HAPPENED_STATES, OPEN_STATES, AutomaticMove, Launch, derive
from services.launch.domain.policy import TIERS, louder
from services.launch.domain.rules.audience import CROWDING
from services.launch.domain.rules.catalogue import ROOM
from services.launch.domain.rules.lead import begins_next
from services.launch.domain.rules.rule import Board, LaunchDates
from services.launch.domain.rules.train import Act, count_missed, settles_on
from services.launch.domain.tiers import RETIER, assess_all, rests_until
from shared.contracts.launch import (
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchFeature,
    LaunchKind,
    LaunchSnapshot,
    Proposal,
    Tier,
)
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
        self.learn({feature.id: feature for feature in features})
        for launch in launches:
            self.put(launch)
        # those of tiers are kept by their launches
        moving = (proposal for proposal in proposals if proposal.kind == RESCHEDULE)
        in_order = sorted(moving, key=lambda proposal: (proposal.base_version or 0, len(proposal.id), proposal.id))
        self.proposals = {proposal.id: proposal for proposal in in_order}

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
        gone = {part.id for part in before.snapshot.features} if before else set()
        for part in launch.snapshot.features:
            gone.discard(part.id)
            self.of_feature.setdefault(part.id, set()).add(launch.id)
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
            self.wakes = [(launch.wakes_at, launch.id) for launch in self.launches.values() if launch.wakes_at]
            heapq.heapify(self.wakes)
        if len(self.days) > SPARE_DAYS + 2 * len(self.launches):
            self.days = [
                (launch.snapshot.date, launch.id)
                for launch in self.launches.values()
                if launch.snapshot.date and launch.is_awaited
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


def evolve(state: State, message: LaunchesChanged, now: datetime, calendar: Calendar) -> None:
    """Apply what was told. The same for a decision and for a replay."""
    before = {change.feature.id: state.features.get(change.feature.id) for change in message.features}
    state.learn(learn(state.features, message.features, state.slips, calendar, calendar.day_of(now)))
    step = Evolution(state.features, state.launches, message, now, calendar, before)
    for change in message.changes:
        launch = step.launch_after(change)
        wakes = next_reminder(launch, state.features, calendar, now)
        state.put(launch.model_copy(update={"wakes_at": wakes}) if wakes else launch)
    for proposal in message.proposals:
        if proposal.kind == RESCHEDULE:
            state.proposals.pop(proposal.id, None)
            state.proposals |= {proposal.id: proposal} if proposal.state == "open" else {}


MOST_MOVES = 8


@dataclass(frozen=True, slots=True)
class Evolution:
    """One message being applied to these features and launches; `before` holds its features as they were."""

    features: Mapping[str, KnownFeature]
    launches: Mapping[LaunchId, Launch]
    message: LaunchesChanged
    now: datetime
    calendar: Calendar
    before: dict[str, KnownFeature | None]

    def launch_after(self, change: LaunchChange) -> Launch:
        """The launch as it is stored from now on."""
        launch = self.launches.get(change.launch.id)
        if launch is None or change.before is None:
            return self._opened(change)
        old, new = change.before, change.launch
        happened = new.state == "launched" and old.state != "launched"
        moves = self._moves(launch, change, old)
        return Launch(
            snapshot=new,
            version=launch.version + 1,
            changed_at=self.now,
            moves=moves,
            last_date=old.date or launch.last_date,
            by_hand=self._by_hand(set(launch.by_hand), old, new),
            conflicts=self._conflicts(launch, change),
            dated_by=launch.dated_by if old.date == new.date else self.message.cause.id,
            happened_on=new.date if happened else launch.happened_on,
            number=launch.number,
            moved_at=(*launch.moved_at, *(move.at for move in moves[-1:] if move not in launch.moves))[-MOST_MOVES:],
            retiered_at=self._retiered_at(launch, old, new),
            asked=self._asked(launch, change),
            trains_missed=count_missed(launch, new, Act(self.message.cause.id, change.kinds), self.calendar),
        )

    def _opened(self, change: LaunchChange) -> Launch:
        known = self.launches.get(change.launch.id)
        return Launch(
            snapshot=change.launch,
            version=1,
            changed_at=self.now,
            by_hand=self._by_hand(set(), None, change.launch),
            conflicts=self._conflicts(None, change),
            dated_by=self.message.cause.id,
            number=known.number if known else len(self.launches) + 1,
            asked=self._asked(None, change),
        )

    def _retiered_at(self, launch: Launch, old: LaunchSnapshot, new: LaunchSnapshot) -> datetime | None:
        """A change by a person begins no rest, nor does the end of one."""
        same = (old.market_tier, old.internal_tier) == (new.market_tier, new.internal_tier)
        by_itself = old.override is None and not self.message.cause.id.startswith("launch:person:")
        return launch.retiered_at if same else self.now if by_itself else None

    def _asked(self, launch: Launch | None, change: LaunchChange) -> Proposal | None:
        """The change of the tier that waits for a person."""
        ours = (proposal for proposal in self.message.proposals if proposal.kind == RETIER)
        told = next(
            (proposal for proposal in ours if any(move.launch == change.launch.id for move in proposal.moves)), None
        )
        if told:
            return told if told.state in {"open", "rejected"} else None
        return launch.asked if launch else None

    def _moves(self, launch: Launch, change: LaunchChange, old: LaunchSnapshot) -> tuple[AutomaticMove, ...]:
        """The automatic moves that could still be undone."""
        new = change.launch
        oldest = self.now - timedelta(days=self.calendar.policy.undo_within_days)
        moves = tuple(move for move in launch.moves if move.at >= oldest)
        if old.date == new.date:
            return moves
        if LaunchKind.UNDONE in change.kinds:
            return tuple(move for move in moves if new.date and move.later <= new.date)
        if not (old.date and new.date and old.date < new.date) or self.message.cause.id.startswith("launch:"):
            return ()
        known = [feature for feature in map(self._known_before, old.features) if feature and not feature.is_cancelled]
        ready = {feature.id: feature.ready_on for feature in known}
        tiers = (old.market_tier, old.internal_tier)
        tier = louder(*tiers)
        move = AutomaticMove(
            earlier=old.date,
            later=new.date,
            at=self.now,
            tier=tier,
            ready=ready,
            cause=self.message.cause.id,
            made_room=self.before.keys().isdisjoint(ready) and (new.market_tier, new.internal_tier) == tiers,
        )
        return (*moves, move)[-MOST_MOVES:]

    def _known_before(self, feature: LaunchFeature) -> KnownFeature | None:
        return self.before[feature.id] if feature.id in self.before else self.features.get(feature.id)

    def _by_hand(self, held: set[str], old: LaunchSnapshot | None, new: LaunchSnapshot) -> tuple[str, ...]:
        """Which fields a person has set: after a person's act, those that differ from what the features would give."""
        if not self.message.cause.id.startswith("launch:person:"):
            return tuple(sorted(held))
        derived = derive([self.features[feature.id] for feature in new.features if feature.id in self.features])
        for name in BY_HAND:
            if old is None or getattr(old, name) != getattr(new, name):
                differs = getattr(new, name) != derived.get(name, ())
                held = held | {name} if differs else held - {name}
        if old is None or old.state != new.state:
            held = held | {"state"} if new.state == "cancelled" else held - {"state"}
        return tuple(sorted(held))

    def _conflicts(self, launch: Launch | None, change: LaunchChange) -> tuple[Conflict, ...]:
        if LaunchKind.CONFLICT_OPENED in change.kinds:
            return tuple(conflict for conflict in self.message.conflicts if conflict.launch == change.launch.id)
        return () if LaunchKind.CONFLICT_CLOSED in change.kinds or launch is None else launch.conflicts


def next_reminder(
    launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime
) -> datetime | None:
    """The first such instant after `now`; None if there is none."""
    if launch.snapshot.state not in OPEN_STATES:
        return None
    return min((instant for instant in _instants(launch, features, calendar, now) if instant > now), default=None)


def waits_for_train(launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime) -> bool:
    """Whether the launch was to be woken now because its train is settled, and for nothing else."""
    settled = settles_on(launch, calendar)
    if launch.wakes_at != now or settled is None or calendar.start_of(settled) != now:
        return False
    before = now - timedelta(microseconds=1)
    return sum(instant == now for instant in _instants(launch, features, calendar, before)) == 1


def _instants(
    launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime
) -> Iterator[datetime]:
    snapshot = launch.snapshot
    if snapshot.override:
        yield calendar.start_of(snapshot.override.until)
    for waiver in snapshot.waivers:
        yield calendar.start_of(waiver.until)
    dawn = begins_next(snapshot, calendar, now)
    if dawn:
        yield dawn
    settled = settles_on(launch, calendar)
    if settled:
        yield calendar.start_of(settled)
    rest = rests_until(launch, calendar)
    if rest and rest > now and not snapshot.override and _would_change(launch, features, calendar):
        yield rest


def _would_change(launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar) -> bool:
    """Whether its tier would be another one if it were not at rest."""
    snapshot = launch.snapshot
    active = [features[part.id] for part in snapshot.features if part.id in features]
    snapshots = [known.snapshot for known in active if not known.is_cancelled]
    if not snapshots:
        return False
    computed = assess_all(snapshots, calendar.policy, snapshot.market_tier)
    return (computed.market, computed.internal) != (snapshot.market_tier, snapshot.internal_tier)
