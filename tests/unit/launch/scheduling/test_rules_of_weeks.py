"""A rule that limits something by weeks is kept by plans, checked and explained as soon as it is in the catalogue."""

from collections.abc import Iterator
from datetime import date

import pytest

from services.launch.domain import portfolio
from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.policy import Policy, TeamCapacity, TeamLoad
from services.launch.domain.questions.explain import explain_day
from services.launch.domain.rules import catalogue
from services.launch.domain.rules.rule import Use, WeeklyLimit
from services.launch.domain.scheduling import compile as compiled
from services.launch.domain.scheduling import engine_state, remedies
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.story import MEDIUM, POLICY, Story, on


class OneLineAWeek(WeeklyLimit):
    """No two launches of one product line in an ISO week."""

    names = ("line_week",)

    def uses(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[Use]:
        if shape.product_line:
            yield Use(shape.product_line, 0, 1)

    def limit(self, resource: str, monday: date, policy: Policy) -> int:
        return 1


@pytest.fixture(autouse=True)
def _with_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = (*catalogue.RULES, OneLineAWeek())
    weekly = (*compiled.WEEKLY, rules[-1])
    monkeypatch.setattr(catalogue, "RULES", rules)
    for module in (compiled, engine_state):
        monkeypatch.setattr(module, "WEEKLY", weekly)
    monkeypatch.setattr(engine_state, "BETWEEN", catalogue.BETWEEN | {"line_week"})
    for module in (portfolio, remedies):
        monkeypatch.setattr(module, "ROOM", catalogue.ROOM | {"line_week"})


def add(story: Story, ref: str, line: str | None) -> None:
    story.add(ref, day="2026-06-01", impact=MEDIUM, product_line=line)


def dates(story: Story) -> dict[str, str]:
    return {name.removeprefix("L-"): str(launch.snapshot.date) for name, launch in story.state.launches.items()}


def test_the_second_launch_of_a_line_goes_to_another_week_and_says_why() -> None:
    story = Story()
    for ref, line in (("A", "pay"), ("B", "pay"), ("C", "log"), ("D", None), ("E", None)):
        add(story, ref, line)
    assert dates(story) == {
        "A": "2026-06-08",
        "B": "2026-06-15",
        "C": "2026-06-08",
        "D": "2026-06-08",
        "E": "2026-06-08",
    }
    context = Context(story.calendar, story.now)
    answer = explain_day(story.state, LaunchId("L-B"), on("2026-06-10"), context)
    assert [(broken.constraint, broken.by) for broken in answer.between] == [("line_week", ("L-A",))]


def test_a_team_of_the_same_name_is_another_thing() -> None:
    team = {"teams": {"pay": TeamCapacity(weekly=9)}, "load": {"T2": (TeamLoad(team="pay", units=1),)}}
    story = Story(calendar=Calendar(POLICY.model_copy(update=team)))
    for ref in "AB":
        add(story, ref, "pay")
    assert dates(story) == {"A": "2026-06-08", "B": "2026-06-15"}
    assert [conflict for launch in story.state.launches.values() for conflict in launch.conflicts] == []


def test_a_state_that_was_kept_and_one_loaded_again_blame_in_the_same_words() -> None:
    kept = Story()
    add(kept, "A", "y")
    add(kept, "B", "q")
    again = Story(state=kept.replayed(), now=kept.now, features=dict(kept.features), told=list(kept.told))
    again.state.engine = None
    for story in (kept, again):
        story.person("L-B", date=on("2026-06-08"), pin="the fair")
        add(story, "C", "q")
        story.person("L-C", date=on("2026-06-08"), pin="the fair")
    assert kept.told[-1] == again.told[-1]
    assert [conflict.constraint for conflict in kept.stored("L-C").conflicts] == ["line_week"]
    assert all("Find" not in way.detail for way in kept.stored("L-C").conflicts[0].options)
