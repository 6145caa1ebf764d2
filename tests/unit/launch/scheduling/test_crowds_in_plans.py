"""Segments in plans: no stage crowds one or costs more than the stage before, and the last is exact in small cases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random  # noqa: TID251 - seeded, so that a number names a case

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.launch import Launch
from services.launch.domain.policy import AudienceRule
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import crowding, of_day
from services.launch.domain.rules.rule import Board, Spot
from services.launch.domain.scheduling.engine.model import Plan
from services.launch.domain.scheduling.engine_state import EngineState, engine_state_of
from services.launch.domain.scheduling.request import PlanRequest
from services.launch.domain.scheduling.run_engine import solve
from services.launch.optimize import load_solver
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId, PortfolioId
from tests.unit.launch.story import POLICY, on

SOLVER = load_solver()
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FIRST = on("2026-06-01")
with_ortools = pytest.mark.skipif(SOLVER is None, reason="the extra inloop[optimize] is not installed")


def crowd_of(seed: int, most: int) -> tuple[State, Context, LaunchId]:
    """A few launches to two segments, each on the first day that was free when it came, and one that must go."""
    dice = Random(seed)  # noqa: S311 - nothing secret
    audience = AudienceRule(touches_per_week=dice.randint(1, 3), rest_days=dice.randint(0, 4))
    spacing: tuple[Tier, ...] = dice.choice([(), ("T1",), ("T1", "T2")])
    context = Context(Calendar(POLICY.model_copy(update={"audience": audience, "spacing": spacing})), NOW)
    state = State(PortfolioId("default"))
    names = [LaunchId(f"L-{at}") for at in range(most)]
    for number, name in enumerate(names):
        tier: Tier = dice.choice(["T1", "T2", "T3"])
        shape = LaunchSnapshot(
            id=name,
            name=name,
            tier_reason="",
            state="planned",
            date=None,
            features=(),
            revision=1,
            market_tier=tier,
            internal_tier=tier,
            segments=tuple(sorted(dice.sample(["smb", "large"], dice.randint(1, 2)))),
        )
        day = FIRST + timedelta(days=dice.randint(0, 12))
        board = state.board(context)
        while of_day(day, tier, (), context.calendar) or crowding(Spot(shape, day), board):
            day += timedelta(days=1)
        train = day if context.calendar.rides(tier, day) else None
        placed = shape.model_copy(update={"date": day, "train": train})
        state.put(Launch(snapshot=placed, version=1, changed_at=NOW, number=number))
    return state, context, dice.choice(names)


def plan_of(state: State, context: Context, launch: LaunchId, stage: str) -> tuple[EngineState, Plan]:
    engine = engine_state_of(state, context)
    day = state.standing[launch] + timedelta(days=3)
    request = PlanRequest(state, replace(context, stage=stage, solver=SOLVER), 1, {})
    return engine, solve(engine, {launch: day.toordinal()}, request=request)


def crowded(board: Board) -> set[tuple[str, str]]:
    names = [name for name in (*board.dates, *board.moved) if board.day_of(name)]
    spots = [Spot(board.shape_of(name), day) for name in names if (day := board.day_of(name))]
    return {(spot.shape.id, broken.constraint) for spot in spots for broken in crowding(spot, board)}


@with_ortools
@pytest.mark.parametrize("seed", range(40))
def test_no_stage_crowds_anybody_or_costs_more_than_the_one_before(seed: int) -> None:
    state, context, launch = crowd_of(seed, 9)
    costs = []
    for stage in ("S1", "S2", "S3"):
        _, plan = plan_of(state, context, launch, stage)
        moved = {LaunchId(move.launch): date.fromordinal(move.after) for move in plan.moves}
        assert crowded(replace(state.board(context), moved=moved)) == set()
        costs.append(plan.cost)
        assert plan.lower_bound <= plan.cost
    assert costs == sorted(costs, reverse=True)


@with_ortools
@pytest.mark.parametrize("seed", range(100, 112))
def test_no_plan_at_all_is_cheaper_than_the_third_stages(seed: int) -> None:
    state, context, launch = crowd_of(seed, 3)
    engine, plan = plan_of(state, context, launch, "S3")
    first = state.standing[launch] + timedelta(days=3)
    choices = []
    for name, day in state.standing.items():
        shape, begin = state.launches[name].snapshot, first if name == launch else day
        days = [begin + timedelta(days=at) for at in range(40)]
        allowed = [there for there in days if not of_day(there, Spot(shape, there).tier, (), context.calendar)]
        choices.append(
            [(name, there) for there in (allowed if name == launch else {day: 0, **dict.fromkeys(allowed)})][:14]
        )
    cheapest = None
    for chosen in product(*choices):
        price = sum(
            engine.schedule.price(engine.schedule.blocks.block_of[name], day.toordinal()) for name, day in chosen
        )
        if (cheapest is None or price < cheapest) and not crowded(replace(state.board(context), moved=dict(chosen))):
            cheapest = price
    assert plan.cost == cheapest
    assert plan.lower_bound == plan.cost
