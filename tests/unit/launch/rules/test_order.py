"""Launches that come after others, in calendar and in working days: exact whatever moves, holidays included."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import Follows, Policy
from services.launch.domain.scheduling.compile import Days, frame_of
from services.launch.domain.scheduling.engine.model import WorkingDays
from shared.contracts.words import LaunchId
from tests.unit.launch.story import CALENDAR, MEDIUM, POLICY, START, Story, on
from tests.unit.launch.whole import undeclared

REGIONS = st.sampled_from([(), ("de",), ("jp",), ("fr", "us")])
DAYS = st.integers(0, 700).map(lambda days: START.date() + timedelta(days=days))
FRAME = frame_of(CALENDAR, START.date())
ALL_DAYS = Days(CALENDAR, FRAME, {}, {})


def follows(**lag: int) -> Follows:
    return Follows(launch=LaunchId("L-B"), after=LaunchId("L-A"), **lag)


def ordered(*after: Follows, regions: tuple[str, ...] = (), **rules: Any) -> Story:
    story = Story(calendar=Calendar(POLICY.model_copy(update={"after": after, **rules})))
    story.add("A", day="2026-04-20", impact=MEDIUM)
    story.add("B", day="2026-04-01", impact=MEDIUM, regions=regions)
    return story


def dates(story: Story) -> tuple[date, date]:
    first, second = story.launch("L-A").date, story.launch("L-B").date
    assert first
    assert second
    return first, second


@given(DAYS, st.integers(1, 30), REGIONS)
@settings(deadline=None, max_examples=150)
def test_working_days_are_counted_as_the_calendar_does_forth_and_back(
    day: date, count: int, regions: tuple[str, ...]
) -> None:
    lag, at = ALL_DAYS.lag(follows(lag_working_days=count), regions), day.toordinal()
    assert isinstance(lag, WorkingDays)
    assert at + lag == CALENDAR.after_working_days(day, count, regions).toordinal()
    last = at - lag
    assert last + lag <= at < last + 1 + lag


def test_where_no_working_day_is_left_nothing_comes_before_or_after() -> None:
    lag = ALL_DAYS.lag(follows(lag_working_days=3), ())
    assert FRAME.horizon + lag > FRAME.horizon
    assert FRAME.today - lag == 0


def test_five_working_days_over_a_holiday_are_more_than_a_week_and_a_week_is_a_week() -> None:
    assert dates(ordered(follows(lag_days=7))) == (on("2026-04-27"), on("2026-05-04"))
    assert dates(ordered(follows(lag_working_days=5))) == (on("2026-04-27"), on("2026-05-04"))
    in_japan = ordered(follows(lag_working_days=5), regions=("jp",))  # 29 April, 4, 5 and 6 May
    assert dates(in_japan) == (on("2026-04-27"), on("2026-05-08"))


def test_the_lag_is_counted_anew_from_where_the_first_one_moves_and_says_so() -> None:
    story = ordered(follows(lag_working_days=5), regions=("jp",))
    message = story.change("delayed", "A", day="2026-05-01")
    assert dates(story) == (on("2026-05-06"), on("2026-05-13"))
    (link,) = [one for change in message.changes for one in change.why if one.constraint == "after"]
    assert link.detail == "5 working days after Feature A on 2026-05-06"
    story.person("L-B", regions=("us",))
    assert dates(story)[1] == on("2026-05-13")
    story.change("delayed", "A", day="2026-05-15")
    assert dates(story) == (on("2026-05-20"), on("2026-05-28"))  # Memorial Day is no working day


def test_launches_with_one_date_keep_the_lag_of_each_of_them() -> None:
    after_a = Follows(launch=LaunchId("L-C"), after=LaunchId("L-A"), lag_days=9)
    group = {"pair": (LaunchId("L-B"), LaunchId("L-C"))}
    for count, expected in ((2, "2026-05-07"), (6, "2026-05-11")):
        story = ordered(follows(lag_working_days=count), after_a, regions=("jp",), together=group)
        story.add("C", day="2026-04-01", impact=MEDIUM)
        assert (dates(story)[1], story.launch("L-C").date) == (on(expected), on(expected))


@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), DAYS), max_size=6), st.integers(1, 12), REGIONS)
@settings(deadline=None, max_examples=60)
def test_whatever_moves_the_second_one_keeps_its_working_days_and_the_checker_agrees(
    slips: list[tuple[str, date]], count: int, regions: tuple[str, ...]
) -> None:
    story = ordered(follows(lag_working_days=count), regions=regions)
    for ref, day in slips:
        story.change("delayed", ref, day=day)
        first, second = dates(story)
        assert second >= CALENDAR.after_working_days(first, count, regions)
    assert undeclared(story) == []
    assert story.replayed().launches == story.state.launches


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ([{"launch": "L-B", "after": "L-A", "lag_days": 1, "lag_working_days": 1}], "not both"),
        ([{"launch": "L-B", "after": "L-A"}, {"launch": "L-B", "after": "L-A", "lag_days": 2}], "more than once"),
        ([{"launch": "L-A", "after": "L-B", "lag_working_days": 1}, {"launch": "L-B", "after": "L-A"}], "cycle"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(after: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Policy.model_validate({**POLICY.model_dump(), "after": tuple(after)})
