"""A launch that needs more than its week has left: louder than before, or where a louder one waits for a person."""

from datetime import timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import Approval, TeamCapacity, TeamLoad
from tests.unit.launch.scheduling.test_together import PEOPLE, dates, decide
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, Story, on

WEEK = timedelta(weeks=1)
FIRST = on("2026-06-15")


def busy_weeks(weeks: int, **more: object) -> Story:
    """Three quiet launches in the first week, which is full then, and two in each of the following, where one fits.

    A T1 needs what two T2 need.
    """
    tiers = {name: rule.model_copy(update={"soak_days": 0}) for name, rule in POLICY.tiers.items()}
    rules = {
        "tiers": tiers,
        "freezes": (),
        "teams": {"marketing": TeamCapacity(weekly=3)},
        "load": {"T1": (TeamLoad(team="marketing", units=2),), "T2": (TeamLoad(team="marketing", units=1),)},
        **more,
    }
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    for ref in "ABC":
        story.add(ref, day=FIRST, impact=MEDIUM, labels=("demo",))
    for week in range(1, weeks):
        for ref in "XY":
            story.add(f"{ref}{week}", day=FIRST + week * WEEK, impact=MEDIUM)
    assert [dates(story)[ref] for ref in "ABC"] == [FIRST] * 3
    return story


def test_a_launch_that_grows_louder_stays_and_a_quieter_one_makes_room() -> None:
    """Its own next free week is far away, which would cost many times more."""
    story = busy_weeks(9)
    message = story.change("rescoped", "A", impact=LOUD)
    (retiered, moved) = sorted(message.changes, key=lambda one: "rescheduled" in one.kinds)
    assert (retiered.launch.id, retiered.kinds, retiered.launch.date) == ("L-A", ("retiered",), FIRST)
    assert (moved.launch.date, moved.kinds) == (FIRST + WEEK, ("rescheduled",))
    assert "marketing in the week of 2026-06-15" in " ".join(link.detail for link in moved.why)


def test_one_that_nobody_can_make_room_for_goes_to_the_first_week_with_room() -> None:
    story = busy_weeks(2, teams={"marketing": TeamCapacity(weekly=3, weeks={"2026-W26": 2})})
    message = story.change("rescoped", "A", impact=LOUD)
    moves = {one.launch.id: one.launch.date for one in message.changes if "rescheduled" in one.kinds}
    assert len(moves) == 1
    assert set(moves.values()) == {FIRST + 2 * WEEK}


def test_who_was_there_first_does_not_leave_for_one_whose_own_move_waits() -> None:
    """B is planned again although nothing speaks against its day but a launch that is to go elsewhere."""
    story = busy_weeks(1, approval=PEOPLE, teams={"marketing": TeamCapacity(weekly=3, weeks={"2026-W25": 3})})
    for ref in "BC":
        story.person(f"L-{ref}", pin="On stage.")
    asked = story.change("rescoped", "A", impact=LOUD)
    (waiting,) = [one for one in asked.proposals if one.kind == "reschedule"]
    assert [move.launch for move in waiting.moves] == ["L-A"]
    story.person("L-B", unpin=True)
    told = story.change("delayed", "B", day=FIRST - timedelta(days=1))
    assert dates(story)["B"] == FIRST
    assert [one for one in told.proposals if any(move.launch == "L-B" for move in one.moves)] == []
    decide(story, waiting.id)
    assert dates(story)["A"] == FIRST + WEEK


def test_where_a_person_left_a_launch_nobody_moves_it_for_another_and_nobody_is_asked_again() -> None:
    story = busy_weeks(2, approval=Approval(alone={}))
    asked = story.change("rescoped", "A", impact=LOUD)
    (waiting,) = [one for one in asked.proposals if one.kind == "reschedule"]
    decide(story, waiting.id, approve=False, reason="It stays.")
    said = {one.constraint: one.detail for one in story.stored(waiting.moves[0].launch).conflicts}
    assert said["capacity"].startswith("marketing in the week of 2")
    told = story.change("rescoped", "C", impact=LOUD)
    moved = {move.launch for one in told.proposals for move in one.moves}
    assert waiting.moves[0].launch not in moved
    assert moved


def test_a_conflict_about_room_ends_when_somebody_else_goes() -> None:
    story = busy_weeks(2, approval=Approval(alone={}))
    asked = story.change("rescoped", "A", impact=LOUD)
    (waiting,) = [one for one in asked.proposals if one.kind == "reschedule"]
    left = waiting.moves[0].launch
    decide(story, waiting.id, approve=False, reason="It stays.")
    assert story.stored(left).conflicts
    other = next(ref for ref in "BC" if f"L-{ref}" != left)
    told = story.change("cancelled", other, status="cancelled")
    (relieved,) = [one for one in told.changes if one.launch.id == left]
    assert relieved.kinds == ("conflict_closed",)
    assert f"there is room for {relieved.launch.name} again" in [link.detail for link in relieved.why]
    assert story.stored(left).conflicts == ()
    assert story.replayed().launches == story.state.launches
