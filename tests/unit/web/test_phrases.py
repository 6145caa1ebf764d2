"""What pages say: the same in both languages, singular and plural, safe."""

import re
from pathlib import Path
from string import Formatter

import pytest
import yaml
from markupsafe import Markup

from shared.contracts.feature import FeatureKind
from shared.contracts.launch import LaunchKind
from shared.contracts.notify import COVERAGE_CLASSES
from shared.web.pages.phrases import Phrases, UnknownPhraseError

ROOT = Path(__file__).parents[3]
FOLDERS = [ROOT / "shared" / "web" / "words", *sorted({file.parent for file in ROOT.glob("services/*/words/*.yaml")})]


@pytest.fixture
def phrases(tmp_path: Path) -> Phrases:
    (tmp_path / "en.yaml").write_text(
        "left: {one: '{count} thing of {who}', other: '{count} things of {who}'}\n"
        "only: here\n"
        "told: '{who} was told of {what}'"
    )
    (tmp_path / "fr.yaml").write_text("left: {one: '{count} chose de {who}', other: '{count} choses de {who}'}")
    return Phrases(tmp_path)


def test_each_language_counts_in_its_own_way(phrases: Phrases) -> None:
    assert phrases.say("en", "left", {"count": 0, "who": "Ana"}) == "0 things of Ana"
    assert phrases.say("fr", "left", {"count": 0, "who": "Ana"}) == "0 chose de Ana"
    assert phrases.say("fr", "left", {"count": 2, "who": "Ana"}) == "2 choses de Ana"


def test_what_french_lacks_is_said_in_english_and_what_nobody_has_fails(phrases: Phrases) -> None:
    assert phrases.say("fr", "only", {}) == "here"
    with pytest.raises(UnknownPhraseError):
        phrases.say("en", "nowhere", {})


def test_markup_stays_and_what_stands_beside_it_is_escaped(phrases: Phrases) -> None:
    said = phrases.say("en", "told", {"who": Markup("<i>Ana</i>"), "what": "<b>"})
    assert said == "<i>Ana</i> was told of &lt;b&gt;"
    assert isinstance(said, Markup)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_french_says_all_that_english_says_with_the_same_values(folder: Path) -> None:
    english, french = (_leaves(yaml.safe_load((folder / f"{language}.yaml").read_text())) for language in ("en", "fr"))
    assert english.keys() == french.keys()
    for key, text in english.items():
        assert _values(text) == _values(french[key]), key


def test_every_kind_and_every_class_of_ours_has_its_word() -> None:
    known = Phrases().keys("en")
    assert {f"kind.{kind}" for kind in [*FeatureKind, *LaunchKind]} <= known
    assert {f"state.{name}" for name in COVERAGE_CLASSES} <= known


@pytest.mark.parametrize("template", sorted(ROOT.glob("s*/*/**/templates/**/*.html")), ids=lambda file: file.name)
def test_no_page_holds_what_the_security_policy_refuses(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=[\"']|<style|<script(?! src)", text)
    assert "|safe" not in text.replace(" ", "")


def _leaves(tree: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= _leaves(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = str(value)
    return found


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name} - {"count"}
