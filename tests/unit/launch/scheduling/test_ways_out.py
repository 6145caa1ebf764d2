"""Every conflict has a way out with a number on it, and the number is what the policy's objective or the work says."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, RefusedError
from services.launch.domain.policy import Slot, TeamCapacity, TeamLoad
from shared.contracts.launch import LaunchesChanged
from tests.unit.launch.scheduling.test_plans_hold import ASKING, BOUND, HISTORIES, begin, step
from tests.unit.launch.scheduling.test_together import dates, team_of_one
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, Story, only

ALONE = Calendar(POLICY)


def ways(message: LaunchesChanged, rule: str = "capacity") -> list[tuple[str, str, int | None]]:
    (conflict,) = [one for one in message.conflicts if one.constraint == rule]
    return [(one.action, one.detail, one.cost) for one in conflict.options]


def pinned(story: Story, ref: str, day: str) -> LaunchesChanged:
    return story.person(f"L-{ref}", date=date.fromisoformat(day), pin="on stage")


@given(HISTORIES, st.sampled_from([ALONE, BOUND, ASKING]))
@settings(deadline=None, max_examples=60)
def test_every_conflict_has_a_way_out_with_a_price(history: list[Any], calendar: Calendar) -> None:
    story = begin(calendar)
    for one in history:
        with suppress(RefusedError):
            step(story, *one)
    for conflict in (one for message, _ in story.told for one in message.conflicts):
        assert any(one.cost is not None and one.cost > 0 for one in conflict.options), conflict
        assert all(one.cost is not None for one in conflict.options), conflict


def test_room_is_borrowed_by_team_and_week_in_units() -> None:
    load = (TeamLoad(team="marketing", units=2), TeamLoad(team="docs", from_week=-1, units=3))
    story = team_of_one(teams={"marketing": TeamCapacity(weekly=3), "docs": TeamCapacity(weekly=4)}, load={"T2": load})
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    assert dates(story) == {"A": date(2026, 6, 8), "B": date(2026, 6, 22)}
    message = pinned(story, "B", "2026-06-09")
    pin, borrow = ways(message)
    assert pin == ("move_pin", "Move the pin to 2026-06-22.", 3 * (10 + 13))
    docs = "2 more of docs in the week of 2026-06-01, 2 more of docs in the week of 2026-06-08"
    assert borrow == ("borrow_capacity", f"Find {docs}, 1 more of marketing in the week of 2026-06-08.", 5)


def test_the_room_that_is_borrowed_is_enough() -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    (borrow,) = [one for one in ways(pinned(story, "B", "2026-06-09")) if one[0] == "borrow_capacity"]
    assert borrow == ("borrow_capacity", "Find 2 more of marketing in the week of 2026-06-08.", 2)
    helped = team_of_one(teams={"marketing": TeamCapacity(weekly=2, weeks={"2026-W24": 2 + 2})})
    helped.add("A", day="2026-06-01", impact=MEDIUM)
    helped.add("B", day="2026-06-01", impact=MEDIUM)
    assert not pinned(helped, "B", "2026-06-09").conflicts


def test_a_launch_for_which_there_is_no_room_at_all_says_how_much_is_missing() -> None:
    story = team_of_one(teams={"marketing": TeamCapacity(weekly=0, weeks={"2026-W24": 2})})
    story.add("A", day="2026-06-01", impact=MEDIUM)
    message = story.change("delayed", "A", day="2026-06-10")
    found = ways(message, "horizon")
    assert found[0] == ("borrow_capacity", "Find 2 more of marketing in the week of 2026-06-15.", 2)
    (late,) = [one for one in found if one[0] == "accept_late"]
    assert (late[2] or 0) > 3 * 365


def test_a_slot_is_borrowed_by_name() -> None:
    slots = (Slot(team="marketing", tier="T1"),)
    story = team_of_one(teams={}, load={}, slots=slots, spacing=(), apart_days={})
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-01", impact=LOUD, labels=("demo",))
    found = ways(pinned(story, "B", "2026-06-11"))
    assert ("borrow_capacity", "Find 1 more of marketing (T1 launches) in the week of 2026-06-08.", 1) in found


def test_who_is_in_the_way_of_a_segment_could_go() -> None:
    story = team_of_one(teams={}, load={}, spacing=("T1", "T2"))
    story.add("A", day="2026-06-01", impact=MEDIUM, segments=("smb",))
    story.add("B", day="2026-06-01", impact=MEDIUM, segments=("smb",))
    found = ways(pinned(story, "B", "2026-06-09"), "spacing")
    assert ("move_others", "Move Feature A to 2026-06-15.", 3 * (10 + 7)) in found
    pinned(story, "A", "2026-06-08")
    both_pinned = ways(story.told[-1][0], "spacing")
    assert [action for action, _, _ in both_pinned] == ["move_pin"]


def test_keeping_a_date_costs_what_the_late_days_are_worth() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    launch = only(story.person(None, features=("A", "B"))).launch.id
    story.person(launch, date=date(2026, 6, 8), pin="the fair")
    message = story.change("delayed", "A", day="2026-06-12")  # settled on 17 June, nine days after the pin
    assert [(one.action, one.cost) for one in message.conflicts[0].options] == [
        ("move_pin", 3 * (10 + 9)),
        ("drop_feature", 3 * 9),
        ("announce_now_ship_later", 3 * 9),
    ]


def test_a_feature_without_a_day_counts_up_to_the_horizon() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    pinned(story, "A", "2026-06-08")
    message = story.change("unscheduled", "A", target=None)
    last = story.calendar.day_of(story.now) + timedelta(days=POLICY.horizon_days)
    days = (last - date(2026, 6, 8)).days
    (conflict,) = message.conflicts
    assert [(one.action, one.cost) for one in conflict.options] == [
        ("unpin", 3 * (10 + days)),
        ("announce_now_ship_later", 3 * days),
    ]
    assert "no target" in conflict.options[0].detail


def test_a_conflict_whose_price_alone_changes_is_not_told_again() -> None:
    story = team_of_one()
    for ref in ("A", "B"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    pinned(story, "B", "2026-06-09")
    price = story.stored("L-B").conflicts[0].options[0].cost
    assert price
    story.wait_until("2026-05-20")  # within six weeks a day weighs three times as much
    assert not story.change("health_changed", "B").conflicts
    assert story.stored("L-B").conflicts[0].options[0].cost == price
    assert story.replayed().launches == story.state.launches
