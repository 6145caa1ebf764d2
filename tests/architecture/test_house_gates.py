"""The gates of the house: no circles in a domain, no more than so many files, a class name used once.

How it is measured is in tests/bench/structure.py; how many files a slip crosses is in
tests/integration/test_files_crossed.py.
The figures in ARCHITECTURE.md are of the day on which they were measured, and are not compared.
"""

import ast
from pathlib import Path

import pytest

from tests.bench.structure import (
    CODE,
    ROOT,
    SERVICES,
    domain_of,
    find_circles,
    find_mutual,
    find_names_used_twice,
    join_children,
    measure_domain,
    read_imports,
)

MOST_FILES_OF_A_DOMAIN = 60

MOST_NAMES_USED_TWICE = 10
DEFENDED: dict[str, str] = {}
"""Class names that two modules may share: the name, and why no other word would do for either of them."""

TOY = {
    "services/__init__.py": "",
    "services/toy/__init__.py": "",
    "services/toy/domain/__init__.py": '"""The toy\'s."""\n',
    "services/toy/domain/rules/__init__.py": "",
    "services/toy/domain/rules/lead.py": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from services.toy.domain.launch import Launch\n"
    ),
    "services/toy/domain/launch.py": (
        "class Launch:\n    class State: ...\n\n"
        "def check(day):\n    from services.toy.domain.rules import lead\n"
        "    if day:\n        return lead\n    return None\n"
    ),
    "services/toy/domain/reasons.py": "import services.toy.domain.launch\n\nclass Reason: ...\n\nclass _Part: ...\n",
    "services/toy/domain/words.py": "from services.toy.domain import reasons\n\nclass _Part: ...\n",
    "services/toy/store.py": "class Reason: ...\n",
    "shared/words.py": "class State: ...\n",
}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A repository with one service, whose domain has one circle and one class name used twice."""
    for name, text in TOY.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_is_layers_and_no_circles(service: str) -> None:
    imports = read_imports(domain_of(service))
    assert find_circles(join_children(imports)) == []
    assert find_circles(imports) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_can_be_known_by_heart(service: str) -> None:
    files = len(list(domain_of(service).rglob("*.py")))
    assert files <= MOST_FILES_OF_A_DOMAIN


def test_one_class_name_is_one_thing_in_the_whole_repository() -> None:
    assert {name: where for name, where in find_names_used_twice().items() if name not in DEFENDED} == {}


def test_few_names_are_defended_and_none_without_need() -> None:
    assert len(DEFENDED) <= MOST_NAMES_USED_TWICE
    assert DEFENDED.keys() <= find_names_used_twice().keys()


def test_no_import_is_relative() -> None:
    """They would not be seen when circles are looked for."""
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


def test_a_circle_is_found_wherever_its_imports_stand(toy: Path) -> None:
    imports = read_imports(domain_of("toy", toy))
    assert find_circles(imports) == [["launch", "rules.lead"]]
    assert find_circles(join_children(imports)) == [["launch", "rules"]]
    assert find_mutual(join_children(imports)) == [("launch", "rules")]
    assert imports["words"] == {"reasons"}
    assert imports["reasons"] == {"launch"}


def test_a_long_circle_is_one_and_what_only_leads_into_it_is_outside() -> None:
    arrows = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "f", "f": "e"}
    imports = {name: frozenset(others) for name, others in arrows.items()}
    assert find_circles(imports) == [["a", "b", "c"], ["e", "f"]]
    assert find_mutual(imports) == [("e", "f")]


def test_only_public_classes_at_the_top_of_a_module_count_as_named_twice(toy: Path) -> None:
    assert find_names_used_twice(toy) == {"Reason": ["services/toy/domain/reasons.py", "services/toy/store.py"]}


def test_a_domain_is_measured_as_ruff_and_a_reader_would(toy: Path) -> None:
    size = measure_domain(domain_of("toy", toy))
    assert (size.files, size.classes, size.lines) == (6, 5, 21)
    assert size.longest_module == (8, "launch.py")
    assert size.longest_function == (2, "launch.py: check")
    assert size.most_complex == (2, "launch.py: check")
