"""How strong a train is, who waits for the next one, and what counts as missed: each border by itself."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import AutomaticMove, Launch
from services.launch.domain.policy import TIERS
from services.launch.domain.rules.audience import EVERYBODY
from services.launch.domain.rules.train import (
    Act,
    Rider,
    can_be_weak,
    count_missed,
    counts,
    is_settled,
    last_train,
    left_behind,
    segments_of,
    settles_on,
    strengths,
)
from shared.contracts.launch import LaunchKind, LaunchSnapshot, Pin
from shared.contracts.words import CauseId, LaunchId
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import POLICY, START, on, snapshot

TRAIN, NEXT, LAST = on("2026-06-02"), on("2026-06-30"), on("2026-05-05")


def calendar(**trains: Any) -> Calendar:
    given = {"anchor": TRAIN, "every_weeks": 4, "cutoff_days": 3, "least_strength": 40, "misses": 2}
    return Calendar(POLICY.model_copy(update={"trains": POLICY.trains.model_copy(update=given | trains)}))


HERE = calendar()


def launch(day: date | None = TRAIN, train: date | None = TRAIN, **fields: Any) -> Launch:
    own = {name: fields.pop(name) for name in ("last_date", "happened_on", "trains_missed", "moves") if name in fields}
    return Launch(snapshot=at(day, train, **fields), version=1, changed_at=START, **own)


def at(day: date | None, train: date | None, **fields: Any) -> LaunchSnapshot:
    return shape(**{"tier": "T3", "date": day, "train": train, **fields})


def rider(name: str, counts: int, *segments: str, may_wait: bool = True) -> Rider:
    return Rider(LaunchId(name), segments, counts, may_wait)


def test_a_launch_rides_to_each_segment_once_or_to_everybody() -> None:
    assert segments_of(shape(segments=("smb", "large"))) == ("large", "smb")
    assert segments_of(shape()) == (EVERYBODY,)


def test_a_launch_counts_what_its_best_feature_does_and_no_less_than_its_tier_begins_with() -> None:
    def known(ref: str, value: int, **fields: Any) -> KnownFeature:
        return KnownFeature(snapshot=snapshot(ref, impact=dict.fromkeys(POLICY.weights, value), **fields))

    least = POLICY.tiers["T3"].from_score
    assert counts(shape(tier="T3"), [], POLICY) == least
    assert counts(shape(tier="T4"), [], POLICY) == POLICY.tiers["T4"].from_score == 0
    assert counts(shape(tier="T3"), [known("A", 0)], POLICY) == least
    assert counts(shape(tier="T3"), [known("A", 2), known("B", 3), known("C", 1)], POLICY) == 100
    assert counts(shape(tier="T3"), [known("A", 2), known("B", 3, status="cancelled")], POLICY) == 66


def test_strengths_add_up_by_segment() -> None:
    assert strengths([rider("A", 20, "smb", "large"), rider("B", 19, "smb")]) == {"smb": 39, "large": 20}


def test_a_train_just_strong_enough_leaves_and_one_just_too_weak_does_not() -> None:
    assert left_behind([rider("A", 20, "smb"), rider("B", 20, "smb")], TRAIN, HERE.policy) == {}
    assert left_behind([rider("A", 20, "smb"), rider("B", 19, "smb")], TRAIN, HERE.policy) == dict.fromkeys(
        ("A", "B"), "the train of 2026-06-02 is too weak: 39 points ride to smb, and 40 are asked for"
    )


def test_who_may_not_wait_or_speaks_to_a_strong_segment_too_stays() -> None:
    riders = [rider("A", 20, "large", "smb"), rider("B", 20, "smb"), rider("C", 9, "large", may_wait=False)]
    assert left_behind(riders, TRAIN, HERE.policy) == {}
    weak = left_behind([*riders[:1], rider("C", 9, "large", may_wait=False)], TRAIN, HERE.policy)
    assert weak == {
        "A": "the train of 2026-06-02 is too weak: 29 points ride to large, 20 points ride to smb, and 40 are asked for"
    }


@pytest.mark.parametrize(("above", "weak"), [(0, False), (1, True)])
def test_a_train_can_be_weak_only_if_one_rider_alone_is_less_than_is_asked_for(above: int, *, weak: bool) -> None:
    boarding = [rule.from_score for rule in POLICY.tiers.values() if rule.boards_train]
    here = calendar(least_strength=min(boarding) + above)
    assert can_be_weak(here.policy) is weak
    assert settles_on(launch(), here) == (on("2026-05-30") if weak else None)


def test_the_quietest_tier_that_rides_says_whether_a_train_can_be_weak() -> None:
    riding = {tier: POLICY.tiers[tier].model_copy(update={"boards_train": tier in {"T3", "T4"}}) for tier in TIERS}
    here = calendar(least_strength=POLICY.tiers["T4"].from_score + 1)
    assert can_be_weak(here.policy.model_copy(update={"tiers": riding}))


def test_where_nobody_rides_no_train_is_weak() -> None:
    on_foot = {tier: POLICY.tiers[tier].model_copy(update={"boards_train": False}) for tier in TIERS}
    assert not can_be_weak(HERE.policy.model_copy(update={"tiers": on_foot}))


@pytest.mark.parametrize(
    ("today", "settled"),
    [("2026-05-29", False), ("2026-05-30", True), ("2026-06-01", True), ("2026-06-02", False)],
)
def test_a_train_is_settled_from_its_cutoff_until_it_leaves(today: str, *, settled: bool) -> None:
    assert is_settled(TRAIN, on(today), HERE) is settled


def test_the_clock_decides_only_on_who_could_be_left_behind() -> None:
    assert settles_on(launch(), HERE) == on("2026-05-30")
    assert settles_on(launch(train=None), HERE) is None
    assert settles_on(launch(pin=Pin(reason="fair", by="ana", on=on("2026-05-01"))), HERE) is None
    assert settles_on(launch(trains_missed=1), HERE) == on("2026-05-30")
    assert settles_on(launch(trains_missed=2), HERE) is None


def test_a_launch_that_lost_its_date_was_on_the_train_of_that_day() -> None:
    assert last_train(launch(), HERE) == TRAIN
    assert last_train(launch(TRAIN, None, last_date=LAST), HERE) is None  # it has a date, and rides nowhere
    assert last_train(launch(None, None, last_date=LAST), HERE) == LAST
    assert last_train(launch(None, None, last_date=LAST + timedelta(days=1)), HERE) is None
    assert last_train(launch(None, None), HERE) is None
    assert last_train(launch(None, None, last_date=LAST, happened_on=LAST), HERE) is None
    assert last_train(launch(None, None, last_date=LAST, market_tier="T2", internal_tier="T2"), HERE) is None


BY_FEATURE, BY_PERSON = CauseId("native:1"), CauseId("launch:person:r1")
MOVED = (LaunchKind.RESCHEDULED,)


@pytest.mark.parametrize(
    ("before", "after", "act", "missed"),
    [
        (launch(), at(NEXT, NEXT), Act(BY_FEATURE, MOVED), 1),
        (launch(trains_missed=1), at(NEXT, NEXT), Act(BY_FEATURE, MOVED), 2),
        (launch(trains_missed=1), at(TRAIN, TRAIN), Act(BY_FEATURE, MOVED), 1),  # the same train
        (launch(trains_missed=1), at(LAST, LAST), Act(BY_FEATURE, MOVED), 1),  # an earlier one
        (launch(trains_missed=1), at(None, None), Act(BY_FEATURE, MOVED), 1),  # it waits
        (launch(None, None, last_date=LAST), at(TRAIN, TRAIN), Act(BY_FEATURE, MOVED), 1),
        (launch(None, None), at(TRAIN, TRAIN), Act(BY_FEATURE, MOVED), 0),
        (launch(trains_missed=1), at(NEXT, None), Act(BY_FEATURE, MOVED), 0),  # by no train any more
        (launch(trains_missed=1), at(TRAIN, TRAIN, state="launched"), Act(BY_FEATURE, MOVED), 0),
        (launch(trains_missed=1), at(NEXT, NEXT, state="held"), Act(BY_FEATURE, MOVED), 2),
        (launch(trains_missed=1), at(NEXT, NEXT), Act(BY_PERSON, MOVED), 0),  # a person has chosen
        (launch(trains_missed=1), at(TRAIN, TRAIN), Act(BY_PERSON, MOVED), 1),  # something else than the date
        (launch(trains_missed=1), at(NEXT, NEXT), Act(BY_PERSON, (*MOVED, LaunchKind.PROPOSAL_APPROVED)), 2),
    ],
)
def test_a_row_of_misses_grows_with_a_later_train_and_ends_with_a_choice(
    before: Launch, after: LaunchSnapshot, act: Act, missed: int
) -> None:
    assert count_missed(before, after, act, HERE) == missed


def moves(*days: date) -> tuple[AutomaticMove, ...]:
    """From each of these days to the next one."""
    return tuple(
        AutomaticMove(earlier=first, later=later, at=START, tier="T3", ready={}) for first, later in pairwise(days)
    )


@pytest.mark.parametrize(
    ("missed", "back_to", "left"), [(2, TRAIN, 1), (2, LAST, 0), (2, NEXT, 2), (1, LAST, 0), (2, None, 2)]
)
def test_what_is_undone_was_no_miss(missed: int, back_to: date | None, left: int) -> None:
    before = launch(NEXT, NEXT, trains_missed=missed, moves=moves(LAST, TRAIN, NEXT))
    act = Act(BY_FEATURE, (LaunchKind.UNDONE,))
    assert count_missed(before, at(back_to, back_to), act, HERE) == left
