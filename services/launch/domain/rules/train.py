"""How strong a train is to each segment, who must wait for the next one, and how often a launch has missed its own.

A train that is too weak does not leave to a segment. A launch that speaks to several stays on as long as one of its
trains leaves, since it has one date; and one that has missed too many leaves however weak the train.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import OPEN_STATES, Launch, tier_of
from services.launch.domain.policy import Policy
from services.launch.domain.rules.audience import EVERYBODY
from services.launch.domain.tiers import score, values_of
from shared.contracts.launch import LaunchKind, LaunchSnapshot
from shared.contracts.words import CauseId, LaunchId

WEAK = "weak_train"

"""The constraint that a launch meets which waits for a stronger train."""


@dataclass(frozen=True, slots=True)
class Rider:
    """A launch on a train, what it counts there, and whether it may be left behind."""

    launch: LaunchId
    segments: tuple[str, ...]
    counts: int
    may_wait: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What happened to a launch: by whose word, and which kinds of change."""

    cause: CauseId
    kinds: Collection[str]

    @property
    def is_choice(self) -> bool:
        """Whether a person has chosen, and not only approved what follows from something else."""
        return self.cause.startswith("launch:person:") and LaunchKind.PROPOSAL_APPROVED not in self.kinds

    @property
    def is_undone(self) -> bool:
        """Whether moves of its own were taken back."""
        return LaunchKind.UNDONE in self.kinds


def segments_of(one: LaunchSnapshot) -> tuple[str, ...]:
    """To whom a launch rides."""
    return tuple(sorted(set(one.segments))) or (EVERYBODY,)


def counts(one: LaunchSnapshot, features: Iterable[KnownFeature], policy: Policy) -> int:
    """What a launch adds to a train: its best feature's score, and no less than its tier begins with.

    A feature without impact inputs lives by its gates and is not nothing.
    """
    points = (score(values_of(feature.snapshot), policy) for feature in features if not feature.is_cancelled)
    return max(policy.tiers[tier_of(one)].from_score, *points, 0)


def strengths(riders: Iterable[Rider]) -> Mapping[str, int]:
    """The sum of what the riders of one train count, by segment."""
    found: Counter[str] = Counter()
    for rider in riders:
        found.update(dict.fromkeys(rider.segments, rider.counts))
    return found


def left_behind(riders: Sequence[Rider], train: date, policy: Policy) -> Mapping[LaunchId, str]:
    """Who does not leave with the train, each with the sentence that says why."""
    least, strong = policy.trains.least_strength, strengths(riders)
    return {
        rider.launch: f"the train of {train} is too weak: {_told(rider.segments, strong)}, and {least} are asked for"
        for rider in riders
        if rider.may_wait and all(strong[segment] < least for segment in rider.segments)
    }


def can_be_weak(policy: Policy) -> bool:
    """Whether there could be a train with somebody on it that is too weak."""
    counted = [rule.from_score for rule in policy.tiers.values() if rule.boards_train]
    return policy.trains.least_strength > min(counted, default=policy.trains.least_strength)


def is_settled(train: date, today: date, calendar: Calendar) -> bool:
    """Whether the train is to leave and nobody waits for more riders any longer."""
    return calendar.cutoff_of(train) <= today < train


def settles_on(launch: Launch, calendar: Calendar) -> date | None:
    """The day on which the clock decides whether a launch leaves with its train; None if it does in any case."""
    snapshot, rules = launch.snapshot, calendar.policy.trains
    free = snapshot.pin is None and launch.trains_missed < rules.misses
    return calendar.cutoff_of(snapshot.train) if snapshot.train and free and can_be_weak(calendar.policy) else None


def last_train(launch: Launch, calendar: Calendar) -> date | None:
    """The train that a launch ahead is on, or was to be on when it lost its date."""
    snapshot, day = launch.snapshot, launch.last_date
    if snapshot.date or launch.happened_on or day is None:
        return snapshot.train
    return day if calendar.rides(tier_of(snapshot), day) else None


def count_missed(launch: Launch, after: LaunchSnapshot, act: Act, calendar: Calendar) -> int:
    """Trains that the launch has missed in a row, once it is as `after` says.

    A row ends when the launch leaves, is called off or goes by no train any more, and when a person chooses its date.
    A move that is undone was no miss.
    """
    goes = after.date is None or after.train is not None
    if after.state not in OPEN_STATES or not goes or (act.is_choice and launch.snapshot.date != after.date):
        return 0
    if act.is_undone and after.date:
        return max(0, launch.trains_missed - sum(move.later > after.date for move in launch.moves))
    last = last_train(launch, calendar)
    return launch.trains_missed + bool(last and after.train and after.train > last)


def _told(segments: Sequence[str], strong: Mapping[str, int]) -> str:
    return ", ".join(f"{strong[segment]} points ride to {segment}" for segment in segments)
