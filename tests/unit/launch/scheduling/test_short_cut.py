"""Whoever fits on the first day with all others as they are is not looked for any further: the engine says the same."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar
from services.launch.domain.scheduling import draft
from tests.unit.launch.rules.test_nobody_crowds import LIFE, POLICIES, begin, go
from tests.unit.launch.story import Story


def live(life: list[Any], calendar: Calendar) -> Story:
    story = begin(calendar)
    for what in life:
        go(story, *what)
    return story


@given(LIFE, st.sampled_from(POLICIES))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_with_the_search_engine_alone_the_same_is_told(
    monkeypatch: pytest.MonkeyPatch, life: list[Any], calendar: Calendar
) -> None:
    short = live(life, calendar)
    with monkeypatch.context() as patch:
        patch.setattr(draft, "_fits_as_it_is", lambda *_: False)
        long = live(life, calendar)
    assert [message for message, _ in short.told] == [message for message, _ in long.told]
