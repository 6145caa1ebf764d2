"""The kinds of observations.md, rule by rule, and what always holds whatever is observed."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.roadmap.domain.observation import Observation
from services.roadmap.domain.reading import read_line
from services.roadmap.domain.roadmap import Outcome, Roadmap, evolve, judge
from services.roadmap.domain.sentences import tell
from services.roadmap.domain.windows import count_working_days, read_window

HISTORY = Path(__file__).parents[4] / "shared" / "data" / "kubernetes-roadmap"
START = datetime(2026, 1, 1, tzinfo=UTC)
WORD = dict[str, Any]


class Told:
    """A roadmap that is told one thing a minute."""

    def __init__(self) -> None:
        self.state = Roadmap()
        self.minute = 0

    def hear(self, minute: int | None = None, **what: Any) -> Outcome:
        self.minute = self.minute + 1 if minute is None else minute
        line = {"id": f"o{self.minute}", "at": (START + timedelta(minutes=self.minute)).isoformat(), **what}
        observation = read_line(json.dumps(line).encode(), None).observation
        assert observation is not None
        outcome = judge(self.state, observation)
        evolve(self.state, outcome)
        return outcome

    def feature(self, minute: int | None = None, **told: Any) -> Outcome:
        return self.hear(minute, feature={"ref": "F-1", "title": "Dark mode", "status": "planned", **told})

    def release(self, on: str, name: str = "v1", minute: int | None = None) -> Outcome:
        return self.hear(minute, release={"name": name, "planned_on": on})


def kinds(outcome: Outcome) -> list[str]:
    return [kind for change in outcome.changes for kind in change.kinds]


def after(before: WORD, now: WORD) -> list[str]:
    """The kinds between two tellings of the same feature."""
    told = Told()
    told.release("2026-06-01")
    told.release("2026-06-20", name="v2")
    assert kinds(told.feature(**before)) == ["added"]
    return kinds(told.feature(**now))


def on(day: str) -> WORD:
    return {"target": {"on": day}}


def of(name: str) -> WORD:
    return {"target": {"release": name}}


Q3: WORD = {"target": {"quarter": "2026-Q3"}}
MAY: WORD = {"target": {"month": "2026-05"}}
V1, V2, V9 = of("v1"), of("v2"), of("v9")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("planned", "shipped", ["shipped"]),
        ("shipped", "planned", ["unshipped"]),
        ("shipped", "cancelled", ["unshipped", "cancelled"]),
        ("shipped", "paused", ["unshipped", "paused"]),
        ("planned", "cancelled", ["cancelled"]),
        ("cancelled", "planned", ["revived"]),
        ("cancelled", "paused", ["revived", "paused"]),
        ("cancelled", "shipped", ["shipped"]),
        ("in_progress", "paused", ["paused"]),
        ("paused", "proposed", ["resumed"]),
        ("paused", "shipped", ["shipped"]),
        ("paused", "cancelled", ["cancelled"]),
        ("proposed", "planned", ["progressed"]),
        ("in_progress", "planned", ["progressed"]),
        ("planned", "planned", []),
    ],
)
def test_status(before: str, now: str, expected: list[str]) -> None:
    assert after({"status": before}, {"status": now}) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, on("2026-05-01"), ["scheduled"]),
        (on("2026-05-01"), {}, ["unscheduled"]),
        (on("2026-05-01"), on("2026-05-01"), []),
        (on("2026-05-01"), on("2026-05-04"), ["delayed"]),
        (on("2026-05-01"), on("2026-04-30"), ["pulled_in"]),
        (MAY, on("2026-05-31"), ["narrowed"]),
        (on("2026-05-31"), MAY, ["widened"]),
        (Q3, MAY, ["pulled_in"]),
        (MAY, Q3, ["delayed"]),
        ({"target": {"quarter": "2026-Q3"}}, {"target": {"half": "2026-H2"}}, ["widened"]),
        (V1, on("2026-06-01"), ["retargeted"]),
        (V1, V2, ["delayed"]),
        (V2, V1, ["pulled_in"]),
        (V1, V9, ["retargeted"]),
        (V9, V1, ["retargeted"]),
        (V9, on("2026-05-01"), ["retargeted"]),
        (V9, V9, []),
        (V9, {}, ["unscheduled"]),
        ({**V1, "stage": "alpha"}, {**V2, "stage": "beta"}, ["stage_changed"]),
        ({**V1, "stage": "beta"}, {"stage": None}, ["stage_changed"]),
        (V1, {**V2, "status": "shipped"}, ["shipped"]),
        (V1, {**V2, "status": "cancelled"}, ["cancelled"]),
        ({**V1, "status": "shipped"}, {**V2, "status": "planned"}, ["unshipped", "delayed"]),
        ({**V1, "status": "paused"}, {**V2, "status": "paused"}, ["delayed"]),
    ],
)
def test_date(before: WORD, now: WORD, expected: list[str]) -> None:
    assert after(before, now) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {"title": "Night mode"}, ["renamed"]),
        ({"owner_team": "a"}, {"owner_team": "b"}, ["reassigned"]),
        ({"contributors": ["a", "b"]}, {"contributors": ["b", "a", "a"]}, []),
        ({"contributors": ["a", "b"]}, {"contributors": ["b"]}, ["contributors_changed"]),
        ({}, {"summary": "more"}, ["rescoped"]),
        ({}, {"impact": {"reach": 1}}, ["rescoped"]),
        ({"regions": ["eu", "us"]}, {"regions": ["us", "eu"]}, []),
        ({"segments": ["smb"]}, {"segments": ["enterprise"]}, ["rescoped"]),
        ({}, {"product_line": "x"}, ["rescoped"]),
        ({"health": "on_track"}, {"health": "at_risk"}, ["health_changed"]),
        ({"confidence": 0.5}, {"confidence": 0.6}, ["health_changed"]),
        ({}, {"blocked_by": ["F-2"]}, ["blocked"]),
        ({"blocked_by": ["F-2"]}, {}, ["unblocked"]),
        ({"blocked_by": ["F-2"]}, {"blocked_by": ["F-3"]}, ["blocked", "unblocked"]),
        ({}, {"labels": ["x"], "url": "https://example.org", "actor": "ana", "reason": "why"}, []),
        (on("2026-05-01"), {**on("2026-05-02"), "title": "B", "owner_team": "t"}, ["delayed", "renamed", "reassigned"]),
    ],
)
def test_everything_else(before: WORD, now: WORD, expected: list[str]) -> None:
    assert after(before, now) == expected


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


@pytest.mark.parametrize(
    ("one", "other", "days"),
    [
        ("2026-05-01", "2026-05-04", 1),
        ("2026-05-01", "2026-05-02", 0),
        ("2026-05-04", "2026-05-18", 10),
        ("2025-03-18", "2025-04-16", 21),
    ],
)
def test_working_days_are_monday_to_friday(one: str, other: str, days: int) -> None:
    earlier, later = date.fromisoformat(one), date.fromisoformat(other)
    assert count_working_days(earlier, later) == count_working_days(later, earlier) == days


@settings(deadline=None, max_examples=80)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 400), st.integers(0, 400))
def test_working_days_add_up_and_agree_with_counting(day: date, first: int, second: int) -> None:
    middle, end = day + timedelta(days=first), day + timedelta(days=first + second)
    assert count_working_days(day, middle) + count_working_days(middle, end) == count_working_days(day, end)
    counted = sum((day + timedelta(days=step)).weekday() < 5 for step in range(1, first + 1))
    assert count_working_days(day, middle) == counted


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9999), st.integers(1, 12))
def test_every_month_lies_in_its_quarter_its_half_and_its_year(year: int, month: int) -> None:
    text = f"{year:04}"
    nested = [
        read_window("month", f"{text}-{month:02}"),
        read_window("quarter", f"{text}-Q{(month + 2) // 3}"),
        read_window("half", f"{text}-H{(month + 5) // 6}"),
        read_window("year", text),
    ]
    assert all(inner.within(outer) for inner, outer in pairwise(nested))


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
        outcome = told.hear(minute, **what)
        assert (outcome.verdict == "caused") == bool(outcome.changes)
        if outcome.verdict == "stale":
            assert not outcome.features
        if outcome.changes:
            assert tell(_observation(minute, what), outcome)
        for change in outcome.changes:
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


def _observation(minute: int, what: WORD) -> Observation:
    line = {"id": "x", "at": (START + timedelta(minutes=minute)).isoformat(), **what}
    observation = read_line(json.dumps(line).encode(), None).observation
    assert observation is not None
    return observation


@pytest.mark.skipif(not HISTORY.exists(), reason="the history of Kubernetes lies beside the repository, not in it")
def test_a_real_roadmap_of_five_years_gives_exactly_the_expected_changes() -> None:
    lines = (HISTORY / "expected.jsonl").read_text().splitlines()
    expected = {one["id"]: one["changes"] for one in map(json.loads, lines)}
    state = Roadmap()
    found: dict[str, list[list[str]]] = {}
    for line in (HISTORY / "observations.jsonl").read_bytes().splitlines():
        observation = read_line(line, None).observation
        assert observation is not None
        outcome = judge(state, observation)
        evolve(state, outcome)
        if outcome.changes:
            found[observation.id] = sorted([one.feature.ref, kind] for one in outcome.changes for kind in one.kinds)
    assert found == expected
