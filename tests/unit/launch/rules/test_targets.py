"""Targets that name no day: the last one counts or, where the policy says so, what the team needed after it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import FAR, Calendar
from services.launch.domain.feature import Slip, Slips
from services.launch.domain.policy import Targets
from services.launch.domain.portfolio import State
from shared.contracts.feature import Target
from tests.unit.launch.story import CALENDAR, DEFAULT, MEDIUM, POLICY, Story, on, only

BY_HISTORY = Calendar(POLICY.model_copy(update={"targets": Targets(fuzzy="percentile", least_history=5)}))
LATE = st.lists(st.integers(0, 40), min_size=1, max_size=30)


def quarter(day: str = "2026-09-30", resolution: Any = "quarter") -> Target:
    return Target(as_written={"on": "2026-Q3"}, earliest=on("2026-07-01"), latest=on(day), resolution=resolution)


def after(late: list[int], calendar: Calendar = BY_HISTORY, **fields: Any) -> Story:
    """A team that has shipped so many features, each so many working days late."""
    story = Story(calendar=calendar)
    for number in range(len(late)):
        story.add(f"H-{number}", day="2026-02-02", **fields)
    for days, number in sorted((days, number) for number, days in enumerate(late)):
        story.wait_until(calendar.after_working_days(on("2026-02-02"), days, ()).isoformat())
        story.change("shipped", f"H-{number}", status="shipped")
    return story


@given(LATE, st.integers(1, 100))
def test_the_percentile_is_the_fewest_days_within_which_so_many_shipped(late: list[int], percentile: int) -> None:
    slips = Slips()
    slips.add([Slip(stage=None, team="a", days=days) for days in late])
    found = slips.percentile("a", percentile, 1)
    enough = [days for days in range(41) if 100 * sum(one <= days for one in late) >= percentile * len(late)]
    assert found == min(enough)


def test_a_quarter_counts_by_what_the_team_has_shown_to_need_after_it() -> None:
    story = after([0, 3, 5, 8, 20])
    change = only(story.add(target=quarter(), impact=MEDIUM))
    likely = BY_HISTORY.after_working_days(on("2026-09-30"), 8, ())  # four of five shipped by then
    assert likely == on("2026-10-12")
    (link,) = [one for one in change.why if one.constraint == "ready"]
    assert link.detail == (
        "F-1 is ready on 2026-10-12, as team-a ships 80 of 100 within 8 working days of its quarter; "
        "plus 5 days to settle: 2026-10-17"
    )
    assert change.launch.date == on("2026-10-19")


def test_what_the_team_shows_later_counts_when_the_feature_next_changes_and_moves_nothing_by_itself() -> None:
    story = after([0, 3, 5, 8, 20])
    story.add(target=quarter(), impact=MEDIUM)
    story.add("H-9", day="2026-03-31")
    story.wait_until("2026-04-30")
    assert story.change("shipped", "H-9", status="shipped").changes == ()
    assert only(story.change("retargeted", target=quarter("2026-10-01"))).launch.date == on("2026-11-03")
    assert story.state.features["F-1"].ready_on == BY_HISTORY.after_working_days(on("2026-10-01"), 20, ())


def test_the_last_day_counts_for_other_teams_for_days_with_little_history_and_by_default() -> None:
    story = after([20, 20, 20, 20, 20])
    last = on("2026-10-05")
    assert only(story.add("DAY", day="2026-09-30", impact=MEDIUM)).launch.date == last
    assert only(story.add("OTHER", target=quarter(), impact=MEDIUM, owner_team="team-b")).launch.date == last
    assert only(story.add("NOBODY", target=quarter(), impact=MEDIUM, owner_team=None)).launch.date == last
    assert only(story.add("RELEASE", target=quarter(resolution="release"), impact=MEDIUM)).launch.date == last
    assert only(after([20] * 4).add(target=quarter(), impact=MEDIUM)).launch.date == last
    assert only(after([20] * 9, CALENDAR).add(target=quarter(), impact=MEDIUM)).launch.date == last


def test_a_team_that_ships_early_gets_the_last_day_and_no_earlier_one() -> None:
    story = Story(calendar=BY_HISTORY)
    for number in range(6):
        story.add(f"H-{number}", day="2026-06-30")
        story.change("shipped", f"H-{number}", status="shipped")
    assert story.state.slips.by_team == {"team-a": [0] * 6}
    assert only(story.add(target=quarter(), impact=MEDIUM)).launch.date == on("2026-10-05")


def test_what_counts_is_the_first_promise_of_a_stage_and_what_is_taken_back_has_not_shipped() -> None:
    story = Story(calendar=BY_HISTORY)
    story.add(stage="alpha", day="2026-02-02")
    story.change("delayed", day="2026-02-09")
    story.wait_until("2026-02-09")
    story.change("shipped", status="shipped")
    assert story.state.slips.by_team == {"team-a": [5]}
    story.change("unshipped", status="in_progress")
    assert story.state.slips.by_team == {}
    story.wait_until("2026-02-16")
    story.change("shipped", status="shipped")
    story.change("stage_changed", status="in_progress", stage="beta", day="2026-02-20")
    story.wait_until("2026-02-24")
    story.change("shipped", status="shipped")
    assert story.state.slips.by_team == {"team-a": [2, 10]}


@given(LATE, st.sampled_from([None, "team-b"]))
@settings(deadline=None, max_examples=20)
def test_history_is_the_same_kept_loaded_and_replayed(late: list[int], team: str | None) -> None:
    story = after(late)
    story.change("reassigned", "H-0", owner_team=team)
    story.change("unshipped", "H-0", status="in_progress")
    loaded = State(DEFAULT)
    loaded.fill(story.state.features.values(), story.state.launches.values(), ())
    replayed = story.replayed()
    assert loaded.slips == replayed.slips == story.state.slips
    assert replayed.features == story.state.features
    assert sum(map(len, story.state.slips.by_team.values())) == len(late) - 1


def test_a_year_that_is_no_promise_at_all_stays_within_the_calendar() -> None:
    story = after([1] * 5)
    story.add(target=quarter("9999-12-31", resolution="year"), impact=MEDIUM)
    assert story.state.features["F-1"].ready_on == FAR
