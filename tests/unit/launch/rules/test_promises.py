"""What holds whatever happens: random histories of features, persons and days, one promise of the design a test."""

from datetime import date, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.conflicts import MISSED
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.feature import features_of
from services.launch.domain.rules.catalogue import situation_of, violations
from shared.contracts.launch import LaunchChange, LaunchesChanged
from tests.unit.launch.story import CALENDAR, LOUD, MEDIUM, SMALL, START, Story, cause

REFS = ("A", "B", "C")
DAYS = st.integers(-20, 300).map(lambda days: START.date() + timedelta(days=days))
CHANGES: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.sampled_from(["delayed", "pulled_in", "narrowed"]), st.fixed_dictionaries({"day": DAYS})),
    st.sampled_from(
        [
            ("unscheduled", {"target": None}),
            ("shipped", {"status": "shipped"}),
            ("unshipped", {"status": "in_progress"}),
            ("paused", {"status": "paused"}),
            ("resumed", {"status": "planned"}),
            ("cancelled", {"status": "cancelled"}),
            ("revived", {"status": "planned"}),
            ("health_changed", {"health": "off_track"}),
            ("health_changed", {"health": "on_track"}),
            ("renamed", {"title": "Another title"}),
            ("something_new", {}),
        ]
    ),
    st.tuples(
        st.just("stage_changed"),
        st.fixed_dictionaries({"stage": st.sampled_from(["alpha", "beta", "ga"]), "day": DAYS}),
    ),
    st.tuples(st.just("rescoped"), st.fixed_dictionaries({"impact": st.sampled_from([LOUD, MEDIUM, SMALL, {}])})),
    st.tuples(st.just("rescoped"), st.fixed_dictionaries({"regions": st.sampled_from([(), ("us",), ("de", "fr")])})),
)
ACTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([{"pin": "a promise"}, {"unpin": True}, {"name": "Our name"}, {"cancel": True}, {"cancel": False}]),
    st.fixed_dictionaries({"date": DAYS}),
    st.fixed_dictionaries({"date": DAYS, "pin": st.just("on stage")}),
    st.fixed_dictionaries({"features": st.lists(st.sampled_from(REFS), min_size=1, max_size=3).map(tuple)}),
)
STEPS = st.one_of(
    st.tuples(st.just("change"), st.sampled_from(REFS), CHANGES),
    st.tuples(st.just("change"), st.sampled_from(REFS), CHANGES),
    st.tuples(st.just("person"), st.integers(0, 9), ACTS),
    st.tuples(st.just("wait"), st.integers(1, 60), st.none()),
)
HISTORIES = st.lists(STEPS, max_size=14)


def live(history: list[Any]) -> Story:
    """A portfolio of three features that lives through a history; what is refused changes nothing."""
    story = Story()
    for number, ref in enumerate(REFS):
        story.add(ref, day=START.date() + timedelta(days=60 + 10 * number), impact=MEDIUM if number else SMALL)
    for what, which, how in history:
        if what == "change":
            story.change(how[0], which, **how[1])
        elif what == "wait":
            story.wait(days=which)
        else:
            act(story, which, how)
    return story


def go_on(story: Story, step: Any) -> LaunchesChanged | None:
    """One step of a history; what it said last, None if it only took time or was refused."""
    what, which, how = step
    said = len(story.told)
    if what == "change":
        return story.change(how[0], which, **how[1])
    if what == "person":
        act(story, which, how)
        return story.told[-1][0] if len(story.told) > said else None
    story.wait(days=which)
    return None


def act(story: Story, which: int, how: dict[str, Any]) -> None:
    names = sorted(story.state.launches)
    try:
        story.person(names[which % len(names)], **how)
    except RefusedError:
        return


def moves(story: Story) -> list[tuple[LaunchesChanged, LaunchChange]]:
    """Every date that moved by itself."""
    return [
        (message, change)
        for message, _ in story.told
        for change in message.changes
        if not message.cause.id.startswith("launch:") and change.before and change.before.date != change.launch.date
    ]


@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_what_was_told_gives_the_stored_state_back(history: list[Any]) -> None:
    story = live(history)
    again = story.replayed()
    assert again.launches == story.state.launches
    assert again.features == story.state.features
    assert {name: set(of) for name, of in again.of_feature.items()} == {
        name: set(of) for name, of in story.state.of_feature.items()
    }
    assert again.next_day() == story.state.next_day()


