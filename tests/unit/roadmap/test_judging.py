"""What a roadmap makes of what it is told: releases, removals, stale news, and what always holds."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.roadmap.domain.causes import tell
from services.roadmap.domain.reading import read_line
from services.roadmap.domain.roadmap import Roadmap, evolve, judge
from tests.unit.roadmap.told import MAY, Q3, V1, V2, V9, WORD, Told, kinds, observe

HISTORY = Path(__file__).parents[4] / "shared" / "data" / "kubernetes-roadmap"


def test_a_release_that_moves_moves_all_its_open_features_in_one_cause() -> None:
    told = Told()
    told.release("2026-06-01")
    for ref in ("F-3", "F-1", "F-2"):
        told.hear(feature={"ref": ref, "title": ref, "status": "planned", **V1})
    told.hear(feature={"ref": "F-2", "title": "F-2", "status": "shipped", **V1})
    moved = told.release("2026-06-08")
    assert [(change.feature.ref, change.kinds, change.by_working_days) for change in moved.changes] == [
        ("F-1", ("delayed",), 5),
        ("F-3", ("delayed",), 5),
    ]
    again = told.hear(feature={"ref": "F-2", "title": "F-2", "status": "planned", **V1})
    assert kinds(again) == ["unshipped"], "the release's move is not the feature's own"


def test_a_release_moved_three_times_moves_its_features_three_times() -> None:
    told = Told()
    told.feature(**V1)
    days = ("2026-06-01", "2026-06-10", "2026-06-05")
    assert [kinds(told.release(day)) for day in days] == [["narrowed"], ["delayed"], ["pulled_in"]]
    assert told.release("2026-06-05").verdict == "noop"


def test_a_feature_that_left_a_release_no_longer_moves_with_it() -> None:
    told = Told()
    told.release("2026-06-01")
    told.feature(**V1)
    told.feature(**V2)
    assert told.release("2026-06-09").verdict == "noop"


def test_the_day_of_a_release_that_nobody_targets_is_kept_for_later() -> None:
    told = Told()
    assert told.release("2026-06-01").verdict == "noop"
    target = told.feature(**V1).changes[0].feature.target
    assert target is not None
    assert target.latest == date(2026, 6, 1)


def test_removed_is_cancelled_and_seen_again_is_revived() -> None:
    told = Told()
    assert told.hear(removed="F-1").verdict == "noop"
    told.feature()
    assert kinds(told.hear(removed="F-1")) == ["cancelled"]
    assert told.hear(removed="F-1").verdict == "noop"
    assert kinds(told.feature()) == ["revived"]


def test_a_shipped_feature_that_vanishes_stays_shipped() -> None:
    told = Told()
    told.feature(status="shipped")
    assert told.hear(removed="F-1").verdict == "noop"
    assert told.state.features["F-1"].snapshot.status == "shipped"


def test_older_is_stale_and_equal_is_not() -> None:
    told = Told()
    told.feature(minute=5)
    assert told.feature(minute=4, title="B").verdict == "stale"
    assert kinds(told.feature(minute=5, title="B")) == ["renamed"]
    assert told.feature(minute=9, title="B").verdict == "noop"
    assert told.feature(minute=8, title="C").verdict == "stale", "a no-op too says what was true then"
    told.release("2026-06-02", minute=5)
    assert told.release("2026-06-01", minute=4).verdict == "stale"
    assert told.hear(minute=4, removed="F-1").verdict == "stale"


def test_a_no_op_keeps_the_version_and_what_does_not_count_is_still_remembered() -> None:
    told = Told()
    told.feature()
    told.feature(labels=["new"])
    snapshot = told.state.features["F-1"].snapshot
    assert (snapshot.version, snapshot.labels) == (1, ("new",))


TARGETS = st.sampled_from(
    [None, *({"on": f"2026-05-{day:02}"} for day in (1, 8)), *(one["target"] for one in (Q3, MAY, V1, V9))]
)
FEATURES = st.fixed_dictionaries(
    {
        "ref": st.sampled_from(["F-1", "F-2"]),
        "title": st.sampled_from(["A", "B"]),
        "status": st.sampled_from(["proposed", "planned", "paused", "shipped", "cancelled"]),
    },
    optional={"target": TARGETS, "stage": st.sampled_from(["alpha", "beta"]), "labels": st.just(["x"])},
)
WHATS = st.one_of(
    st.builds(lambda feature: {"feature": feature}, FEATURES),
    st.builds(
        lambda name, day: {"release": {"name": name, "planned_on": f"2026-06-{day:02}"}},
        st.sampled_from(["v1", "v9"]),
        st.integers(1, 28),
    ),
    st.builds(lambda ref: {"removed": ref}, st.sampled_from(["F-1", "F-2"])),
)
STORIES = st.lists(st.tuples(st.integers(0, 20), WHATS), max_size=25)


@settings(deadline=None, max_examples=80)
@given(STORIES)
def test_whatever_is_told_versions_count_up_and_the_changes_tell_the_whole_state(story: list[tuple[int, WORD]]) -> None:
    told = Told()
    versions: dict[str, int] = {}
    replayed: dict[str, Any] = {}
    for minute, what in story:
        judgement = told.hear(minute, **what)
        assert (judgement.verdict == "caused") == bool(judgement.changes)
        if judgement.verdict == "stale":
            assert not judgement.features
        if judgement.changes:
            assert tell(observe(minute, what), judgement)
        for change in judgement.changes:
            ref = change.feature.ref
            assert change.kinds
            assert change.feature.version == versions.get(ref, 0) + 1
            assert (change.by_working_days is not None) == bool({"delayed", "pulled_in"} & set(change.kinds))
            versions[ref] = change.feature.version
            replayed[ref] = change.feature
    for ref, known in told.state.features.items():
        # Labels alone, and the target of a feature that is shipped or cancelled, are remembered without being told.
        settled = known.snapshot.status in {"shipped", "cancelled"}
        plain = {"labels": (), **({"target": None, "release": None} if settled else {})}
        assert known.snapshot.model_copy(update=plain) == replayed[ref].model_copy(update=plain)
        assert (ref in told.state.targeting.get(known.snapshot.release or "", ())) == (
            known.snapshot.release is not None
        )


@settings(deadline=None, max_examples=40)
@given(STORIES)
def test_the_same_thing_told_again_changes_nothing(story: list[tuple[int, WORD]]) -> None:
    told = Told()
    for minute, what in story:
        if told.hear(minute, **what).verdict != "stale":
            assert told.hear(minute, **what).verdict == "noop"


@pytest.mark.skipif(not HISTORY.exists(), reason="the history of Kubernetes lies beside the repository, not in it")
def test_a_real_roadmap_of_five_years_gives_exactly_the_expected_changes() -> None:
    lines = (HISTORY / "expected.jsonl").read_text().splitlines()
    expected = {one["id"]: one["changes"] for one in map(json.loads, lines)}
    state = Roadmap()
    found: dict[str, list[list[str]]] = {}
    for line in (HISTORY / "observations.jsonl").read_bytes().splitlines():
        observation = read_line(line, None).observation
        assert observation is not None
        judgement = judge(state, observation)
        evolve(state, judgement)
        if judgement.changes:
            found[observation.id] = sorted([one.feature.ref, kind] for one in judgement.changes for kind in one.kinds)
    assert found == expected
