"""What keeps a launch as loud as it is although its features say otherwise: each rule, from both sides."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import Launch
from services.launch.domain.policy import Retiering
from services.launch.domain.tiers import (
    derive_proposal_id,
    is_locked,
    rests_until,
    settle,
    settle_by_person,
)
from shared.contracts.launch import Completed, Pin, Tier, TierOverride
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, SMALL, START, on, snapshot

RULES: dict[str, Any] = {
    "rest_hours": 48,
    "lock_working_days": {"T1": 10, "T2": 5},
    "most_steps": 1,
    "ask_when_started": True,
}
TODAY = on("2026-01-05")  # START's, a Monday
DISTANT = on("2026-06-01")


def calendar(**rules: Any) -> Calendar:
    return Calendar(POLICY.model_copy(update={"retiering": Retiering(**(RULES | rules))}))


HERE = calendar()


def launch(tier: Tier = "T2", retiered_at: datetime | None = None, **fields: Any) -> Launch:
    return Launch(
        snapshot=shape(**{"tier": tier, "date": DISTANT, **fields}),
        version=1,
        changed_at=START,
        retiered_at=retiered_at,
    )


def kept(one: Launch | None, impact: Any = SMALL, here: Calendar = HERE, **feature: Any) -> tuple[str, str, bool]:
    """The tier outside, why it is kept, and whether a person is asked."""
    now = [snapshot(impact=impact, **feature)]
    found = settle(one, now, now, here, START)
    assert found.fields() == {
        "market_tier": found.market,
        "internal_tier": found.internal,
        "tier_reason": found.reason,
    }
    assert (found.kept in found.reason) is True
    return found.market, found.kept, found.ask


def test_a_launch_follows_its_features_where_nothing_keeps_it() -> None:
    assert kept(launch()) == ("T3", "", False)
    assert kept(None) == ("T3", "", False)
    assert kept(launch(), MEDIUM) == ("T2", "", False)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": "announced"}, "it is announced, so a person decides"),
        ({"pin": Pin(reason="fair", by="ana", on=TODAY)}, "its date is pinned, so a person decides"),
        (
            {"completed": (Completed(activity="a", planned=None, by="ana", on=TODAY),) * 2},
            "work on it has started (2 done), so a person decides",
        ),
    ],
)
def test_what_is_promised_or_begun_is_a_person_s(fields: dict[str, Any], why: str) -> None:
    assert kept(launch(**fields)) == ("T2", why, True)
    assert kept(launch(**fields), MEDIUM) == ("T2", "", False)  # nothing changes


def test_work_that_has_begun_asks_nobody_where_the_policy_does_not_care() -> None:
    begun = launch(completed=(Completed(activity="a", planned=None, by="ana", on=TODAY),))
    assert kept(begun, here=calendar(ask_when_started=False)) == ("T3", "", False)


@pytest.mark.parametrize(
    ("state", "tier"), [("planned", "T3"), ("held", "T3"), ("launched", "T3"), ("cancelled", "T3")]
)
def test_only_what_is_ahead_is_held(state: str, tier: str) -> None:
    assert kept(launch(state=state))[0] == tier
    pinned = launch(state=state, pin=Pin(reason="fair", by="ana", on=TODAY))
    assert kept(pinned)[0] == ("T2" if state in {"planned", "held"} else tier)


@pytest.mark.parametrize(
    ("day", "locked"),
    [("2026-01-04", False), ("2026-01-05", True), ("2026-01-12", True), ("2026-01-13", False)],
)
def test_five_working_days_before_a_t2_it_is_locked(day: str, *, locked: bool) -> None:
    assert is_locked(shape(date=on(day)), "T2", HERE, TODAY) is locked
    told = ("T2", "it is 5 working days or less ahead, so a person decides", True)
    assert kept(launch(date=on(day))) == (told if locked else ("T3", "", False))


def test_a_tier_without_a_lock_or_a_launch_without_a_date_is_never_locked() -> None:
    assert not is_locked(shape(date=TODAY), "T3", HERE, TODAY)
    assert not is_locked(shape(), "T2", HERE, TODAY)
    holiday = Calendar(HERE.policy.model_copy(update={"regions": {"eu": _off(TODAY + timedelta(days=2))}}))
    assert is_locked(shape(date=on("2026-01-13"), regions=("eu",)), "T2", holiday, TODAY)


def _off(*days: Any) -> Any:
    return POLICY.default_region.model_copy(update={"holidays": days})


def test_the_louder_of_both_tiers_says_how_long_before_it_is_locked() -> None:
    near = on("2026-01-19")  # ten working days
    assert kept(launch("T2", date=near), LOUD, labels=("demo",))[1:] == (
        "it is 10 working days or less ahead, so a person decides",
        True,
    )
    assert kept(launch("T2", date=near), SMALL) == ("T3", "", False)


@pytest.mark.parametrize(("most", "asks"), [(1, True), (2, False)])
def test_more_steps_than_the_policy_allows_are_a_person_s(most: int, *, asks: bool) -> None:
    here = calendar(most_steps=most)
    found = kept(launch("T2"), {}, here)
    assert found == (
        ("T2", "that is more than one step at once, so a person decides", True) if asks else ("T4", "", False)
    )
    inside = launch(market_tier="T3", internal_tier="T1")
    assert kept(inside, SMALL, here)[2] is asks


@pytest.mark.parametrize(("hours", "rests"), [(47, True), (48, False), (49, False)])
def test_after_a_change_a_tier_rests_two_days_without_anybody_being_asked(hours: int, *, rests: bool) -> None:
    one = launch(retiered_at=START - timedelta(hours=hours))
    assert rests_until(one, HERE) == START + timedelta(hours=48 - hours)
    told = ("T2", "a tier changes by itself only once in 48 hours", False)
    assert kept(one) == (told if rests else ("T3", "", False))


def test_who_never_changed_or_a_policy_without_rest_holds_nobody() -> None:
    assert rests_until(launch(), HERE) is None
    assert rests_until(launch(retiered_at=START), calendar(rest_hours=0)) is None


def test_the_first_reason_is_the_one_that_is_told() -> None:
    one = launch(state="announced", retiered_at=START, date=on("2026-01-06"))
    assert kept(one, {})[1] == "it is announced, so a person decides"
    assert kept(launch(retiered_at=START), {})[1] == "that is more than one step at once, so a person decides"


def test_what_it_would_be_is_told_for_both_sides() -> None:
    now = [snapshot(impact=SMALL, stage="ga")]
    found = settle(launch("T2", state="announced", internal_tier="T1"), now, now, HERE, START)
    assert found.computed.market == "T2"
    told = f"{found.computed.reason} That would be T2; it stays T2 (T1 inside): it is announced, so a person decides."
    assert (found.reason, found.internal) == (told, "T1")


def test_a_gate_that_opens_forgets_the_present_tier() -> None:
    wobbling = {"customer_value": 3, "reach": 3, "novelty": 2}  # 43; T2 begins at 45
    same = [snapshot(impact=wobbling)]
    assert settle(launch("T2"), same, same, HERE, START).market == "T2"
    before = [snapshot(impact=wobbling, stage="ga")]
    assert settle(launch("T2"), same, before, HERE, START).market == "T3"


CHOSEN = TierOverride(market="T1", internal="T2", reason="a promise", by="ana", on=TODAY, until=on("2026-07-01"))


def test_a_person_s_choice_holds_whatever_is_computed_and_says_what_that_is() -> None:
    features = [snapshot(impact=SMALL)]
    one = launch(override=CHOSEN)
    found = settle(one, features, features, HERE, START)
    assert (found.market, found.internal, found.kept, found.ask) == ("T1", "T2", "", False)
    told = "ana decided T1, until 2026-07-01: a promise. By itself it would be T3: "
    assert found.reason == told + found.computed.reason
    assert settle_by_person(one.snapshot, features, HERE, "T2").reason == found.reason
    seconded = shape(override=CHOSEN.model_copy(update={"approved_by": "bo"}))
    assert settle_by_person(seconded, features, HERE, None).reason.startswith("ana decided T1, approved by bo, until")


def test_a_person_s_act_is_held_back_by_nothing() -> None:
    found = settle_by_person(shape(state="announced"), [snapshot(impact=SMALL)], HERE, None)
    assert (found.market, found.kept, found.ask) == ("T3", "", False)
    wobbling = [snapshot(impact={"customer_value": 3, "reach": 3, "novelty": 2})]
    assert settle_by_person(shape(), wobbling, HERE, "T2").market == "T2"
    assert settle_by_person(shape(), wobbling, HERE, None).market == "T3"


def test_the_same_change_of_the_same_version_is_the_same_proposal() -> None:
    def proposal(one: Launch, impact: Any = SMALL) -> str:
        now = [snapshot(impact=impact)]
        return derive_proposal_id(one, settle(one, now, now, HERE, START))

    first = proposal(launch())
    assert first.startswith("P-")
    assert len(first) == 18
    assert proposal(launch(state="held")) == first
    assert len({first, proposal(launch(), LOUD), proposal(launch().model_copy(update={"version": 2}))}) == 3
