"""The three services' sums side by side: what one lost or invented shows by its id."""

from typing import Any

from deploy.cli.conservation import find_differences


def answers(roadmap: list[str], launch: list[str], notify: list[str]) -> dict[str, dict[str, Any]]:
    return {
        "roadmap": {"cause_ids": roadmap, "causes": len(roadmap), "differences": []},
        "launch": {"causes": launch, "differences": []},
        "notify": {"causes": notify, "differences": []},
    }


def test_the_same_causes_everywhere_are_no_difference() -> None:
    assert find_differences(answers(["a", "b"], ["a", "b"], ["b", "a"])) == []


def test_what_launch_started_itself_is_not_roadmaps() -> None:
    assert find_differences(answers(["a"], ["a", "launch:clock:7"], ["a", "launch:clock:7"])) == []


def test_a_cause_that_got_lost_is_named_with_where() -> None:
    assert find_differences(answers(["a", "b"], ["a", "b"], ["a"])) == ["b: told by launch, unknown to notify"]


def test_a_cause_that_nobody_told_is_named_with_where() -> None:
    assert find_differences(answers(["a"], ["a", "b"], ["a", "b"])) == ["b: known to launch, never told by roadmap"]


def test_a_cause_that_counts_twice_is_a_difference() -> None:
    assert find_differences(answers(["a"], ["a"], ["a", "a"])) == ["notify counts 1 causes more than once"]


def test_a_services_own_doubts_are_told_as_they_are() -> None:
    told = answers(["a"], ["a"], ["a"])
    told["launch"]["differences"] = [{"cause": "a", "problem": "heard but never told"}]
    told["roadmap"]["differences"] = ["a: judged as a cause, never told"]
    assert find_differences(told) == [
        "roadmap: a: judged as a cause, never told",
        'launch: {"cause":"a","problem":"heard but never told"}',
    ]
