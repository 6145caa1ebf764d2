"""What would happen, what a gap allows, what a pin costs, and rules of the policy that shape all of it."""

from datetime import timedelta

import pytest

from services.launch.domain.calendar import Context
from services.launch.domain.policy import Approval, Constraints, Follows, Freeze, TeamLoad
from services.launch.domain.portfolio import RESCHEDULE, State
from services.launch.domain.questions.capacity import read_capacity
from services.launch.domain.questions.explain import keeps_from
from services.launch.domain.questions.simulate import SupposedSlip, Supposition, simulate, sweep
from services.launch.domain.scheduling.engine_state import engine_state_of
from shared.contracts.launch import Proposal
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_together import dates, team_of_one
from tests.unit.launch.story import DEFAULT, LOUD, MEDIUM, POLICY, SMALL, on


def test_what_if_answers_as_the_decision_would_and_changes_nothing() -> None:
    story = team_of_one(
        load={"T1": (TeamLoad(team="marketing", units=2),), "T2": (TeamLoad(team="marketing", units=2),)}
    )
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-11", impact=MEDIUM)
    context = Context(story.calendar, story.now)
    stored = dict(story.state.launches)
    outcome = simulate(story.state, [Supposition(SupposedSlip(feature="A", ready_on=on("2026-06-05")))], context)
    radius = sweep(story.state, "A", (7, 21), context)
    assert story.state.launches == stored
    assert [one.launch for one in outcome.moves] == ["L-A", "L-B"]
    assert [one.slip_days for one in radius] == [7, 21]
    story.change("delayed", "A", day="2026-06-05")
    assert [one.after for one in outcome.moves] == [dates(story)["A"], dates(story)["B"]]
    (broken,) = keeps_from(story.state, LaunchId("L-B"), on("2026-06-16"), context)
    assert (broken.constraint, broken.by) == ("capacity", ("L-A",))


def test_small_launches_take_the_next_train_and_a_freeze_shuts_it() -> None:
    freeze = Freeze(reason="conference", first=on("2026-06-15"), last=on("2026-06-17"), tiers=("T3",))
    story = team_of_one(freezes=(*POLICY.freezes, freeze), load={"T3": (TeamLoad(team="marketing", units=2),)})
    story.add("A", day="2026-05-10", impact=SMALL)
    story.add("B", day="2026-05-10", impact=SMALL)
    assert dates(story) == {"A": on("2026-05-19"), "B": on("2026-07-14")}


def test_the_state_kept_is_the_state_loaded() -> None:
    story = team_of_one()
    for ref in ("C", "A", "B"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    story.change("delayed", "A", day="2026-06-20")
    context = Context(story.calendar, story.now)
    kept = engine_state_of(story.state, context).schedule
    story.state.engine = None
    loaded = engine_state_of(story.state, context).schedule
    assert (kept.home, kept.free, kept.users) == (loaded.home, loaded.free, loaded.users)


def test_launches_that_move_together_pay_once_as_in_the_proposal() -> None:
    story = team_of_one(together={"pair": ("L-A", "L-B")}, approval=Approval(alone={}), load={})
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    step = Supposition(SupposedSlip(feature="A", ready_on=on("2026-06-20")))
    outcome = simulate(story.state, [step], Context(story.calendar, story.now))
    (proposal,) = story.change("delayed", "A", day="2026-06-20").proposals
    assert len(outcome.moves) == 2
    assert outcome.cost == proposal.cost


def test_a_question_from_a_later_day_changes_no_decision_about_what_was_said_before_it() -> None:
    asked, never = team_of_one(), team_of_one()
    for story in (asked, never):
        story.add("A", day="2026-06-01", impact=MEDIUM)
        if story is asked:
            read_capacity(story.state, Context(story.calendar, story.now + timedelta(days=250)), weeks=3)
        story.add("B", day="2026-06-01", impact=MEDIUM)
    assert dates(asked) == dates(never)


def test_proposals_are_loaded_in_the_order_in_which_they_were_told() -> None:
    told = [(revision, f"P-{revision}-{number}") for revision in (9, 10) for number in range(1, 13)]
    stored = [Proposal(id=one, kind=RESCHEDULE, summary="", base_version=revision) for revision, one in sorted(told)]
    state = State(DEFAULT)
    state.fill((), (), stored)
    assert list(state.proposals) == [one for _, one in told]


def test_a_launch_that_goes_leaves_an_opportunity_to_whoever_waited_for_its_room() -> None:
    story = team_of_one()
    for ref in ("A", "B", "C"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    before = dates(story)
    message = story.change("cancelled", "A", status="cancelled")
    assert [(one.launch, one.earliest) for one in message.opportunities] == [
        ("L-B", on("2026-06-08")),
        ("L-C", on("2026-06-08")),
    ]
    assert {ref: day for ref, day in dates(story).items() if ref != "A"} == {"B": before["B"], "C": before["C"]}


def test_moving_a_pin_costs_what_it_and_those_who_make_room_would_pay() -> None:
    story = team_of_one(
        load={"T1": (TeamLoad(team="marketing", units=2),), "T2": (TeamLoad(team="marketing", units=2),)}
    )
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-11", impact=MEDIUM)
    story.person("L-A", pin="on stage")
    message = story.change("delayed", "A", day="2026-06-05")
    (option,) = [one for one in message.conflicts[0].options if one.action == "move_pin"]
    assert "1 more would make room" in option.detail
    assert (option.cost or 0) > 30


def test_a_soft_freeze_keeps_automatic_dates_away_and_lets_a_person_choose() -> None:
    freeze = Freeze(reason="conference", first=on("2026-06-08"), last=on("2026-06-12"), soft=True)
    story = team_of_one(freezes=(*POLICY.freezes, freeze))
    story.add("A", day="2026-06-01", impact=MEDIUM)
    assert dates(story)["A"] == on("2026-06-15")
    story.person("L-A", date=on("2026-06-10"))
    story.change("health_changed", "A")
    assert dates(story)["A"] == on("2026-06-10")


def test_a_team_that_is_away_keeps_only_launches_that_need_it_from_the_day() -> None:
    freeze = Freeze(reason="offsite", first=on("2026-06-08"), last=on("2026-06-12"), teams=("marketing",))
    story = team_of_one(freezes=(*POLICY.freezes, freeze))
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-05-30", impact=LOUD, labels=("demo",))
    assert dates(story) == {"A": on("2026-06-15"), "B": on("2026-06-09")}


def test_launches_that_follow_each_other_in_a_circle_are_no_policy() -> None:
    pairs = ((LaunchId("L-1"), LaunchId("L-2")), (LaunchId("L-2"), LaunchId("L-1")))
    with pytest.raises(ValueError, match="cycle: L-1 -> L-2 -> L-1"):
        Constraints(after=tuple(Follows(launch=one, after=other) for one, other in pairs))
    with pytest.raises(ValueError, match="cycle"):
        Constraints(
            after=(Follows(launch=LaunchId("L-1"), after=LaunchId("L-2")),),
            together={"pair": (LaunchId("L-1"), LaunchId("L-2"))},
        )
