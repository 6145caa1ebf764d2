"""Five years of a real roadmap through the domain of roadmap and launch: nothing fails, everything told adds up."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.roadmap.domain.causes import build_cause
from services.roadmap.domain.observation import Observation
from services.roadmap.domain.reading import read_line
from services.roadmap.domain.roadmap import Judgement, Roadmap, evolve, judge
from tests.unit.launch.story import POLICY, Story

HISTORY = Path(__file__).parents[4].parent / "shared/data/kubernetes-roadmap/observations.jsonl"

pytestmark = pytest.mark.skipif(not HISTORY.exists(), reason="the history lies outside of this repository")


def read_history() -> list[tuple[Observation, Judgement]]:
    roadmap, found = Roadmap(), []
    with HISTORY.open("rb") as lines:
        for line in lines:
            observation = read_line(line, None).observation
            assert observation
            outcome = judge(roadmap, observation)
            evolve(roadmap, outcome)
            found += [(observation, outcome)] if outcome.changes else []
    return found


def live(history: list[tuple[Observation, Judgement]]) -> Story:
    story = Story(now=history[0][0].at, calendar=Calendar(POLICY))
    for observation, outcome in history:
        story.now = max(story.now, observation.at)
        story.pass_time(story.now)
        tell(story, observation, outcome, story.now)
    return story


def tell(story: Story, observation: Observation, outcome: Judgement, now: datetime) -> None:
    said = build_cause("native", observation, outcome.why, now)
    context = Context(story.calendar, now)
    story.apply(on_feature_changed(story.state, said, outcome.changes, context, len(story.told) + 1), now)


def test_a_real_history_replays_to_the_same_state_in_the_same_words() -> None:
    history = read_history()
    story = live(history)
    assert [one.model_dump_json() for one, _ in live(history).told] == [one.model_dump_json() for one, _ in story.told]
    assert story.replayed().launches == story.state.launches
    kinds = Counter(kind for message, _ in story.told for one in message.changes for kind in one.kinds)
    assert sum(not message.cause.id.startswith("launch:") for message, _ in story.told) == len(history)
    assert {"planned", "rescheduled", "held", "launched", "relaunched", "cancelled", "revived"} <= kinds.keys()
    assert all(one.why[0].event for message, _ in story.told for one in message.changes)
