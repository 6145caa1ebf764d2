"""What holds of audiences and trains whatever happens: random histories, one promise of the policy a test."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.rules.audience import CROWDING, REST, Crowding
from services.launch.domain.rules.rule import Spot, Violation
from shared.contracts.launch import Proposal
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_plans_hold import BOUND, DAYS, REFS, STEPS, step
from tests.unit.launch.story import ASKING, CALENDAR, MEDIUM, SMALL, START, Story

SEGMENTS = ("smb", "banks")
STRICT = {"trains": CALENDAR.policy.trains.model_copy(update={"least_strength": 60})}
POLICIES = [CALENDAR, BOUND, ASKING, *(Calendar(one.policy.model_copy(update=STRICT)) for one in (CALENDAR, ASKING))]
CHOSEN = st.lists(st.sampled_from(SEGMENTS), max_size=2, unique=True).map(tuple)
LIFE = st.lists(
    st.one_of(
        STEPS,
        st.tuples(st.just("segments"), st.sampled_from(REFS), CHOSEN),
        st.tuples(st.just("delayed"), st.sampled_from(REFS), DAYS),
        st.tuples(st.just("all delayed"), st.just(REFS), DAYS),
    ),
    max_size=16,
)


def begin(calendar: Calendar) -> Story:
    """Five launches on two days, small and larger ones, of two segments."""
    story = Story(calendar=calendar)
    for number, ref in enumerate(REFS):
        impact, segments = (SMALL, MEDIUM)[number % 2], SEGMENTS[: 1 + number % 2]
        story.add(ref, day=START.date() + timedelta(days=70 + number % 2), impact=impact, segments=segments)
    return story


def go(story: Story, what: str, who: Any, detail: Any) -> None:
    if what == "segments":
        story.change("rescoped", who, segments=detail)
    elif what == "all delayed":
        story.hear(*(story.changed("delayed", one, day=detail) for one in who))
    else:
        step(story, what, who, detail)


def crowding(story: Story) -> list[tuple[Launch, Violation]]:
    """Whoever would hear too much, of launches ahead."""
    today = story.calendar.day_of(story.now)
    found = []
    for launch in story.state.launches.values():
        one = launch.snapshot
        if one.state in OPEN_STATES and one.date and one.date > today:
            board = story.state.board(Context(story.calendar, story.now))
            crowds = Crowding().between(Spot(one, one.date), board)
            found += [(launch, crowd) for crowd in crowds if crowd.constraint in CROWDING]
    return found


def is_declared(launch: Launch, crowd: Violation, declared: set[LaunchId]) -> bool:
    """Whether somebody says it: of days of rest one of each two, of a week one of all."""
    others = set(crowd.by)
    return launch.id in declared or (
        others <= declared if crowd.constraint == REST else not others.isdisjoint(declared)
    )


def rejected(story: Story) -> list[Proposal]:
    """What a person has said no to: its launches stay where they are."""
    return [one for told, _ in story.told for one in told.proposals if one.state == "rejected"]


@given(LIFE, st.sampled_from(POLICIES))
@settings(deadline=None, max_examples=150)
def test_nobody_crowds_a_segment_unseen_and_never_by_itself(life: list[Any], calendar: Calendar) -> None:
    story = begin(calendar)
    for one in life:
        go(story, *one)
        launches = story.state.launches
        declared = {name for name in launches if name in story.state.crowding}
        waiting = {move.launch for each in story.state.proposals.values() for move in each.moves}
        refused = {move.launch for each in rejected(story) for move in each.moves}
        for launch, crowd in crowding(story):
            assert is_declared(launch, crowd, declared)
            concerned = [launch, *(launches[name] for name in crowd.by)]
            assert any(each.snapshot.pin or each.id in waiting | refused for each in concerned)


@given(LIFE, st.sampled_from(POLICIES))
@settings(deadline=None, max_examples=60)
def test_what_was_told_gives_the_same_launches_and_the_same_ears(life: list[Any], calendar: Calendar) -> None:
    story = begin(calendar)
    for one in life:
        go(story, *one)
    again = story.replayed()
    assert again.launches == story.state.launches
    assert (again.riders, again.crowding) == (story.state.riders, story.state.crowding)


@given(LIFE, st.sampled_from(POLICIES[3:]))
@settings(deadline=None, max_examples=60)
def test_nobody_waits_for_more_trains_than_the_policy_says(life: list[Any], calendar: Calendar) -> None:
    story, most = begin(calendar), calendar.policy.trains.misses
    for one in life:
        go(story, *one)
    for message, _ in story.told:
        for change in message.changes:
            if any(link.constraint == "weak_train" for link in change.why) and message.cause.kind == "clock":
                assert change.before
                assert change.before.pin is None
    for launch in story.state.launches.values():
        flags = [one for one in launch.conflicts if one.constraint == "missed_trains"]
        boards = calendar.boards(min(launch.snapshot.market_tier, launch.snapshot.internal_tier))
        assert bool(flags) == (launch.is_open and boards and launch.trains_missed >= most)
