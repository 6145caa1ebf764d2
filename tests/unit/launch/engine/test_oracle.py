"""Why not on that day? The oracle agrees with the checker, and its numbers and culprits are true."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from deploy.cli.plan_files import read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.domain.scheduling.engine.model import iso_week, week_of
from tests.oracle.plans.check import blockers
from tests.oracle.plans.rules import World
from tests.unit.launch.engine.cases import Case, bounded, cases, event_of, planner_of
from tests.unit.launch.engine.test_checker import change, small


@bounded(60)
@given(case=cases(), pick=st.integers(0, 99), days=st.integers(-20, 120))
def test_the_oracle_and_the_checker_agree_on_any_day(case: Case, pick: int, days: int) -> None:
    planner = planner_of(case.portfolio)
    launch = case.portfolio["launches"][pick % len(case.portfolio["launches"])]
    day = date.fromisoformat(launch["date"]).toordinal() + days
    seen = {reason.constraint for reason in planner.why_not(launch["id"], day)}
    world = World(case.portfolio)
    nothing_new = {"id": "E", "feature": case.portfolio["features"][0]["id"]}
    told = {rule for rule, _ in blockers(world, nothing_new, launch["id"], date.fromordinal(day))}
    assert seen == told


@bounded(40)
@given(case=cases())
def test_a_launch_may_sit_where_it_is_and_asking_changes_nothing(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    before = planner.plan(event)
    for block, day in enumerate(planner.schedule.home):
        assert planner.why_not(planner.schedule.blocks.members[block][0].id, day) == []
    assert planner.plan(event) == before


@bounded(40)
@given(case=cases())
def test_taking_the_named_culprits_away_frees_the_day(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    plan = planner.plan(event)
    planner.accept(plan)
    schedule = planner.schedule
    for move in plan.moves:
        block = schedule.blocks.block_of[move.launch]
        culprits = {c for reason in planner.why_not(move.launch, move.before) for c in reason.culprits}
        for other in culprits - {block}:
            schedule.take(other)
        schedule.take(block)
        assert schedule.fits(block, move.before)
        schedule.undo(0)


@bounded(40)
@given(case=cases(8, 14))
def test_the_possible_days_are_those_a_plain_filter_over_all_days_leaves(case: Case) -> None:
    planner, world = planner_of(case.portfolio), World(case.portfolio)
    first, last = planner.schedule.portfolio.today, planner.schedule.portfolio.horizon
    for block, members in enumerate(planner.schedule.blocks.members[:4]):
        launches = [world.launches[launch.id] for launch in members]
        days = [d for d in range(first, last + 1) if not any(_calendar(world, one, d) for one in launches)]
        assert list(planner.schedule.days[block]) == days


def _calendar(world: World, launch: dict[str, object], day: int) -> bool:
    return any(True for _ in world.calendar(launch, date.fromordinal(day)))


def test_a_full_week_is_told_with_its_numbers_and_its_users() -> None:
    planner = Planner(read_portfolio(small()))
    reasons = {reason.constraint: reason for reason in planner.why_not("L2", _day("2027-03-01"))}
    assert reasons["capacity"].detail == "docs 2027-W09: 1 of 1 used, 1 needed"
    assert reasons["capacity"].culprits == frozenset([planner.schedule.blocks.block_of["L1"]])
    assert reasons["after"].detail == "7 days after L1 on 2027-03-01"
    assert reasons["spacing"].detail == "S hears of L1 in 2027-W09"
    assert reasons["apart"].detail == "7 days from L1 2027-03-01 in B"


def test_a_lag_counts_calendar_days_over_weekends() -> None:
    portfolio = small()
    change(portfolio, 1, segments=[], line="C", work=[])
    planner = Planner(read_portfolio(portfolio))
    assert planner.why_not("L2", _day("2027-03-05"))
    assert planner.why_not("L2", _day("2027-03-08")) == []


def test_weeks_are_iso_weeks_also_around_new_year_and_in_week_53() -> None:
    assert iso_week(week_of(_day("2027-01-03"))) == "2026-W53"
    assert iso_week(week_of(_day("2027-01-04"))) == "2027-W01"
    assert iso_week(week_of(_day("2024-12-30"))) == "2025-W01"


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()
