"""A launch after what was told of it: what decisions need to remember besides its snapshot. No decisions here.

Worked out from the message and the launch before it alone, so that a replay of everything told gives the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature, learn
from services.launch.domain.launch import BY_HAND, OPEN_STATES, AutomaticMove, Launch, derive
from services.launch.domain.policy import louder
from services.launch.domain.portfolio import RESCHEDULE, State
from services.launch.domain.rules.lead import begins_next
from services.launch.domain.rules.train import Act, count_missed, settles_on
from services.launch.domain.tiers.retiering import RETIER, rests_until
from services.launch.domain.tiers.scoring import assess_all
from shared.contracts.launch import (
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchFeature,
    LaunchKind,
    LaunchSnapshot,
    Proposal,
)
from shared.contracts.words import LaunchId


def evolve(state: State, message: LaunchesChanged, now: datetime, calendar: Calendar) -> None:
    """Apply what was told. The same for a decision and for a replay."""
    before = {one.feature.id: state.features.get(one.feature.id) for one in message.features}
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
            moved_at=(*launch.moved_at, *(one.at for one in moves[-1:] if one not in launch.moves))[-MOST_MOVES:],
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
        ours = (one for one in self.message.proposals if one.kind == RETIER)
        told = next((one for one in ours if any(move.launch == change.launch.id for move in one.moves)), None)
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
        known = [one for one in map(self._known_before, old.features) if one and not one.is_cancelled]
        ready = {one.id: one.ready_on for one in known}
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
        derived = derive([self.features[one.id] for one in new.features if one.id in self.features])
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


def next_reminder(
    launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime
) -> datetime | None:
    """The first such instant after `now`; None if there is none."""
    if launch.snapshot.state not in OPEN_STATES:
        return None
    return min((one for one in _instants(launch, features, calendar, now) if one > now), default=None)


def waits_for_train(launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime) -> bool:
    """Whether the launch was to be woken now because its train is settled, and for nothing else."""
    settled = settles_on(launch, calendar)
    if launch.wakes_at != now or settled is None or calendar.start_of(settled) != now:
        return False
    before = now - timedelta(microseconds=1)
    return sum(one == now for one in _instants(launch, features, calendar, before)) == 1


def _instants(
    launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar, now: datetime
) -> Iterator[datetime]:
    one = launch.snapshot
    if one.override:
        yield calendar.start_of(one.override.until)
    for waiver in one.waivers:
        yield calendar.start_of(waiver.until)
    dawn = begins_next(one, calendar, now)
    if dawn:
        yield dawn
    settled = settles_on(launch, calendar)
    if settled:
        yield calendar.start_of(settled)
    rest = rests_until(launch, calendar)
    if rest and rest > now and not one.override and _would_change(launch, features, calendar):
        yield rest


def _would_change(launch: Launch, features: Mapping[str, KnownFeature], calendar: Calendar) -> bool:
    """Whether its tier would be another one if it were not at rest."""
    one = launch.snapshot
    active = [features[part.id] for part in one.features if part.id in features]
    snapshots = [known.snapshot for known in active if not known.is_cancelled]
    if not snapshots:
        return False
    computed = assess_all(snapshots, calendar.policy, one.market_tier)
    return (computed.market, computed.internal) != (one.market_tier, one.internal_tier)
