"""The documentation says what the code says: generated parts, documents that the code names, links, examples."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from deploy.cli.plan_files import plan_to_json, read_event, read_portfolio
from deploy.docs.blocks import BLOCK, BLOCKS, rewrite
from deploy.docs.tables import ABOUT, UndescribedError, find_sentence, read_sentences
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.settings import load_policy
from tests.architecture.test_house import ROOT, show, tracked

DOCS = ROOT / "docs"
DOCUMENT = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md)\b")
PLACES = ("services", "shared", "deploy", "tests")


def pages() -> list[Path]:
    return sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", pages(), ids=show)
def test_the_generated_parts_are_what_the_code_says(page: Path) -> None:
    assert page.read_text() == rewrite(page.read_text()), "run `python -m deploy.docs`"


def test_every_block_stands_on_one_page() -> None:
    found = Counter(block[1] for page in pages() for block in BLOCK.findall(page.read_text()))
    assert found == dict.fromkeys(BLOCKS, 1)


def test_another_word_in_the_code_is_another_page() -> None:
    page = "# A page\n<!-- from the code: roles -->\nold\n<!-- end -->\nby hand\n"
    assert "| `pmm` | Product marketing. |" in rewrite(page)
    assert rewrite(page).endswith("<!-- end -->\nby hand\n")


def test_what_says_nothing_of_itself_is_noticed() -> None:
    with pytest.raises(UndescribedError, match=r"Policy\.no_such_key"):
        find_sentence("Policy", "no_such_key")


def test_nothing_is_described_that_there_is_not() -> None:
    """Fields are shown with backquotes in the first cell of a row; `class` is called `class_` in Python."""
    text = "\n".join(page.read_text() for page in pages())
    shown = {name.removeprefix("INLOOP_").lower() for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)}
    names = {name.rstrip("_") for group in read_sentences().values() for name in group} - {ABOUT}
    assert names - shown == set()


def _named(path: Path) -> set[str]:
    return set(DOCUMENT.findall(path.read_text(errors="replace")))


def _is_there(name: str, path: Path) -> bool:
    """A document is named from the repository's root, or lies beside who names it; deploy/docs writes the reference."""
    beside = DOCS / "reference" if path.is_relative_to(ROOT / "deploy" / "docs") else path.parent
    return (ROOT / name).is_file() or (beside / name).is_file() or name == "README.md"


def test_every_document_that_the_code_names_is_in_the_repository() -> None:
    code = [path for path in tracked() if path.relative_to(ROOT).parts[0] in PLACES and path.suffix != ".md"]
    assert [
        f"{show(path)}: {name}" for path in code for name in sorted(_named(path)) if not _is_there(name, path)
    ] == []


def test_every_file_of_the_code_that_a_page_names_is_there() -> None:
    named = re.compile(r"`((?:services|shared|deploy|tests)/[\w/.-]+\.\w+)`")
    found = {name: page for page in pages() for name in named.findall(page.read_text())}
    assert found
    assert {name: show(page) for name, page in found.items() if not (ROOT / name).is_file()} == {}


def test_the_site_builds_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    """Strict: a page that is not in the navigation, a dead link or anchor fails. Nothing is loaded from elsewhere."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert built.returncode == 0, built.stdout + built.stderr
    html = "\n".join(page.read_text() for page in tmp_path.rglob("*.html"))
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", html) == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_links_of_the_papers_at_the_root_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", (ROOT / name).read_text())
    assert [one for one in targets if "://" not in one and not (ROOT / one).exists()] == []


def test_the_example_of_the_planner_files_gives_the_plan_it_shows() -> None:
    page = (ROOT / "docs/reference/planner-files.md").read_text()
    shown = dict(re.findall(r"```json title=\"([^\"]+)\"\n(.*?)```", page, re.DOTALL))
    portfolio = read_portfolio(json.loads(shown["portfolio.json"]))
    event = read_event(json.loads(shown["events.jsonl"]), 1, portfolio)
    assert json.loads(json.dumps(plan_to_json(Planner(portfolio).plan(event)))) == json.loads(shown["the plan"])


def test_the_example_of_a_policy_is_one(tmp_path: Path) -> None:
    examples = ROOT / "services/launch/policies"
    [shown] = re.findall(r"```yaml title=\"[^\"]+\"\n(.*?)```", (ROOT / "docs/how-to/policy.md").read_text(), re.DOTALL)
    mine = tmp_path / "mine.yaml"
    mine.write_text(shown.replace("four_teams.yaml", str(examples / "four_teams.yaml")))
    policy = load_policy(mine)
    assert policy.teams["docs"].weeks == {"2027-W15": 0}
    assert policy.load == load_policy(examples / "four_teams.yaml").load
    assert policy.approval is not None
    assert policy.approval.alone["T2"].most_days == 14
