"""When a launch can be: calendar, bounds, trains. The policy is the default one."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.feature import KnownFeature
from services.launch.domain.rules.catalogue import find_earliest, of_day, violations
from services.launch.domain.rules.rule import Situation
from services.launch.domain.tiers import assess
from services.launch.settings import DEFAULT_POLICY, load_policy
from shared.contracts.launch import Tier
from tests.unit.launch.story import ASKING, CALENDAR, LOUD, MEDIUM, POLICY, SMALL, on, snapshot

DAYS = st.dates(on("2019-01-01"), on("2031-12-31"))
LOUDNESS: st.SearchStrategy[Tier] = st.sampled_from(["T1", "T2", "T3"])


def situation(tier: Tier, today: date, ready: date, regions: tuple[str, ...] = ()) -> Situation:
    return Situation(tier, regions, (KnownFeature(snapshot=snapshot(day=ready), confident_since=today),), today)


@given(tier=LOUDNESS, today=DAYS, days=st.integers(0, 400), regions=st.sampled_from([(), ("us",), ("de", "jp")]))
@settings(deadline=None, max_examples=100)
def test_the_earliest_date_breaks_no_rule_and_every_day_before_breaks_one(
    tier: Tier, today: date, days: int, regions: tuple[str, ...]
) -> None:
    there = situation(tier, today, today + timedelta(days=days), regions)
    found = find_earliest(there, CALENDAR).date
    assert found is not None
    assert violations(there, found, CALENDAR) == []
    assert all(violations(there, found - timedelta(days=back), CALENDAR) for back in range(1, 40))


@given(tier=LOUDNESS, today=DAYS, days=st.integers(0, 300), slip=st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_a_larger_slip_never_gives_an_earlier_date(tier: Tier, today: date, days: int, slip: int) -> None:
    first = find_earliest(situation(tier, today, today + timedelta(days=days)), CALENDAR).date
    later = find_earliest(situation(tier, today, today + timedelta(days=days + slip)), CALENDAR).date
    assert first is not None
    assert later is not None
    assert first <= later


@given(first=DAYS, length=st.integers(0, 400), day=st.integers(0, 400), tier=LOUDNESS)
@settings(deadline=None, max_examples=100)
def test_a_day_is_frozen_when_one_of_the_listed_freezes_holds_it(
    first: date, length: int, day: int, tier: Tier
) -> None:
    here = first + timedelta(days=min(day, length))
    spans = CALENDAR.freezes(first, first + timedelta(days=length))
    listed = [freeze.reason for begin, end, freeze in spans if begin <= here <= end and tier in freeze.tiers]
    broken = [one.detail for one in of_day(here, tier, (), CALENDAR) if one.constraint == "freeze"]
    assert broken == [f"{here} is frozen: {reason}" for reason in listed]


def test_every_reason_against_a_day_is_given_with_its_sentence() -> None:
    there = situation("T2", on("2026-11-16"), on("2026-12-20"))
    found = {one.constraint: one.detail for one in violations(there, on("2026-12-20"), CALENDAR)}
    assert found == {
        "ready": "F-1 is ready on 2026-12-20; plus 5 days to settle: 2026-12-25",
        "notice": "F-1 is confident since 2026-11-16; 30 working days of notice: 2026-12-28",
        "workday": "2026-12-20 is no working day",
        "freeze": "2026-12-20 is frozen: year end",
    }


@pytest.mark.parametrize(
    ("day", "tier", "regions", "rules"),
    [
        ("2026-12-20", "T3", (), {"workday", "freeze", "train"}),
        ("2027-01-02", "T1", (), {"workday", "freeze"}),
        ("2026-12-25", "T2", ("us",), {"workday", "freeze"}),
        ("2026-12-25", "T2", (), {"freeze"}),
        ("2026-03-25", "T2", (), {"freeze"}),
        ("2026-03-24", "T2", (), set()),
        ("2026-03-25", "T3", (), {"train"}),
        ("2026-07-03", "T2", ("us",), {"workday"}),
        ("2026-07-03", "T2", ("fr",), set()),
        ("2026-07-14", "T2", ("us", "fr"), {"workday"}),
        ("2026-01-27", "T3", (), set()),
        ("2024-02-29", "T1", ("nowhere-we-know",), set()),
    ],
)
def test_days_off_freezes_and_trains(day: str, tier: Tier, regions: tuple[str, ...], rules: set[str]) -> None:
    assert {one.constraint for one in of_day(on(day), tier, regions, CALENDAR)} == rules


@given(day=DAYS)
@settings(deadline=None, max_examples=50)
def test_trains_leave_every_four_weeks_on_a_tuesday(day: date) -> None:
    train = CALENDAR.next_train(day)
    assert (train.isoweekday(), (train - POLICY.trains.anchor).days % 28) == (2, 0)
    assert 0 <= (train - day).days < 28


@pytest.mark.parametrize(
    ("fields", "market", "internal"),
    [
        ({"impact": LOUD, "labels": ("proof",)}, "T1", "T1"),
        ({"impact": LOUD, "stage": "beta"}, "T1", "T1"),
        ({"impact": LOUD}, "T2", "T2"),
        ({"impact": LOUD, "stage": "alpha"}, "T2", "T2"),
        ({"impact": MEDIUM}, "T2", "T2"),
        ({"impact": SMALL}, "T3", "T3"),
        ({"impact": {"reach": 1}}, "T4", "T4"),
        ({}, "T4", "T4"),
        ({"stage": "GA"}, "T2", "T2"),
        ({"stage": "beta"}, "T3", "T3"),
        ({"stage": "alpha"}, "T4", "T4"),
        ({"labels": ("pricing",)}, "T2", "T2"),
        ({"labels": ("packaging", "new-market", "Demo")}, "T1", "T1"),
        ({"labels": ("new-sku",), "status": "shipped"}, "T1", "T1"),
        ({"labels": ("new-sku",)}, "T2", "T2"),
        ({"labels": ("breaking",)}, "T4", "T2"),
        ({"impact": {"disruption": 3}}, "T4", "T2"),
    ],
)
def test_how_loud_a_feature_is(fields: dict[str, Any], market: str, internal: str) -> None:
    tiering = assess(snapshot(**fields), POLICY)
    assert (tiering.market, tiering.internal) == (market, internal)


def test_the_reason_names_the_score_the_gate_and_what_would_flip_it() -> None:
    tiering = assess(snapshot(stage="ga", impact={**LOUD, "narrative": 0}), POLICY)
    assert tiering.reason == "Score 64 gives T2; T1 if disruption goes to 2."
    assert assess(snapshot(stage="ga"), POLICY).reason == "Score 0 gives T4; stage ga asks for at least T2."


def test_a_score_that_wobbles_across_a_border_flips_no_tier() -> None:
    just_below = {"customer_value": 3, "reach": 3, "novelty": 2}  # 43; T2 begins at 45
    assert assess(snapshot(impact=just_below), POLICY).market == "T3"
    assert assess(snapshot(impact=just_below), POLICY, present="T2").market == "T2"
    assert assess(snapshot(impact={"reach": 3, "customer_value": 3}), POLICY, present="T2").market == "T3"


def test_a_policy_is_named_by_its_content_and_a_typing_error_in_it_is_refused(tmp_path: Path) -> None:
    assert load_policy().digest() == ASKING.policy.digest()
    assert POLICY.digest() != POLICY.model_copy(update={"horizon_days": 5}).digest()
    file = tmp_path / "policy.yaml"
    file.write_text(DEFAULT_POLICY.read_text().replace("soak_days: 5", "soak_dayz: 5"))
    with pytest.raises(ValueError, match="soak_dayz"):
        load_policy(file)


def test_without_an_allowed_day_up_to_the_horizon_a_launch_waits_instead_of_failing() -> None:
    found = find_earliest(situation("T2", on("2026-01-05"), on("2036-01-01")), CALENDAR)
    assert found.date is None
    assert found.waits_for == "no day up to 2029-01-09 is allowed"


IMPACTS = st.dictionaries(st.sampled_from(sorted(POLICY.weights)), st.integers(0, 3))


@given(impact=IMPACTS)
@settings(deadline=None, max_examples=100)
def test_the_nearest_flip_flips_and_a_smaller_rise_of_any_input_does_not(impact: dict[str, int]) -> None:
    tiering = assess(snapshot(impact=impact), POLICY)
    flip = re.search(r"(T\d) if ([\w ]+) goes to (\d)", tiering.reason)
    by_one_input = {
        (value - impact.get(name, 0), name): assess(snapshot(impact={**impact, name: value}), POLICY).market
        for name in POLICY.weights
        for value in range(impact.get(name, 0) + 1, 4)
    }
    louder = {rise: market for (rise, _), market in by_one_input.items() if market < tiering.market}
    if flip is None:
        assert not louder
        return
    tier, name, value = flip[1], flip[2].replace(" ", "_"), int(flip[3])
    assert assess(snapshot(impact={**impact, name: value}), POLICY).market == tier
    assert value - impact.get(name, 0) == min(louder)
