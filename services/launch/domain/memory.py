"""A launch after what was told of it: what decisions need to remember besides its snapshot. No decisions here.

Worked out from the message and the launch before it alone, so that a replay of everything told gives the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.launch.domain.audiences.boarding import Act, count_missed
from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import BY_HAND, Launch, Move, derive
from services.launch.domain.policy import louder
from services.launch.domain.readiness import Known
from services.launch.domain.tiers.retiering import RETIER
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

MOST_MOVES = 8


@dataclass(frozen=True, slots=True)
class Step:
    """One message being applied to these features and launches; `before` holds its features as they were."""

    features: Mapping[str, Known]
    launches: Mapping[LaunchId, Launch]
    message: LaunchesChanged
    now: datetime
    calendar: Calendar
    before: dict[str, Known | None]

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
