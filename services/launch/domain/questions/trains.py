"""What is shown of trains and audiences: who rides where, how strong, what goes along as a line in the notes.

No date is chosen here; what holds is in rules/audience.py and rules/train.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.rules.audience import CROWDING, EVERYBODY, Crowding
from services.launch.domain.rules.rule import Spot
from services.launch.domain.rules.train import counts, is_settled, segments_of
from services.launch.domain.tiers import assess


@dataclass(frozen=True, slots=True)
class Ride:
    """One train to one segment: its passengers, the points they count together, and quiet features for its notes.

    `weak`: fewer points than `asked`. `cutoff` is the day on which it is settled who rides.
    """

    day: date
    segment: str
    launches: tuple[str, ...]
    strength: int
    asked: int
    weak: bool
    cutoff: date
    settled: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrowdedSegment:
    """A segment that hears more than the policy allows: the rule, the launches, and the sentence."""

    segment: str
    constraint: str
    first: date
    launches: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Missed:
    """A launch ahead that has missed trains in a row; `flagged`: as many as the policy allows."""

    launch: str
    name: str
    missed: int
    train: date | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class Departures:
    """All of it."""

    trains: tuple[Ride, ...]
    audiences: tuple[CrowdedSegment, ...]
    missed: tuple[Missed, ...]


def read_departures(state: State, context: Context) -> Departures:
    """Trains ahead by day and segment, audiences that hear too much all the same, launches that have missed trains."""
    opened = [launch for _, launch in sorted(state.launches.items()) if launch.is_open]
    ahead = [launch for launch in opened if launch.snapshot.date]
    return Departures(
        trains=tuple(_rides(state, ahead, context)),
        audiences=tuple(_crowded(state, ahead, context)),
        missed=tuple(_missed(opened, context)),
    )


def _rides(state: State, ahead: Iterable[Launch], context: Context) -> Iterator[Ride]:
    aboard: dict[tuple[date, str], list[Launch]] = defaultdict(list)
    for launch in ahead:
        for segment in segments_of(launch.snapshot):
            if launch.snapshot.train:
                aboard[launch.snapshot.train, segment].append(launch)
    quiet = _quiet(state, {day for day, _ in aboard}, context)
    for (day, segment), riders in sorted(aboard.items()):
        points = [
            counts(rider.snapshot, features_of(rider.snapshot, state.features), context.policy) for rider in riders
        ]
        least = context.policy.trains.least_strength
        yield Ride(
            day=day,
            segment=segment,
            launches=tuple(rider.id for rider in riders),
            strength=sum(points),
            asked=least,
            weak=sum(points) < least,
            cutoff=context.calendar.cutoff_of(day),
            settled=is_settled(day, context.today, context.calendar),
            notes=tuple(_notes(segment, quiet[day])),
        )


def _quiet(state: State, trains: Collection[date], context: Context) -> dict[date, list[KnownFeature]]:
    """By train, the quiet features that became ready since the one before: a line each, no launch of their own."""
    found: dict[date, list[KnownFeature]] = defaultdict(list)
    for _, feature in sorted(state.features.items()):
        train = context.calendar.next_train(feature.ready_on) if feature.ready_on and not feature.is_cancelled else None
        if train in trains and train and assess(feature.snapshot, context.policy).loudest == "T4":
            found[train].append(feature)
    return found


def _notes(segment: str, quiet: Sequence[KnownFeature]) -> Iterator[str]:
    for feature in quiet:
        if segment in (feature.snapshot.segments or (EVERYBODY,)):
            yield f"{feature.snapshot.ref}: {feature.snapshot.title}"


def _crowded(state: State, ahead: Iterable[Launch], context: Context) -> Iterator[CrowdedSegment]:
    """Each crowd once: days of rest by whoever comes too early after others, a week by the last of it."""
    board, rule = state.board(context), Crowding()
    for launch in ahead:
        day = launch.snapshot.date
        if day is None or day <= context.today:
            continue
        for crowd in rule.between(Spot(launch.snapshot, day), board):
            others = sorted((state.standing[name], name) for name in crowd.by)
            before = [place for place in others if place < (day, launch.id)]
            says = crowd.constraint in CROWDING and (crowd.each or len(before) == len(others))
            if before and says:
                launches = (*(name for _, name in before), launch.id)
                segment = crowd.subject.partition(",")[0]
                yield CrowdedSegment(segment, crowd.constraint, before[0][0], launches, crowd.detail)


def _missed(launches: Iterable[Launch], context: Context) -> Iterator[Missed]:
    most = context.policy.trains.misses
    for launch in launches:
        if launch.trains_missed:
            flagged = launch.trains_missed >= most
            yield Missed(launch.id, launch.snapshot.name, launch.trains_missed, launch.snapshot.train, flagged)
