"""What people read of a change: one plain sentence, whatever happened."""

from typing import Any

import pytest

from services.roadmap.domain.causes import tell
from tests.unit.roadmap.told import V1, V9, Told, observe, on


def say(before: dict[str, Any], now: dict[str, Any]) -> str:
    told = Told()
    told.release("2026-06-01")
    told.feature(**before)
    judgement = told.feature(**now)
    return tell(observe(told.minute, {"removed": "F-1"}), judgement)


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        (on("2026-05-01"), on("2026-05-04"), "F-1 slipped by 1 working day, to 4 May 2026"),
        (on("2026-05-15"), on("2026-05-01"), "F-1 comes earlier by 10 working days, to 1 May 2026"),
        ({}, V1, "F-1 got a date: v1 (1 Jun 2026)"),
        ({}, V9, "F-1 got a date: v9 (no date yet)"),
        (V1, {}, "F-1 has no date any more"),
        ({"status": "shipped"}, {"status": "cancelled"}, "F-1 is no longer shipped and was cancelled"),
        ({"status": "cancelled", **V1}, V1, "F-1 was taken up again, planned for v1 (1 Jun 2026)"),
        ({"stage": "alpha"}, {"stage": "beta"}, "F-1 went from alpha to beta"),
        ({}, {"status": "in_progress"}, "F-1 is now in progress"),
        (
            {},
            {"title": "Night mode", "owner_team": "b"},
            "F-1 was renamed to “Night mode” and went from team none to b",
        ),
        ({}, {"title": "x" * 1000}, f"F-1 was renamed to “{'x' * 119}…”"),
        ({}, {"health": "at_risk"}, "F-1 is now at risk"),
        ({"blocked_by": ["F-2", "F-3"]}, {"blocked_by": ["F-3"]}, "F-1 is still blocked by F-3"),
        ({"blocked_by": ["F-2"]}, {}, "F-1 is no longer blocked"),
    ],
)
def test_a_change_is_told_in_one_sentence(before: dict[str, Any], now: dict[str, Any], sentence: str) -> None:
    assert say(before, now) == sentence


def test_a_release_says_how_many_move_with_it() -> None:
    told = Told()
    told.feature(**V1)
    first = told.release("2026-06-01")
    what = {"release": {"name": "v1", "planned_on": "2026-06-01"}}
    assert tell(observe(2, what), first) == "v1 is set for 1 Jun 2026: 1 feature moves with it"
    told.hear(feature={"ref": "F-2", "title": "…", "status": "planned", **V1})
    second = told.release("2026-06-08")
    what = {"release": {"name": "v1", "planned_on": "2026-06-08"}}
    assert tell(observe(4, what), second) == "v1 moved to 8 Jun 2026 (it was 1 Jun 2026): 2 features move with it"
