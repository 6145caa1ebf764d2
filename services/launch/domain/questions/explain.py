"""Why this date, and why not another one: answered from the state as it is, in sentences for people.

Nothing is decided; what was told when the date was found is in the launch's history.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.calendar import ONE_DAY, Context
from services.launch.domain.feature import features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import (
    Earliest,
    bounds,
    crowding,
    find_earliest,
    next_allowed,
    of_day,
    situation_of,
    violations,
)
from services.launch.domain.rules.rule import Bound, Situation, Spot, Violation
from shared.contracts.words import LaunchId

MOST_DAYS = 120

MOST_RUNS = 12

BY_ITSELF = "a date never comes earlier by itself, but a person can move it there"


@dataclass(frozen=True, slots=True)
class BlockedDays:
    """Days on which the same rule keeps a launch away for the sake of the same others."""

    first: date
    last: date
    constraint: str
    detail: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What decides a launch's date, what is against the day asked for, and all of it in sentences."""

    asked: date | None
    earliest: Earliest
    bounds: tuple[Bound, ...]
    against: tuple[Violation, ...]
    between: tuple[Violation, ...]
    taken: tuple[BlockedDays, ...]
    """The days from the earliest one to the launch's date that others keep it from."""
    sentences: tuple[str, ...]


def explain_day(state: State, launch: LaunchId, day: date | None, context: Context) -> Answer:
    """Why the launch is on its date (`day` None, or that date), or why it is not on the day."""
    known = state.launches[launch]
    one = known.snapshot
    situation = situation_of(one, features_of(one, state.features), context)
    asked, earliest = day or one.date, find_earliest(situation, context.calendar)
    look = _Look(
        launch=known,
        earliest=earliest,
        against=tuple(violations(situation, asked, context.calendar)) if asked else (),
        between=tuple(keeps_from(state, launch, asked, context)) if asked and known.is_open else (),
        waiting=_waiting(state, launch),
        steps=tuple(_steps(earliest, situation, context)),
    )
    own = asked == one.date
    taken, free = _walk(state, look, situation, context) if own and known.is_open and not one.pin else ((), None)
    sentences = look.why(taken, free) if own else look.why_not(asked)
    return Answer(
        asked=asked,
        earliest=look.earliest,
        bounds=tuple(sorted(bounds(situation, context.calendar), key=lambda bound: bound.day, reverse=True)),
        against=look.against,
        between=look.between,
        taken=taken,
        sentences=tuple(dict.fromkeys(sentences)) if known.is_open else (f"{one.name} is {one.state}",),
    )


def keeps_from(state: State, launch: LaunchId, day: date, context: Context) -> list[Violation]:
    """The rules between launches that keep a launch (with those that share its date) from a day."""
    shape = state.launches[launch].snapshot
    return crowding(Spot(shape, day), state.board(context).put(launch, day))


@dataclass(frozen=True, slots=True)
class _Look:
    """A launch, what is against the day asked for, and the day to which it would move if a person agreed."""

    launch: Launch
    earliest: Earliest
    against: tuple[Violation, ...]
    between: tuple[Violation, ...]
    waiting: date | None
    steps: tuple[str, ...]
    """What the calendar has against the days from the bound to the earliest day."""

    def why(self, taken: Sequence[BlockedDays], free: date | None) -> Iterator[str]:
        """What put it where it is: whoever chose the day, its features and the calendar, and then the others."""
        one, earliest = self.launch.snapshot, self.earliest
        if one.date is None:
            yield f"{one.name} has no date: {one.waits_for or earliest.waits_for}"
            return
        yield from self._held()
        if earliest.bound:
            yield earliest.bound.detail
        yield from self.steps
        if earliest.date and earliest.date != one.date:
            yield f"by its own features it could be on {earliest.date} at the earliest"
        yield from (_say(run) for run in taken)
        if free:
            yield f"nothing is against {free} now; {BY_ITSELF}"

    def _held(self) -> Iterator[str]:
        """Who or what holds it on its date, and what is against that."""
        one = self.launch.snapshot
        if one.pin:
            yield f"{one.pin.by} pinned it to {one.date}: {one.pin.reason}"
        elif (self.launch.dated_by or "").startswith("launch:person:"):
            yield f"a person chose {one.date}"
        yield from self._rules()
        if self.waiting:
            yield f"a move to {self.waiting} waits for a person"

    def why_not(self, day: date | None) -> Iterator[str]:
        """Every rule against the day; without any, why the launch is not there all the same."""
        one = self.launch.snapshot
        yield from self._rules()
        if self.against or self.between:
            return
        if one.pin:
            yield f"nothing is against {day} but the pin: {one.pin.by} pinned it to {one.date}: {one.pin.reason}"
        elif one.date and day and day > one.date:
            yield f"nothing is against {day}, but {one.date} comes first and holds; a person can move it there"
        else:
            yield f"nothing is against {day}; {BY_ITSELF}"

    def _rules(self) -> Iterator[str]:
        yield from (broken.detail for broken in (*self.against, *self.between))


def _steps(earliest: Earliest, situation: Situation, context: Context) -> Iterator[str]:
    """Between two trains there is only one thing to say: when the next one leaves."""
    first = earliest.bound.day if earliest.bound else None
    against = of_day(first, situation.tier, situation.regions, context.calendar) if first else []
    train = [one.detail for one in against if one.constraint == "train"]
    return iter(train or [one.detail for one in earliest.steps])


def _waiting(state: State, launch: LaunchId) -> date | None:
    moves = (move for one in state.proposals.values() for move in one.moves)
    return next((move.later_date for move in moves if move.launch == launch), None)


def _say(run: BlockedDays) -> str:
    days = f"{run.first}" if run.first == run.last else f"from {run.first} to {run.last}"
    return f"not {days}: {run.detail}"


def _walk(
    state: State, look: _Look, situation: Situation, context: Context
) -> tuple[tuple[BlockedDays, ...], date | None]:
    """From the earliest day on: what keeps the launch from each, and the first one before its date that is free."""
    runs: list[BlockedDays] = []
    for day in _allowed(look, situation, context):
        kept = keeps_from(state, look.launch.id, day, context)
        if not kept:
            return tuple(runs), day
        first = kept[0]
        if runs and (runs[-1].constraint, runs[-1].by) == (first.constraint, first.by):
            runs[-1] = replace(runs[-1], last=day)
        elif len(runs) == MOST_RUNS:
            break
        else:
            runs.append(BlockedDays(day, day, first.constraint, first.detail, first.by))
    return tuple(runs), None


def _allowed(look: _Look, situation: Situation, context: Context) -> Iterator[date]:
    """The days before the launch's date that the calendar allows, from the earliest one on."""
    day, until = look.earliest.date, look.launch.snapshot.date
    for _ in range(MOST_DAYS):
        if day is None or until is None or day >= until:
            return
        yield day
        day, _ = next_allowed(day + ONE_DAY, situation.tier, situation.regions, until, context.calendar)
