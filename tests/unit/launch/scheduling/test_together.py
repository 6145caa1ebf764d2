"""Launches that share teams, audiences and order: the planner's moves, and what waits for a person."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.decisions.person import Overriding
from services.launch.domain.decisions.verdict import AppliedMove, Undo, Verdict, on_verdict, undo
from services.launch.domain.policy import Approval, AutoApply, Follows, Slot, TeamCapacity, TeamLoad
from services.launch.domain.scheduling.engine_state import engine_state_of
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import LaunchId
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, SMALL, Story, on

PEOPLE = Approval(alone={"T3": AutoApply(), "T2": AutoApply(most_days=7, ahead_days=42)})


def team_of_one(**more: Any) -> Story:
    """Marketing can carry one T2 a week, and each needs it in its own week."""
    rules = {
        "teams": {"marketing": TeamCapacity(weekly=2)},
        "load": {"T2": (TeamLoad(team="marketing", units=2),)},
        **more,
    }
    return Story(calendar=Calendar(POLICY.model_copy(update=rules)))


def dates(story: Story) -> dict[str, date | None]:
    return {one.id.removeprefix("L-"): one.snapshot.date for one in story.state.launches.values()}


def decide(story: Story, proposal: str, *, approve: bool = True, reason: str = "", seen: str | None = None) -> Any:
    story.now += timedelta(hours=1)
    verdict = Verdict(
        proposal=proposal, by="ana", request=f"r{len(story.told)}", approve=approve, reason=reason, hash=seen
    )
    judged = on_verdict(story.state, verdict, Context(story.calendar, story.now), len(story.told) + 1)
    story.apply(judged.message, story.now)
    return judged


def take_back(story: Story, message: LaunchesChanged) -> LaunchesChanged:
    story.now += timedelta(hours=1)
    moves = tuple(
        AppliedMove(launch=one.launch.id, earlier=one.before.date, later=one.launch.date)
        for one in message.changes
        if one.before and one.before.date and one.launch.date and one.before.date != one.launch.date
    )
    command = Undo(told_revision=message.revision, by="ana", request=f"r{len(story.told)}", moves=moves)
    return story.apply(undo(story.state, command, Context(story.calendar, story.now), len(story.told) + 1), story.now)


def test_a_new_launch_takes_the_first_week_with_room_and_says_who_has_the_other() -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    message = story.add("B", day="2026-06-01", impact=MEDIUM)
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15")}
    (link,) = [one for one in message.changes[0].why if one.constraint == "capacity"]
    assert "marketing in the week of 2026-06-08: 2 of 2 used" in link.detail


def test_without_rules_between_launches_each_is_dated_on_its_own() -> None:
    story = Story()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    assert set(dates(story).values()) == {on("2026-06-08")}
    assert story.launch("L-A").date == story.launch("L-B").date


def test_a_slip_into_a_full_week_moves_as_little_as_possible_in_one_message_with_chains() -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-08", impact=MEDIUM)
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15")}
    message = story.change("delayed", "A", day="2026-06-08")
    assert dates(story) == {"A": on("2026-06-22"), "B": on("2026-06-15")}
    assert [one.launch.id for one in message.changes] == ["L-A"]


def test_a_light_launch_makes_room_for_a_heavy_one_and_names_it() -> None:
    rules = {
        "teams": {"docs": TeamCapacity(weekly=2)},
        "load": {"T1": (TeamLoad(team="docs", units=2),), "T2": (TeamLoad(team="docs", units=2),)},
    }
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-11", impact=MEDIUM)
    assert dates(story) == {"A": on("2026-06-11"), "B": on("2026-06-16")}
    message = story.change("delayed", "A", day="2026-06-05")
    assert dates(story) == {"A": on("2026-06-15"), "B": on("2026-06-22")}
    (moved,) = [one for one in message.changes if one.launch.id == "L-B"]
    assert [one.launch for one in moved.why if one.constraint == "capacity"] == ["L-B"]
    assert moved.why[0].event == message.cause.id
    assert story.stored("L-B").moves[-1].made_room


def test_a_target_that_comes_back_takes_back_the_moves_that_made_room_too() -> None:
    test_story = team_of_one(
        load={"T1": (TeamLoad(team="marketing", units=2),), "T2": (TeamLoad(team="marketing", units=2),)}
    )
    test_story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    test_story.add("B", day="2026-06-11", impact=MEDIUM)
    before = dates(test_story)
    test_story.change("delayed", "A", day="2026-06-05")
    assert dates(test_story) != before
    message = test_story.change("pulled_in", "A", day="2026-06-01")
    assert dates(test_story) == before
    assert all("undone" in one.kinds for one in message.changes)


def test_an_audience_hears_once_a_week_and_a_line_keeps_its_distance() -> None:
    rules = {"spacing": ("T1", "T2"), "apart_days": {"T1": 14}}
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    story.add("A", day="2026-06-01", impact=MEDIUM, segments=("smb",))
    story.add("B", day="2026-06-01", impact=MEDIUM, segments=("smb", "public"))
    story.add("C", day="2026-06-01", impact=MEDIUM, segments=("public",))
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-15"), "C": on("2026-06-08")}
    story.add("D", day="2026-07-01", impact=LOUD, labels=("demo",), product_line="pay")
    story.add("E", day="2026-07-01", impact=LOUD, labels=("demo",), product_line="pay")
    assert (dates(story)["E"] or date.max) - (dates(story)["D"] or date.min) >= timedelta(days=14)


def test_order_groups_and_slots_hold() -> None:
    rules = {
        "after": (Follows(launch=LaunchId("L-B"), after=LaunchId("L-A"), lag_days=7),),
        "together": {"pair": (LaunchId("L-C"), LaunchId("L-D"))},
        "slots": (Slot(team="marketing", tier="T1"),),
    }
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    for ref in ("A", "B", "C", "D"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    story.add("F", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("G", day="2026-06-01", impact=LOUD, labels=("demo",))
    now = dates(story)
    assert now["B"] == on("2026-06-15")
    assert now["C"] == now["D"]
    assert (now["F"], now["G"]) == (on("2026-06-11"), on("2026-06-15"))
    story.change("delayed", "D", day="2026-06-10")
    story.change("delayed", "A", day="2026-06-10")
    now = dates(story)
    assert now["C"] == now["D"] == on("2026-06-15")
    assert now["B"] == (now["A"] or date.min) + timedelta(days=7)


def test_what_is_pinned_never_makes_room_and_a_pin_without_room_is_a_conflict_with_a_price() -> None:
    story = team_of_one()
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    with pytest.raises(RefusedError, match="marketing in the week of 2026-06-08"):
        story.person("L-B", date=on("2026-06-09"))
    message = story.person("L-B", date=on("2026-06-09"), pin="on stage")
    assert [(one.constraint, one.options[0].action) for one in message.conflicts] == [("capacity", "move_pin")]
    assert (message.conflicts[0].options[0].cost or 0) > 0
    assert dates(story) == {"A": on("2026-06-08"), "B": on("2026-06-09")}


def test_what_needs_a_person_waits_keeps_its_date_and_moves_when_approved() -> None:
    story = team_of_one(approval=PEOPLE)
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    message = story.change("delayed", "A", day="2026-06-10")
    (proposal,) = message.proposals
    assert (dates(story)["A"], proposal.state, proposal.because) == (on("2026-06-11"), "open", ("Feature A is T1",))
    assert message.changes[0].kinds == ("proposal_opened",) or "proposal_opened" in message.changes[0].kinds
    assert message.changes[0].material
    judged = decide(story, proposal.id, seen=proposal.hash)
    assert not judged.stale
    assert dates(story)["A"] == on("2026-06-22")
    assert {"rescheduled", "proposal_approved"} <= set(judged.message.changes[0].kinds)
    assert story.state.proposals == {}
    assert story.replayed().launches == story.state.launches


def test_a_rejected_move_leaves_a_conflict_that_says_what_it_would_cost() -> None:
    story = team_of_one(approval=PEOPLE)
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    (proposal,) = story.change("delayed", "A", day="2026-06-10").proposals
    with pytest.raises(RefusedError, match="why"):
        decide(story, proposal.id, approve=False)
    message = decide(story, proposal.id, approve=False, reason="the stage is booked").message
    assert [one.constraint for one in message.conflicts] == ["ready"]
    assert message.conflicts[0].options[0].cost == proposal.cost
    assert message.proposals[0].state == "rejected"
    assert dates(story)["A"] == on("2026-06-11")


def test_a_later_event_makes_the_proposal_again_and_the_old_one_cannot_be_approved() -> None:
    story = team_of_one(approval=PEOPLE)
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    (first,) = story.change("delayed", "A", day="2026-06-10").proposals
    message = story.change("delayed", "A", day="2026-06-20")
    assert [(one.id == first.id, one.state) for one in message.proposals] == [(False, "open"), (True, "superseded")]
    with pytest.raises(RefusedError, match="not open"):
        decide(story, first.id, seen=first.hash)
    assert not story.change("health_changed", "A").proposals  # the same again says nothing new


def test_a_proposal_that_the_world_overtook_is_made_again_instead_of_applied() -> None:
    story = team_of_one(approval=PEOPLE, load={one: (TeamLoad(team="marketing", units=2),) for one in ("T1", "T2")})
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    (first,) = story.change("delayed", "A", day="2026-06-10").proposals
    story.add("B", day="2026-06-17", impact=MEDIUM)
    assert dates(story)["B"] == on("2026-06-22")
    judged = decide(story, first.id, seen=first.hash)
    assert "marketing in the week of" in judged.stale
    (again,) = [one for one in judged.message.proposals if one.state == "open"]
    assert [one.launch for one in again.moves] == ["L-A", "L-B"]  # the light one would make room
    assert not decide(story, again.id, seen=again.hash).stale


def test_an_applied_plan_can_be_taken_back_whole_until_somebody_sits_there() -> None:
    story = team_of_one(
        load={"T1": (TeamLoad(team="marketing", units=2),), "T2": (TeamLoad(team="marketing", units=2),)}
    )
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-11", impact=MEDIUM)
    before = dates(story)
    moved = story.change("delayed", "A", day="2026-06-05")
    message = take_back(story, moved)
    assert dates(story) == before
    assert all("undone" in one.kinds for one in message.changes)
    assert [one.launch for one in message.conflicts] == ["L-A"]
    with pytest.raises(RefusedError, match="any more"):
        take_back(story, moved)
    again = story.change("delayed", "A", day="2026-06-06")
    story.add("C", day="2026-06-01", impact=MEDIUM)
    assert dates(story)["C"] == on("2026-06-08")
    with pytest.raises(RefusedError, match="marketing in the week of 2026-06-08"):
        take_back(story, again)


def test_the_third_move_within_a_month_needs_a_person() -> None:
    story = team_of_one(approval=Approval(alone={"T2": AutoApply()}))
    story.add("A", day="2026-06-01", impact=MEDIUM)
    assert not story.change("delayed", "A", day="2026-06-08").proposals
    assert not story.change("delayed", "A", day="2026-06-15").proposals
    (proposal,) = story.change("delayed", "A", day="2026-06-22").proposals
    assert "has moved 2 times within 30 days" in proposal.because[0]


@pytest.mark.parametrize(("stage", "gap", "waits"), [("S1", 10, True), ("S1", 12, False), ("S2", 10, False)])
def test_a_first_plan_too_far_above_its_lower_bound_needs_a_person(stage: str, gap: int, *, waits: bool) -> None:
    approval = Approval(alone={"T2": AutoApply()}, most_gap_percent=gap)
    story = team_of_one(approval=approval, objective=POLICY.objective.model_copy(update={"stage": stage}))
    for ref in ("A", "B", "C", "D"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    message = story.change("delayed", "A", day="2026-06-08")
    told = [(one.cost, one.lower_bound, one.because) for one in message.proposals]
    why = "it costs 114 where 102 may be enough: there may be a plan that moves much less"
    assert told == ([(114, 102, (why,))] if waits else [])
    assert dates(story)["A"] == (on("2026-06-08") if waits else on("2026-07-06"))


def test_nothing_moves_for_what_is_pulled_in_shipped_or_cancelled_and_the_opportunity_counts_the_others() -> None:
    story = team_of_one()
    for ref in ("A", "B", "C"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    before = dates(story)
    message = story.change("pulled_in", "C", day="2026-05-20")
    assert dates(story) == before
    assert message.opportunities[0].earliest == on("2026-05-25")
    story.change("cancelled", "A", status="cancelled")
    assert {ref: day for ref, day in dates(story).items() if ref != "A"} == {
        ref: day for ref, day in before.items() if ref != "A"
    }


def test_a_launch_that_joins_a_group_takes_it_to_a_day_that_the_calendar_allows_to_both() -> None:
    story = team_of_one(together={"pair": ("L-A", "L-B")})
    story.add("A", day="2026-06-01", impact=MEDIUM)
    assert dates(story) == {"A": on("2026-06-08")}
    message = story.add("B", day="2026-05-01", impact=SMALL)
    train = story.calendar.next_train(on("2026-06-08"))
    assert dates(story) == {"A": train, "B": train}
    (moved,) = [one for one in message.changes if one.launch.id == "L-A"]
    assert any("2026-06-08 is no train" in link.detail for link in moved.why)


def test_who_gets_louder_where_another_is_about_to_leave_is_no_fault_of_the_plan() -> None:
    story = team_of_one(load={}, spacing=("T1", "T2"), approval=PEOPLE)
    story.add("A", day="2026-06-14", impact=MEDIUM, segments=("smb",))
    story.add("B", day="2026-06-10", impact=SMALL, segments=("smb",))
    assert story.change("delayed", "A", day="2026-07-20").proposals
    quiet = Overriding(market="T2", reason="a promise", approved_by="ben", until=on("2026-05-01"))
    assert not story.person("L-B", override=quiet).conflicts


def test_launches_of_a_group_that_part_and_meet_again_move_together_again() -> None:
    story = team_of_one(load={}, together={"pair": ("L-A", "L-B")})
    story.add("A", day="2026-06-01", impact=MEDIUM)
    story.add("B", day="2026-06-01", impact=MEDIUM)
    story.person("L-B", date=on("2026-06-17"), pin="On stage.")
    assert len(set(dates(story).values())) == 2
    story.person("L-A", date=on("2026-06-17"), pin="On stage, too.")
    assert set(dates(story).values()) == {on("2026-06-17")}
    resident = engine_state_of(story.state, Context(story.calendar, story.now))
    assert resident.block("L-A") == resident.block("L-B")
    story.person("L-B", unpin=True)
    story.person("L-A", unpin=True)
    message = story.change("delayed", "A", day="2026-07-01")
    assert set(dates(story).values()) == {on("2026-07-06")}
    assert not message.conflicts
