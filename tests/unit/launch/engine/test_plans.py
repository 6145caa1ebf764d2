"""What every plan promises, whatever the portfolio and the event."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.cli.plan_files import read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.domain.scheduling.engine.forced import force
from tests.oracle.plans import check_baseline
from tests.oracle.plans.check import check_plan
from tests.oracle.plans.rules import World
from tests.unit.launch.engine.cases import Case, as_json, bounded, cases, event_of, plan_of, planner_of, shuffled

STAGES = ("S1", "S2")


@pytest.mark.parametrize("stage", STAGES)
@bounded(60)
@given(case=cases())
def test_the_independent_checker_finds_nothing_wrong_with_any_plan(case: Case, stage: str) -> None:
    assert check_baseline(case.portfolio) == []
    assert check_plan(case.portfolio, case.event, as_json(plan_of(case, stage))) == []


@bounded(40)
@given(case=cases())
def test_a_pinned_launch_never_moves_and_only_pinned_launches_are_in_conflict(case: Case) -> None:
    plan = plan_of(case)
    world = World(case.portfolio)
    grouped = {one["together"] for one in world.launches.values() if one["pinned"]} - {None}
    pinned = {n for n, one in world.launches.items() if one["pinned"] or one["together"] in grouped}
    assert not pinned & {move.launch for move in plan.moves}
    assert {conflict.launch for conflict in plan.conflicts if conflict.constraint != "horizon"} <= pinned


@bounded(40)
@given(case=cases())
def test_no_launch_moves_to_an_earlier_date(case: Case) -> None:
    assert all(move.after > move.before for move in plan_of(case).moves)


@bounded(60)
@given(case=cases())
def test_a_forced_launch_is_not_earlier_than_forced_and_the_bound_holds(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    plan = planner.plan(event, "S2")
    dates = {move.launch: move.after for move in plan.moves}
    known = planner.schedule.learn(event)
    forced = force(planner.schedule, planner.schedule.using[event.feature], set())
    planner.schedule.learn(known)
    for block, day in forced.dates.items():
        assert all(dates[launch.id] >= day for launch in planner.schedule.blocks.members[block])
    assert sum(planner.schedule.price(block, day) for block, day in forced.dates.items()) <= plan.lower_bound
    assert plan.lower_bound <= plan.cost


@bounded(30)
@given(case=cases())
def test_an_event_that_changes_nothing_moves_nothing(case: Case) -> None:
    feature = next(one for one in case.portfolio["features"] if one["id"] == case.event["feature"])
    plan = plan_of(case._replace(event={**feature, "id": "E0", "feature": feature["id"]}))
    assert (plan.moves, plan.conflicts, plan.cost) == ((), (), 0)


@bounded(30)
@given(case=cases())
def test_a_fresh_engine_and_a_used_one_give_the_same_plan(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    first = planner.plan(event)
    assert planner.plan(event) == first == plan_of(case)


@bounded(40)
@given(case=cases())
def test_an_accepted_plan_answers_its_event_for_good(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    plan = planner.plan(event)
    planner.accept(plan)
    again = planner.plan(event)
    assert (again.moves, again.cost) == ((), 0)
    assert {c[:2] for c in again.conflicts} == {c[:2] for c in plan.conflicts}


@bounded(40)
@given(case=cases(), stage=st.sampled_from(STAGES))
def test_a_dry_run_leaves_every_index_as_it_was(case: Case, stage: str) -> None:
    planner = planner_of(case.portfolio)
    before = _indices(planner)
    planner.plan(event_of(case), stage)
    assert _indices(planner) == before == _indices(planner_of(case.portfolio))


@bounded(40)
@given(case=cases())
def test_an_accepted_state_equals_one_rebuilt_from_the_new_dates(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    plan = planner.plan(event)
    planner.accept(plan)
    moved = {move["launch"]: move["to"] for move in as_json(plan)["moves"]}
    rebuilt = copy.deepcopy(case.portfolio)
    for launch in rebuilt["launches"]:
        launch["date"] = moved.get(launch["id"], launch["date"])
    for feature in rebuilt["features"]:
        if feature["id"] == case.event["feature"]:
            feature.update({key: case.event[key] for key in ("ready_on", "confident_since") if key in case.event})
    assert _indices(planner) == _indices(planner_of(rebuilt))


@bounded(40)
@given(case=cases())
def test_no_moved_launch_could_sit_earlier_with_all_others_as_they_are(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    planner.accept(planner.plan(event))
    for move in plan_of(case).moves:
        assert all(planner.why_not(move.launch, day) for day in range(move.before, move.after))


@bounded(40)
@given(case=cases(), seed=st.integers(0, 99), stage=st.sampled_from(STAGES))
def test_the_order_of_the_lists_does_not_matter(case: Case, seed: int, stage: str) -> None:
    assert plan_of(case._replace(portfolio=shuffled(case.portfolio, seed)), stage) == plan_of(case, stage)


@bounded(30)
@given(case=cases())
def test_renaming_launches_in_the_same_order_only_renames_the_plan(case: Case) -> None:
    names = sorted(one["id"] for one in case.portfolio["launches"])
    new = {name: f"N{at:04d}" for at, name in enumerate(names)}
    renamed = copy.deepcopy(case.portfolio)
    for launch in renamed["launches"]:
        launch["id"] = new[launch["id"]]
        for edge in launch["after"]:
            edge["launch"] = new[edge["launch"]]
    found = [(m.launch, m.before, m.after) for m in plan_of(case._replace(portfolio=renamed)).moves]
    assert found == [(new[m.launch], m.before, m.after) for m in plan_of(case).moves]


@bounded(30)
@given(case=cases())
def test_another_business_unit_does_not_change_the_plan(case: Case) -> None:
    larger = copy.deepcopy(case.portfolio)
    other = copy.deepcopy(case.portfolio)
    for launch in other["launches"]:
        launch.update(id=f"A{launch['id']}", line=f"A{launch['line']}")
        launch.update(segments=[f"A{s}" for s in launch["segments"]], features=[f"A{f}" for f in launch["features"]])
        launch.update(together=launch["together"] and f"A{launch['together']}")
        launch["after"] = [{**edge, "launch": f"A{edge['launch']}"} for edge in launch["after"]]
        launch["work"] = [{**work, "team": f"A{work['team']}"} for work in launch["work"]]
    for key in ("teams", "features"):
        larger[key] += [{**one, "id": f"A{one['id']}"} for one in other[key]]
    larger["launches"] += other["launches"]
    assert plan_of(case._replace(portfolio=larger), "S2") == plan_of(case, "S2")


@bounded(30)
@given(case=cases(), days=st.integers(1, 40))
def test_a_slip_within_the_slack_moves_nothing(case: Case, days: int) -> None:
    planner = planner_of(case.portfolio)
    event = event_of(case)
    ready, _ = planner.schedule.features[event.feature]
    slipped = type(event)(event.id, event.feature, ready + days)
    known = planner.schedule.learn(slipped)
    late = any(planner.schedule.own[b] > planner.schedule.home[b] for b in planner.schedule.using[event.feature])
    planner.schedule.learn(known)
    assert late or planner.plan(slipped).moves == ()


@bounded(40)
@given(case=cases(), days=st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_a_larger_slip_forces_no_launch_to_an_earlier_date(case: Case, days: tuple[int, int]) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    ready, _ = planner.schedule.features[event.feature]
    found = []
    for slip in sorted(days):
        known = planner.schedule.learn(type(event)(event.id, event.feature, ready + slip))
        found.append(force(planner.schedule, planner.schedule.using[event.feature], set()).dates)
        planner.schedule.learn(known)
    small, large = found
    assert all(large[block] >= day for block, day in small.items())


@bounded(40)
@given(case=cases())
def test_more_effort_never_makes_a_plan_more_expensive(case: Case) -> None:
    planner, event = planner_of(case.portfolio), event_of(case)
    assert planner.plan(event, "S2").cost <= planner.plan(event, "S1").cost


@bounded(30)
@given(case=cases())
def test_launches_announced_together_stay_together(case: Case) -> None:
    dates = {one["id"]: one["date"] for one in case.portfolio["launches"]}
    dates |= {move["launch"]: move["to"] for move in as_json(plan_of(case))["moves"]}
    groups: dict[str, set[str]] = {}
    for one in case.portfolio["launches"]:
        groups.setdefault(one["together"] or one["id"], set()).add(dates[one["id"]])
    assert all(len(days) == 1 for days in groups.values())


@bounded(30)
@given(case=cases())
def test_a_feature_that_is_never_ready_is_a_conflict_and_not_an_exception(case: Case) -> None:
    never = case._replace(event={"id": "E0", "feature": case.event["feature"], "ready_on": "9999-12-31"})
    plan = plan_of(never)
    assert check_plan(case.portfolio, never.event, as_json(plan)) == []
    using = [one["id"] for one in case.portfolio["launches"] if case.event["feature"] in one["features"]]
    assert set(using) <= {conflict.launch for conflict in plan.conflicts}


def _indices(planner: Planner) -> tuple[object, ...]:
    schedule = planner.schedule
    heard = {at: names for at, names in schedule.speakers.items() if names}
    rows = (schedule.home, schedule.date, schedule.free, schedule.users, schedule.weight, schedule.nudge, schedule.own)
    lines = {scope: line for scope, line in schedule.lines.items() if line}
    return (*(list(row) for row in rows), heard, lines, schedule.cost, planner.deadlines.latest, schedule.journal)


def test_a_launch_must_have_a_date_within_the_plannable_days() -> None:
    portfolio = read_portfolio({**_minimal(), "launches": [_launch("2027-01-03")]})
    with pytest.raises(ValueError, match="L1 must have a date from today to the horizon"):
        Planner(portfolio)


def _minimal() -> dict[str, object]:
    policy = {
        "soak_days": {"T1": 0, "T2": 0, "T3": 0},
        "lead_days": {"T1": 0, "T2": 0, "T3": 0},
        "weight": {"T1": 8, "T2": 3, "T3": 1},
        "apart_days": {},
        "announced_factor": 2,
        "fixed_days": 10,
        "proximity": [{"within_days": None, "factor": 1}],
    }
    empty: dict[str, object] = {"regions": [], "freezes": [], "trains": {}, "teams": [], "features": []}
    return {"format": "inloop-portfolio/1", "today": "2027-01-04", "horizon": "2027-12-31", "policy": policy, **empty}


def _launch(date: str) -> dict[str, object]:
    empty: dict[str, object] = {"regions": [], "segments": [], "features": [], "work": [], "after": []}
    named = {"id": "L1", "line": "B", "tier": "T2", "date": date, "together": None}
    return {**named, **empty, "pinned": False, "announced": False}
