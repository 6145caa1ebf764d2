"""A decided history through another policy: nothing differs by the same one, and what differs is named once."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.decisions.person import Bounding, Overriding
from services.launch.lab.lab import Lab
from tests.unit.launch.decisions.test_better_plans import CROWDED, look, take, waiting
from tests.unit.launch.rules.test_promises import HISTORIES, live
from tests.unit.launch.scheduling.test_plans_hold import ASKING, BOUND, REFS, begin, step
from tests.unit.launch.scheduling.test_together import decide
from tests.unit.launch.story import DEFAULT, LOUD, MEDIUM, POLICY, SMALL, START, Story, on

QUIETER = POLICY.model_copy(
    update={"tiers": {**POLICY.tiers, "T2": POLICY.tiers["T2"].model_copy(update={"from_score": 60})}}
)

ANSWERED = st.lists(
    st.tuples(st.sampled_from(REFS), st.integers(60, 160), st.sampled_from(["approve", "reject", "undo"])), max_size=6
)
"""Slips to so many days from the start, and what somebody says to each."""


def told(story: Story) -> list[Any]:
    return [message for message, _ in story.told]


@given(HISTORIES)
@settings(deadline=None, max_examples=60)
def test_the_same_policy_decides_the_same(history: list[Any]) -> None:
    lab = Lab(DEFAULT, POLICY).run(told(live(history)))
    assert (lab.differences, lab.refused) == ([], [])


def test_another_border_is_shown_once_with_what_would_be() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=SMALL)
    story.change("renamed", "A", title="Another name")
    (difference,) = Lab(DEFAULT, QUIETER).run(told(story)).differences
    assert difference.decided
    assert difference.would_be
    assert (difference.launch, difference.decided.market, difference.would_be.market) == ("L-A", "T2", "T3")
    assert difference.cause == "native:0"


def test_what_persons_did_is_done_again_or_named_where_it_cannot_be() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.person("L-A", date=story.launch("L-A").date, pin="the fair")
    story.person("L-A", complete=("press-release",))
    strict = POLICY.model_copy(update={"activities": ()})
    assert Lab(DEFAULT, POLICY).run(told(story)).refused == []
    (sentence,) = Lab(DEFAULT, strict).run(told(story)).refused
    assert "has no activity" in sentence


def test_the_first_and_the_last_day_that_persons_set_and_lifted_are_set_and_lifted_again() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.person("L-A", bounds=Bounding(not_before=on("2026-06-20"), not_after=on("2026-06-24")))
    story.person("L-A", bounds=Bounding(lifted=("not_after",)))
    story.change("delayed", "A", day="2026-06-29")
    lab = Lab(DEFAULT, POLICY).run(told(story))
    assert (lab.differences, lab.refused) == ([], [])
    assert story.launch("L-A").date == on("2026-07-06")


def test_answers_to_proposals_and_what_was_taken_back_are_given_again() -> None:
    counted = Counter[str]()

    @given(ANSWERED)
    @settings(deadline=None, max_examples=40, derandomize=True)
    def try_one(slips: list[tuple[str, int, str]]) -> None:
        story = begin(ASKING)
        for who, days, answer in slips:
            step(story, "delayed", who, START.date() + timedelta(days=days))
            counted[answer] += step(story, answer, 0, None) is not None
        lab = Lab(DEFAULT, ASKING.policy).run(told(story))
        assert (lab.differences, lab.refused) == ([], [])

    try_one()
    assert min(counted[word] for word in ("approve", "reject", "undo")) >= 5, counted


def test_an_answer_to_what_does_not_wait_there_is_named() -> None:
    story = begin(ASKING)
    story.change("delayed", "A", day="2026-05-01")
    step(story, "approve", 0, None)
    (sentence,) = Lab(DEFAULT, BOUND.policy).run(told(story)).refused
    assert sentence.endswith("nothing waits here that moves the same launches")


def test_a_better_plan_that_was_found_is_found_again() -> None:
    story, first = waiting()
    message = take(story, look(story, first))
    assert message
    decide(story, message.proposals[0].id)
    lab = Lab(DEFAULT, CROWDED.policy).run(told(story))
    assert (lab.differences, lab.refused) == ([], [])


def test_what_a_person_did_is_read_off_the_launch_that_it_was_about_whoever_else_it_concerned() -> None:
    story = Story()
    for ref, day in {"A": "2026-06-10", "B": "2026-06-05", "C": "2026-06-01"}.items():
        story.add(ref, day=day, impact=LOUD, labels=("demo",))
    quieter = Overriding(market="T2", internal="T2", reason="quiet", approved_by="ben", until=on("2026-05-01"))
    message = story.person("L-C", override=quieter)
    assert [one.launch.id for one in message.changes] == ["L-A", "L-C"]  # the one is within the budget again
    lab = Lab(DEFAULT, POLICY).run(told(story))
    assert (lab.differences, lab.refused) == ([], [])
