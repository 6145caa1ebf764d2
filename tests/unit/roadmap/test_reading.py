"""Bytes from outside: whatever they are, they become an observation or a problem that says where and what is due."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.roadmap.domain.reading import Reading, check_names, read_line

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "id": "one",
    "at": "2026-05-01T08:00:00Z",
    "feature": {"ref": "F-1", "title": "Dark mode", "status": "planned"},
}


def read(line: bytes | dict[str, Any]) -> Reading:
    return read_line(json.dumps(line).encode() if isinstance(line, dict) else line, NOW)


def with_feature(**told: Any) -> dict[str, Any]:
    return {**GOOD, "feature": {**GOOD["feature"], **told}}


def with_target(target: Any) -> dict[str, Any]:
    return with_feature(target=target)


def raw(old: str, new: str) -> bytes:
    """The good line with a piece of its text replaced."""
    text = json.dumps(GOOD)
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    ("line", "path", "says"),
    [
        (b"\xff\xfe", "$", "not UTF-8"),
        (raw("Dark", "D\\u0000rk"), "$.feature.title", "u0000"),
        (raw("Dark", "D\\ud800rk"), "$.feature.title", "surrogate"),
        (raw('"title"', '"ti\\u0000tle"'), "$.feature", "u0000"),
        (b"{", "$", "not JSON"),
        (b"", "$", "not JSON"),
        (b"[]", "$", "not an object"),
        (b"null", "$", "not an object"),
        (raw('"planned"', "NaN"), "$", "NaN"),
        (raw('"planned"', "-Infinity"), "$", "Infinity"),
        (raw('"id"', '"id": "zero", "id"'), "$.id", "given twice"),
        (raw('"ref"', '"ref": "F-0", "ref"'), "$.feature.ref", "given twice"),
        (raw('"planned"', "[" * 40 + "]" * 40), "$", "nested"),
        (raw('"planned"', "[" * 30_000), "$", "nested"),
        (raw('"planned"', "9" * 5000), "$", "digits"),
        (raw("Dark", "D" * 65_536), "$", "bytes"),
        ({**GOOD, "extra": 1}, "$.extra", "unknown field"),
        (with_feature(titel="x"), "$.feature.titel", "unknown field"),
        ({**GOOD, "id": 7}, "$.id", "not a string"),
        ({**GOOD, "id": ""}, "$.id", "at least 1"),
        ({**GOOD, "id": "x" * 600}, "$.id", "at most 512"),
        ({"id": "one", "feature": GOOD["feature"]}, "$.at", "missing"),
        (with_feature(title=None), "$.feature.title", "not a string"),
        (with_feature(status="done"), "$.feature.status", "'planned'"),
        (with_feature(contributors="a"), "$.feature.contributors", "not a list"),
        (with_feature(contributors=["a", 1]), "$.feature.contributors[1]", "not a string"),
        (with_feature(labels=["a"] * 501), "$.feature.labels", "500"),
        (with_feature(confidence=1.5), "$.feature.confidence", "less than or equal to 1"),
        (with_feature(confidence="high"), "$.feature.confidence", "not a number"),
        (with_feature(impact={"reach": 4}), "$.feature.impact.reach.value", "less than or equal to 3"),
        (with_feature(impact={"reach": True}), "$.feature.impact.reach", "not an object"),
        (with_feature(impact={"fame": 1}), "$.feature.impact.fame", "unknown field"),
        (with_feature(impact={"reach": {"value": 1, "proof": "x"}}), "$.feature.impact.reach.proof", "unknown field"),
        ({**GOOD, "release": {"name": "v1", "planned_on": "2026-05-01"}}, "$", "feature and release given"),
        ({"id": "one", "at": GOOD["at"]}, "$", "none of feature, release, removed"),
        ({**GOOD, "at": "2026-05-01T08:00:00"}, "$.at", "without a zone"),
        ({**GOOD, "at": "2026-05-01"}, "$.at", "not an instant"),
        ({**GOOD, "at": "2026-13-01T08:00:00Z"}, "$.at", "no such instant"),
        ({**GOOD, "at": "0001-01-01T00:00:00+14:00"}, "$.at", "no such instant"),
        ({**GOOD, "at": 1777622400}, "$.at", "not a string"),
        ({**GOOD, "at": "2026-05-01T09:10:01Z"}, "$.at", "10 minutes ahead"),
        ({**GOOD, "at": "2026-05-01T09:15:00+00:00"}, "$.at", "10 minutes ahead"),
        (with_target({"on": "2026-02-30"}), "$.feature.target.on", "no such day"),
        (with_target({"on": "2026-05-01T00:00:00Z"}), "$.feature.target.on", "an instant, not a day"),
        (with_target({"on": 20260501}), "$.feature.target.on", "not a string"),
        (with_target({"on": "\u0662026-05-01"}), "$.feature.target.on", "a plain day such as"),
        (with_target({"month": "2026-13"}), "$.feature.target.month", "a month such as"),
        (with_target({"quarter": "2026-Q5"}), "$.feature.target.quarter", "a quarter such as"),
        (with_target({"half": "2026-H3"}), "$.feature.target.half", "a half year such as"),
        (with_target({"year": "0000"}), "$.feature.target.year", "no such year"),
        (with_target({"on": "2026-05-01", "month": "2026-05"}), "$.feature.target", "2 targets"),
        (with_target({}), "$.feature.target", "no targets"),
        (with_target("2026-05-01"), "$.feature.target", "not an object"),
        (with_target({"on": "2026-05-01", "sprint": "7"}), "$.feature.target.sprint", "unknown field"),
        (with_target({"release": ""}), "$.feature.target.release", "at least 1"),
        (
            {"id": "r", "at": GOOD["at"], "release": {"name": "v1", "planned_on": None}},
            "$.release.planned_on",
            "not a string",
        ),
        ({"id": "r", "at": GOOD["at"], "release": {"name": "v1"}}, "$.release.planned_on", "missing"),
        ({"id": "r", "at": GOOD["at"], "removed": ["F-1"]}, "$.removed", "not a string"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place_and_what_is_due(
    line: bytes | dict[str, Any], path: str, says: str
) -> None:
    reading = read(line)
    assert reading.observation is None
    assert reading.problem is not None
    assert reading.problem.path == path, reading.problem
    assert says in str(reading.problem)
    assert reading.problem.due


def test_a_refused_line_is_still_known_by_its_id() -> None:
    assert read(with_feature(status="done")).id == "one"
    assert read(b'{"id": "\\ud800"}').id is None


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ({"on": "2028-02-29"}, ("on", "2028-02-29")),
        ({"quarter": "2026-Q3"}, ("quarter", "2026-Q3")),
        ({"release": "v1.33", "on": None}, ("release", "v1.33")),
    ],
)
def test_a_target_keeps_its_own_words(target: dict[str, Any], written: tuple[str, str]) -> None:
    observation = read(with_target(target)).observation
    assert observation is not None
    assert observation.feature is not None
    assert observation.feature.target is not None
    assert observation.feature.target.as_written == written


def test_everything_a_source_may_say_is_understood() -> None:
    observation = read(
        with_feature(
            owner_team=None,
            contributors=["b", "a"],
            stage="beta",
            summary="…",
            impact={"reach": 3, "revenue": {"value": 2, "evidence": "deals", "source": "crm"}, "novelty": None},
            confidence=1,
            health="at_risk",
            blocked_by=["F-2"],
            url="https://example.org/F-1",
            actor="ana",
            reason="a\tb",
            labels=None,
        )
    ).observation
    assert observation is not None
    assert observation.feature is not None
    assert observation.feature.impact is not None
    assert {name: one.value for name, one in observation.feature.impact.known().items()} == {"reach": 3, "revenue": 2}
    assert observation.feature.contributors == ("b", "a")


def test_nested_brackets_inside_a_text_are_no_nesting() -> None:
    assert read(with_feature(summary='\\"' + "[{" * 100)).problem is None


def test_instants_of_another_zone_are_the_same_instant() -> None:
    observation = read({**GOOD, "at": "2026-05-01t10:00:00.5+02:00"}).observation
    assert observation is not None
    assert observation.at == datetime(2026, 5, 1, 8, 0, 0, 500_000, tzinfo=UTC)


def test_ten_minutes_ahead_is_what_clocks_may_differ_and_a_replay_has_no_ahead() -> None:
    assert read({**GOOD, "at": "2026-05-01T09:10:00Z"}).problem is None
    assert read_line(json.dumps({**GOOD, "at": "2031-01-01T00:00:00Z"}).encode(), None).problem is None


def test_an_observation_at_the_address_of_another_is_refused() -> None:
    observation = read(GOOD).observation
    assert observation is not None
    assert check_names(observation, "feature", "F-1") is None
    wrong = check_names(observation, "feature", "F-2")
    assert wrong is not None
    assert wrong.path == "$.feature.ref"
    assert check_names(observation, "release", "F-1") is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["id", "at", "feature", "release", "removed", "ref", "title", "status", "target", "on", "impact"]
)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_ever_raise(line: bytes) -> None:
    reading = read(line)
    assert (reading.observation is None) != (reading.problem is None)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=5), max_size=6))
def test_no_value_at_any_known_place_ever_raises(change: dict[str, Any]) -> None:
    for line in ({**GOOD, **change}, with_feature(**change), with_target(change)):
        reading = read(json.dumps(line).encode())
        assert (reading.observation is None) != (reading.problem is None)
        if reading.problem:
            str(reading.problem).encode()  # PostgreSQL and every log must be able to keep it
            assert "\x00" not in str(reading.problem)


@settings(deadline=None, max_examples=60)
@given(st.dates(), st.integers(-1439, 1439))
def test_any_day_in_any_zone_is_read_as_that_instant(day: date, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    line = {**GOOD, "at": f"{day.isoformat()}T12:00:00{zone}"}
    reading = read_line(json.dumps(line).encode(), None)
    if reading.observation:
        naive = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        assert reading.observation.at == naive - timedelta(minutes=minutes)
    else:
        assert day.year in {1, 9999}
