"""What launch knows of one portfolio, and how a told message changes it: `evolve`. No decisions here.

The state is what all `LaunchesChanged` so far, applied in order, give. Whoever holds the lock changes it in place.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from services.launch.domain.audiences.boarding import Act, count_missed
from services.launch.domain.audiences.heard import Audiences
from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import BY_HAND, HAPPENED_STATES, OPEN_STATES, Launch, Move, derive
from services.launch.domain.planning.resident import Resident
from services.launch.domain.policy import louder
from services.launch.domain.readiness import Known, follow
from services.launch.domain.tiers.retiering import RETIER
from services.launch.domain.wakes import wakes_at
from shared.contracts.launch import (
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchFeature,
    LaunchKind,
    LaunchSnapshot,
    Proposal,
)
from shared.contracts.words import LaunchId, PortfolioId

MOST_MOVES = 8
RESCHEDULE = "reschedule"
"""The kind of a proposal to move launches."""
SPARE_DAYS = 1000
"""How many days that no longer hold may lie among those ahead before they are cleared away."""


@dataclass(slots=True)
class State:
    """Features and launches of a portfolio, which launches each feature is in, and the days ahead, soonest first."""

    portfolio: PortfolioId
    features: dict[str, Known] = field(default_factory=dict)
    launches: dict[LaunchId, Launch] = field(default_factory=dict)
    of_feature: dict[str, set[LaunchId]] = field(default_factory=dict)
    days: list[tuple[date, LaunchId]] = field(default_factory=list)
    wakes: list[tuple[datetime, LaunchId]] = field(default_factory=list)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    """Moves that wait for a person."""
    standing: dict[LaunchId, date] = field(default_factory=dict)
    """The dates of all launches that count: those ahead, and those that happened."""
    audiences: Audiences = field(default_factory=Audiences)
    """What each segment hears on which day, and who rides on which train; never stored."""
    planner: Resident | None = None
    """The launches as the planner sees them, once it was asked for; never stored."""

    def fill(self, features: Iterable[Known], launches: Iterable[Launch]) -> None:
        """Fill an empty state from the store."""
        self.features = {one.id: one for one in features}
        for launch in launches:
            self.put(launch)

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
        if launch.snapshot.date and is_awaited(launch):
            heapq.heappush(self.days, (launch.snapshot.date, launch.id))
        if launch.wakes_at:
            heapq.heappush(self.wakes, (launch.wakes_at, launch.id))
        self._keep_up(launch)

    def _keep_up(self, launch: Launch) -> None:
        day, state = launch.snapshot.date, launch.snapshot.state
        if day and (state in OPEN_STATES or state in HAPPENED_STATES):
            self.standing[launch.id] = day
        else:
            self.standing.pop(launch.id, None)
        self.audiences.keep(launch)
        if self.planner:
            self.planner.keep(launch)
        if len(self.wakes) > SPARE_DAYS + 2 * len(self.launches):
            self.wakes = [(one.wakes_at, one.id) for one in self.launches.values() if one.wakes_at]
            heapq.heapify(self.wakes)
        if len(self.days) > SPARE_DAYS + 2 * len(self.launches):
            self.days = [
                (one.snapshot.date, one.id) for one in self.launches.values() if one.snapshot.date and is_awaited(one)
            ]
            heapq.heapify(self.days)

    def next_day(self) -> tuple[date, LaunchId] | None:
        """The soonest launch day ahead; days that no longer hold are forgotten on the way."""
        while self.days:
            day, launch = self.days[0]
            known = self.launches[launch]
            if known.snapshot.date == day and is_awaited(known):
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


def is_awaited(launch: Launch) -> bool:
    """Whether something must happen on its date: it is ahead, and that date has not come yet."""
    missed = any(one.constraint == "missed" for one in launch.conflicts)
    return launch.snapshot.state in OPEN_STATES and launch.snapshot.date is not None and not missed


def evolve(state: State, message: LaunchesChanged, now: datetime, calendar: Calendar) -> None:
    """Apply what was told. The same for a decision and for a replay."""
    before = {one.feature.id: state.features.get(one.feature.id) for one in message.features}
    today = calendar.day_of(now)
    for heard in message.features:
        known = state.features.get(heard.feature.id)
        state.features[heard.feature.id] = follow(known, heard.feature, today, calendar.policy)
    step = _Step(state, message, now, calendar, before)
    for change in message.changes:
        launch = step.launch_after(change)
        wakes = wakes_at(launch, state.features, calendar, now)
        state.put(launch.model_copy(update={"wakes_at": wakes}) if wakes else launch)
    for proposal in message.proposals:
        if proposal.kind == RESCHEDULE:
            state.proposals.pop(proposal.id, None)
            state.proposals |= {proposal.id: proposal} if proposal.state == "open" else {}


@dataclass(frozen=True, slots=True)
class _Step:
    """One message being applied; `before` holds its features as they were."""

    state: State
    message: LaunchesChanged
    now: datetime
    calendar: Calendar
    before: dict[str, Known | None]

    def launch_after(self, change: LaunchChange) -> Launch:
        launch = self.state.launches.get(change.launch.id)
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
            moved_at=(*launch.moved_at, *(one.at for one in moves[-1:] if one not in launch.moves))[-MOST_MOVES:],
            retiered_at=self._retiered_at(launch, old, new),
            asked=self._asked(launch, change),
            trains_missed=count_missed(launch, new, Act(self.message.cause.id, change.kinds), self.calendar),
        )

    def _opened(self, change: LaunchChange) -> Launch:
        known = self.state.launches.get(change.launch.id)
        return Launch(
            snapshot=change.launch,
            version=1,
            changed_at=self.now,
            by_hand=self._by_hand(set(), None, change.launch),
            conflicts=self._conflicts(None, change),
            dated_by=self.message.cause.id,
            number=known.number if known else len(self.state.launches) + 1,
            asked=self._asked(None, change),
        )

    def _retiered_at(self, launch: Launch, old: LaunchSnapshot, new: LaunchSnapshot) -> datetime | None:
        """A change by a person begins no rest, nor does the end of one."""
        same = (old.market_tier, old.internal_tier) == (new.market_tier, new.internal_tier)
        by_itself = old.override is None and not self.message.cause.id.startswith("launch:person:")
        return launch.retiered_at if same else self.now if by_itself else None

    def _asked(self, launch: Launch | None, change: LaunchChange) -> Proposal | None:
        """The change of the tier that waits for a person."""
        ours = (one for one in self.message.proposals if one.kind == RETIER)
        told = next((one for one in ours if any(move.launch == change.launch.id for move in one.moves)), None)
        if told:
            return told if told.state in {"open", "rejected"} else None
        return launch.asked if launch else None

    def _moves(self, launch: Launch, change: LaunchChange, old: LaunchSnapshot) -> tuple[Move, ...]:
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
        known = [one for one in map(self._known_before, old.features) if one and not one.is_cancelled]
        ready = {one.id: one.ready_on for one in known}
        tiers = (old.market_tier, old.internal_tier)
        tier = louder(*tiers)
        move = Move(
            earlier=old.date,
            later=new.date,
            at=self.now,
            tier=tier,
            ready=ready,
            cause=self.message.cause.id,
            made_room=self.before.keys().isdisjoint(ready) and (new.market_tier, new.internal_tier) == tiers,
        )
        return (*moves, move)[-MOST_MOVES:]

    def _known_before(self, feature: LaunchFeature) -> Known | None:
        return self.before[feature.id] if feature.id in self.before else self.state.features.get(feature.id)

    def _by_hand(self, held: set[str], old: LaunchSnapshot | None, new: LaunchSnapshot) -> tuple[str, ...]:
        """Which fields a person has set: after a person's act, those that differ from what the features would give."""
        if not self.message.cause.id.startswith("launch:person:"):
            return tuple(sorted(held))
        derived = derive([self.state.features[one.id] for one in new.features if one.id in self.state.features])
        for name in BY_HAND:
            if old is None or getattr(old, name) != getattr(new, name):
                differs = getattr(new, name) != derived.get(name, ())
                held = held | {name} if differs else held - {name}
        if old is None or old.state != new.state:
            held = held | {"state"} if new.state == "cancelled" else held - {"state"}
        return tuple(sorted(held))

    def _conflicts(self, launch: Launch | None, change: LaunchChange) -> tuple[Conflict, ...]:
        if LaunchKind.CONFLICT_OPENED in change.kinds:
            return tuple(one for one in self.message.conflicts if one.launch == change.launch.id)
        return () if LaunchKind.CONFLICT_CLOSED in change.kinds or launch is None else launch.conflicts
