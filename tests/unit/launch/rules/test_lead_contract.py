"""Until when who must have begun what, on small days that can be counted by hand: Monday, 1 June 2026 is a launch's."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import Activity
from services.launch.domain.rules.lead import (
    after_ready,
    begins_next,
    compressed,
    contract,
    last_days,
    notice_of,
    out_of_reach,
    ready_on,
)
from services.launch.domain.rules.own import shortfalls
from services.launch.domain.rules.rule import Situation
from shared.contracts.launch import Completed, LaunchSnapshot, Waiver
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import POLICY, on, snapshot

MONDAY = on("2026-06-01")
KICKOFF = Activity(id="kickoff", name="kick-off", team="pmm", days={"T1": 9, "T2": 5})
PRESS = Activity(id="press", name="press", team="pm", days={"T1": 7, "T2": 2}, axis="market")
HELP = Activity(id="help", name="help centre", team="docs", days={"T1": 6, "T2": 3}, anchor="ready")
THANKS = Activity(id="thanks", name="thanks", team="pmm", days={"T2": -2})
QUIET = Activity(id="quiet", name="quiet", team="pmm", days={"T3": 1})
ACTIVITIES = (THANKS, PRESS, KICKOFF, HELP, QUIET)
HERE = Calendar(POLICY.model_copy(update={"activities": ACTIVITIES}))


def launch(day: date | None = MONDAY, **fields: Any) -> LaunchSnapshot:
    return shape(**{"date": day, **fields})


def waived(activity: str, until: str) -> Waiver:
    return Waiver(
        activity=activity,
        team="pmm",
        lead=5,
        kept=1,
        date=MONDAY,
        reason="it is there",
        by="ana",
        approved_by="bo",
        on=on("2026-05-01"),
        until=on(until),
    )


def done(activity: str, planned: str | None = "2026-05-20") -> Completed:
    return Completed(activity=activity, planned=on(planned) if planned else None, by="ana", on=on("2026-05-19"))


def told(one: LaunchSnapshot, today: str, ready: str | None = None) -> list[tuple[str, str, str]]:
    leads = contract(one, HERE, on(today), on(ready) if ready else None)
    return [(lead.activity.id, str(lead.begin_by), lead.state) for lead in leads]


def test_each_activity_is_late_only_after_the_last_day_to_begin_it() -> None:
    assert told(launch(), "2026-05-27") == [
        ("kickoff", "2026-05-25", "late"),
        ("help", "2026-05-27", "today"),
        ("press", "2026-05-28", "ahead"),
        ("thanks", "2026-06-03", "ahead"),
    ]


def test_without_a_date_the_longest_lead_is_told_first() -> None:
    assert [name for name, _, _ in told(launch(None), "2026-05-27")] == ["kickoff", "help", "press", "thanks"]
    assert {(day, state) for _, day, state in told(launch(None), "2026-05-27", "2026-05-20")} == {("None", "undated")}


@pytest.mark.parametrize(
    ("days", "begin_by", "is_open"),
    [(1, "2026-05-29", True), (0, "2026-06-01", False), (-1, "2026-06-02", False), (-2, "2026-06-03", False)],
)
def test_only_what_must_begin_before_the_launch_is_owed_before_it(days: int, begin_by: str, *, is_open: bool) -> None:
    here = Calendar(POLICY.model_copy(update={"activities": (KICKOFF.model_copy(update={"days": {"T2": days}}),)}))
    (lead,) = contract(launch(), here, on("2026-05-01"))
    assert (str(lead.begin_by), lead.is_open) == (begin_by, is_open)


def test_what_is_done_comes_before_what_has_no_day_yet() -> None:
    one = launch(None, completed=(done("press"), done("help", None)))
    assert [name for name, _, _ in told(one, "2026-05-27")] == ["press", "kickoff", "help", "thanks"]


def test_the_tier_outside_asks_for_some_and_the_one_inside_for_the_others() -> None:
    found = contract(launch(market_tier="T1", internal_tier="T2"), HERE, on("2026-05-01"))
    assert {one.activity.id: one.days for one in found} == {"kickoff": 5, "press": 7, "help": 3, "thanks": -2}
    quiet = contract(launch(market_tier="T3", internal_tier="T3"), HERE, on("2026-05-01"))
    assert [one.activity.id for one in quiet] == ["quiet"]


def test_what_is_done_stays_on_its_day_and_is_listed_though_nobody_asks_any_more() -> None:
    one = launch(market_tier="T3", internal_tier="T3", completed=(done("kickoff"),))
    assert told(one, "2026-05-25") == [("kickoff", "2026-05-20", "completed"), ("quiet", "2026-05-29", "ahead")]
    assert contract(one, HERE, on("2026-05-25"))[0].days == 0
    lead = contract(launch(completed=(done("kickoff"),)), HERE, on("2026-05-27"))[0]
    assert (lead.activity.id, str(lead.begin_by), lead.is_open) == ("kickoff", "2026-05-20", False)


@pytest.mark.parametrize(("today", "holds"), [("2026-05-19", True), ("2026-05-20", False), ("2026-05-21", False)])
def test_a_waiver_holds_until_the_day_before_its_last(today: str, *, holds: bool) -> None:
    both = launch(waivers=(waived("kickoff", "2026-05-20"), waived("help", "2026-05-20")))
    (kickoff,) = (one for one in contract(both, HERE, on(today)) if one.activity.id == "kickoff")
    assert ((kickoff.state == "waived"), kickoff.is_open) == (holds, not holds)
    assert notice_of(both, HERE.policy, on(today)) == (2 if holds else None)
    assert [one.id for one, _ in after_ready(both, HERE.policy, on(today))] == ([] if holds else ["help"])
    assert begins_next(both, HERE, _noon(today)) == _dawn("2026-05-28" if holds else "2026-05-25")


def _noon(day: str) -> datetime:
    return datetime.combine(on(day), datetime.min.time(), UTC).replace(hour=12)


def _dawn(day: str) -> datetime:
    return HERE.start_of(on(day))


def test_the_notice_is_the_longest_lead_that_nobody_waived() -> None:
    today = on("2026-05-01")
    assert notice_of(launch(), HERE.policy, today) is None
    assert notice_of(launch(waivers=(waived("press", "2026-06-01"),)), HERE.policy, today) == 5
    all_of_them = tuple(waived(one.id, "2026-06-01") for one in ACTIVITIES)
    assert notice_of(launch(waivers=all_of_them), HERE.policy, today) == 0


def test_only_what_needs_the_features_and_is_neither_done_nor_without_days_waits_for_them() -> None:
    today = on("2026-05-01")
    assert after_ready(launch(), HERE.policy, today) == ((HELP, 3),)
    assert after_ready(launch(completed=(done("help"),)), HERE.policy, today) == ()
    assert after_ready(launch(market_tier="T3", internal_tier="T3"), HERE.policy, today) == ()
    for days in (0, -1):
        policy = POLICY.model_copy(update={"activities": (HELP.model_copy(update={"days": {"T2": days}}),)})
        assert after_ready(launch(), policy, today) == ()
    one_day = POLICY.model_copy(update={"activities": (HELP.model_copy(update={"days": {"T2": 1}}),)})
    assert len(after_ready(launch(), one_day, today)) == 1


def test_all_are_ready_when_the_last_one_is_and_a_cancelled_one_is_not_waited_for() -> None:
    first, last = (
        KnownFeature(snapshot=snapshot("A", day="2026-05-04")),
        KnownFeature(snapshot=snapshot("B", day="2026-05-11")),
    )
    gone = KnownFeature(snapshot=snapshot("C", day="2027-05-11", status="cancelled"))
    open_end = KnownFeature(snapshot=snapshot("D"))
    assert ready_on([last, first, gone]) == on("2026-05-11")
    assert ready_on([first, open_end]) is None
    assert ready_on([gone]) is None


@pytest.mark.parametrize(
    ("now", "fields", "dawn"),
    [
        ("2026-05-24", {}, "2026-05-25"),
        ("2026-05-25", {}, "2026-05-27"),
        ("2026-05-27", {}, "2026-05-28"),
        ("2026-05-28", {}, None),
        ("2026-05-24", {"completed": (done("kickoff"),)}, "2026-05-27"),
        ("2026-05-24", {"state": "held"}, "2026-05-25"),
        ("2026-05-24", {"state": "launched"}, None),
        ("2026-05-24", {"day": None}, None),
    ],
)
def test_the_clock_wakes_for_the_next_last_day_to_begin_something(
    now: str, fields: dict[str, Any], dawn: str | None
) -> None:
    assert begins_next(launch(**fields), HERE, _noon(now)) == (_dawn(dawn) if dawn else None)


def test_what_takes_no_days_before_the_launch_wakes_nobody() -> None:
    short = (KICKOFF.model_copy(update={"days": {"T2": 0}}), PRESS.model_copy(update={"days": {"T2": 1}}))
    here = Calendar(POLICY.model_copy(update={"activities": short}))
    assert begins_next(launch(), here, _noon("2026-05-28")) == here.start_of(on("2026-05-29"))
    assert begins_next(launch(), here, _noon("2026-05-29")) is None


def test_today_s_last_days_are_said_but_for_what_is_done_or_comes_after_the_launch() -> None:
    sentence = "today is the last day to start press for Launch L-A on 2026-06-01 (pm)"
    assert [link.detail for link in last_days(launch(), HERE, on("2026-05-28"))] == [sentence]
    assert list(last_days(launch(), HERE, on("2026-05-29"))) == []
    assert list(last_days(launch(waivers=(waived("press", "2026-06-02"),)), HERE, on("2026-05-28"))) == []
    assert list(last_days(launch(), HERE, on("2026-06-03"))) == []  # thanks, which are owed after it


def test_an_earlier_day_is_out_of_reach_for_what_could_still_be_begun_today() -> None:
    one = launch(on("2026-06-15"))
    assert [each.id for each in out_of_reach(one, MONDAY, HERE, on("2026-05-28"))] == ["kickoff", "help"]
    assert [each.id for each in out_of_reach(one, MONDAY, HERE, on("2026-05-25"))] == []
    assert [each.id for each in out_of_reach(one, MONDAY, HERE, on("2026-06-09"))] == ["help", "press"]
    settled = launch(on("2026-06-15"), completed=(done("kickoff"),), waivers=(waived("help", "2026-07-01"),))
    assert list(out_of_reach(settled, MONDAY, HERE, on("2026-05-28"))) == []


# ---- what a decision takes from somebody


def said(before: LaunchSnapshot | None, after: LaunchSnapshot, today: str, *ready: str | None) -> list[str]:
    days = tuple(on(day) if day else None for day in ready or (None, None))
    return [link.detail for link in compressed(before, after, (days[0], days[1]), HERE, on(today))]


LATE = "{} needs {} working days and has {} left: move the launch, or waive it by name"


def test_an_earlier_date_says_whose_lead_is_gone_once() -> None:
    kickoff = LATE.format("kick-off (pmm)", 5, 5)
    assert said(launch(on("2026-06-15")), launch(), "2026-05-25") == [kickoff]
    assert said(launch(on("2026-06-15")), launch(), "2026-05-24") == []
    assert said(launch(on("2026-06-02")), launch(), "2026-05-26") == []  # it was the last day already
    assert said(None, launch(), "2026-05-27") == [
        LATE.format("kick-off (pmm)", 5, 3),
        LATE.format("help centre (docs)", 3, 3),
    ]


def test_a_decision_that_changes_nothing_of_it_says_nothing_of_it() -> None:
    assert said(launch(), launch(product_line="pay"), "2026-05-27") == []
    assert said(launch(on("2026-06-15")), launch(None), "2026-05-27") == []
    assert said(launch(on("2026-06-15")), launch(state="launched"), "2026-05-27") == []
    held = launch(waivers=(waived("kickoff", "2026-07-01"),), completed=(done("help"),))
    assert said(launch(on("2026-06-15"), waivers=held.waivers), held, "2026-05-27") == []


def test_nothing_is_taken_from_what_is_done_or_comes_after_the_launch() -> None:
    finished = launch(completed=(done("help"),))
    assert said(finished, finished, "2026-05-04", "2026-05-26", "2026-05-28") == []
    late = [
        LATE.format("kick-off (pmm)", 5, 0),
        LATE.format("help centre (docs)", 3, 0),
        LATE.format("press (pm)", 2, 0),
    ]
    assert said(launch(on("2026-06-15")), launch(), "2026-06-03") == late  # nor thanks, which are due today


def test_a_feature_that_is_ready_later_leaves_less_to_who_needs_it() -> None:
    told = "help centre (docs) needs 3 working days and keeps {} of {}: move the launch, or waive it by name"
    assert said(launch(), launch(), "2026-05-04", "2026-05-26", "2026-05-28") == [told.format(2, 4)]
    assert said(launch(), launch(), "2026-05-04", "2026-05-26", "2026-05-27") == []  # three days are enough
    assert said(launch(), launch(), "2026-05-04", "2026-05-28", "2026-05-28") == []
    assert said(launch(), launch(on("2026-05-29")), "2026-05-04", "2026-05-28", "2026-05-28") == [told.format(1, 2)]
    assert said(launch(), launch(on("2026-06-02")), "2026-05-04", "2026-05-28", "2026-05-29") == []  # as many as before
    assert said(launch(), launch(), "2026-05-04", None, "2026-05-28") == []
    assert said(launch(), launch(), "2026-05-04", "2026-05-28", None) == []


def test_who_needs_the_finished_feature_is_short_of_what_is_missing_to_its_days() -> None:
    feature = KnownFeature(snapshot=snapshot("A", day="2026-05-27"))
    early = KnownFeature(snapshot=snapshot("B", day="2026-05-11"))
    own = Situation("T2", (), (early, feature), on("2026-05-04"), after_ready=((HELP, 3), (KICKOFF, 4)))
    assert list(shortfalls(own, MONDAY, HERE)) == [(KICKOFF, 4, 3)]
    assert list(shortfalls(own, MONDAY + timedelta(days=1), HERE)) == []
    assert list(shortfalls(own, MONDAY - timedelta(days=3), HERE)) == [(HELP, 3, 2), (KICKOFF, 4, 2)]
    nobody_knows = Situation(
        "T2", (), (KnownFeature(snapshot=snapshot("D")),), on("2026-05-04"), after_ready=((HELP, 3),)
    )
    assert list(shortfalls(nobody_knows, MONDAY, HERE)) == [(HELP, 3, 0)]
