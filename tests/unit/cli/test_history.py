"""What a replay reads of a file itself: lines, teams, people; and how it compares what followed with what should."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.cli.replay.expected import find_differences, read_expected
from deploy.cli.replay.feeding import Fed
from deploy.cli.replay.history import HistoryLine, find_teams, invent_directory, read_history
from deploy.cli.replay.report import summarize
from deploy.client import CannotError
from services.notify.domain.reading import read_directory

ADDED = [["A-1", "added"]]


def line(body: str) -> HistoryLine:
    return HistoryLine(1, body.encode())


def test_blank_lines_are_left_out_but_counted(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(b'{"id": 1}\n\n  \n{"id": 2}')
    assert read_history(file) == [HistoryLine(1, b'{"id": 1}'), HistoryLine(4, b'{"id": 2}')]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match=r"nowhere\.jsonl: cannot be read"):
        read_history(tmp_path / "nowhere.jsonl")


def test_teams_are_found_once_and_bad_lines_have_none() -> None:
    found = ['{"feature": {"owner_team": "b"}}', '{"feature": {"owner_team": "a"}}', '{"feature": {"owner_team": "b"}}']
    odd = ["{", "[]", "null", '{"feature": {"owner_team": 7}}', '{"removed": "A-1"}', '{"feature": null}', "[" * 5000]
    assert find_teams([line(one) for one in found + odd]) == ["a", "b"]


@settings(deadline=None, max_examples=50)
@given(
    st.sets(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=50), max_size=8)
)
def test_whatever_a_team_is_called_its_people_make_a_directory_that_notify_takes(teams: set[str]) -> None:
    body = invent_directory(sorted(teams))
    read = read_directory(body, is_csv=False)
    assert {one.team for one in read.directory.people} == {one["team"] for one in yaml.safe_load(body)}
    assert len({one.id for one in read.directory.people}) == 3 * len(teams)


def test_what_followed_as_expected_is_no_difference() -> None:
    assert list(find_differences({"o1": ADDED}, {"o1": ADDED}, Fed(accepted=["o1"]))) == []


def test_missing_wrong_and_surplus_changes_are_told_by_observation() -> None:
    fed = Fed(accepted=["o1", "o2", "o3"])
    followed = {"o2": [["A-1", "delayed"]], "o3": ADDED}
    assert list(find_differences({"o1": ADDED, "o2": ADDED}, followed, fed)) == [
        "o1: expected A-1 added; followed: no change",
        "o2: expected A-1 added; followed: A-1 delayed",
        "o3: expected no change; followed: A-1 added",
    ]


def test_an_observation_that_came_before_is_not_compared_but_one_told_twice_now_is() -> None:
    before, twice = Fed(duplicates=["o1"]), Fed(accepted=["o1"], duplicates=["o1"])
    assert list(find_differences({"o1": ADDED}, {}, before)) == []
    assert len(list(find_differences({"o1": ADDED}, {}, twice))) == 1


def test_the_order_of_changes_in_the_expected_file_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "expected.jsonl"
    file.write_text('{"id": "o1", "changes": [["B-2", "delayed"], ["A-1", "added"]]}\n\n')
    assert read_expected(file) == {"o1": [["A-1", "added"], ["B-2", "delayed"]]}


@pytest.mark.parametrize("bad", ["{", "[]", '{"id": "o1"}', '{"id": "o1", "changes": [["A-1"]]}', '{"changes": []}'])
def test_a_bad_line_of_the_expected_file_is_named(tmp_path: Path, bad: str) -> None:
    file = tmp_path / "expected.jsonl"
    file.write_text('{"id": "o0", "changes": []}\n' + bad)
    with pytest.raises(CannotError, match="line 2: expected"):
        read_expected(file)


def test_percentiles_are_values_that_were_measured() -> None:
    assert summarize([]) == {"p50": None, "p99": None}
    assert summarize([7.0]) == {"p50": 7.0, "p99": 7.0}
    assert summarize([float(number) for number in range(100, 0, -1)]) == {"p50": 50.0, "p99": 99.0}