@given(HISTORIES)
@settings(deadline=None, max_examples=40)
def test_the_same_history_is_told_in_the_same_words(history: list[Any]) -> None:
    first, second = live(history), live(history)
    assert [one.model_dump_json() for one, _ in first.told] == [one.model_dump_json() for one, _ in second.told]


@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_no_date_comes_earlier_by_itself_except_undone_and_no_pin_moves(history: list[Any]) -> None:
    for _, change in moves(live(history)):
        before, after = change.before, change.launch
        assert before is not None
        if before.date and after.date and "undone" not in change.kinds:
            assert after.date > before.date
        assert before.pin is None


@example([("change", "A", ("unscheduled", {"target": None})), ("change", "A", ("delayed", {"day": date(2026, 1, 5)}))])
@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_every_move_has_a_chain_from_its_cause_over_a_feature_to_the_launch(history: list[Any]) -> None:
    for message, change in moves(live(history)):
        heard = {one.feature.id for one in message.features}
        assert change.why[0].event == message.cause.id
        assert {link.feature for link in change.why} & heard
        assert change.why[-1].launch == change.launch.id
        if change.launch.date and "undone" not in change.kinds:
            assert any(link.constraint for link in change.why)


@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_every_cause_has_one_message_and_every_feature_of_it_is_touched_or_listed(history: list[Any]) -> None:
    story = live(history)
    assert [message.revision for message, _ in story.told] == list(range(1, len(story.told) + 1))
    causes = [message.cause.id for message, _ in story.told]
    assert len(causes) == len(set(causes))
    for message, _ in story.told:
        told = {feature.id for one in message.changes if one.material for feature in one.launch.features}
        assert {one.feature.id for one in message.features} - told == set(message.untouched)


@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_revisions_rise_by_one_with_each_material_change_and_only_then(history: list[Any]) -> None:
    known: dict[str, int] = {}
    for message, _ in live(history).told:
        for change in message.changes:
            before = known.get(change.launch.id, 0)
            assert (change.before.revision if change.before else 0) == before
            assert change.launch.revision == before + change.material
            known[change.launch.id] = change.launch.revision


@given(HISTORIES)
@settings(deadline=None, max_examples=80)
def test_a_date_that_has_just_been_given_breaks_no_rule_unless_a_conflict_says_so(history: list[Any]) -> None:
    story = live([])
    for step in history:
        message = go_on(story, step)
        if message is None:
            continue
        context = Context(CALENDAR, story.now)
        for change in message.changes:
            one = change.launch
            moved = change.before is None or change.before.date != one.date
            if (
                moved
                and one.date
                and not message.cause.id.startswith("launch:clock")
                and one.state in {"planned", "held"}
            ):
                situation = situation_of(one, features_of(one, story.state.features), context)
                broken = violations(situation, one.date, CALENDAR)
                conflicts = story.state.launches[one.id].conflicts
                assert bool(broken) == any(each.constraint != MISSED for each in conflicts)


@given(HISTORIES)
@settings(deadline=None, max_examples=40)
def test_each_conflict_offers_a_way_out(history: list[Any]) -> None:
    for message, _ in live(history).told:
        assert all(conflict.options for conflict in message.conflicts)


@given(HISTORIES)
@settings(deadline=None, max_examples=40)
def test_hearing_the_same_again_moves_nothing_and_a_dry_run_changes_nothing(history: list[Any]) -> None:
    story = live(history)
    stored = dict(story.state.launches)
    change = story.changed("health_changed", "A").model_copy(update={"before": story.features["A"]})
    context = Context(CALENDAR, story.now)
    first = on_feature_changed(story.state, cause("again", story.now), [change], context, len(story.told) + 1)
    assert on_feature_changed(story.state, cause("again", story.now), [change], context, len(story.told) + 1) == first
    assert story.state.launches == stored
    story.wait(
        hours=(9 - story.now.hour) % 24
    )  # so that both are heard on one day: what is overdue moves with the days
    story.hear(change)
    again = story.hear(change)
    assert all(one.before is None or one.before.date == one.launch.date for one in again.changes)
