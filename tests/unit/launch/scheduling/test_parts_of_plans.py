"""Parts of a plan that wait: each can be approved alone, in any order; what was overtaken is refused; room moves none.

What each test assumes is counted: a run that hardly met the case fails.
"""

from collections import Counter
from datetime import date, timedelta
from itertools import permutations
from typing import Any

from hypothesis import assume, given, settings, target
from hypothesis import strategies as st

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.verdict import Verdict, on_verdict, reasons_not_to
from shared.contracts.launch import Proposal
from shared.contracts.words import LaunchId
from tests.unit.launch.scheduling.test_plans_hold import ASKING, BOUND, HISTORIES, REFS, STEPS, begin, step, word
from tests.unit.launch.story import Story
from tests.unit.launch.whole import undeclared

SLIPS = st.dictionaries(st.sampled_from(REFS), st.integers(7, 60), min_size=3)
"""Features that slip in one act, each by so many days: a plan with several parts."""
WHO = st.sampled_from(REFS)


def promised(story: Story, who: str) -> date | None:
    """The day of a feature that is on its way."""
    feature = story.features[who]
    return feature.target.latest if feature.target and feature.status == "planned" else None


def dates(story: Story) -> dict[LaunchId, date | None]:
    return {one.id: one.snapshot.date for one in story.state.launches.values()}


def slip_together(history: list[Any], slips: dict[str, int]) -> Story:
    """A portfolio after some history, of which several features slip at once; what had waited before is rejected."""
    story = begin(ASKING)
    for one in history:
        step(story, *one)
    while story.state.proposals:
        word(story, "reject", 0)
    late = {who: day + timedelta(days=days) for who, days in slips.items() if (day := promised(story, who))}
    if late:
        story.hear(*(story.changed("delayed", who, day=day) for who, day in sorted(late.items())))
    return story


def approve(story: Story, name: str, seen: Proposal) -> str:
    """Approve what one saw; "stale" if the world has overtaken it."""
    verdict = Verdict(proposal=name, by="ana", request=f"q{name}", approve=True, hash=seen.hash)
    judged = on_verdict(story.state, verdict, Context(ASKING, story.now), len(story.told) + 1)
    story.apply(judged.message, story.now)
    return judged.stale


def test_each_part_can_be_approved_alone_and_in_any_order_with_the_same_end() -> None:
    parts: Counter[int] = Counter()

    @given(st.lists(STEPS, max_size=5), SLIPS)
    @settings(deadline=None, max_examples=40, derandomize=True)
    def try_one(history: list[Any], slips: dict[str, int]) -> None:
        story = slip_together(history, slips)
        opened = sorted(story.state.proposals.items())
        parts[len(opened)] += 1
        target(len(opened))
        for _, proposal in opened:
            assert reasons_not_to(story.state, proposal.moves, Context(ASKING, story.now)) == []
        ends = []
        for order in permutations(opened[:3]):
            story = slip_together(history, slips)
            for name, proposal in order:
                assert approve(story, name, proposal) == ""
                assert undeclared(story) == []
            ends.append(dates(story))
        assert all(end == ends[0] for end in ends)

    try_one()
    assert sum(count for number, count in parts.items() if number > 1) >= 10, parts


def test_what_was_overtaken_since_is_refused_and_what_was_not_is_what_was_seen() -> None:
    ends: Counter[str] = Counter()

    def answer(story: Story, name: str, seen: Proposal) -> str:
        before = dates(story)
        try:
            stale = approve(story, name, seen)
        except RefusedError:
            assert story.state.proposals.get(name) != seen
            return "refused"
        shown = {one.launch: one.later_date for one in seen.moves}
        after = dates(story)
        assert {one: after[one] for one in shown} == ({one: before[one] for one in shown} if stale else shown)
        return "made again" if stale else "approved"

    @given(st.lists(STEPS, max_size=4), SLIPS, WHO, st.integers(7, 40))
    @settings(deadline=None, max_examples=60, derandomize=True)
    def try_one(history: list[Any], slips: dict[str, int], who: str, days: int) -> None:
        story = slip_together(history, slips)
        day = promised(story, who)
        assume(story.state.proposals and day)
        name, seen = min(story.state.proposals.items())
        step(story, "delayed", who, day + timedelta(days=days) if day else None)
        ends[answer(story, name, seen)] += 1

    try_one()
    assert min(ends["refused"], ends["approved"]) >= 10, ends


def test_what_makes_room_never_moves_another() -> None:
    asked: Counter[str] = Counter()

    @given(HISTORIES, st.sampled_from(["pulled_in", "cancelled", "shipped"]), WHO, st.integers(1, 40))
    @settings(deadline=None, max_examples=60, derandomize=True)
    def try_one(history: list[Any], what: str, who: str, days: int) -> None:
        story = begin(BOUND)
        for one in history:
            step(story, *one)
        day, tomorrow = promised(story, who), story.calendar.day_of(story.now) + timedelta(days=1)
        # Not before tomorrow: what should have been ready yesterday is late, however early it is wanted.
        assume(day and day > tomorrow)
        message = step(story, what, who, max(day - timedelta(days=days), tomorrow) if day else None)
        assert message
        asked[what] += 1
        for change in message.changes:
            own = any(feature.id == who for feature in change.launch.features)
            same = change.before is not None and change.before.date == change.launch.date
            assert own or same or "undone" in change.kinds

    try_one()
    assert min(asked[what] for what in ("pulled_in", "cancelled", "shipped")) >= 5, asked
