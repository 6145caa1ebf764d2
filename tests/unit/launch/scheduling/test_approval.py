"""Up to where a plan is carried out by itself, and from where a person is asked: every border from both sides."""

from datetime import timedelta
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.launch import Launch
from services.launch.domain.policy import Approval, AutoApply
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.approval import (
    ProposalText,
    apply_approval_policy,
    become,
    cut,
    days_of,
    to_proposal,
)
from services.launch.domain.scheduling.engine.model import ChainStep
from services.launch.domain.scheduling.request import PlannedMove, PlanPart, PlanRequest
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import DEFAULT, POLICY, START, on

TODAY = on("2026-01-05")
PEOPLE = Approval(alone={"T3": AutoApply(), "T2": AutoApply(most_days=7, ahead_days=42)}, budget=100)
A, B, C = (LaunchId(name) for name in ("L-A", "L-B", "L-C"))


def move(name: LaunchId = A, ahead: int = 90, days: int = 7, *chain: str, **costs: int) -> PlannedMove:
    """A launch so many days ahead that moves by some; `chain` as `why-whom`."""
    steps = tuple(ChainStep(launch, "capacity", "full") for launch in chain)
    before = TODAY + timedelta(days=ahead)
    return PlannedMove(name, before, before + timedelta(days=days), steps, **({"price": 10, "forced": 10} | costs))


def asked(
    *moves: PlannedMove,
    stage: str = "S2",
    approval: Approval | None = PEOPLE,
    shapes: dict[LaunchId, LaunchSnapshot] | None = None,
    **more: Any,
) -> tuple[str, ...]:
    """Why a part of these moves needs a person."""
    calendar = Calendar(POLICY.model_copy(update={"approval": approval}))
    state = State(DEFAULT)
    moved_at, sent_on, instead_of = more.get("moved_at", ()), more.get("sent_on", ()), more.get("instead_of")
    state.launches[A] = Launch(snapshot=shape(A), version=1, changed_at=START, moved_at=moved_at)
    request = PlanRequest(state, Context(calendar, START), 1, {}, instead_of=instead_of)
    known = {name: shape(name, "T3") for name in (B, C)} | {A: shape(A)} | (shapes or {})
    (part,) = apply_approval_policy([PlanPart(moves, bound=more.get("bound", 0))], stage, known, request, sent_on)
    return part.because


def test_a_small_move_of_a_distant_launch_asks_nobody() -> None:
    assert asked(move()) == ()


@pytest.mark.parametrize(
    ("ahead", "days", "because"),
    [
        (43, 7, ()),
        (43, 8, ("Launch L-A (T2) moves 8 days, more than 7",)),
        (42, 7, ("Launch L-A (T2) is only 42 days ahead",)),
        (42, 8, ("Launch L-A (T2) moves 8 days, more than 7", "Launch L-A (T2) is only 42 days ahead")),
    ],
)
def test_a_tier_s_own_borders_count_their_last_day(ahead: int, days: int, because: tuple[str, ...]) -> None:
    assert asked(move(A, ahead, days)) == because


@pytest.mark.parametrize("tier", ["T1", "T4"])
def test_a_tier_that_the_policy_does_not_name_is_always_asked_about(tier: Tier) -> None:
    assert asked(move(), shapes={A: shape(A, tier)}) == (f"Launch L-A is {tier}",)


def test_an_announced_launch_is_always_asked_about() -> None:
    assert asked(move(B), shapes={B: shape(B, "T3", state="announced")}) == ("Launch L-B is announced",)


@pytest.mark.parametrize(("day", "near"), [("2026-01-12", True), ("2026-01-13", False)])
def test_five_working_days_ahead_is_near_and_six_are_not(day: str, *, near: bool) -> None:
    ahead = (on(day) - TODAY).days
    because = ("Launch L-B is less than 5 working days ahead",) if near else ()
    assert asked(move(B, ahead)) == because
    assert asked(move(B, ahead), sent_on={B}) == ()  # a weak train sends on whoever was to ride


