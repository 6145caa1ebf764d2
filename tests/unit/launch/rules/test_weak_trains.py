"""Who rides is settled by the clock some days before a train; where it is too weak, its riders take the next one."""

from typing import Any

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.decisions.person import Overriding
from services.launch.domain.policy import TeamCapacity
from shared.contracts.launch import LaunchesChanged
from tests.unit.launch.story import ASKING, CALENDAR, POLICY, SMALL, Story, on, only

ASKED = {"trains": POLICY.trains.model_copy(update={"least_strength": 50})}
ALONE = Calendar(POLICY.model_copy(update=ASKED))
TOGETHER = Calendar(POLICY.model_copy(update={**ASKED, "teams": {"docs": TeamCapacity(weekly=9)}}))
APPROVED = Calendar(ASKING.policy.model_copy(update=ASKED))
any_way = pytest.mark.parametrize("calendar", [ALONE, TOGETHER, APPROVED], ids=["alone", "together", "approval"])
TRAIN, NEXT, THIRD = "2026-03-24", "2026-04-21", "2026-05-19"
CUTOFF = "2026-03-21"


def rider(story: Story, ref: str, *segments: str, **fields: Any) -> None:
    story.add(ref, **{"day": "2026-03-12", "impact": SMALL, "segments": segments, **fields})


def dates(story: Story) -> dict[str, str]:
    return {one.id.removeprefix("L-"): str(one.snapshot.date) for one in story.state.launches.values()}


def settled(told: list[LaunchesChanged]) -> list[LaunchesChanged]:
    return [one for one in told if "is settled" in one.cause.summary]


@any_way
def test_a_weak_train_leaves_nobody_goes_and_its_riders_take_the_next_one(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A", "smb")
    (told,) = settled(story.wait_until(CUTOFF))
    assert told.cause.summary == f"Who rides on the train of {TRAIN} is settled"
    change = only(told)
    assert (change.kinds, str(change.launch.train)) == (("rescheduled", "left_train", "boarded"), NEXT)
    (link,) = [one.detail for one in change.why if one.constraint == "weak_train"]
    assert link == (
        f"the train of {TRAIN} is too weak: 29 points ride to smb, and 50 are asked for; it goes with the next one"
    )
    assert story.stored("L-A").trains_missed == 1
    assert story.replayed().launches == story.state.launches


@any_way
def test_one_decision_settles_a_train_for_all_and_a_strong_one_leaves(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    for ref, segment in (("A", "smb"), ("B", "smb"), ("C", "banks")):
        rider(story, ref, segment)
    (told,) = settled(story.wait_until(CUTOFF))
    assert [(one.launch.id, str(one.launch.date)) for one in told.changes] == [
        ("L-A", TRAIN),
        ("L-B", TRAIN),
        ("L-C", NEXT),
    ]
    assert not told.changes[0].material
    assert story.replayed().launches == story.state.launches


@any_way
def test_who_also_speaks_to_a_segment_whose_train_is_strong_stays(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A", "smb")
    rider(story, "B", "smb", "banks")
    rider(story, "C", "banks")
    story.wait_until(CUTOFF)
    assert dates(story) == {"A": TRAIN, "B": TRAIN, "C": TRAIN}
    story = Story(calendar=calendar)
    rider(story, "A", "schools")
    rider(story, "B", "banks")
    rider(story, "C", "banks", "schools")
    story.change("cancelled", "B", status="cancelled")
    story.wait_until(CUTOFF)
    assert (dates(story)["A"], dates(story)["C"]) == (TRAIN, TRAIN)


@any_way
def test_who_names_no_segment_rides_to_everybody(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A")
    story.wait_until(CUTOFF)
    assert dates(story) == {"A": NEXT}


@any_way
def test_when_a_feature_is_cancelled_after_the_cutoff_the_train_is_judged_again(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A", "smb")
    rider(story, "B", "smb")
    story.wait_until(CUTOFF)
    assert dates(story) == {"A": TRAIN, "B": TRAIN}
    told = story.change("cancelled", "B", status="cancelled")
    assert {one.launch.id: one.launch.state for one in told.changes} == {"L-A": "planned", "L-B": "cancelled"}
    assert dates(story)["A"] == NEXT
    assert story.replayed().launches == story.state.launches


@any_way
def test_a_pinned_rider_stays_and_counts(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A", "smb")
    rider(story, "B", "banks")
    rider(story, "C", "banks")
    story.person("L-A", pin="a promise")
    story.person("L-B", pin="a promise")
    story.wait_until(CUTOFF)
    assert dates(story) == {"A": TRAIN, "B": TRAIN, "C": TRAIN}


@any_way
def test_after_two_misses_in_a_row_it_leaves_however_weak_its_train(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    rider(story, "A", "smb")
    story.wait_until("2026-03-25")
    story.wait_until("2026-04-22")
    assert (dates(story), story.stored("L-A").trains_missed) == ({"A": THIRD}, 2)
    story.change("shipped", "A", status="shipped")
    story.wait_until("2026-05-20")
    assert (story.launch("L-A").state, dates(story)) == ("launched", {"A": THIRD})
    assert story.stored("L-A").trains_missed == 0
    assert story.replayed().launches == story.state.launches


@any_way
def test_an_override_that_ends_on_the_same_morning_still_ends(calendar: Calendar) -> None:
    story = Story(calendar=calendar)
    for ref in "AB":
        rider(story, ref, "smb")
    story.person("L-B", override=Overriding(market="T3", internal="T3", reason="a test", until=on(CUTOFF)))
    story.wait_until(CUTOFF)
    assert story.launch("L-B").override is None
    assert dates(story) == {"A": TRAIN, "B": TRAIN}


def test_by_the_default_policy_no_train_with_somebody_on_it_is_weak() -> None:
    story = Story(calendar=CALENDAR)
    rider(story, "A", "smb", impact={}, stage="beta")  # by its gate alone
    assert settled(story.wait_until(CUTOFF)) == []
    assert dates(story) == {"A": TRAIN}
