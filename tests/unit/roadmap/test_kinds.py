"""The kinds of docs/reference/observations.md, rule by rule: what lies between two tellings of one feature."""

import pytest

from tests.unit.roadmap.told import MAY, Q3, V1, V2, V9, WORD, Told, kinds, on


def after(before: WORD, now: WORD) -> list[str]:
    """The kinds between two tellings of the same feature."""
    told = Told()
    told.release("2026-06-01")
    told.release("2026-06-20", name="v2")
    assert kinds(told.feature(**before)) == ["added"]
    return kinds(told.feature(**now))


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
