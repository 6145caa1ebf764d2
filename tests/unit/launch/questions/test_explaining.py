"""Why this date, and why not another one, in sentences that people understand."""

from pathlib import Path

import pytest

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.questions.explain import explain_day
from services.launch.settings import DEFAULT_POLICY, load_policy
from shared.contracts.words import LaunchId
from tests.unit.launch.story import LOUD, MEDIUM, SMALL, Story, on

FOUR_TEAMS = Path(DEFAULT_POLICY).parent / "policies" / "four_teams.yaml"
FREE = "a date never comes earlier by itself, but a person can move it there"


def why(story: Story, launch: str, day: str | None = None) -> list[str]:
    context = Context(story.calendar, story.now)
    return list(explain_day(story.state, LaunchId(launch), on(day) if day else None, context).sentences)


def one(**fields: object) -> Story:
    story = Story()
    story.add("A", **({"day": "2026-06-01", "impact": MEDIUM} | fields))
    return story


def test_a_date_of_its_own_features_says_who_is_ready_and_what_the_calendar_has_against_the_days_between() -> None:
    story = one()
    assert why(story, "L-A") == [
        "A is ready on 2026-06-01; plus 5 days to settle: 2026-06-06",
        "2026-06-06 is no working day",
    ]
    assert why(story, "L-A", "2026-06-08") == why(story, "L-A")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-06-02", ["A is ready on 2026-06-01; plus 5 days to settle: 2026-06-06"]),
        ("2026-06-13", ["2026-06-13 is no working day"]),
        ("2026-06-26", ["2026-06-26 is frozen: the last five working days of a quarter"]),
        (
            "2026-06-12",
            ["nothing is against 2026-06-12, but 2026-06-08 comes first and holds; a person can move it there"],
        ),
    ],
)
def test_why_not_another_day_names_every_rule_or_says_that_there_is_none(day: str, said: list[str]) -> None:
    assert why(one(), "L-A", day) == said


def test_a_pin_says_who_pinned_it_and_why_and_what_its_features_say_to_that() -> None:
    story = one()
    story.person("L-A", pin="on stage")
    assert why(story, "L-A")[0] == "ana pinned it to 2026-06-08: on stage"
    assert why(story, "L-A", "2026-06-10") == [
        "nothing is against 2026-06-10 but the pin: ana pinned it to 2026-06-08: on stage"
    ]
    story.change("delayed", "A", day="2026-07-20")
    assert why(story, "L-A") == [
        "ana pinned it to 2026-06-08: on stage",
        "A is ready on 2026-07-20; plus 5 days to settle: 2026-07-25",
        "2026-07-25 is no working day",
        "by its own features it could be on 2026-07-27 at the earliest",
    ]


def test_a_day_that_a_person_chose_says_so_and_that_an_earlier_one_is_free() -> None:
    story = one()
    message = story.person("L-A", date=on("2026-06-16"))
    assert [link.detail for link in message.changes[0].why] == [
        "ana re-dated Feature A",
        "Feature A moves from 2026-06-08 to 2026-06-16",
    ]
    said = why(story, "L-A")
    assert (said[0], said[-1]) == ("a person chose 2026-06-16", f"nothing is against 2026-06-08 now; {FREE}")
    assert why(story, "L-A", "2026-06-10") == [f"nothing is against 2026-06-10; {FREE}"]


def test_without_a_date_it_says_what_it_waits_for_and_afterwards_that_it_has_happened() -> None:
    story = one(day=None)
    assert why(story, "L-A") == ["Feature A has no date: A has no target yet"]
    assert why(story, "L-A", "2026-06-12") == ["A has no target yet"]
    story = one()
    story.change("shipped", "A", status="shipped")
    story.wait_until("2026-06-09")
    assert why(story, "L-A") == ["Feature A is launched"]


def test_on_a_train_it_says_when_boarding_ends_and_when_the_train_leaves() -> None:
    story = one(day="2026-05-10", impact=SMALL)
    assert why(story, "L-A") == [
        "A is ready on 2026-05-10; a train is boarded 3 days before: 2026-05-13",
        "2026-05-13 is no train; the next one leaves on 2026-05-19",
    ]
    assert why(story, "L-A", "2026-05-20") == ["2026-05-20 is no train; the next one leaves on 2026-06-16"]


def test_among_others_it_says_who_has_the_days_before_by_name_and_which_day_has_become_free() -> None:
    story = Story(calendar=Calendar(load_policy(FOUR_TEAMS)))
    for number in range(4):
        story.add(f"M{number}", day="2026-06-01", impact=MEDIUM, segments=("smb",))
    assert str(story.launch("L-M3").date) == "2026-07-01"
    assert [said for said in why(story, "L-M3") if said.startswith("not ")] == [
        "not from 2026-06-10 to 2026-06-12: smb hears of Feature M0 in the week of 2026-06-08",
        "not from 2026-06-15 to 2026-06-19: smb hears of Feature M1 in the week of 2026-06-15",
        "not from 2026-06-22 to 2026-06-23: smb hears of Feature M2 in the week of 2026-06-22",
    ]
    assert why(story, "L-M3", "2026-06-15")[0] == "smb hears of Feature M1 in the week of 2026-06-15"
    story.change("cancelled", "M1", status="cancelled")
    assert why(story, "L-M3")[-1] == f"nothing is against 2026-06-15 now; {FREE}"


def test_a_move_that_waits_for_a_person_is_named_with_what_no_longer_holds() -> None:
    story = Story(calendar=Calendar(load_policy(FOUR_TEAMS)))
    story.add("A", day="2026-06-01", impact=LOUD, labels=("demo",))
    story.change("delayed", "A", day="2026-07-20")
    (waiting,) = story.state.proposals.values()
    assert f"a move to {waiting.moves[0].later_date} waits for a person" in why(story, "L-A")
    assert why(story, "L-A")[0].startswith("A is ready on 2026-07-20")
