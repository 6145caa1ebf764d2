"""What holds of plans whatever happens: random histories of slips, persons' words and days under tight teams."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.decisions.verdict import AppliedMove, Undo, Verdict, on_verdict, undo
from services.launch.domain.policy import Approval, AutoApply, Slot, TeamCapacity, TeamLoad
from services.launch.domain.scheduling.engine_state import LiveSchedule, engine_state_of
from shared.contracts.launch import LaunchesChanged
from tests.unit.launch.story import LOUD, MEDIUM, POLICY, SMALL, START, Story
from tests.unit.launch.whole import undeclared

REFS = ("A", "B", "C", "D", "E")
RULES = {
    "teams": {"marketing": TeamCapacity(weekly=3), "docs": TeamCapacity(weekly=2, weeks={"2026-W20": 0})},
    "load": {
        "T1": (TeamLoad(team="marketing", units=3), TeamLoad(team="docs", from_week=-2, to_week=-1)),
        "T2": (TeamLoad(team="marketing", units=2), TeamLoad(team="docs", from_week=-1, to_week=-1)),
        "T3": (TeamLoad(team="docs", units=1),),
    },
    "slots": (Slot(team="marketing", tier="T1"),),
    "spacing": ("T1", "T2"),
    "apart_days": {"T1": 14},
}
BOUND = Calendar(POLICY.model_copy(update=RULES))
PEOPLE = Approval(alone={"T3": AutoApply(), "T2": AutoApply(most_days=7, ahead_days=42)})
ASKING = Calendar(POLICY.model_copy(update={**RULES, "approval": PEOPLE}))
DAYS = st.integers(20, 160).map(lambda days: START.date() + timedelta(days=days))
STEPS = st.one_of(
    st.tuples(st.sampled_from(["delayed", "pulled_in"]), st.sampled_from(REFS), DAYS),
    st.tuples(st.just("delayed"), st.sampled_from(REFS), DAYS),
    st.tuples(st.just("rescoped"), st.sampled_from(REFS), st.sampled_from([LOUD, MEDIUM, SMALL])),
    st.tuples(st.sampled_from(["shipped", "cancelled", "unscheduled", "revived"]), st.sampled_from(REFS), st.none()),
    st.tuples(st.just("person"), st.sampled_from(REFS), DAYS),
    st.tuples(st.just("pin"), st.sampled_from(REFS), DAYS),
    st.tuples(st.sampled_from(["approve", "reject", "undo"]), st.integers(0, 5), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 40), st.none()),
)
HISTORIES = st.lists(STEPS, max_size=14)
STATUS = {"shipped": "shipped", "cancelled": "cancelled", "revived": "planned"}


def begin(calendar: Calendar) -> Story:
    story = Story(calendar=calendar)
    for number, ref in enumerate(REFS):
        impact = (LOUD, MEDIUM, MEDIUM, SMALL, MEDIUM)[number]
        segments = ("smb",) if number % 2 else ("smb", "public")
        story.add(ref, day=START.date() + timedelta(days=70), impact=impact, labels=("demo",), segments=segments)
    return story


def step(story: Story, what: str, who: Any, detail: Any) -> LaunchesChanged | None:
    """One step; what is refused changes nothing."""
    with suppress(RefusedError):
        if what in {"approve", "reject", "undo"}:
            return word(story, what, who)
        if what == "unpin":
            return story.person(f"L-{who}", unpin=True)
        if what in {"person", "pin"}:
            return story.person(f"L-{who}", date=detail, pin="a promise" if what == "pin" else None)
        if what == "wait":
            story.wait(days=who)
            return None
        fields = {"delayed": {"day": detail}, "pulled_in": {"day": detail}, "rescoped": {"impact": detail}}
        other = {"status": STATUS[what]} if what in STATUS else {"target": None}
        return story.change(what, who, **fields.get(what, other))
    return None


def word(story: Story, what: str, number: int) -> LaunchesChanged | None:
    story.now += timedelta(hours=1)
    story.pass_time(story.now)
    context, revision, request = Context(story.calendar, story.now), len(story.told) + 1, f"r{len(story.told)}"
    if what == "undo":
        message = story.told[-1 - number % len(story.told)][0]
        moves = tuple(
            AppliedMove(launch=one.launch.id, earlier=one.before.date, later=one.launch.date)
            for one in message.changes
            if one.before and one.before.date and one.launch.date and one.before.date != one.launch.date
        )
        command = Undo(told_revision=message.revision, by="ana", request=request, moves=moves)
        return story.apply(undo(story.state, command, context, revision), story.now)
    waiting = sorted(story.state.proposals)
    if not waiting:
        return None
    verdict = Verdict(
        proposal=waiting[number % len(waiting)], by="ana", request=request, approve=what == "approve", reason="no"
    )
    return story.apply(on_verdict(story.state, verdict, context, revision).message, story.now)


def heard_of(schedule: LiveSchedule) -> dict[tuple[str, int], set[int]]:
    """By segment and week, who speaks."""
    return {
        (schedule.segment_names[at // schedule.width], at % schedule.width): who
        for at, who in schedule.speakers.items()
        if who
    }


@given(HISTORIES, st.sampled_from([BOUND, ASKING]))
@settings(deadline=None, max_examples=60)
def test_what_is_kept_is_what_is_loaded_and_what_was_told_after_any_history(
    history: list[Any], calendar: Calendar
) -> None:
    story = begin(calendar)
    for one in history:
        step(story, *one)
    context = Context(story.calendar, story.now)
    kept = engine_state_of(story.state, context).schedule
    replayed = story.replayed()
    assert (replayed.launches, replayed.proposals) == (story.state.launches, story.state.proposals)
    loaded = engine_state_of(replayed, context).schedule
    assert (kept.home, kept.pinned, kept.free, kept.users) == (loaded.home, loaded.pinned, loaded.free, loaded.users)
    assert (kept.weight, kept.nudge, kept.residents) == (loaded.weight, loaded.nudge, loaded.residents)
    assert heard_of(kept) == heard_of(loaded)


@given(HISTORIES, st.sampled_from([BOUND, ASKING]))
@settings(deadline=None, max_examples=60)
def test_no_rule_is_ever_broken_that_nobody_declared(history: list[Any], calendar: Calendar) -> None:
    story = begin(calendar)
    assert undeclared(story) == []
    for one in history:
        step(story, *one)
        assert undeclared(story) == []
    assert "checker" not in {each.constraint for message, _ in story.told for each in message.conflicts}


@given(HISTORIES)
@settings(deadline=None, max_examples=60)
def test_by_itself_nothing_comes_earlier_and_nothing_pinned_moves(history: list[Any]) -> None:
    story = begin(ASKING)
    for one in history:
        step(story, *one)
    for message, _ in story.told:
        for change in message.changes:
            before, after = change.before, change.launch
            if message.cause.id.startswith("launch:person:") or not (before and before.date and after.date):
                continue
            assert before.date <= after.date or "undone" in change.kinds
            assert not before.pin or before.date == after.date
            assert change.why[0].event == message.cause.id
            assert change.why[-1].launch == after.id
