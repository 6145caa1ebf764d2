"""A proposal waits while a plan that moves less is looked for: when it takes the place of the first, and when not."""

from datetime import date, timedelta

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.decisions.better_plan import BetterPlan, adopt_better_plan, look_for_better_plan
from services.launch.domain.policy import Approval, TeamCapacity, TeamLoad
from services.launch.optimize import load_solver
from shared.contracts.launch import LaunchesChanged, Proposal
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_together import dates, decide
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, Story
from tests.unit.launch.whole import doubt

TEAMS = {"marketing": TeamCapacity(weekly=5), "docs": TeamCapacity(weekly=4)}
LOAD = {
    "T1": (TeamLoad(team="marketing", from_week=-1, units=3), TeamLoad(team="docs", from_week=-2, units=2)),
    "T2": (TeamLoad(team="marketing", units=2), TeamLoad(team="docs", from_week=-1, units=2)),
}
RULES = {"teams": TEAMS, "load": LOAD, "spacing": ("T1", "T2"), "approval": Approval(alone={})}
CROWDED = Calendar(POLICY.model_copy(update=RULES))
LOUD_ONES = {"B": "2026-05-25", "E": "2026-05-22"}
MEDIUM_ONES = {
    "D": "2026-05-19",
    "H": "2026-05-26",
    "J": "2026-05-13",
    "K": "2026-05-24",
    "L": "2026-05-19",
    "M": "2026-05-11",
    "N": "2026-06-13",
}
SOLVER = load_solver()


def waiting() -> tuple[Story, Proposal]:
    """A crowded month in which the first plan for a slip is not the least."""
    story = Story(calendar=CROWDED)
    for ref, day in sorted({**LOUD_ONES, **MEDIUM_ONES}.items()):
        heard_by = ("public",) if ref in {"E", "H"} else ()
        impact = LOUD if ref in LOUD_ONES else MEDIUM
        story.add(ref, day=day, impact=impact, labels=("demo",), segments=heard_by)
    (proposal,) = story.change("delayed", "B", day="2026-06-21").proposals
    return story, proposal


def look(story: Story, proposal: Proposal, stage: str = "S2") -> BetterPlan:
    """What a harder look finds, on a state of its own."""
    solver = SOLVER if stage == "S3" else None
    found = look_for_better_plan(story.replayed(), proposal.id, Context(story.calendar, story.now, stage, solver))
    assert found
    return found


def take(story: Story, better: BetterPlan) -> LaunchesChanged | None:
    """Decide on it as the service would, an hour later and without any solver."""
    story.now += timedelta(hours=1)
    message = adopt_better_plan(story.state, better, Context(story.calendar, story.now), len(story.told) + 1)
    return story.apply(message, story.now) if message else None


@pytest.mark.parametrize(
    "stage",
    ["S2", pytest.param("S3", marks=pytest.mark.skipif(SOLVER is None, reason="inloop[optimize] is not installed"))],
)
def test_a_cheaper_plan_takes_the_place_of_the_proposal_and_nothing_moves_yet(stage: str) -> None:
    story, first = waiting()
    before = dates(story)
    message = take(story, look(story, first, stage))
    assert message
    fresh, old = message.proposals
    assert (old.id, old.state) == (first.id, "superseded")
    assert old.reason == f"a plan was found that costs {fresh.cost} instead of {first.cost}"
    assert (fresh.state, fresh.stage) == ("open", "S3")
    assert (fresh.cost or 0) < (first.cost or 0)
    assert dates(story) == before
    assert message.cause.kind == "clock"
    assert message.cause.caused_by
    assert all(one.detail for one in fresh.moves)
    assert story.replayed().proposals == story.state.proposals == {fresh.id: fresh}
    assert story.replayed().launches == story.state.launches
    assert not decide(story, fresh.id, seen=fresh.hash).stale
    assert {ref: day for ref, day in dates(story).items() if day != before[ref]} == {
        one.launch.removeprefix("L-"): one.later_date for one in fresh.moves
    }


@pytest.mark.skipif(SOLVER is None, reason="inloop[optimize] is not installed")
def test_the_least_plan_says_that_it_is_proved_and_is_not_looked_for_again() -> None:
    story, first = waiting()
    message = take(story, look(story, first, "S3"))
    assert message
    fresh = message.proposals[0]
    assert fresh.cost == fresh.lower_bound
    assert look_for_better_plan(story.state, fresh.id, Context(story.calendar, story.now, "S3", SOLVER)) is None


def test_a_better_plan_is_found_once_and_its_cause_is_always_the_same() -> None:
    (story, first), (other, _) = waiting(), waiting()
    better = look(story, first)
    other.wait(days=1)
    told, again = take(story, better), take(other, better)
    assert told
    assert again
    assert told.cause.id == again.cause.id
    assert take(story, better) is None


def test_nothing_is_told_when_the_proposal_is_another_one_by_then() -> None:
    story, first = waiting()
    better = look(story, first)
    story.change("delayed", "B", day="2026-06-28")
    assert take(story, better) is None
    story, first = waiting()
    decide(story, first.id)
    assert take(story, better) is None


def test_nothing_is_told_when_somebody_else_is_there_by_then() -> None:
    story, first = waiting()
    better = look(story, first)
    moved = max(better.days.items(), key=lambda one: one[1])
    story.add("Z", day=moved[1] - timedelta(days=5), impact=MEDIUM, labels=("demo",))
    story.add("Y", day=moved[1] - timedelta(days=5), impact=MEDIUM, labels=("demo",))
    assert take(story, better) is None


def test_a_plan_that_is_not_cheaper_is_not_taken() -> None:
    story, first = waiting()
    same = {move.launch: move.later_date for move in first.moves if move.later_date}
    better = look(story, first)
    assert take(story, better.model_copy(update={"days": same})) is None
    later = {name: day + timedelta(weeks=9) for name, day in same.items()}
    assert take(story, better.model_copy(update={"days": later})) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"L-B": None},
        {"L-M": date(2026, 8, 17)},
        {"L-unknown": date(2026, 8, 3)},
        {"L-B": date(2026, 6, 22)},
        {"L-B": date(2026, 7, 5)},
    ],
    ids=["who must move is missing", "nobody asks for it", "no such launch", "too early", "a Sunday"],
)
def test_dates_that_are_no_plan_are_not_taken(wrong: dict[str, date | None]) -> None:
    story, first = waiting()
    better = look(story, first)
    days = {**better.days, **{LaunchId(name): day for name, day in wrong.items()}}
    kept = {name: day for name, day in days.items() if day}
    assert take(story, better.model_copy(update={"days": kept})) is None
    assert story.state.proposals == {first.id: first}


def test_a_plan_that_the_checker_refuses_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    story, first = waiting()
    better = look(story, first)
    doubt(monkeypatch)
    assert take(story, better) is None


def test_looking_leaves_the_state_as_it_was() -> None:
    story, first = waiting()
    before = story.replayed()
    context = Context(story.calendar, story.now, "S2")
    assert (
        look_for_better_plan(story.state, first.id, context)
        == look_for_better_plan(story.state, first.id, context)
        == look(story, first)
    )
    assert (story.state.launches, story.state.proposals) == (before.launches, before.proposals)
    assert look_for_better_plan(story.state, "P-0-0", context) is None
