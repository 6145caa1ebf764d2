"""What if several things happened together, under a name, on top of each other; and nothing of it stays."""

from copy import deepcopy

import pytest

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.person import Edit
from services.launch.domain.policy import TeamLoad
from services.launch.domain.portfolio import State
from services.launch.domain.questions.simulate import (
    MOST_SCENARIOS,
    Compared,
    Scenario,
    SupposedSlip,
    check,
    compare,
    differences,
    lineage,
)
from services.launch.domain.scheduling.engine_state import engine_state_of
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_together import dates, team_of_one
from tests.unit.launch.story import LOUD, MEDIUM, Story, on

TWO = (TeamLoad(team="marketing", units=2),)


def slip(ref: str, day: str) -> SupposedSlip:
    return SupposedSlip(feature=ref, ready_on=on(day))


def wish(launch: str, **fields: object) -> Edit:
    return Edit.model_validate({"launch": LaunchId(launch), "by": "ana", "request": "simulation", **fields})


def three_launches() -> Story:
    story = team_of_one(load={"T1": TWO, "T2": TWO})
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.add("B", day="2026-06-11", impact=MEDIUM)
    story.add("C", day="2026-08-03", impact=MEDIUM)
    return story


def ask(story: Story, *line: Scenario) -> Compared:
    return compare(story.state, line, Context(story.calendar, story.now))


def days(compared: Compared) -> dict[str, str]:
    return {one.launch: str(one.after) for one in compared.outcome.moves}


def frozen(state: State, context: Context) -> tuple[bytes, object]:
    """Everything of a state, the planner's view of it included."""
    schedule = engine_state_of(state, context).schedule
    stored = [one.model_dump_json() for one in (*state.features.values(), *state.launches.values())]
    waiting = [one.model_dump_json() for one in state.proposals.values()]
    rest = (state.of_feature, state.days, state.wakes, state.standing, schedule.home, schedule.free, schedule.users)
    return repr((stored, waiting, rest)).encode(), deepcopy((state.riders, state.crowding))


def test_slips_and_edits_together_answer_as_the_decisions_one_after_the_other_would_and_nothing_stays() -> None:
    story = three_launches()
    context = Context(story.calendar, story.now)
    before = frozen(story.state, context)
    answer = ask(
        story,
        Scenario(
            events=(slip("A", "2026-06-05"), slip("C", "2026-08-12")),
            edits=(wish("L-B", date=on("2026-07-20"), pin="on stage"), wish("L-B", unpin=True)),
        ),
    )
    assert frozen(story.state, context) == before
    story.hear(story.changed("delayed", "A", day="2026-06-05"), story.changed("delayed", "C", day="2026-08-12"))
    story.person("L-B", date=on("2026-07-20"), pin="on stage")
    story.person("L-B", unpin=True)
    assert days(answer) == {f"L-{ref}": str(day) for ref, day in dates(story).items()}


def test_an_edit_sees_what_the_edits_before_it_have_done() -> None:
    story = three_launches()
    room = wish("L-B", date=on("2026-08-19"), pin="on stage")
    with pytest.raises(RefusedError, match="marketing") as refusal:
        ask(story, Scenario(edits=(room, wish("L-C", date=on("2026-08-20")))))
    assert refusal.value.where == "$.edits[1].date"
    assert ask(story, Scenario(edits=(wish("L-C", date=on("2026-08-20")),))).outcome.moves


def test_what_is_wrong_is_named_with_its_place_and_its_scenario() -> None:
    story = three_launches()
    with pytest.raises(RefusedError, match="no such feature: Z") as refusal:
        ask(story, Scenario(name="worst", events=(slip("A", "2026-06-05"), slip("Z", "2026-06-05"))))
    assert refusal.value.where == "scenario worst $.events[1].feature"
    with pytest.raises(RefusedError, match="no launch L-Z") as refusal:
        ask(story, Scenario(edits=(wish("L-Z", cancel=True),)))
    assert (refusal.value.where, refusal.value.missing) == ("$.edits[0]", True)


def test_a_scenario_adds_to_what_it_extends_and_for_the_same_feature_its_own_slip_counts() -> None:
    story = three_launches()
    bad = Scenario(name="bad", events=(slip("A", "2026-07-20"), slip("C", "2026-08-12")))
    less = Scenario(name="less", events=(slip("A", "2026-06-05"),), extends="bad")
    answer = ask(story, bad, less)
    assert answer.parent
    assert days(answer) == days(ask(story, Scenario(events=(*less.events, *bad.events[1:]))))
    assert "L-C" not in {launch for launch, *_ in differences(answer.outcome, answer.parent)}
    assert {launch: (str(was), str(now)) for launch, _, was, now in differences(answer.outcome, answer.parent)} == {
        "L-A": (days(ask(story, bad))["L-A"], days(answer)["L-A"]),
        "L-B": (str(dates(story)["B"]), days(answer)["L-B"]),
    }


def test_a_circle_of_scenarios_and_a_parent_that_is_not_there_are_refused() -> None:
    known = {"a": Scenario(name="a", extends="b"), "b": Scenario(name="b")}
    assert [one.name for one in lineage(known["a"], known)] == ["b", "a"]
    with pytest.raises(RefusedError, match="b extends a extends b") as refusal:
        check(Scenario(name="b", extends="a"), known)
    assert refusal.value.where == "$.extends"
    with pytest.raises(RefusedError, match="b extends b"):
        check(Scenario(name="b", extends="b"), known)
    with pytest.raises(RefusedError, match="no such scenario: z"):
        check(Scenario(name="c", extends="z"), known)
    with pytest.raises(RefusedError, match="no such scenario: z") as refusal:
        lineage(Scenario(extends="z"), known)
    assert refusal.value.where == "$.scenario"


def test_there_can_be_only_so_many_scenarios() -> None:
    known = {f"s{number}": Scenario(name=f"s{number}") for number in range(MOST_SCENARIOS)}
    check(known["s1"], known)
    with pytest.raises(RefusedError, match="100 scenarios already"):
        check(Scenario(name="one more"), known)


def test_a_conflict_that_ends_again_is_not_shown() -> None:
    story = three_launches()
    story.person("L-A", pin="on stage")
    late = Scenario(events=(slip("A", "2026-06-29"),))
    assert [one.launch for one in ask(story, late).outcome.conflicts] == ["L-A"]
    solved = late.model_copy(update={"edits": (wish("L-A", unpin=True),)})
    assert ask(story, solved).outcome.conflicts == ()
