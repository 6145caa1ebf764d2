"""The first and the last day that a person allows: kept by every date chosen, and never silently broken."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, RefusedError
from services.launch.domain.decisions.person import Bounding
from services.launch.domain.policy import Follows, TeamCapacity, TeamLoad
from shared.contracts.words import LaunchId
from tests.unit.launch.story import MEDIUM, POLICY, START, Story, on, only

TEAM = {"teams": {"marketing": TeamCapacity(weekly=2)}, "load": {"T2": (TeamLoad(team="marketing", units=2),)}}
ORDER = {"after": (Follows(launch=LaunchId("L-B"), after=LaunchId("L-A"), lag_days=7),)}


def planned(*refs: str, **rules: Any) -> Story:
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    for ref in refs or ("F-1",):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    return story


def before(day: str) -> Bounding:
    return Bounding(not_before=on(day))


def by(day: str) -> Bounding:
    return Bounding(not_after=on(day))


def dates(story: Story) -> dict[str, date | None]:
    return {one.id.removeprefix("L-"): one.snapshot.date for one in story.state.launches.values()}


@pytest.mark.parametrize("rules", [{}, TEAM], ids=["alone", "together"])
def test_a_launch_goes_to_its_first_day_says_who_wants_that_and_stays_when_it_is_lifted(rules: Any) -> None:
    story = planned(**rules)
    message = story.person(bounds=before("2026-06-20"))
    assert message.cause.summary == "ana set or lifted the first or last day of Feature F-1"
    assert only(message).launch.date == on("2026-06-22")
    assert "a person wants it on 2026-06-20 at the earliest" in [link.detail for link in only(message).why]
    assert story.change("delayed", day="2026-06-03").changes == ()
    assert only(story.person(bounds=Bounding(lifted=("not_before",)))).launch.not_before is None
    assert story.launch().date == on("2026-06-22")  # by itself it comes no earlier
    assert story.replayed().launches == story.state.launches


@pytest.mark.parametrize("rules", [{}, TEAM], ids=["alone", "together"])
def test_a_launch_that_cannot_be_by_its_last_day_keeps_its_date_and_opens_a_conflict_with_prices(rules: Any) -> None:
    story = planned(**rules)
    assert only(story.person(bounds=by("2026-06-12"))).launch.date == on("2026-06-08")
    assert only(story.change("delayed", day="2026-06-05")).launch.date == on("2026-06-10")
    message = story.change("delayed", day="2026-06-15")
    assert (only(message).launch.date, only(message).kinds) == (on("2026-06-10"), ("conflict_opened",))
    (conflict,) = message.conflicts
    assert conflict.constraint == "not_after"
    assert conflict.detail == (
        "a person wants it by 2026-06-12 at the latest, and the earliest day for it is 2026-06-22: "
        "F-1 is ready on 2026-06-15; plus 5 days to settle: 2026-06-20"
    )
    assert [(one.action, one.detail, one.cost) for one in conflict.options][:1] == [
        ("move_not_after", "Let it be on 2026-06-22.", 3 * (10 + 10))
    ]
    assert story.replayed().launches == story.state.launches
    change = only(story.person(bounds=by("2026-06-30")))
    assert (set(change.kinds), change.launch.date) == ({"rescheduled", "conflict_closed"}, on("2026-06-22"))


def test_a_launch_without_a_date_says_that_it_cannot_be_by_its_last_day() -> None:
    story = planned()
    story.change("unscheduled", target=None)
    story.person(bounds=by("2026-06-12"))
    change = only(story.change("scheduled", day="2026-07-01"))
    assert (change.launch.date, story.stored().conflicts[0].constraint) == (None, "not_after")
    assert (change.launch.waits_for or "").startswith("a person wants it by 2026-06-12 at the latest")
    assert only(story.change("pulled_in", day="2026-05-20")).launch.date == on("2026-06-08")
    assert story.stored().conflicts == ()


def test_a_pin_after_the_last_day_is_a_conflict_and_a_date_after_it_is_refused() -> None:
    story = planned()
    story.person(bounds=by("2026-06-12"))
    with pytest.raises(RefusedError, match="by 2026-06-12 at the latest") as refusal:
        story.person(date=on("2026-06-15"))
    assert refusal.value.where == "$.date"
    assert [one.constraint for one in story.person(date=on("2026-06-15"), pin="the fair").conflicts] == ["not_after"]


@pytest.mark.parametrize(
    ("bounds", "where", "says"),
    [
        (Bounding(not_before=on("2026-07-02"), not_after=on("2026-07-01")), "$.not_before", "no day is on or after"),
        (before("2026-01-05"), "$.not_before", "not ahead"),
        (by("2026-01-04"), "$.not_after", "not ahead"),
        (before("9999-12-31"), "$.not_before", "beyond the horizon of 1100 days"),
        (by("2029-01-10"), "$.not_after", "beyond the horizon of 1100 days"),
        (by("2026-06-05"), "$.not_after", "is on 2026-06-08; give it a date up to 2026-06-05 in the same request"),
    ],
)
def test_bounds_that_cannot_be_are_refused_where_they_stand(bounds: Bounding, where: str, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as refusal:
        planned().person(bounds=bounds)
    assert refusal.value.where == where


def test_a_bound_that_contradicts_the_one_that_stands_is_refused_and_may_replace_it() -> None:
    story = planned()
    story.person(bounds=before("2026-07-01"))
    with pytest.raises(RefusedError) as refusal:
        story.person(bounds=by("2026-06-20"))
    assert refusal.value.where == "$.not_after"
    story.person(bounds=Bounding(not_before=on("2026-07-01"), not_after=on("2026-07-20")))
    story.wait_until("2026-07-02")  # the same first day again, which is over
    story.person(bounds=Bounding(not_before=on("2026-07-01"), not_after=on("2026-07-22")))
    story.person(bounds=Bounding(not_after=on("2026-07-20"), lifted=("not_before",)))
    assert (story.launch().not_before, story.launch().not_after) == (None, on("2026-07-20"))


def test_nobody_makes_room_beyond_the_last_day() -> None:
    story = planned(
        teams={"docs": TeamCapacity(weekly=2)}, load=dict.fromkeys(("T1", "T2"), (TeamLoad(team="docs", units=2),))
    )
    story.add("A", day="2026-06-10", impact={**MEDIUM, "differentiation": 3, "narrative": 3}, labels=("demo",))
    assert dates(story) == {"F-1": on("2026-06-08"), "A": on("2026-06-22")}
    story.person(bounds=by("2026-06-19"), date=on("2026-06-15"))
    story.add("B", day="2026-06-03", impact={**MEDIUM, "differentiation": 3, "narrative": 3}, labels=("demo",))
    assert story.launch().date == on("2026-06-15")


def test_a_last_day_is_a_deadline_for_whom_it_follows() -> None:
    story = planned("A", "B", **TEAM, **ORDER)
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15")}
    story.person("L-B", bounds=by("2026-06-17"))
    story.add("C", day="2026-06-01", impact=MEDIUM)
    message = story.change("delayed", "C", day="2026-06-02")
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15"), "C": on("2026-06-22")}
    assert message.conflicts == ()


def test_whoever_must_move_moves_and_the_follower_that_cannot_says_so() -> None:
    story = planned("A", "B", **TEAM, **ORDER)
    story.person("L-B", bounds=by("2026-06-17"))
    message = story.change("delayed", "A", day="2026-06-12")
    assert dates(story) == {"A": on("2026-06-22"), "B": on("2026-06-15")}
    assert [(one.launch, one.constraint) for one in message.conflicts] == [("L-B", "not_after")]
    assert message.conflicts[0].options[0].detail == "Let it be on 2026-07-01."
    assert story.replayed().launches == story.state.launches


def test_the_last_day_of_one_holds_for_all_that_share_its_date_and_each_of_them_says_so() -> None:
    story = planned("A", "B", together={"pair": (LaunchId("L-A"), LaunchId("L-B"))})
    story.person("L-B", bounds=by("2026-06-12"))
    message = story.change("delayed", "A", day="2026-06-10")
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-08")}
    assert [(one.launch, one.constraint) for one in message.conflicts] == [("L-A", "not_after"), ("L-B", "not_after")]
    assert {one.options[0].detail for one in message.conflicts} == {"Let it be on 2026-06-15."}


def test_no_room_up_to_the_last_day_is_a_conflict_with_the_first_day_after_it() -> None:
    story = planned("A", "B", **TEAM)
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15")}
    story.person("L-A", bounds=by("2026-06-19"))
    story.person("L-B", pin="the fair")
    message = story.change("delayed", "A", day="2026-06-10")
    assert dates(story)["A"] == on("2026-06-08")
    assert [(one.launch, one.constraint) for one in message.conflicts] == [("L-A", "not_after")]
    assert (message.conflicts[0].options[0].detail, message.conflicts[0].options[0].cost) == (
        "Let it be on 2026-06-22.",
        3 * (10 + 3),
    )


def test_a_launch_without_a_date_for_which_there_is_no_room_in_time_stays_without_one_and_says_so() -> None:
    story = planned("A", "B", **TEAM)
    story.change("unscheduled", "B", target=None)
    story.person("L-B", bounds=by("2026-06-12"))
    message = story.change("scheduled", "B", day="2026-06-01")
    assert dates(story) == {"A": on("2026-06-08"), "B": None}
    assert [(one.launch, one.constraint) for one in message.conflicts] == [("L-B", "not_after")]
    first = message.conflicts[0].options[0]
    assert (first.action, first.detail, first.cost) == ("move_not_after", "Let it be on 2026-06-15.", 3 * (10 + 3))


DAYS = st.integers(40, 200).map(lambda days: START.date() + timedelta(days=days))


STEPS = st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from(["first", "last", "slip"]), DAYS)


@given(st.lists(STEPS, max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_date_outside_its_bounds_is_always_declared(steps: list[tuple[str, str, date]]) -> None:
    story = planned("A", "B", "C", **TEAM, **ORDER)
    for ref, what, day in steps:
        if what == "slip":
            story.change("delayed", ref, day=day)
            continue
        bounds = Bounding(not_before=day) if what == "first" else Bounding(not_after=day)
        with suppress(RefusedError):
            story.person(f"L-{ref}", bounds=bounds)
    for launch in story.state.launches.values():
        one = launch.snapshot
        inside = one.date and (one.not_before or one.date) <= one.date <= (one.not_after or one.date)
        assert inside or launch.conflicts, one
    assert story.replayed().launches == story.state.launches