@pytest.mark.parametrize(
    ("days_ago", "because"),
    [
        ((30, 30), ("Launch L-A has moved 2 times within 30 days",)),
        ((90, 30, 1, 0), ("Launch L-A has moved 2 times within 30 days",)),
        ((31, 30), ()),
        ((0,), ()),
        ((), ()),
    ],
)
def test_who_has_moved_twice_in_a_month_is_asked_about(days_ago: tuple[int, ...], because: tuple[str, ...]) -> None:
    assert asked(move(), moved_at=tuple(START - timedelta(days=days) for days in days_ago)) == because


@pytest.mark.parametrize(("price", "because"), [(50, ()), (51, ("it costs 102, more than the budget of 100",))])
def test_a_part_may_cost_its_budget_and_no_more(price: int, because: tuple[str, ...]) -> None:
    both = [move(name, price=price, forced=price) for name in (B, C)]
    assert asked(*both) == because
    assert asked(*both, approval=PEOPLE.model_copy(update={"budget": None})) == ()


@pytest.mark.parametrize(
    ("stage", "price", "gap", "asks"),
    [
        ("S1", 12, 20, False),
        ("S1", 13, 20, True),
        ("S2", 13, 20, False),
        ("S1", 13, None, False),
        ("S1", 10, 0, False),
        ("S1", 11, 0, True),
    ],
)
def test_a_first_plan_that_may_cost_far_too_much_is_looked_at(
    stage: str, price: int, gap: int | None, *, asks: bool
) -> None:
    approval = PEOPLE.model_copy(update={"most_gap_percent": gap})
    told = f"it costs {price} where 10 may be enough: there may be a plan that moves much less"
    assert asked(move(B, price=price), stage=stage, approval=approval) == ((told,) if asks else ())


@pytest.mark.parametrize(("price", "asks"), [(120, False), (121, True)])
def test_a_gap_is_counted_to_the_percent(price: int, *, asks: bool) -> None:
    approval = PEOPLE.model_copy(update={"most_gap_percent": 20, "budget": None})
    assert bool(asked(move(B, price=price, forced=100), stage="S1", approval=approval)) is asks


@pytest.mark.parametrize(
    ("tier", "other", "asks"), [("T3", "T3", True), ("T2", "T3", True), ("T3", "T2", False), ("T3", "T1", False)]
)
def test_nobody_makes_room_for_a_quieter_or_equal_one_unasked(tier: Tier, other: Tier, *, asks: bool) -> None:
    alone: dict[Tier, AutoApply] = {"T1": AutoApply(), "T2": AutoApply(), "T3": AutoApply()}
    shapes = {B: shape(B, tier), C: shape(C, other)}
    moves = [move(B, 90, 7, C, B, forced=0), move(C)]
    told = f"Launch L-B ({tier}) would make room for Launch L-C"
    assert asked(*moves, approval=Approval(alone=alone), shapes=shapes) == ((told,) if asks else ())


def test_who_must_move_anyway_or_makes_room_for_nobody_of_the_plan_is_not_asked_about_for_it() -> None:
    assert asked(move(B, 90, 7, C, B, forced=1), move(C)) == ()
    assert asked(move(B, 90, 7, C, B, forced=0)) == ()
    assert asked(move(B, 90, 7, B, forced=0)) == ()


def test_the_last_one_of_a_chain_is_the_one_that_room_is_made_for() -> None:
    chained = move(B, 90, 7, C, A, B, forced=0)
    assert asked(chained, move(A), move(C)) == ()  # A is louder
    assert asked(move(B, 90, 7, A, C, B, forced=0), move(A), move(C)) == (
        "Launch L-B (T3) would make room for Launch L-C",
    )


def test_a_policy_without_approval_asks_nobody() -> None:
    loud = {A: shape(A, "T1", state="announced")}
    assert asked(move(A, 1, 60, price=999), approval=None, shapes=loud) == ()


