"""What pages say, in English and French: phrases by key, from YAML files. No phrase of a service is kept here.

A file `words/<language>.yaml` holds nested mappings whose leaves are texts with `{names}`; a mapping with the key
`other` (and `one`, …) is a text that depends on `count`. A service's own phrases win over the shared ones.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from markupsafe import Markup

from shared.web.reader import LANGUAGES

Phrase = str | dict[str, str]
SHARED_WORDS = Path(__file__).parent.parent / "words"


class UnknownPhraseError(KeyError):
    """A page asked for a phrase that is in no file, not even in English."""


class Phrases:
    """Every phrase of one service in every language."""

    def __init__(self, *folders: Path) -> None:
        self._by_language = {language: _merge(folders, language) for language in LANGUAGES}

    def keys(self, language: str) -> set[str]:
        """Which phrases exist in this language."""
        return set(self._by_language[language])

    def say(self, language: str, key: str, values: Mapping[str, Any]) -> str:
        """The phrase with its values filled in; English where the language lacks it.

        Markup among the values is kept, the other values are then escaped; without any, the template escapes the whole.
        Raises UnknownPhraseError.
        """
        phrase = self._by_language[language].get(key)
        if phrase is None:
            language, phrase = "en", self._by_language["en"].get(key)
        if phrase is None:
            raise UnknownPhraseError(key)
        text = phrase if isinstance(phrase, str) else _plural(language, phrase, values["count"])
        if any(hasattr(value, "__html__") for value in values.values()):
            return Markup(text).format(**values)  # noqa: S704 - the text is ours, Markup.format escapes the values
        return text.format(**values)

    def has(self, key: str) -> bool:
        """Whether the phrase exists; for names that come from outside, such as an unknown kind."""
        return key in self._by_language["en"]


def _plural(language: str, forms: dict[str, str], count: float) -> str:
    return forms.get(Locale(language).plural_form(count), forms["other"])


def _merge(folders: tuple[Path, ...], language: str) -> dict[str, Phrase]:
    merged: dict[str, Phrase] = {}
    for folder in (SHARED_WORDS, *folders):
        file = folder / f"{language}.yaml"
        if file.exists():
            merged.update(_flatten(yaml.safe_load(file.read_text(encoding="utf-8")) or {}, ""))
    return merged


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Phrase]]:
    for name, value in tree.items():
        if isinstance(value, dict) and "other" not in value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, dict) else str(value)
