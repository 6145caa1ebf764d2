"""The whole portfolio before the independent checker: every rule that is broken and that nobody has declared."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.decisions import verdict
from services.launch.domain.feature import KnownFeature
from services.launch.domain.portfolio import State
from services.launch.domain.rules import catalogue
from services.launch.domain.rules.catalogue import Broken
from services.launch.domain.rules.rule import LaunchDates
from services.launch.domain.scheduling import draft
from shared.contracts.words import LaunchId
from tests.oracle.plans.rules import Violation
from tests.oracle.verifier import CheckedPlan, Verifier
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


def doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every plan is refused, as if it broke a rule that the engine does not keep."""
    refused = [Broken("capacity", (LaunchId("L-B"),), "marketing: 9 of 2")]
    for module in (draft, verdict):
        monkeypatch.setattr(module, "check_plan", lambda *_: refused)


def listen(monkeypatch: pytest.MonkeyPatch, plans: list[catalogue.CheckedPlan]) -> None:
    """From now on every plan that is checked is kept here, too."""

    def check_plan(plan: catalogue.CheckedPlan, calendar: Calendar, today: date) -> list[Broken]:
        plans.append(plan)
        return catalogue.check_plan(plan, calendar, today)

    monkeypatch.setattr(draft, "check_plan", check_plan)
