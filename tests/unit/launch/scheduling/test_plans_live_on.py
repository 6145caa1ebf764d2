"""Any sequence of slips, pull-ins, cancels, ships, re-tiers, approvals and undos: what is kept is what was told.

A machine draws them; each word is counted when it was carried out, so that a run in which it never was cannot pass.
"""

from collections import Counter
from datetime import date, timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from services.launch.domain.calendar import Context
from services.launch.domain.scheduling.engine_state import engine_state_of
from shared.contracts.launch import LaunchesChanged
from tests.unit.launch.scheduling.test_plans_hold import ASKING, BOUND, REFS, begin, heard_of, step
from tests.unit.launch.story import LOUD, MEDIUM, SMALL
from tests.unit.launch.whole import undeclared

WHO = st.sampled_from(REFS)
AHEAD = st.integers(20, 120).map(timedelta)
LEAST = dict.fromkeys(("delayed", "pulled_in", "cancelled", "shipped", "rescoped", "pin", "approve", "undo"), 10) | {
    "reject": 5
}


class Portfolio(RuleBasedStateMachine):
    """Five launches under tight teams, with a policy that asks a person or with one that does not."""

    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.story = begin(ASKING)

    @property
    def today(self) -> date:
        return self.story.calendar.day_of(self.story.now)

    def do(self, what: str, who: Any, detail: Any = None) -> LaunchesChanged | None:
        message = step(self.story, what, who, detail)
        if message is not None:
            self.done[what] += 1
        return message

    @rule(who=WHO, days=st.integers(5, 40), answer=st.sampled_from(["approve", "reject", "undo", "nothing"]))
    def slips(self, who: str, days: int, answer: str) -> None:
        """Often somebody has something to say to it at once."""
        message = self.do("delayed", who, max(self.target(who), self.today) + timedelta(days=days))
        if answer in {"approve", "reject"} and self.story.state.proposals:
            self.do(answer, 0)
        if answer == "undo" and message and moved(message):
            self.do("undo", 0)

    @rule(who=WHO, days=st.integers(5, 40))
    def is_pulled_in(self, who: str, days: int) -> None:
        day = self.target(who) - timedelta(days=days)
        if day > self.today:
            self.do("pulled_in", who, day)

    def target(self, who: str) -> date:
        target = self.story.features[who].target
        return (target and target.latest) or self.today

    @rule(who=WHO, what=st.sampled_from(["cancelled", "shipped", "revived"]))
    def ends(self, who: str, what: str) -> None:
        self.do(what, who)

    @rule(who=WHO, impact=st.sampled_from([LOUD, MEDIUM, SMALL]))
    def is_worth_more_or_less(self, who: str, impact: dict[str, int]) -> None:
        self.do("rescoped", who, impact)

    @rule(who=WHO, ahead=AHEAD, answer=st.sampled_from(["pin", "unpin", "unpin"]))
    def is_pinned_or_let_go(self, who: str, ahead: timedelta, answer: str) -> None:
        self.do(answer, who, self.today + ahead if answer == "pin" else None)

    @precondition(lambda self: self.story.state.proposals)
    @rule(what=st.sampled_from(["approve", "approve", "reject"]), which=st.integers(0, 5))
    def is_decided(self, what: str, which: int) -> None:
        self.do(what, which)

    @precondition(lambda self: any(moved(one) for one, _ in self.story.told[-3:]))
    @rule()
    def is_taken_back(self) -> None:
        back = next(at for at, (one, _) in enumerate(reversed(self.story.told)) if moved(one))
        self.do("undo", back)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.do("wait", days)

    @invariant()
    def nothing_is_broken_that_nobody_declared(self) -> None:
        assert undeclared(self.story) == []

    def teardown(self) -> None:
        """What is kept, what is loaded, and what was told are the same."""
        story = self.story
        context = Context(story.calendar, story.now)
        replayed = story.replayed()
        assert (replayed.launches, replayed.proposals) == (story.state.launches, story.state.proposals)
        kept, loaded = engine_state_of(story.state, context).schedule, engine_state_of(replayed, context).schedule
        assert (kept.home, kept.free, kept.users, kept.weight) == (
            loaded.home,
            loaded.free,
            loaded.users,
            loaded.weight,
        )
        assert heard_of(kept) == heard_of(loaded)
        assert "checker" not in {one.constraint for message, _ in story.told for one in message.conflicts}


class Unasked(Portfolio):
    """The same, where every move happens at once."""

    def __init__(self) -> None:
        super().__init__()
        self.story = begin(BOUND)


def moved(message: LaunchesChanged) -> bool:
    return any(one.before and one.before.date and one.before.date != one.launch.date for one in message.changes)


def test_after_any_sequence_what_is_kept_is_what_is_loaded_and_what_was_told() -> None:
    Portfolio.done.clear()
    some = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Portfolio, settings=some)
    run_state_machine_as_test(Unasked, settings=settings(some, max_examples=20))
    missing = {what: Portfolio.done[what] for what, least in LEAST.items() if Portfolio.done[what] < least}
    assert missing == {}, f"too few of these were carried out: {dict(Portfolio.done)}"
