"""The service's own checker: each rule broken once in a plan handed to it; its days against the planner's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, RefusedError
from services.launch.domain.decisions.pipeline import blank
from services.launch.domain.feature import KnownFeature, Likely
from services.launch.domain.policy import Follows, Slot, TeamCapacity, TeamLoad
from services.launch.domain.rules.catalogue import CheckedPlan as PlanToCheck
from services.launch.domain.rules.catalogue import violations
from services.launch.domain.rules.lead import notice_of
from services.launch.domain.rules.rule import LaunchDates, Situation
from shared.contracts.launch import LaunchSnapshot, Pin, Waiver
from shared.contracts.words import LaunchId
from tests.oracle.verifier import CheckedPlan, Verifier
from tests.unit.launch.scheduling.test_together import PEOPLE, dates, decide, take_back, team_of_one
from tests.unit.launch.story import MEDIUM, POLICY, on, snapshot
from tests.unit.launch.whole import doubt, listen

TODAY = on("2026-01-05")
RULES = {
    "teams": {"marketing": TeamCapacity(weekly=4)},
    "load": {"T1": (TeamLoad(team="marketing", units=3),), "T2": (TeamLoad(team="marketing", units=2),)},
    "slots": (Slot(team="marketing", tier="T2", most=1),),
    "spacing": ("T1", "T2"),
    "apart_days": {"T1": 14},
    "after": (Follows(launch=LaunchId("L-2"), after=LaunchId("L-1"), lag_days=10),),
    "together": {"pair": (LaunchId("L-5"), LaunchId("L-6"))},
}
BOUND = Calendar(POLICY.model_copy(update=RULES))
VERIFIER = Verifier.of(BOUND, 2026)
A_TRAIN = BOUND.next_train(on("2026-06-01"))


def launch(number: int, tier: str = "T2", **fields: Any) -> LaunchSnapshot:
    given = {"market_tier": tier, "internal_tier": tier, "revision": 1, "product_line": "pay", **fields}
    return blank(LaunchId(f"L-{number}")).model_copy(update=given)


SHAPES = {
    one.id: one
    for one in (
        launch(1, "T1", segments=("smb",)),
        launch(2, regions=("us",)),
        launch(3, segments=("smb",)),
        launch(4, "T3"),
        launch(5, "T3"),
        launch(6, "T3"),
        launch(7, "T1", pin=Pin(reason="the fair", by="ana", on=TODAY)),
    )
}
HOLDS = {
    LaunchId("L-1"): on("2026-05-11"),
    LaunchId("L-2"): on("2026-06-08"),
    LaunchId("L-3"): on("2026-06-01"),
    LaunchId("L-4"): A_TRAIN,
    LaunchId("L-5"): A_TRAIN + timedelta(weeks=4),
    LaunchId("L-6"): A_TRAIN + timedelta(weeks=4),
    LaunchId("L-7"): on("2026-07-13"),
}


def feature(ready: str | date, **fields: Any) -> KnownFeature:
    shipped = {"shipped_on": fields.pop("shipped_on", None), "confident_since": fields.pop("since", TODAY)}
    return KnownFeature(snapshot=snapshot(day=ready, **fields), **shipped)


def plan_to(moves: Mapping[str, str | date], **features: Sequence[KnownFeature]) -> CheckedPlan:
    """A plan that asks about these launches, with features that are ready in good time unless others are given."""
    days = {LaunchId(f"L-{name}"): on(day) if isinstance(day, str) else day for name, day in moves.items()}
    asked = {name: HOLDS.get(name) for name in days}
    known = {name: features.get(name.replace("L-", "L"), (feature("2026-01-12"),)) for name in days}
    return CheckedPlan(SHAPES, LaunchDates(HOLDS), days, asked, {}, known)


def rules(plan: CheckedPlan) -> set[str]:
    return {one.rule for one in VERIFIER.judge(plan, TODAY)}


def test_a_plan_that_keeps_every_rule_holds() -> None:
    assert rules(plan_to({"1": "2026-05-18", "2": "2026-06-15", "4": A_TRAIN + timedelta(weeks=8)})) == set()


@pytest.mark.parametrize(
    ("moves", "rule"),
    [
        ({"2": "2026-06-13"}, "workday"),
        ({"2": "2026-07-03"}, "workday"),  # where the United States rest
        ({"3": "2026-12-21"}, "freeze"),
        ({"3": "2026-06-25"}, "freeze"),  # the quarter's last days
        ({"4": A_TRAIN + timedelta(weeks=1)}, "train"),
        ({"2": "2026-06-08", "1": "2026-06-02"}, "after"),
        ({"5": A_TRAIN + timedelta(weeks=8)}, "together"),
        ({"1": "2026-06-02"}, "capacity"),
        ({"3": "2026-06-09"}, "capacity"),  # the slot: one T2 a week
        ({"1": "2026-06-02"}, "spacing"),
        ({"1": "2026-07-06"}, "apart"),
        ({"7": "2026-07-20"}, "pin"),
        ({"1": "2026-05-04"}, "right-only"),
        ({"3": "2040-01-10"}, "horizon"),
    ],
)
def test_each_rule_that_is_broken_once_is_found(moves: dict[str, str | date], rule: str) -> None:
    assert rule in rules(plan_to(moves))


@pytest.mark.parametrize(
    ("name", "day", "known", "rule"),
    [
        ("L1", "2026-05-18", feature("2026-05-11"), "ready"),  # ten days to settle, seven are left
        ("L1", "2026-05-18", feature("2026-06-30", status="paused"), "ready"),
        ("L1", "2026-05-18", feature("2026-01-12", status="paused"), "ready"),
        ("L1", "2026-05-18", feature("2026-05-08", status="shipped", shipped_on=on("2026-05-11")), "ready"),
        ("L4", A_TRAIN + timedelta(weeks=4), feature(A_TRAIN + timedelta(days=26)), "train"),
        ("L1", "2026-05-18", feature("2026-01-12", since=on("2026-03-20")), "notice"),
        ("L3", "2026-06-02", feature("2026-01-12", since=on("2026-05-20")), "notice"),
    ],
)
def test_a_launch_before_its_features_or_without_its_notice_is_found(
    name: str, day: str | date, known: KnownFeature, rule: str
) -> None:
    moves = {name[1:]: day}
    assert rules(plan_to(moves, **{name: (known,)})) == {rule}
    assert rules(plan_to(moves, **{name: (feature("2026-01-12"),)})) == set()
    cancelled = known.model_copy(update={"snapshot": known.snapshot.model_copy(update={"status": "cancelled"})})
    assert rules(plan_to(moves, **{name: (cancelled,)})) == set()


def test_who_makes_room_after_the_last_day_that_a_person_allows_is_found() -> None:
    moved = plan_to({"3": "2026-06-15"})
    beside = replace(moved, asked={}, shapes={**SHAPES, LaunchId("L-3"): launch(3, not_after=on("2026-06-12"))})
    assert rules(beside) == {"not_after"}
    assert rules(replace(beside, declared=[LaunchId("L-3")])) == set()


def test_what_a_team_needs_after_a_fuzzy_target_counts_as_not_ready() -> None:
    likely = Likely(day=on("2026-05-11"), team="team-a", percentile=80, days=5)
    known = feature("2026-05-04").model_copy(update={"likely": likely})
    assert rules(plan_to({"1": "2026-05-18"}, L1=(known,))) == {"ready"}


def test_a_launch_that_stays_before_a_feature_that_slipped_is_found_too() -> None:
    plan = plan_to({"1": HOLDS[LaunchId("L-1")]}, L1=(feature("2026-05-20"),))
    assert rules(plan) == {"ready"}
    assert rules(replace(plan, declared={LaunchId("L-1")})) == set()


def test_a_launch_that_got_louder_where_there_is_no_room_for_it_is_found() -> None:
    were = {LaunchId("L-3"): SHAPES[LaunchId("L-3")].model_copy(update={"market_tier": "T3", "internal_tier": "T3"})}
    days = {**HOLDS, LaunchId("L-3"): on("2026-06-09")}
    plan = CheckedPlan(SHAPES, LaunchDates(days), {}, {LaunchId("L-3"): days[LaunchId("L-3")]}, were, {})
    assert rules(plan) == {"capacity"}
    assert rules(replace(plan, declared={LaunchId("L-2")})) == set()  # which waits to make room
    assert rules(replace(plan, were={})) == set()


def test_launches_far_apart_are_compared_where_the_policy_asks_for_it() -> None:
    wide = Verifier.of(Calendar(POLICY.model_copy(update={**RULES, "apart_days": {"T1": 60}})), 2026)
    plan = plan_to({"1": "2026-05-18"})
    assert [one.rule for one in wide.judge(plan, TODAY)] == ["apart"]


def test_a_region_that_the_policy_does_not_know_works_like_any_other() -> None:
    first = LaunchId("L-1")
    there = {**SHAPES, first: SHAPES[first].model_copy(update={"regions": ("atlantis",)})}
    assert rules(replace(plan_to({"1": "2026-05-18"}), shapes=there)) == set()
    assert rules(replace(plan_to({"1": "2026-05-16"}), shapes=there)) == {"workday"}


def test_what_a_person_pinned_into_a_full_week_excuses_nobody_who_is_moved_there() -> None:
    pinned = {LaunchId("L-7"): on("2026-06-02")}
    plan = CheckedPlan(SHAPES, LaunchDates(HOLDS), pinned, pinned, {}, {}, declared={LaunchId("L-7")})
    assert rules(plan) == set()
    assert rules(replace(plan, changes={**plan.changes, LaunchId("L-2"): on("2026-06-03")})) >= {
        "capacity",
        "right-only",
    }


def test_less_notice_needs_a_waiver_that_has_not_ended() -> None:
    late = feature("2026-01-12", since=on("2026-03-20"))
    waivers = tuple(
        Waiver(
            activity=one.id,
            team=one.team,
            lead=45,
            kept=0,
            date=on("2026-05-18"),
            reason="the fair",
            by="ana",
            approved_by="ben",
            on=TODAY,
            until=on("2026-02-01"),
        )
        for one in POLICY.activities
        if one.days.get("T1", 0) > 35
    )
    first = LaunchId("L-1")
    shapes = {**SHAPES, first: SHAPES[first].model_copy(update={"waivers": waivers})}
    plan = replace(plan_to({"1": "2026-05-18"}, L1=(late,)), shapes=shapes)
    assert [one.rule for one in VERIFIER.judge(plan, TODAY)] == []
    assert [one.rule for one in VERIFIER.judge(plan, on("2026-02-01"))] == ["notice"]


KNOWN = st.builds(
    lambda ready, since, status: KnownFeature(
        snapshot=snapshot(day=TODAY + timedelta(days=ready) if ready is not None else None, status=status),
        confident_since=None if since is None else TODAY - timedelta(days=since),
        shipped_on=TODAY - timedelta(days=abs(ready or 0)) if status == "shipped" else None,
    ),
    ready=st.none() | st.integers(-30, 90),
    since=st.none() | st.integers(0, 80),
    status=st.sampled_from(["planned", "in_progress", "shipped", "paused"]),
)


@given(KNOWN, st.sampled_from(["T1", "T2", "T3"]), st.sampled_from([(), ("us",), ("de", "jp")]), st.integers(0, 120))
@settings(deadline=None, max_examples=400)
def test_the_checker_counts_days_as_the_planner_does(
    known: KnownFeature, tier: str, regions: tuple[str, ...], ahead: int
) -> None:
    shape = launch(1, tier, regions=regions)
    day = TODAY + timedelta(days=ahead)
    notice = notice_of(shape, POLICY, TODAY)
    there = Situation(tier, regions, (known,), TODAY, notice)  # type: ignore[arg-type]  # sampled from the tiers
    bounds = {one.constraint for one in violations(there, day, BOUND) if one.feature}
    found = {one.rule for one in VERIFIER.own.broken(shape, day, (known,), TODAY)}
    event(f"{len(bounds)} rules broken")
    assert found == bounds


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.none() | st.integers(0, 60)), max_size=20), st.integers(0, 8))
def test_launches_are_found_by_week_wherever_they_went(moves: list[tuple[str, int | None]], week: int) -> None:
    standing, plain = LaunchDates(), dict[str, date]()
    for name, days in moves:
        day = None if days is None else TODAY + timedelta(days=days)
        standing.put(LaunchId(name), day)
        plain = {**{one: at for one, at in plain.items() if one != name}, **({name: day} if day else {})}
    monday = TODAY + timedelta(weeks=week)
    assert dict(standing) == plain
    assert set(standing.near({monday})) == {name for name, at in plain.items() if 0 <= (at - monday).days < 7}


def test_a_plan_that_the_checker_refuses_is_not_applied_and_everybody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-08", impact=MEDIUM)
    doubt(monkeypatch)
    message = story.change("delayed", "A", day="2026-06-08")
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15")}  # as before
    assert [(one.launch, one.constraint) for one in message.conflicts] == [("L-A", "checker")]
    assert "marketing: 9 of 2" in message.conflicts[0].detail
    assert [(one.action, one.cost) for one in message.conflicts[0].options] == [("plan_by_hand", 3 * (10 + 7))]


def test_what_the_checker_refuses_is_neither_approved_nor_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    story = team_of_one(approval=PEOPLE)
    story.add("A", day="2026-06-01", impact=MEDIUM)
    moved = story.change("delayed", "A", day="2026-06-08")
    story.change("delayed", "A", day="2026-06-29")
    (proposal,) = story.state.proposals
    before = dates(story)
    doubt(monkeypatch)
    assert decide(story, proposal).stale == "capacity: marketing: 9 of 2"
    assert dates(story) == before
    with pytest.raises(RefusedError, match="can no longer be undone: capacity: marketing: 9 of 2"):
        take_back(story, moved)


def test_the_checker_is_told_what_a_launch_was_before_a_person_changed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    plans: list[PlanToCheck] = []
    listen(monkeypatch, plans)
    before = story.launch("L-A")
    story.person("L-A", regions=("jp",))
    assert plans[-1].were == {"L-A": before}
