"""A roadmap that is told things one after the other, for the tests of the rules."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.roadmap.domain.observation import Observation
from services.roadmap.domain.reading import read_line
from services.roadmap.domain.roadmap import Judgement, Roadmap, evolve, judge

START = datetime(2026, 1, 1, tzinfo=UTC)
WORD = dict[str, Any]


class Told:
    """A roadmap that is told one thing a minute."""

    def __init__(self) -> None:
        self.state = Roadmap()
        self.minute = 0

    def hear(self, minute: int | None = None, **what: Any) -> Judgement:
        self.minute = self.minute + 1 if minute is None else minute
        observation = observe(self.minute, what)
        judgement = judge(self.state, observation)
        evolve(self.state, judgement)
        return judgement

    def feature(self, minute: int | None = None, **told: Any) -> Judgement:
        return self.hear(minute, feature={"ref": "F-1", "title": "Dark mode", "status": "planned", **told})

    def release(self, on: str, name: str = "v1", minute: int | None = None) -> Judgement:
        return self.hear(minute, release={"name": name, "planned_on": on})


def kinds(judgement: Judgement) -> list[str]:
    return [kind for change in judgement.changes for kind in change.kinds]


def on(day: str) -> WORD:
    return {"target": {"on": day}}


def of(name: str) -> WORD:
    return {"target": {"release": name}}


Q3: WORD = {"target": {"quarter": "2026-Q3"}}
MAY: WORD = {"target": {"month": "2026-05"}}
V1, V2, V9 = of("v1"), of("v2"), of("v9")


def observe(minute: int, what: WORD) -> Observation:
    """The observation of `what`, so many minutes after the start."""
    line = {"id": f"o{minute}", "at": (START + timedelta(minutes=minute)).isoformat(), **what}
    observation = read_line(json.dumps(line).encode(), None).observation
    assert observation is not None
    return observation
