"""notify's pages say the same things in every language, and know a word for every role and state."""

from pathlib import Path

import services.notify
from services.notify.domain.directory import ROLES
from shared.contracts.notify import COVERAGE_CLASSES
from shared.web.pages.phrases import Phrases

PHRASES = Phrases(Path(services.notify.__file__ or "").parent / "words")


def test_both_languages_have_the_same_phrases() -> None:
    assert PHRASES.keys("en") == PHRASES.keys("fr")


def test_every_role_and_every_state_has_a_word() -> None:
    named = {f"role.{role}" for role in ROLES} | {f"state.{name}" for name in COVERAGE_CLASSES}
    assert named <= PHRASES.keys("fr")
