"""The messages keep their form: what is written today is what was agreed, and what others write later is survived."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.contracts.feature import FeatureKind
from shared.contracts.launch import LaunchesChanged, LaunchKind
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.roadmap import RoadmapChanged
from tests.contracts.samples import GOLDEN

FOLDER = Path(__file__).parent / "golden"
MODELS: dict[str, type[BaseModel]] = {one.TYPE: one for one in (RoadmapChanged, LaunchesChanged, ReceiptsChanged)}

each_version = pytest.mark.parametrize("name", sorted(GOLDEN))


def golden(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def read(name: str, told: Any) -> object:
    return MODELS[name].model_validate_json(json.dumps(told))


@each_version
def test_what_is_written_is_what_was_agreed(name: str) -> None:
    assert json.loads(GOLDEN[name].model_dump_json()) == golden(name)


@each_version
def test_what_was_agreed_is_read_as_what_was_meant(name: str) -> None:
    assert read(name, golden(name)) == GOLDEN[name]


@each_version
def test_a_reader_survives_fields_it_does_not_know_at_every_depth(name: str) -> None:
    assert read(name, with_news(golden(name))) == GOLDEN[name]


@each_version
def test_a_reader_does_not_survive_a_wrong_type(name: str) -> None:
    with pytest.raises(ValidationError, match="revision"):
        read(name, golden(name) | {"revision": "17"})


def test_a_reader_survives_kinds_it_does_not_know() -> None:
    told = golden(RoadmapChanged.TYPE)
    told["cause"]["kind"] = "divination"
    told["changes"][0]["kinds"] = ["teleported", "delayed"]
    assert RoadmapChanged.model_validate_json(json.dumps(told)).changes[0].kinds == ("teleported", "delayed")


@each_version
def test_every_agreed_version_has_its_golden_file_and_no_file_is_left_over(name: str) -> None:
    assert (FOLDER / f"{name}.json").exists()
    assert {path.stem for path in FOLDER.glob("*.json")} == set(GOLDEN)


def test_the_names_of_what_can_happen_are_those_agreed() -> None:
    agreed = (Path(__file__).parent / "kinds.txt").read_text().split()
    assert [*FeatureKind, *LaunchKind] == agreed


def with_news(value: Any) -> Any:
    """The same with an unknown field in each object whose fields are agreed."""
    if isinstance(value, list):
        return [with_news(item) for item in value]
    if not isinstance(value, dict):
        return value
    free = {"as_written", "classes", "impact"}  # maps whose keys are data
    known = {name: inner if name in free else with_news(inner) for name, inner in value.items()}
    return known | {"since_v9": {"new": True}}


def test_messages_say_what_happened_in_one_sentence() -> None:
    for model in (RoadmapChanged, LaunchesChanged, ReceiptsChanged):
        assert (model.__doc__ or "").strip().endswith(".")
