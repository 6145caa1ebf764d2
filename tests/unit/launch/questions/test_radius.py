"""What a slip would move, told as an act of a person that changes no launch."""

import pytest

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.questions.simulate import RadiusAnswer, features_ahead, sweep, tell_radius
from shared.contracts.launch import BlastRadius, LaunchesChanged
from tests.unit.launch.rules.test_targets import after, quarter
from tests.unit.launch.story import MEDIUM, Story, on


def ask(story: Story, *found: BlastRadius, since: int | None = None) -> LaunchesChanged:
    revision = len(story.told)
    asked = RadiusAnswer(by="ana", request="r1", since=revision if since is None else since, found=found)
    return story.apply(tell_radius(story.state, asked, Context(story.calendar, story.now), revision + 1), story.now)


def two_features() -> Story:
    story = Story()
    story.add("A", day="2026-07-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    return story


def test_what_a_slip_would_move_is_told_and_moves_nothing() -> None:
    story = two_features()
    before = dict(story.state.launches)
    found = sweep(story.state, "A", (1, 21), Context(story.calendar, story.now))
    message = ask(story, *found)
    assert [(one.feature, one.slip_days, one.launches) for one in message.blast_radius] == [("A", 1, 1), ("A", 21, 1)]
    assert (message.changes, message.untouched, message.features) == ((), (), ())
    assert message.cause.summary == "ana asked what a slip of 1 feature would move, as of revision 2"
    assert story.state.launches == before
    assert story.replayed().launches == story.state.launches


def test_an_answer_that_took_so_long_that_the_plan_changed_says_so() -> None:
    story = two_features()
    found = sweep(story.state, "A", (21,), Context(story.calendar, story.now))
    story.change("delayed", "B", day="2026-06-08")
    message = ask(story, *found, since=2)
    assert message.cause.summary.endswith("while the plan went from revision 2 to 3")


def test_the_features_of_the_soonest_launch_are_asked_about_first_and_shipped_ones_never() -> None:
    story = two_features()
    story.add("C", impact=MEDIUM)
    assert features_ahead(story.state) == ["B", "A"]
    story.change("shipped", "B", status="shipped")
    assert sweep(story.state, "B", (7,), Context(story.calendar, story.now)) == []
    assert sweep(story.state, "unheard of", (7,), Context(story.calendar, story.now)) == []


def test_there_is_nothing_to_tell_of_nothing() -> None:
    with pytest.raises(RefusedError, match="no slip can be tried out"):
        ask(two_features())


def test_a_slip_counts_from_the_day_that_the_launch_counts_with() -> None:
    fuzzy = after([0, 3, 5, 8, 20])
    fuzzy.add(target=quarter(), impact=MEDIUM)
    overdue = Story()
    overdue.add(day="2026-03-01", impact=MEDIUM)
    overdue.person(date=on("2026-08-03"))
    overdue.wait_until("2026-07-29")
    for story in (fuzzy, overdue):
        (found,) = sweep(story.state, "F-1", (21,), Context(story.calendar, story.now))
        assert found.launches == 1


def test_a_target_at_the_end_of_all_days_can_slip_too() -> None:
    story = Story()
    story.add(day="9999-12-31", impact=MEDIUM)
    (found,) = sweep(story.state, "F-1", (60,), Context(story.calendar, story.now))
    assert found.launches == 0
