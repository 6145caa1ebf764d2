"""What a segment hears is held: days of rest and announcements a week, across all launches, whoever plans them."""

from typing import Any

import pytest

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.policy import Approval, AutoApply, TeamCapacity
from services.launch.domain.questions.explain import keeps_from
from shared.contracts.words import LaunchId
from tests.unit.launch.story import CALENDAR, MEDIUM, POLICY, SMALL, Story, on, only

TOGETHER = Calendar(POLICY.model_copy(update={"teams": {"docs": TeamCapacity(weekly=9)}}))
either_way = pytest.mark.parametrize("calendar", [CALENDAR, TOGETHER], ids=["each alone", "together"])


def smb(story: Story, ref: str, day: str = "2026-06-01", **fields: Any) -> None:
    story.add(ref, **{"day": day, "impact": MEDIUM, "segments": ("smb",), **fields})


def dates(story: Story, refs: str) -> list[str]:
    return [str(story.launch(f"L-{ref}").date) for ref in refs]


@either_way
def test_a_segment_rests_between_two_announcements_and_hears_no_more_than_two_a_week(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    for ref in "ABC":
        smb(story, ref)
    assert dates(story, "ABC") == ["2026-06-08", "2026-06-11", "2026-06-15"]  # Monday, Thursday, the next Monday
    links = {link.constraint: link for link in story.told[-1][0].changes[0].why}
    assert links["touches"].detail == ("that makes 3 announcements to smb in the week of 2026-06-08; 2 are allowed")
    assert links["rest"].launch == "L-C"  # as in all chains, who could not stay


@either_way
def test_the_loud_and_the_early_keep_their_days_when_one_cause_crowds_a_segment(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    for ref, day in (("A", "2026-06-02"), ("B", "2026-07-01"), ("C", "2026-08-03")):
        smb(story, ref, day)
    story.hear(*(story.changed("delayed", ref, day="2026-09-01") for ref in "CAB"))
    assert dates(story, "ABC") == ["2026-09-07", "2026-09-10", "2026-09-14"]


@either_way
def test_who_names_no_segment_or_another_one_is_free(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", segments=())
    smb(story, "C", segments=())
    smb(story, "D", segments=("banks",))
    assert set(dates(story, "ABCD")) == {"2026-06-08"}


@either_way
def test_a_train_is_one_announcement_however_many_ride(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    for ref in "ABCD":
        smb(story, ref, "2026-03-18", impact=SMALL)
    assert set(dates(story, "ABCD")) == {"2026-03-24"}
    smb(story, "E", "2026-03-18")  # loud enough to go alone, and the train is there already
    assert dates(story, "E") == ["2026-04-01"]  # rest until Friday, then the end of the quarter is frozen


@either_way
def test_a_person_is_told_why_a_day_is_not_free_and_a_pin_holds_it_all_the_same(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-07-01")
    with pytest.raises(RefusedError, match="smb hears something else on 2026-07-06; 2 days of rest are due between"):
        story.person("L-A", date=on("2026-07-07"))
    story.person("L-A", date=on("2026-07-07"), pin="a promise")
    assert dates(story, "AB") == ["2026-07-07", "2026-07-06"]


@either_way
def test_why_not_that_day_names_the_audience_and_who_is_in_the_way(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-07-01")
    (broken,) = keeps_from(story.state, LaunchId("L-B"), on("2026-06-09"), Context(calendar, story.now))
    assert (broken.constraint, broken.by) == ("rest", ("L-A",))
    assert broken.detail == "smb hears something else on 2026-06-08; 2 days of rest are due between"


@either_way
def test_a_move_that_would_crowd_a_segment_goes_on_and_comes_back_when_its_cause_does(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-05-04")
    before = dates(story, "AB")
    moved = only(story.change("delayed", "B", day="2026-06-02"))
    assert (str(moved.launch.date), dates(story, "A")) == ("2026-06-11", ["2026-06-08"])
    story.change("pulled_in", "B", day="2026-05-04")
    assert dates(story, "AB") == before
    assert story.replayed().launches == story.state.launches


def test_what_waits_for_a_person_is_proposed_for_a_day_that_is_free() -> None:
    story = Story(calendar=Calendar(POLICY.model_copy(update={"approval": Approval(alone={"T3": AutoApply()})})))
    smb(story, "A")
    smb(story, "B", "2026-05-04")
    (proposal,) = story.change("delayed", "B", day="2026-06-02").proposals
    assert [str(move.later_date) for move in proposal.moves] == ["2026-06-11"]
    assert dates(story, "B") == ["2026-05-11"]


@either_way
def test_a_pin_that_crowds_a_segment_is_a_conflict_with_costed_ways_out(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-05-04")
    told = story.person("L-B", date=on("2026-06-09"), pin="a promise")
    assert "conflict_opened" in only(told).kinds
    conflicts = {one.constraint: one for one in told.conflicts}
    assert conflicts["rest"].launch == "L-B"
    assert conflicts["rest"].detail == "smb hears something else on 2026-06-08; 2 days of rest are due between"
    assert [(one.action, one.detail) for one in conflicts["rest"].options] == [
        ("move_pin", "Move Feature B from 2026-06-09 to 2026-06-11."),
        ("move_other", "Move Feature A from 2026-06-08 to 2026-06-12."),
        ("accept", "Let the segment hear both all the same."),
    ]
    assert all(one.cost is not None for one in conflicts["rest"].options)
    assert dates(story, "AB") == ["2026-06-08", "2026-06-09"]
    assert story.replayed().launches == story.state.launches


@either_way
def test_the_conflict_closes_when_the_other_goes(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-05-04")
    story.person("L-B", date=on("2026-06-09"), pin="a promise")
    story.change("renamed", "A", title="Another name")
    assert [len(story.stored(f"L-{ref}").conflicts) for ref in "AB"] == [0, 1]
    told = story.change("cancelled", "A", status="cancelled")
    assert {one.launch.id: "conflict_closed" in one.kinds for one in told.changes} == {"L-A": False, "L-B": True}
    assert story.replayed().launches == story.state.launches


@either_way
def test_who_was_crowded_already_goes_elsewhere_once_it_is_planned_anyway(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A")
    smb(story, "B", "2026-05-04")
    story.person("L-B", date=on("2026-06-09"), pin="a promise")
    told = story.change("delayed", "A", day="2026-06-02")
    assert (dates(story, "A"), {one.launch.id for one in told.changes}) == (["2026-06-12"], {"L-A", "L-B"})
    assert story.stored("L-B").conflicts == ()


@either_way
def test_once_a_pinned_one_has_been_told_whoever_comes_too_soon_after_it_says_so(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    smb(story, "A", "2026-06-04")
    smb(story, "B", "2026-05-04")
    story.person("L-B", date=on("2026-06-08"), pin="a promise")
    story.change("shipped", "B", status="shipped")
    assert [len(story.stored(f"L-{ref}").conflicts) for ref in "AB"] == [0, 1]
    (told,) = [one for one in story.wait_until("2026-06-08") if "The day of Feature B" in one.cause.summary]
    assert {one.launch.id: one.kinds for one in told.changes} == {
        "L-A": ("conflict_opened",),
        "L-B": ("launched", "conflict_closed"),
    }
    assert [one.constraint for one in story.stored("L-A").conflicts] == ["rest"]
    assert story.replayed().launches == story.state.launches
