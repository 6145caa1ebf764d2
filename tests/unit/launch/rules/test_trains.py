"""Small launches leave together by segment; the quiet ones are a line in the notes; nobody hears too much unseen."""

from services.launch.domain.calendar import Context
from services.launch.domain.questions.trains import Departures, read_departures
from tests.unit.launch.scheduling.test_together import decide
from tests.unit.launch.story import ASKING, MEDIUM, SMALL, Story, on, only


def departures(story: Story) -> Departures:
    return read_departures(story.state, Context(story.calendar, story.now))


def test_a_train_carries_its_segments_launches_its_strength_and_the_quiet_ones_as_lines() -> None:
    story = Story()
    story.add("A", day="2026-03-18", impact=SMALL, segments=("smb",))
    story.add("B", day="2026-03-19", impact=SMALL, segments=("smb", "enterprise"))
    story.add("C", day="2026-03-12", impact={"reach": 1}, segments=("smb",), title="A small thing")
    story.add("D", day="2026-02-12", impact={"reach": 1}, segments=("smb",))
    shown = departures(story)
    assert shown.audiences == ()  # one train is one announcement
    found = {one.segment: one for one in shown.trains}
    assert {(one.day, one.cutoff, one.settled) for one in shown.trains} == {(on("2026-03-24"), on("2026-03-21"), False)}
    assert (found["smb"].launches, found["smb"].strength, found["smb"].asked) == (("L-A", "L-B"), 58, 20)
    assert found["smb"].notes == ("C: A small thing",)
    assert (found["enterprise"].launches, found["enterprise"].notes, found["enterprise"].weak) == (("L-B",), (), False)
    story.wait_until("2026-03-22")
    assert {one.settled for one in departures(story).trains} == {True}


def test_who_hears_too_much_in_a_week_or_without_rest_is_named() -> None:
    story = Story()
    for ref, day in (("A", "2026-06-01"), ("B", "2026-06-02"), ("C", "2026-06-03")):
        story.add(ref, day=day, impact=MEDIUM, segments=("smb",))
    assert departures(story).audiences == ()  # by itself nobody crowds
    story.person("L-B", date=on("2026-06-09"), pin="a promise")
    story.person("L-C", date=on("2026-06-11"), pin="a promise")
    assert [(one.constraint, one.first, one.launches) for one in departures(story).audiences] == [
        ("rest", on("2026-06-08"), ("L-A", "L-B")),
        ("touches", on("2026-06-08"), ("L-A", "L-B", "L-C")),
        ("rest", on("2026-06-09"), ("L-B", "L-C")),
    ]


def test_who_has_missed_trains_is_listed_with_how_many() -> None:
    story = Story()
    for ref in "AB":
        story.add(ref, day="2026-03-18", impact=SMALL)
        story.change("delayed", ref, day="2026-04-15")
    story.change("delayed", "B", day="2026-05-13")
    assert [(one.launch, one.missed, one.flagged, str(one.train)) for one in departures(story).missed] == [
        ("L-A", 1, False, "2026-04-21"),
        ("L-B", 2, True, "2026-05-19"),
    ]


def test_the_second_missed_train_in_a_row_raises_a_flag_once_with_ways_out() -> None:
    story = Story()
    story.add(day="2026-03-18", impact=SMALL)
    assert "conflict_opened" not in only(story.change("delayed", day="2026-04-15")).kinds
    second = story.change("delayed", day="2026-05-13")
    (flag,) = second.conflicts
    assert (flag.constraint, flag.detail) == (
        "missed_trains",
        "Feature F-1 has missed 2 trains in a row, and leaves with that of 2026-05-19, however weak it is",
    )
    assert [(one.action, one.detail, one.cost) for one in flag.options] == [
        ("announce_alone", "Announce it on its own: pin it to 2026-05-13.", 16),
        ("accept", "Let it go with its next train.", 0),
    ]
    assert "missed_trains" in {link.constraint for link in only(second).why}
    assert story.stored().trains_missed == 2
    third = only(story.change("delayed", day="2026-06-10"))
    assert (third.kinds, story.stored().trains_missed) == (("rescheduled", "left_train", "boarded"), 3)
    assert story.stored().conflicts == (flag,)
    assert story.replayed().launches == story.state.launches


def test_the_flag_falls_when_the_launch_leaves_or_a_person_chooses_its_date() -> None:
    story = Story()
    for ref in "AB":
        story.add(ref, day="2026-03-18", impact=SMALL)
        story.change("delayed", ref, day="2026-04-15")
        story.change("delayed", ref, day="2026-05-13")
    story.person("L-A", date=on("2026-05-14"), pin="a promise")
    assert [one.constraint for one in story.stored("L-A").conflicts] == ["train"]
    story.change("shipped", "B", status="shipped")
    (left,) = [one for one in story.wait_until("2026-05-20") if one.changes[0].launch.id == "L-B"]
    assert only(left).kinds == ("launched", "conflict_closed")
    assert [story.stored(f"L-{ref}").trains_missed for ref in "AB"] == [0, 0]
    assert story.replayed().launches == story.state.launches


def test_a_move_that_is_undone_was_no_miss() -> None:
    story = Story()
    story.add(day="2026-03-18", impact=SMALL)
    story.change("delayed", day="2026-04-15")
    assert story.stored().trains_missed == 1
    assert "undone" in only(story.change("pulled_in", day="2026-03-18")).kinds
    assert story.stored().trains_missed == 0


def test_who_was_not_ready_on_the_day_has_missed_the_train() -> None:
    story = Story()
    story.add(day="2026-03-12", impact=SMALL)
    story.wait_until("2026-03-25")
    assert (story.launch().date, story.stored().trains_missed) == (None, 0)
    story.change("delayed", day="2026-04-10")
    assert (str(story.launch().train), story.stored().trains_missed) == ("2026-04-21", 1)
    assert story.replayed().launches == story.state.launches


def test_a_miss_that_a_person_approves_is_a_miss_all_the_same() -> None:
    story = Story(calendar=ASKING)
    story.add(day="2026-03-18", impact=SMALL)
    story.wait_until("2026-03-18")
    (proposal,) = story.change("delayed", day="2026-04-10").proposals
    assert (str(story.launch().train), story.stored().trains_missed) == ("2026-03-24", 0)
    decide(story, proposal.id)
    assert (str(story.launch().train), story.stored().trains_missed) == ("2026-04-21", 1)
    assert story.replayed().launches == story.state.launches
