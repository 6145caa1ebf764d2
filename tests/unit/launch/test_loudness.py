"""Tiers as the policy has them: monotone, steady, never changed over a person's head, and within the budget."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar
from services.launch.domain.decisions.person import Overriding
from services.launch.domain.policy import TIERS, Approval, Budget
from services.launch.domain.tiers import assess, nearest_fall, score
from shared.contracts.feature import IMPACT_INPUTS, Impact
from tests.unit.launch.scheduling.test_together import decide
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, SMALL, Story, is_reminder, on, only, snapshot

VALUES = st.dictionaries(st.sampled_from(IMPACT_INPUTS), st.integers(0, 3))
PRESENT = st.sampled_from([None, *TIERS])
STAGES = st.sampled_from([None, "alpha", "beta", "ga"])
PROVEN: dict[str, Any] = {"impact": LOUD, "stage": "ga"}


@given(VALUES, st.sampled_from(IMPACT_INPUTS), PRESENT, STAGES)
@settings(deadline=None, max_examples=200)
def test_more_of_an_input_never_makes_a_launch_quieter(values: Any, name: str, present: Any, stage: Any) -> None:
    more = {**values, name: min(3, values.get(name, 0) + 1)}
    before = assess(snapshot(impact=values, stage=stage), POLICY, present)
    after = assess(snapshot(impact=more, stage=stage), POLICY, present)
    assert (after.market <= before.market, after.internal <= before.internal) == (True, True)


@given(VALUES, PRESENT, STAGES)
@settings(deadline=None, max_examples=200)
def test_the_nearest_flip_really_flips_and_a_step_less_does_not(values: Any, present: Any, stage: Any) -> None:
    feature = snapshot(impact=values, stage=stage)
    tiering = assess(feature, POLICY, present)
    for flip in (tiering.flip, nearest_fall(feature, POLICY, present)):
        if flip is None:
            continue
        assert _with(feature, flip.input, flip.to, present) == flip.tier != tiering.market
        step = -1 if flip.to > values.get(flip.input, 0) else 1
        assert _with(feature, flip.input, flip.to + step, present) == tiering.market


def _with(feature: Any, name: str, value: int, present: Any) -> str:
    impact = {**feature.impact, name: Impact(value=value)}
    return assess(feature.model_copy(update={"impact": impact}), POLICY, present).market


@given(VALUES, st.sampled_from(TIERS))
@settings(deadline=None, max_examples=200)
def test_inside_the_hysteresis_nothing_flips(values: Any, present: Any) -> None:
    points = score(values, POLICY)
    at = TIERS.index(present)
    below = POLICY.tiers[present].from_score - 5
    above = POLICY.tiers[TIERS[at - 1]].from_score + 5 if at else 101
    tiering = assess(snapshot(impact=values, labels=("proof",)), POLICY, present)
    if below < points < above:
        assert tiering.market == present
    else:
        assert tiering.market != present


def test_low_confidence_is_provisional_and_says_so() -> None:
    tiering = assess(snapshot(impact=MEDIUM, confidence=0.4), POLICY)
    assert tiering.provisional
    assert "no money outside" in tiering.reason
    assert not assess(snapshot(impact=MEDIUM, confidence=0.4, status="shipped"), POLICY).provisional


def test_a_second_change_within_two_days_waits_and_then_comes_by_itself() -> None:
    story = Story()
    story.add(day="2026-06-01", impact=SMALL)
    story.change("rescoped", impact=MEDIUM)
    kept = only(story.change("rescoped", impact=SMALL))
    assert (kept.launch.market_tier, kept.kinds) == ("T2", ())
    assert kept.launch.tier_reason.endswith("it stays T2: a tier changes by itself only once in 48 hours.")
    told = [one for one in story.wait_until("2026-01-08") if not is_reminder(one)]
    assert [only(one).launch.market_tier for one in told] == ["T3"]
    assert "retiered" in only(told[0]).kinds


def test_a_gate_that_flips_is_not_held_by_the_band() -> None:
    story = Story()
    story.add(day="2026-06-01", stage="ga", impact={"customer_value": 3, "reach": 3, "novelty": 2})  # 43
    assert story.launch().market_tier == "T2"
    story.change("stage_changed", stage="beta")
    assert story.launch().market_tier == "T3"


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        ({"pin": "the fair"}, "pinned"),
        ({"complete": ("kickoff",)}, "work on it has started (1 done)"),
    ],
)
def test_what_has_begun_or_is_promised_is_proposed_and_not_changed(prepare: Any, why: str) -> None:
    story = Story()
    story.add(day="2026-06-01", impact=MEDIUM)
    story.person(**prepare)
    message = story.change("rescoped", impact=SMALL)
    change = only(message)
    assert (change.launch.market_tier, change.material) == ("T2", True)
    assert "proposal_opened" in change.kinds
    (proposal,) = message.proposals
    assert (proposal.kind, proposal.state) == ("retier", "open")
    assert why in proposal.summary
    assert story.change("renamed", title="Another").proposals == ()
    (closed,) = story.change("rescoped", impact=MEDIUM).proposals
    assert (closed.id, closed.state) == (proposal.id, "superseded")


def test_a_proposal_that_a_persons_own_choice_overtakes_is_told_as_closed() -> None:
    story = Story()
    story.add(day="2026-06-01", impact=MEDIUM)
    story.person(pin="the fair")
    (waiting,) = story.change("rescoped", impact=SMALL).proposals
    quiet = Overriding(market="T3", reason="a small one", approved_by="ben", until=on("2026-05-01"))
    message = story.person(override=quiet)
    assert "proposal_superseded" in only(message).kinds
    assert [(proposal.id, proposal.state) for proposal in message.proposals] == [(waiting.id, "superseded")]
    assert story.stored().asked is None
    assert story.replayed().launches == story.state.launches


def test_more_than_one_step_and_the_days_before_are_proposed_too() -> None:
    story = Story()
    story.add(day="2026-06-01", impact=MEDIUM)
    assert "more than one step" in story.change("rescoped", impact={}).proposals[0].summary
    story = Story()
    story.add(day="2026-06-01", impact=MEDIUM)
    day = story.launch().date
    assert day == on("2026-06-08")
    story.wait_until("2026-06-02")
    assert "5 working days or less" in story.change("rescoped", impact=SMALL).proposals[0].summary


def test_a_louder_proposal_names_the_day_that_its_lead_times_allow_and_a_quieter_one_the_work_to_keep() -> None:
    story = Story()
    story.add(day="2026-02-16", impact=MEDIUM, stage="beta")
    story.person(complete=("blog", "go-no-go"))
    summary = story.change("rescoped", impact=LOUD).proposals[0].summary
    assert "with the lead times of T1 the earliest day is 2026-03-09" in summary
    story.change("rescoped", impact=MEDIUM)
    summary = story.change("rescoped", impact=SMALL).proposals[0].summary
    assert "done already and no longer asked for: go or no-go" in summary


def test_over_the_budget_persons_choose_among_all_candidates_and_nothing_is_dropped() -> None:
    story = Story()
    for number, ref in enumerate(("A", "B", "C", "D")):
        story.add(ref, day=f"2026-0{4 + number // 2}-0{1 + number}", **PROVEN)
    launches = [story.launch(f"L-{ref}") for ref in "ABCD"]
    assert {one.market_tier for one in launches} == {"T1"}
    over = [ref for ref in "ABCD" if story.stored(f"L-{ref}").conflicts]
    assert over
    (conflict,) = story.stored(f"L-{over[-1]}").conflicts
    assert conflict.constraint == "t1_budget"
    assert all(f"Feature {ref} (score 76" in conflict.detail for ref in "ABC")
    for ref in over:
        story.change("rescoped", ref, impact={**MEDIUM, "differentiation": 1})
    assert not any(story.stored(f"L-{ref}").conflicts for ref in "ABCD")
    assert story.replayed().launches == story.state.launches


def test_a_move_that_is_approved_or_rejected_counts_in_the_budget_like_any_other() -> None:
    rules = {"budget": Budget(per_quarter=1, at_once=1, days=7), "approval": Approval(alone={})}
    story = Story(calendar=Calendar(POLICY.model_copy(update=rules)))
    story.add("A", day="2026-07-06", **PROVEN)
    story.add("B", day="2026-07-20", **PROVEN)

    def over() -> list[str]:
        return [one.constraint for one in story.stored("L-B").conflicts]

    assert over() == ["t1_budget"]
    (later,) = story.change("delayed", "B", day="2026-08-03").proposals
    decide(story, later.id, approve=False, reason="the fair is in July")
    assert over() == ["ready", "t1_budget"]
    (later,) = story.change("delayed", "B", day="2026-08-10").proposals
    decide(story, later.id)
    assert over() == ["t1_budget"]
    (later,) = story.change("delayed", "B", day="2026-10-05").proposals
    decide(story, later.id)
    assert over() == []
    assert story.replayed().launches == story.state.launches