def test_a_plan_instead_of_one_that_waits_is_asked_about_if_nothing_else_is_to_be_said() -> None:
    assert asked(move(), instead_of="P-1-1") == ("it would replace P-1-1, which waits for a person",)
    assert asked(move(), approval=None, instead_of="P-1-1") == ("it would replace P-1-1, which waits for a person",)
    assert asked(move(A, 43, 8), instead_of="P-1-1") == ("Launch L-A (T2) moves 8 days, more than 7",)


def test_a_reason_that_two_moves_have_is_told_once() -> None:
    twins = {name: shape(name, "T1").model_copy(update={"name": "Twin"}) for name in (B, C)}
    assert asked(move(B), move(C), shapes=twins) == ("Twin is T1",)


# ---- parts


def test_launches_of_one_chain_are_one_part_and_only_a_whole_plan_keeps_its_bound() -> None:
    moves = [move(B, 90, 7, A, C, B), move(C, 90, 7, A, C), move(A, 90, 7, A)]
    assert [([one.launch for one in part.moves], part.bound) for part in cut(moves, 25)] == [([A, B, C], 25)]
    alone = [move(C, 90, 7, C), move(A, 90, 7, A), move(B, 90, 7, A, B)]
    assert [([one.launch for one in part.moves], part.bound) for part in cut(alone, 25)] == [([A, B], 0), ([C], 0)]
    assert cut([], 25) == []


def test_a_part_s_lower_bound_is_what_is_proved_and_never_more_than_it_costs() -> None:
    moves = (move(A, price=10, forced=4), move(B, price=10, forced=3))
    assert [PlanPart(moves, bound=bound).lower_bound for bound in (0, 7, 8, 20, 21)] == [7, 7, 8, 20, 20]


# ---- proposals


def text(**more: Any) -> ProposalText:
    shapes = {name: shape(name) for name in (A, B, C)}
    given: dict[str, Any] = {"revision": 7, "number": 2, "stage": "S2", "shapes": shapes, "sentences": {}}
    return ProposalText(**(given | more))


def test_a_proposal_is_called_after_the_launch_that_must_move() -> None:
    part = PlanPart((move(A, forced=0), move(B, 100)), because=("Launch L-B is T1",), bound=15)
    found = to_proposal(part, text(sentences={B: ("it slips", "it settles")}))
    first, last = TODAY + timedelta(days=100), TODAY + timedelta(days=107)
    assert found.summary == f"Move Launch L-B from {first} to {last} and 1 more"
    assert (found.id, found.cost, found.lower_bound, found.because) == ("P-7-2", 20, 15, ("Launch L-B is T1",))
    assert [one.detail for one in found.moves] == ["", "it slips; it settles"]
    assert (found.stage, found.base_version, found.kind) == ("S2", 7, "reschedule")
    single = to_proposal(PlanPart((move(A, forced=0),)), text())
    assert single.summary == f"Move Launch L-A from {TODAY + timedelta(days=90)} to {TODAY + timedelta(days=97)}"


def test_an_approval_binds_to_moves_and_revision_and_not_to_words() -> None:
    part = PlanPart((move(A), move(B)))
    seen = to_proposal(part, text())
    assert to_proposal(part, text(sentences={A: ("otherwise said",)}, number=3)).hash == seen.hash
    assert to_proposal(part, text(revision=8)).hash != seen.hash
    assert to_proposal(PlanPart((move(A), move(B, 90, 8))), text()).hash != seen.hash
    assert to_proposal(PlanPart((move(A),)), text()).hash != seen.hash


def test_what_becomes_of_a_proposal_leaves_what_it_would_do() -> None:
    seen = to_proposal(PlanPart((move(A), move(B))), text())
    over = become(seen, "rejected", "the stage is booked")
    assert (over.state, over.reason, over.hash) == ("rejected", "the stage is booked", seen.hash)
    there, then = TODAY + timedelta(days=90), TODAY + timedelta(days=97)
    assert days_of(over) == days_of(seen) == [(A, there, then), (B, there, then)]
