"""The lead-time contract: it moves with the launch, what is done stays, and nobody loses lead without a word."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.decisions.person import Edit, Waiving, edit
from services.launch.domain.rules.lead import Lead, contract, ready_on
from shared.contracts.words import LaunchId
from tests.unit.launch.story import BY_ITSELF, CALENDAR, MEDIUM, SMALL, START, Story, is_reminder, on, only

DAYS = st.integers(90, 400).map(lambda days: START.date() + timedelta(days=days))
DONE = st.sets(st.sampled_from(["kickoff", "blog", "email", "go-no-go"]), max_size=3).map(sorted).map(tuple)
AFTER_READY = Calendar(BY_ITSELF)
HELP = "help-center articles (docs) needs 7 working days after that"
WAIVER = Waiving(activity="kickoff", reason="the text is there", approved_by="bo", until=on("2026-09-01"))


def leads(story: Story) -> dict[str, Lead]:
    features = [story.state.features[one.id] for one in story.launch().features]
    today = story.calendar.day_of(story.now)
    return {one.activity.id: one for one in contract(story.launch(), story.calendar, today, ready_on(features))}


def planned(calendar: Calendar = CALENDAR, **fields: Any) -> Story:
    story = Story(calendar=calendar)
    story.add(**({"day": "2026-06-01", "impact": MEDIUM} | fields))
    return story


@given(st.lists(st.tuples(DAYS, DONE), max_size=6))
@settings(deadline=None, max_examples=60)
def test_activities_hang_on_the_date_and_what_is_done_never_moves(steps: list[tuple[date, tuple[str, ...]]]) -> None:
    story = planned()
    done: dict[str, date | None] = {}
    for day, names in steps:
        now = leads(story)
        done |= {name: now[name].begin_by for name in names if name not in done}
        if names:
            assert not any(change.material for change in story.person(complete=names).changes)
        story.change("delayed", day=day)
        now, at = leads(story), story.launch().date
        assert at
        for name, one in now.items():
            if name in done:
                assert (one.state, one.begin_by) == ("completed", done[name])
            elif one.days > 0:
                assert one.begin_by == CALENDAR.before_working_days(at, one.days, ())


def test_the_table_follows_the_tier_outside_and_inside() -> None:
    quiet = planned(impact={"disruption": 3})
    assert (quiet.launch().market_tier, quiet.launch().internal_tier) == ("T4", "T2")
    assert {"kickoff", "help-center", "support-brief", "go-no-go"} <= leads(quiet).keys()
    assert not {"press-release", "blog", "announcement", "email"} & leads(quiet).keys()
    assert leads(planned())["kickoff"].days == 30
    assert leads(planned(impact=SMALL))["kickoff"].days == 10


def test_the_clock_speaks_once_for_each_day_and_again_only_for_a_new_date() -> None:
    story = planned()
    story.now = story.now.replace(month=4, day=27)
    (told,) = story.pass_time(story.now)
    assert is_reminder(told)
    assert only(told).why[1].detail == (
        "today is the last day to start kickoff and agreed tier for Feature F-1 on 2026-06-08 (pmm)"
    )
    assert story.pass_time(story.now) == []
    story.change("delayed", day="2026-06-29")
    assert story.launch().date == on("2026-07-06")
    told_later = story.pass_time(story.now.replace(month=5, day=25))
    assert [only(one).why[1].detail[:43] for one in told_later] == ["today is the last day to start kickoff and "]


def test_what_is_done_or_waived_is_not_asked_for_by_the_clock() -> None:
    story = planned()
    story.person(complete=("kickoff",))
    story.person(waive=Waiving(**{**WAIVER.model_dump(), "activity": "press-release"}))
    assert story.pass_time(story.now.replace(month=4, day=30)) == []


def test_a_launch_that_grows_louder_on_a_held_date_says_whose_lead_is_gone() -> None:
    story = planned(day="2026-02-02", impact=SMALL)
    story.person(date=on("2026-02-10"), pin="the fair", features=("F-1",))
    story.add("F-2", day="2026-02-02", impact=MEDIUM)
    change = only(story.person(features=("F-1", "F-2")))
    assert {"retiered", "conflict_opened", "lead_time_at_risk"} <= set(change.kinds)
    assert any("needs 30 working days and has" in link.detail for link in change.why)


def test_a_slip_moves_the_launch_rather_than_take_the_time_of_who_needs_the_finished_feature() -> None:
    story = planned(AFTER_READY, day="2026-05-20")
    story.person(date=on("2026-06-08"))
    change = only(story.change("delayed", day="2026-06-01"))
    assert change.launch.date == on("2026-06-10")  # ready and settled on 2026-06-06
    (link,) = [one for one in change.why if one.constraint == "lead"]
    assert (link.feature, link.detail) == ("F-1", f"F-1 is ready on 2026-06-01; {HELP}: 2026-06-10")
    assert leads(story)["help-center"].room == 7


def test_a_held_date_that_leaves_too_little_time_is_a_conflict_with_the_waiver_and_its_price() -> None:
    story = planned(AFTER_READY, day="2026-05-20")
    story.person(date=on("2026-06-08"), pin="the fair")
    message = story.change("delayed", day="2026-06-01")
    assert {"conflict_opened", "lead_time_at_risk"} <= set(only(message).kinds)
    (conflict,) = message.conflicts
    assert (conflict.constraint, conflict.detail) == ("lead", f"F-1 is ready on 2026-06-01; {HELP}: 2026-06-10")
    (waive,) = [one for one in conflict.options if one.action == "waive"]
    assert (waive.detail, waive.cost) == ("Waive 2 of the 7 working days of help-center articles (docs).", 2)
    change = only(story.person(waive=Waiving(**{**WAIVER.model_dump(), "activity": "help-center"})))
    assert {"lead_time_waived", "conflict_closed"} <= set(change.kinds)
    assert (change.launch.waivers[0].lead, change.launch.waivers[0].kept) == (7, 5)


def test_a_waiver_keeps_a_date_until_it_ends_and_what_is_done_needs_no_time_any_more() -> None:
    story = planned(AFTER_READY, day="2026-05-20")
    story.person(date=on("2026-06-08"), pin="the fair")
    story.change("delayed", day="2026-06-01")
    fields = {**WAIVER.model_dump(), "activity": "help-center", "until": on("2026-02-02")}
    story.person(waive=Waiving(**fields))
    assert story.stored().conflicts == ()
    story.wait_until("2026-02-03")
    assert [one.constraint for one in story.stored().conflicts] == ["lead"]
    assert "conflict_closed" in only(story.person(complete=("help-center",))).kinds
    story.person(unpin=True)
    assert story.launch().date == on("2026-06-08")
    assert story.replayed().launches == story.state.launches


@given(st.integers(0, 120), st.sampled_from([(), ("de",), ("us", "jp")]), st.sampled_from([SMALL, MEDIUM]))
@settings(deadline=None, max_examples=60)
def test_who_needs_the_finished_feature_always_keeps_its_working_days(
    slip: int, regions: tuple[str, ...], impact: dict[str, int]
) -> None:
    story = planned(AFTER_READY, day="2026-05-20", regions=regions, impact=impact)
    story.change("delayed", day=on("2026-05-20") + timedelta(days=slip))
    lead = leads(story)["help-center"]
    assert lead.room is not None
    assert lead.room >= lead.days


def test_a_waiver_lets_a_date_be_kept_with_less_notice_until_it_ends() -> None:
    story = Story()
    story.add(day="2026-01-12", impact=MEDIUM)
    story.person(date=on("2026-02-09"), pin="the fair")  # 25 working days ahead
    assert [one.constraint for one in story.stored().conflicts] == ["notice"]
    change = only(story.person(waive=WAIVER))
    assert "lead_time_waived" in change.kinds
    assert "conflict_closed" not in change.kinds  # the press release needs 30 days as well
    change = only(story.person(waive=Waiving(**{**WAIVER.model_dump(), "activity": "press-release"})))
    assert {"lead_time_waived", "conflict_closed"} <= set(change.kinds)
    assert story.launch().date == on("2026-02-09")


def test_the_clock_ends_a_waiver_and_what_was_waived_is_due_again() -> None:
    story = Story()
    story.add(day="2026-01-12", impact=MEDIUM)
    story.person(date=on("2026-02-09"), pin="the fair")
    for activity in ("kickoff", "press-release"):
        fields = {**WAIVER.model_dump(), "activity": activity, "until": on("2026-01-20")}
        story.person(waive=Waiving(**fields))
    assert story.stored().conflicts == ()
    told = [one for one in story.wait_until("2026-01-20") if "conflict_opened" in only(one).kinds]
    assert only(told[0]).launch.waivers == ()
    assert story.replayed().launches == story.state.launches


@pytest.mark.parametrize(
    "fields",
    [
        {"approved_by": "ana"},
        {"until": on("2026-01-05")},
        {"activity": "nothing"},
        {"activity": "announcement"},
    ],
)
def test_a_waiver_without_a_second_name_an_end_or_a_lead_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        planned().person(waive=Waiving(**{**WAIVER.model_dump(), **fields}))


def test_an_opportunity_says_for_which_team_s_work_it_is_too_late() -> None:
    story = Story()
    story.add(day="2026-06-01", impact=MEDIUM)
    story.wait_until("2026-04-01")
    message = story.change("pulled_in", day="2026-04-20")
    (opening,) = message.opportunities
    assert opening.earliest == on("2026-04-27")
    assert opening.detail == (
        "Feature F-1 could launch on 2026-04-27, 42 days earlier than 2026-06-08. Too late to begin then:"
        " kickoff and agreed tier (pmm), press-release draft (pm), positioning and message approved (pmm),"
        " sales enablement planned (sales_enablement)."
    )
    assert story.launch().date == on("2026-06-08")


@pytest.mark.parametrize(("by", "second"), [("ana", "ana"), ("ana", "Ana"), ("ANA", "ana"), ("ana", "")])
def test_nobody_is_the_second_name_to_an_own_wish_however_it_is_written(by: str, second: str) -> None:
    story = planned()
    wish = Waiving(**{**WAIVER.model_dump(), "approved_by": second})
    command = Edit(launch=LaunchId("L-F-1"), by=by, request="r", waive=wish)
    with pytest.raises(RefusedError, match="needs a second name: somebody else who approves it") as refused:
        edit(story.state, command, Context(story.calendar, story.now), len(story.told) + 1)
    assert refused.value.where == "$.approved_by"
