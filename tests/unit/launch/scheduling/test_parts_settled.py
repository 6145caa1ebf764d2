"""Which parts of a plan happen at once and which wait together, on three weeks that hold one launch each."""

from datetime import date, timedelta

import pytest

from services.launch.domain.calendar import Context
from services.launch.domain.scheduling.approval import settle
from services.launch.domain.scheduling.engine_state import EngineState, Trial, engine_state_of
from services.launch.domain.scheduling.request import PlannedMove, PlanPart
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_together import team_of_one
from tests.unit.launch.story import MEDIUM, on

A, B, C = (LaunchId(f"L-{name}") for name in "ABC")
FIRST, SECOND, THIRD = on("2026-06-08"), on("2026-06-15"), on("2026-06-22")
FREE, FAR_AWAY = on("2026-06-29"), on("2026-08-03")
WHERE = {A: FIRST, B: SECOND, C: THIRD}


@pytest.fixture
def engine() -> EngineState:
    """A, B and C in the weeks of 8, 15 and 22 June; marketing can carry one a week."""
    story = team_of_one()
    for ref in "ABC":
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    assert {name: story.launch(name).date for name in WHERE} == WHERE
    return engine_state_of(story.state, Context(story.calendar, story.now))


def part(moves: dict[LaunchId, date], *because: str) -> PlanPart:
    return PlanPart(tuple(PlannedMove(name, WHERE[name], day, (), 1, 1) for name, day in moves.items()), because)


def settled(
    engine: EngineState, *parts: PlanPart
) -> tuple[list[tuple[set[LaunchId], tuple[str, ...]]], dict[LaunchId, date]]:
    """The parts that are left, each with its reasons, and where the launches then are."""
    with Trial(engine) as trial:
        mark = trial.mark()
        trial.move({name: day for one in parts for name, day in one.days.items()})
        found = settle(trial, parts, mark)
        days = {name: date.fromordinal(engine.entries[name].date) for name in WHERE}
    return [(set(one.launches), one.because) for one in found], days


def test_what_asks_nobody_happens(engine: EngineState) -> None:
    parts, days = settled(engine, part({A: FREE}), part({B: FAR_AWAY}))
    assert parts == [({A}, ()), ({B}, ())]
    assert days == {A: FREE, B: FAR_AWAY, C: THIRD}


def test_what_waits_stays_and_the_rest_happens(engine: EngineState) -> None:
    parts, days = settled(engine, part({A: FREE}, "A is loud"), part({B: FAR_AWAY}))
    assert parts == [({A}, ("A is loud",)), ({B}, ())]
    assert days == {A: FIRST, B: FAR_AWAY, C: THIRD}


def test_what_goes_to_a_place_that_is_not_left_waits_too(engine: EngineState) -> None:
    parts, days = settled(engine, part({C: FAR_AWAY}), part({A: FREE}, "A is loud"), part({B: FIRST}))
    assert parts == [({C}, ()), ({A, B}, ("A is loud",))]
    assert days == {A: FIRST, B: SECOND, C: FAR_AWAY}


def test_it_waits_with_the_first_that_waits(engine: EngineState) -> None:
    parts, _ = settled(engine, part({A: FREE}, "A is loud"), part({C: FAR_AWAY}, "C is far"), part({B: FIRST}))
    assert parts == [({A, B}, ("A is loud",)), ({C}, ("C is far",))]


def test_two_that_wait_and_lean_on_each_other_wait_as_one(engine: EngineState) -> None:
    parts, days = settled(engine, part({A: SECOND}, "A is loud"), part({B: FREE}, "B is near"))
    assert parts == [({A, B}, ("A is loud", "B is near"))]
    assert days == WHERE


def test_who_waits_joins_the_one_that_makes_its_room_and_no_other(engine: EngineState) -> None:
    parts, _ = settled(
        engine, part({A: THIRD}, "A is loud"), part({B: FAR_AWAY}, "B is near"), part({C: FREE}, "C is far")
    )
    assert parts == [({A, C}, ("A is loud", "C is far")), ({B}, ("B is near",))]


def test_a_room_that_two_must_make_joins_all_three(engine: EngineState) -> None:
    parts, days = settled(
        engine, part({A: SECOND}, "A is loud"), part({B: THIRD}, "B is near"), part({C: FREE}, "A is loud")
    )
    assert parts == [({A, B, C}, ("A is loud", "B is near"))]
    assert days == WHERE


def test_what_waits_alone_and_has_room_waits_alone(engine: EngineState) -> None:
    parts, days = settled(engine, part({A: FREE}, "A is loud"), part({B: FREE + timedelta(days=7)}, "B is near"))
    assert parts == [({A}, ("A is loud",)), ({B}, ("B is near",))]
    assert days == WHERE


def test_nothing_of_a_settled_plan_stays_on_the_schedule(engine: EngineState) -> None:
    settled(engine, part({A: FREE}), part({B: FIRST}, "B is near"))
    assert {name: date.fromordinal(engine.entries[name].date) for name in WHERE} == WHERE
