"""The whole portfolio before the independent checker: every rule that is broken and that nobody has declared."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from functools import lru_cache

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.planner_check.rules import Violation
from services.launch.domain.portfolio import State
from services.launch.domain.rules.rule import LaunchDates
from services.launch.domain.scheduling.engine_state import EngineState
from services.launch.domain.verifying.verifier import CheckedPlan, Verifier
from tests.unit.launch.story import Story


@lru_cache
def verifier_of(calendar: Calendar, year: int) -> Verifier:
    return Verifier.of(calendar, year)


def undeclared(story: Story) -> list[Violation]:
    """What the checker finds with everybody on their dates, but for pins, conflicts and moves that wait."""
    state = story.state
    today = story.calendar.day_of(story.now)
    dates = {name: day for name, day in state.standing.items() if day > today}
    spoken = declared(state)
    verifier = verifier_of(story.calendar, today.year)
    shapes = {name: state.launches[name].snapshot for name in dates}
    everything = [*verifier.judge(CheckedPlan(shapes, LaunchDates(), dates), today), *early(story, verifier, today)]
    return [one for one in everything if spoken.isdisjoint(one.launches)]


def early(story: Story, verifier: Verifier, today: date) -> Iterator[Violation]:
    """Launches before their features or without their notice. What moves with each day is left out."""
    for launch in story.state.launches.values():
        one = launch.snapshot
        if launch.is_open and one.date and one.date > today:
            known = [story.state.features[each.id] for each in one.features if each.id in story.state.features]
            settled = [each for each in known if is_settled(each, today)]
            yield from verifier.own.broken(one, one.date, settled, today)


def is_settled(known: KnownFeature, today: date) -> bool:
    """Whether it still speaks of a date: one that shipped moves none, and what is overdue or unsure changes daily."""
    ready = known.ready_on
    return known.confident_since is not None and ready is not None and not known.is_shipped and ready >= today


def declared(state: State) -> set[str]:
    """Launches of which something is known to be wrong, or that only a person moves."""
    waiting = {move.launch for one in state.proposals.values() for move in one.moves}
    known = {one.id for one in state.launches.values() if one.snapshot.pin or one.conflicts}
    return {*waiting, *known}


class Doubtful(Verifier):
    """A checker that finds fault with every plan."""

    def judge(self, *_: object) -> list[Violation]:
        return [Violation("capacity", ("L-B",), "marketing: 9 of 2")]


def doubt(story: Story) -> None:
    """From now on the checker finds fault with every plan."""
    _replace(story, Doubtful)


def listen(story: Story, plans: list[CheckedPlan]) -> None:
    """From now on every plan that the checker is told of is kept here, too."""

    class Listening(Verifier):
        def judge(self, plan: CheckedPlan, today: date) -> list[Violation]:
            plans.append(plan)
            return Verifier.judge(self, plan, today)

    _replace(story, Listening)


def _replace(story: Story, other: type[Verifier]) -> None:
    assert isinstance(story.state.engine, EngineState)
    honest = story.state.engine.verifier
    story.state.engine.verifier = other(*(getattr(honest, one.name) for one in fields(honest)))
