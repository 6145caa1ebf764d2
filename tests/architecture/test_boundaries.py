"""The import rules of pyproject.toml hold, and each of them catches a trespass. No rule is written here."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "deploy")

INDEPENDENT = "Services do not know each other"
SHARED = "Shared knows no service"
RUN = "Nothing knows how it is run"
BELOW = "Words lie below plumbing, plumbing below pages"
PURE = "The domain is pure"
ONE_WAY = "Messages flow one way through a service"
ROOMS = "Launch's domain is a straight order of rooms"
PLANS = "A plan is asked for from above only"
COURSE = "Who speaks asks the course that all share"
FACTS = "Only consumers read the facts of another service"

# file, the line that trespasses, the contract that must catch it
TRESPASSES = [
    ("services/launch/handlers/deciding.py", "import services.roadmap.domain", INDEPENDENT),
    ("services/notify/pages/links.py", "import services.launch.domain.policy", INDEPENDENT),
    ("shared/runtime/outbox.py", "import services.launch.domain", SHARED),
    ("services/roadmap/app.py", "import deploy.local.kafka", RUN),
    ("shared/runtime/process.py", "import deploy.local.host", RUN),
    ("shared/contracts/cause.py", "import shared.runtime.database", BELOW),
    ("shared/runtime/outbox.py", "import shared.web.doors", BELOW),
    ("shared/helpers.py", "", BELOW),
    ("services/launch/domain/tiers.py", "import sqlalchemy", PURE),
    ("services/launch/domain/tiers.py", "import random", PURE),
    ("services/launch/domain/tiers.py", "import time", PURE),
    ("services/launch/domain/tiers.py", "import shared.runtime.outbox", PURE),
    ("services/roadmap/domain/roadmap.py", "import shared.web.pages", PURE),
    ("shared/contracts/words.py", "import logging", PURE),
    ("services/launch/handlers/deciding.py", "import services.launch.consumers", ONE_WAY),
    ("services/launch/domain/tiers.py", "import services.launch.store", ONE_WAY),
    ("services/launch/api/reads.py", "import services.launch.pages", ONE_WAY),
    ("services/launch/optimize.py", "import services.launch.store", ONE_WAY),
    ("services/launch/helpers.py", "", ONE_WAY),
    ("services/launch/handlers/deciding.py", "import services.launch.lab.lab", ONE_WAY),
    ("services/launch/domain/rules/lead.py", "import services.launch.domain.portfolio", ROOMS),
    ("services/launch/domain/tiers.py", "import services.launch.domain.decisions.message", ROOMS),
    ("services/launch/domain/helpers.py", "", ROOMS),
    ("services/launch/domain/scheduling/single.py", "import services.launch.domain.scheduling.draft", PLANS),
    ("services/launch/domain/scheduling/helpers.py", "", PLANS),
    ("services/launch/domain/decisions/pipeline.py", "import services.launch.domain.decisions.person", COURSE),
    ("services/launch/domain/decisions/helpers.py", "", COURSE),
    ("services/launch/handlers/deciding.py", "import shared.contracts.roadmap", FACTS),
    ("services/notify/domain/audience.py", "import shared.contracts.launch", FACTS),
    ("services/launch/api/reads.py", "import shared.contracts.notify", FACTS),
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
