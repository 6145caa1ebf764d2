"""The doors of the catalogue of rules: the first day of all, why, and what is remembered of days."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import Follows, Freeze
from services.launch.domain.rules.catalogue import (
    BETWEEN,
    CheckedPlan,
    check,
    check_plan,
    find_earliest,
    first_quiet,
    next_allowed,
    of_day,
    situation_of,
)
from services.launch.domain.rules.rule import Board, LaunchDates, Situation, Spot
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.story import CALENDAR, POLICY, START, on, snapshot

TODAY = on("2026-01-05")
DAY = on("2026-06-02")


def shape(name: str = "L-A", tier: Tier = "T2", **fields: object) -> LaunchSnapshot:
    given = {"tier_reason": "", "state": "planned", "date": None, "features": (), "revision": 1}
    return LaunchSnapshot.model_validate(
        {"id": name, "name": f"Launch {name}", "market_tier": tier, "internal_tier": tier, **given, **fields}
    )


def situation(*features: KnownFeature, not_before: date | None = None) -> Situation:
    return Situation("T2", (), features, TODAY, not_before=not_before)


def ready(ref: str, day: date) -> KnownFeature:
    return KnownFeature(snapshot=snapshot(ref, day=day), confident_since=TODAY)


def test_a_cancelled_feature_keeps_its_launch_from_no_day() -> None:
    gone = KnownFeature(snapshot=snapshot("F-2", day="2027-01-01", status="cancelled"))
    found = situation_of(shape(), [ready("F-1", DAY), gone], Context(CALENDAR, START))
    assert [known.id for known in found.features] == ["F-1"]


def test_a_launch_without_a_feature_waits_for_one() -> None:
    assert find_earliest(situation(), CALENDAR).waits_for == "it has no feature left"
    assert find_earliest(situation(), CALENDAR).date is None


def test_of_two_features_that_are_ready_together_the_last_one_is_named() -> None:
    for features in ([ready("F-1", DAY), ready("F-2", DAY)], [ready("F-2", DAY), ready("F-1", DAY)]):
        bound = find_earliest(situation(*features), CALENDAR).bound
        assert bound is not None
        assert (bound.constraint, bound.feature) == ("ready", "F-2")


def test_a_feature_is_named_rather_than_the_wish_for_the_same_day() -> None:
    soaked = DAY + timedelta(days=POLICY.tiers["T2"].soak_days)
    bound = find_earliest(situation(ready("F-1", DAY), not_before=soaked), CALENDAR).bound
    assert bound is not None
    assert (bound.day, bound.constraint, bound.feature) == (soaked, "ready", "F-1")


def test_a_floor_holds_a_launch_and_only_a_later_one() -> None:
    here = situation(ready("F-1", DAY))
    by_itself = find_earliest(here, CALENDAR)
    assert by_itself.date == on("2026-06-08")  # Tuesday, five days to settle are over on a Sunday
    assert find_earliest(here, CALENDAR, floor=TODAY).date == by_itself.date
    assert find_earliest(here, CALENDAR, floor=on("2026-06-16")).date == on("2026-06-16")


def test_the_last_day_of_the_horizon_is_still_allowed_and_none_after_it() -> None:
    assert next_allowed(DAY, "T2", (), DAY, CALENDAR) == (DAY, [])
    assert next_allowed(DAY, "T2", (), DAY - timedelta(days=1), CALENDAR) == (None, [])


def test_each_rule_on_the_way_is_told_once_with_the_first_day_it_kept() -> None:
    found, steps = next_allowed(on("2026-06-06"), "T2", (), on("2026-07-01"), CALENDAR)
    assert found == on("2026-06-08")
    assert [(one.constraint, one.detail) for one in steps] == [("workday", "2026-06-06 is no working day")]


def test_a_tier_that_goes_by_train_is_offered_trains_only() -> None:
    train = CALENDAR.next_train(DAY)
    frozen = Freeze(reason="move", first=train, last=train)
    calendar = Calendar(POLICY.model_copy(update={"freezes": (frozen,)}))
    found, steps = next_allowed(DAY, "T3", (), on("2026-12-01"), calendar)
    assert found == train + timedelta(weeks=POLICY.trains.every_weeks)
    assert [one.constraint for one in steps] == ["freeze"]


def test_a_launch_that_no_day_is_left_for_has_no_quiet_one_either() -> None:
    empty = Board(CALENDAR, TODAY, LaunchDates(), lambda _: shape())
    assert first_quiet(shape(segments=("smb",)), on("2026-06-06"), on("2026-06-07"), empty) is None


def test_the_first_quiet_day_is_the_first_on_which_its_segment_rests() -> None:
    other = shape("L-B", segments=("smb",))
    there = Board(CALENDAR, TODAY, LaunchDates({other.id: DAY}), lambda _: other)
    found = first_quiet(shape(segments=("smb",)), DAY, on("2026-07-01"), there)
    assert found == DAY + timedelta(days=POLICY.audience.rest_days + 1)
    assert first_quiet(shape(segments=("large",)), DAY, on("2026-07-01"), there) == DAY


def test_a_day_is_checked_by_itself_and_because_of_others() -> None:
    sunday, name = on("2026-06-07"), LaunchId("L-B")
    board = Board(CALENDAR, TODAY, LaunchDates({name: sunday}), lambda _: shape("L-B", segments=("smb",)))
    found = check(situation(ready("F-1", sunday)), Spot(shape(segments=("smb",)), sunday), board)
    assert [one.constraint for one in found] == ["ready", "workday", "rest"]


def test_what_was_said_of_a_day_is_looked_up_and_forgotten_once_there_is_too_much() -> None:
    calendar = Calendar(POLICY)
    first = of_day(on("2026-12-20"), "T2", (), calendar)
    assert of_day(on("2026-12-20"), "T2", (), calendar) is first
    calendar.remembered |= {(number,): () for number in range(65_534)}
    of_day(DAY, "T2", (), calendar)
    assert len(calendar.remembered) == 65_536
    assert of_day(on("2026-12-20"), "T2", (), calendar) is first
    of_day(on("2026-12-21"), "T2", (), calendar)
    assert len(calendar.remembered) == 1
    assert of_day(on("2026-12-20"), "T2", (), calendar) == first


@pytest.mark.parametrize(
    ("constraint", "is_between"),
    [
        ("capacity", True),
        ("slots", True),
        ("spacing", True),
        ("apart", True),
        ("after", True),
        ("rest", True),
        ("freeze", False),
    ],
)
def test_plans_make_room_by_the_rules_that_the_engine_keeps(constraint: str, *, is_between: bool) -> None:
    assert (constraint in BETWEEN) is is_between


# ---- a plan before it happens

PAIR = {name: shape(name, "T1", product_line="pay") for name in (LaunchId("L-A"), LaunchId("L-B"))}
"""Two T1 of one line, which the policy keeps a fortnight apart."""
A, B = PAIR
C = LaunchId("L-C")
A_FORTNIGHT = Calendar(POLICY.model_copy(update={"apart_days": {"T1": 14}}))


def plan(days: dict[LaunchId, date], changes: dict[LaunchId, date], **more: Any) -> list[tuple[str, ...]]:
    """What a plan would break: the rule and the launches."""
    checked = CheckedPlan(PAIR, LaunchDates(days), changes, **more)
    return [(one.rule, *one.launches) for one in check_plan(checked, A_FORTNIGHT, TODAY)]


def test_whoever_moves_is_blamed_and_not_who_was_there() -> None:
    days = {A: DAY, B: DAY - timedelta(days=35)}
    broken = plan(days, {B: DAY + timedelta(days=7)}, asked={A: DAY}, were=PAIR)
    assert broken == [("apart", B, A)]


def test_what_is_said_of_one_excuses_nobody_else_who_moves_there() -> None:
    days = {A: DAY - timedelta(days=35), B: DAY - timedelta(days=70)}
    there = {A: DAY, B: DAY + timedelta(days=7)}
    assert plan(days, there) == [("apart", A, B), ("apart", B, A)]
    assert plan(days, there, declared={A}) == [("apart", A, B), ("apart", B, A)]
    assert plan(days, there, declared={A, B}) == []


def test_who_is_named_and_stays_has_not_moved() -> None:
    days = {A: DAY, B: DAY - timedelta(days=35)}
    there = {A: DAY, B: DAY + timedelta(days=7)}
    assert plan(days, there) == [("apart", B, A)]
    assert plan(days, there, declared={B}) == []
    assert plan(days, there, declared={A}) == [("apart", B, A)]


def test_two_that_stood_too_close_before_break_nothing_new() -> None:
    days = {A: DAY, B: DAY + timedelta(days=7)}
    assert plan(days, {B: DAY + timedelta(days=8)}) == []
    assert plan({A: DAY}, {B: DAY + timedelta(days=8)}) == [("apart", B, A)]


def follows(**lag: int) -> Calendar:
    """A comes after C, so many days."""
    rules = {"apart_days": {"T1": 14}, "after": (Follows(launch=A, after=C, **lag),)}
    return Calendar(POLICY.model_copy(update=rules))


def test_who_moves_must_leave_room_for_who_comes_after_it() -> None:
    shapes = {**PAIR, C: shape(C)}
    checked = CheckedPlan(shapes, LaunchDates({A: DAY, C: DAY - timedelta(days=14)}), {C: DAY - timedelta(days=6)})
    assert check_plan(checked, follows(lag_days=6), TODAY) == []
    assert check_plan(checked, follows(lag_days=7), TODAY) == [
        ("after", (A, C), "7 days after Launch L-C on 2026-05-27")
    ]
    assert check_plan(checked, follows(lag_working_days=5), TODAY) == [
        ("after", (A, C), "5 working days after Launch L-C on 2026-05-27")
    ]
    assert check_plan(checked, follows(lag_working_days=4), TODAY) == []


def test_who_comes_after_another_is_not_blamed_for_who_moves_beside_it() -> None:
    shapes, days = {**PAIR, C: shape(C)}, {A: DAY, B: DAY - timedelta(days=35), C: DAY - timedelta(days=28)}
    checked = CheckedPlan(shapes, LaunchDates(days), {B: DAY + timedelta(days=7)})
    found = check_plan(checked, follows(lag_days=7), TODAY)
    assert [(one.rule, *one.launches) for one in found] == [("apart", B, A)]
