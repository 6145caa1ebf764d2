"""The engine's arrays say of a launch and a day what the catalogue says, from which they were made."""

from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded, so that a number names a case

import pytest

from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import crowding, of_day
from services.launch.domain.rules.rule import Spot
from services.launch.domain.scheduling.engine_state import engine_state_of
from shared.contracts.words import LaunchId, PortfolioId
from tests.unit.launch.random_portfolios import FIRST, SPAN_DAYS, Placed, draw

SLICES = 8
CASES_IN_A_SLICE = 30
DAYS_A_LAUNCH = 4

Said = set[tuple[str, frozenset[str]]]
"""Rules that speak against a day, each with the launches to blame."""


def portfolio_of(case: Placed) -> State:
    state = State(PortfolioId("default"))
    for number, (name, shape) in enumerate(sorted(case.shapes.items())):
        day = case.before.get(name)
        train = day if day and case.calendar.rides(Spot(shape, day).tier, day) else None
        snapshot = shape.model_copy(update={"date": day, "train": train})
        state.put(Launch(snapshot=snapshot, version=1, changed_at=datetime(2026, 6, 1, tzinfo=UTC), number=number))
    return state


def is_parted(case: Placed) -> bool:
    """Whether persons have put launches of a group on different days: then the two blame in two ways."""
    groups = case.calendar.policy.together.values()
    return any(len({day for name in group if (day := case.before.get(LaunchId(name)))}) > 1 for group in groups)


def by_the_catalogue(state: State, case: Placed, launch: LaunchId, day: int) -> Said:
    spots = [Spot(state.launches[launch].snapshot, FIRST + timedelta(days=day))]
    board = state.board(case.context).put(launch, spots[0].day)
    mates = [Spot(state.launches[name].snapshot, spots[0].day) for name in board.group(launch) if name != launch]
    return {
        (broken.constraint, frozenset(mate for name in broken.by for mate in board.group(name) if board.day_of(mate)))
        for spot in [*spots, *(mate for mate in mates if mate.shape.date)]
        for broken in crowding(spot, board)
    }


def is_allowed(state: State, case: Placed, launch: LaunchId, day: int) -> bool:
    """Whether the calendar lets the launch and its group be there: on other days the engine puts nobody."""
    group = state.board(case.context).group(launch)
    spots = [Spot(state.launches[name].snapshot, FIRST + timedelta(days=day)) for name in group]
    return not any(of_day(spot.day, spot.tier, spot.shape.regions, case.calendar) for spot in spots)


def by_the_engine(state: State, case: Placed, launch: LaunchId, day: int) -> Said:
    engine = engine_state_of(state, case.context)
    members = engine.schedule.blocks.members
    return {
        (reason.constraint, frozenset(entry.id for block in reason.culprits for entry in members[block]))
        for reason in engine.reasons_against(launch, (FIRST + timedelta(days=day)).toordinal())
    }


@pytest.mark.parametrize("number", range(SLICES))
def test_both_blame_the_same_rules_and_the_same_launches(number: int) -> None:
    dice = Random(number)  # noqa: S311 - nothing secret
    compared = 0
    for seed in range(number * CASES_IN_A_SLICE, (number + 1) * CASES_IN_A_SLICE):
        case = draw(seed)
        if is_parted(case):
            continue
        state = portfolio_of(case)
        for launch in sorted(case.before):
            days = [day for day in range(2, SPAN_DAYS) if is_allowed(state, case, launch, day)]
            for day in dice.sample(days, min(len(days), DAYS_A_LAUNCH)):
                ours, theirs = by_the_catalogue(state, case, launch, day), by_the_engine(state, case, launch, day)
                assert ours == theirs, (seed, launch, day)
                compared += 1
    assert compared


@pytest.mark.parametrize("number", range(SLICES))
def test_both_ask_the_same_price_of_a_move(number: int) -> None:
    dice = Random(number)  # noqa: S311 - nothing secret
    compared = 0
    for seed in range(number * CASES_IN_A_SLICE, (number + 1) * CASES_IN_A_SLICE):
        case = draw(seed)
        state, price = portfolio_of(case), case.calendar.policy.objective.price
        schedule = engine_state_of(state, case.context).schedule
        for launch in sorted(case.before):
            block = schedule.blocks.block_of[launch]
            if len(schedule.blocks.members[block]) == 1:  # a group pays once, by its loudest
                day = FIRST + timedelta(days=dice.randint(0, SPAN_DAYS))
                shape = state.launches[launch].snapshot
                if day >= case.before[launch]:  # the engine moves nobody to an earlier day
                    assert schedule.price(block, day.toordinal()) == price(shape, day, case.context.today)
                    compared += 1
    assert compared
