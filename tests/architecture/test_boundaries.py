"""The import rules of pyproject.toml hold, and each of them catches a trespass. No rule is written here."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "deploy")

# file, the line that trespasses, the contract that must catch it
TRESPASSES = [
    ("services/launch/handlers/deciding.py", "import services.roadmap.domain", "Services do not know each other"),
    ("services/notify/pages.py", "import services.launch.domain.policy", "Services do not know each other"),
    ("shared/runtime/outbox.py", "import services.launch.domain", "Shared knows no service"),
    ("services/roadmap/app.py", "import deploy.local.kafka", "Nothing knows how it is run"),
    ("shared/runtime/process.py", "import deploy.local.host", "Nothing knows how it is run"),
    ("shared/contracts/cause.py", "import shared.runtime.database", "Words lie below plumbing, plumbing below pages"),
    ("shared/runtime/outbox.py", "import shared.web.doors", "Words lie below plumbing, plumbing below pages"),
    ("shared/helpers.py", "", "Words lie below plumbing, plumbing below pages"),
    ("services/launch/domain/tiers.py", "import sqlalchemy", "The domain is pure"),
    ("services/launch/domain/tiers.py", "import random", "The domain is pure"),
    ("services/launch/domain/tiers.py", "import time", "The domain is pure"),
    ("services/launch/domain/tiers.py", "import shared.runtime.outbox", "The domain is pure"),
    ("services/roadmap/domain/kinds.py", "import shared.web.pages", "The domain is pure"),
    ("shared/contracts/words.py", "import logging", "The domain is pure"),
    ("services/launch/handlers/deciding.py", "import services.launch.consumers", "Messages flow one way through a service"),
    ("services/launch/domain/tiers.py", "import services.launch.store", "Messages flow one way through a service"),
    ("services/launch/api/reads.py", "import services.launch.pages", "Messages flow one way through a service"),
    ("services/launch/helpers.py", "", "Messages flow one way through a service"),
    (
        "services/launch/handlers/deciding.py",
        "import shared.contracts.roadmap",
        "Only consumers read the facts of another service",
    ),
    (
        "services/notify/domain/audience.py",
        "import shared.contracts.launch",
        "Only consumers read the facts of another",
    ),
    ("services/launch/api/reads.py", "import shared.contracts.notify", "Only consumers read the facts of another service"),
]


def broken_contracts(root: Path) -> list[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    report = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert "Contracts:" in report.stdout, report.stdout + report.stderr
    return [line.removesuffix(" BROKEN") for line in report.stdout.splitlines() if line.endswith(" BROKEN")]


@pytest.fixture(scope="module")
def copy_of_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.state"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_rules_hold() -> None:
    assert broken_contracts(ROOT) == []


@pytest.mark.parametrize(("file", "line", "contract"), TRESPASSES)
def test_each_rule_is_awake(copy_of_house: Path, file: str, line: str, contract: str) -> None:
    trespasser = copy_of_house / file
    before = trespasser.read_bytes() if trespasser.exists() else None
    with trespasser.open("a") as source:
        source.write(f"\n{line}\n")
    try:
        assert any(name.startswith(contract) for name in broken_contracts(copy_of_house))
    finally:
        trespasser.unlink() if before is None else trespasser.write_bytes(before)


def test_no_rule_goes_untested() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    tested = {contract for _, _, contract in TRESPASSES}
    assert [rule["name"] for rule in rules if not any(rule["name"].startswith(name) for name in tested)] == []
