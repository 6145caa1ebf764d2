"""The demo's company holds together, whatever the Monday: every line is one that the services take."""

import json
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.company.days import count_day, find_monday, write_target
from deploy.local.company.story import AcknowledgeInbox, Observation, Observe, PinLaunch, Story, read_story
from services.notify.domain.directory import DirectoryFile
from services.notify.domain.reading import read_directory
from services.roadmap.domain.reading import read_line
from shared.contracts.words import format_instant

MONDAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def story() -> Story:
    return read_story(MONDAY)


@pytest.fixture(scope="module")
def people(story: Story) -> DirectoryFile:
    return read_directory(story.directory, is_csv=False)


def observations(story: Story) -> list[Observation]:
    return [*story.opening, *(step.act.observation for step in story.steps if isinstance(step.act, Observe))]


def test_there_are_thirty_people_and_forty_features(story: Story, people: DirectoryFile) -> None:
    assert len(people.contacts) == 30
    assert sum("feature" in one for one in story.opening) == 40


def test_one_person_has_no_address_and_one_role_has_no_holder(people: DirectoryFile) -> None:
    assert [one.id for one in people.contacts if one.email is None] == ["greta"]
    assert "comms" not in {role for one in people.directory.people for role in one.roles}


def test_everybody_whom_somebody_names_is_there(story: Story, people: DirectoryFile) -> None:
    known = {one.id for one in people.directory.people}
    acting = {person for step in story.steps if isinstance(step.act, AcknowledgeInbox) for person in step.act.people}
    acting |= {step.act.by for step in story.steps if isinstance(step.act, PinLaunch)}
    standing_in = {one.manager for one in people.directory.people} | {one.backup for one in people.directory.people}
    assert acting | (standing_in - {None}) <= known


@settings(deadline=None, max_examples=20)
@given(st.dates(date(2024, 1, 1), date(2040, 1, 1)))
def test_every_line_is_one_that_roadmap_takes_on_whatever_day_the_demo_runs(day: date) -> None:
    story = read_story(find_monday(day))
    for one in observations(story):
        line = json.dumps({"id": one["id"], "at": format_instant(story.opens_at), **one}).encode()
        assert read_line(line, None).problem is None, line


def test_only_the_line_that_the_tracker_sends_twice_is_there_twice(story: Story) -> None:
    twice = [name for name, count in Counter(one["id"] for one in observations(story)).items() if count > 1]
    assert len(twice) == 1


def test_the_week_goes_forward_from_monday_to_friday(story: Story) -> None:
    instants = [step.at for step in story.steps]
    assert instants == sorted(instants)
    assert {instant.weekday() for instant in instants} == {0, 1, 2, 3, 4}
    assert story.opens_at < instants[0]


def test_each_step_says_the_whole_truth_of_its_feature(story: Story) -> None:
    last = [one["feature"] for one in observations(story) if "feature" in one and one["feature"]["ref"] == "INV-211"]
    assert (last[-1]["status"], last[-1]["health"], last[-1]["title"]) == (
        "shipped",
        "on_track",
        "Credit notes without an accountant",
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (None, None),
        ("+1d", {"on": "2026-11-24"}),
        ("+5d", {"on": "2026-11-30"}),  # a Saturday waits for Monday
        ("month+2", {"month": "2027-01"}),
        ("quarter+1", {"quarter": "2027-Q1"}),
        ("half+1", {"half": "2027-H1"}),
        ("year+0", {"year": "2026"}),
        ("Summer release", {"release": "Summer release"}),
    ],
)
def test_targets_are_told_from_the_monday(text: str | None, target: dict[str, str] | None) -> None:
    assert write_target(text, MONDAY) == target


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 400))
def test_no_day_falls_on_a_weekend_or_earlier_than_told(days: int) -> None:
    day = count_day(f"+{days}d", MONDAY)
    assert day.weekday() < 5
    assert 0 <= (day - MONDAY).days - days <= 2
