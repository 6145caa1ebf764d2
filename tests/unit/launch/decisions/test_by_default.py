"""The default policy asks a person before what is loud or near moves; the rest moves by itself.

The reasons are in docs/explanation/planning.md.
"""

from services.launch.domain.calendar import Context
from services.launch.domain.decisions.verdict import Verdict, on_verdict
from services.launch.settings import load_policy
from shared.contracts.launch import LaunchesChanged, Proposal
from tests.unit.launch.story import ASKING, LOUD, MEDIUM, POLICIES, SMALL, Story, on, only


def asking() -> Story:
    return Story(calendar=ASKING)


def proposal(message: LaunchesChanged) -> Proposal:
    (one,) = [one for one in message.proposals if one.state == "open"]
    return one


def approve(story: Story, one: Proposal) -> LaunchesChanged:
    verdict = Verdict(proposal=one.id, by="ana", request=f"v{len(story.told)}", approve=True, hash=one.hash)
    judged = on_verdict(story.state, verdict, Context(story.calendar, story.now), len(story.told) + 1)
    return story.apply(judged.message, story.now)


def test_the_loudest_launch_waits_for_a_person_and_moves_once_approved() -> None:
    story = asking()
    story.add(day="2026-06-01", impact=LOUD, labels=("demo",))
    asked = proposal(story.change("delayed", day="2026-06-10"))
    assert (story.launch().date, asked.because) == (on("2026-06-15"), ("Feature F-1 is T1",))
    assert [(one.earlier_date, one.later_date) for one in asked.moves] == [(on("2026-06-15"), on("2026-07-01"))]
    assert "help-center articles (docs) needs 10 working days after that: 2026-06-24" in asked.moves[0].detail
    approve(story, asked)
    assert story.launch().date == on("2026-07-01")


def test_a_t2_moves_a_week_by_itself_when_far_ahead_and_asks_beyond() -> None:
    story = asking()
    story.add(day="2026-06-01", impact=MEDIUM)
    assert story.launch().date == on("2026-06-10")
    assert "rescheduled" in only(story.change("delayed", day="2026-06-08")).kinds
    assert story.launch().date == on("2026-06-17")
    asked = proposal(story.change("delayed", day="2026-07-10"))
    assert "moves 34 days, more than 7" in " ".join(asked.because)
    assert story.launch().date == on("2026-06-17")


def test_a_t3_takes_another_train_by_itself() -> None:
    story = asking()
    story.add(day="2026-05-01", impact=SMALL)
    before = story.launch().train
    change = only(story.change("delayed", day="2026-06-01"))
    assert before
    assert change.launch.train
    assert change.launch.train > before


def test_what_comes_back_after_it_was_called_off_gets_its_new_date_at_once() -> None:
    """Nobody counts on the date of a launch that is off; there is nothing to approve."""
    story = asking()
    story.add(day="2026-06-01", impact=MEDIUM)
    story.change("cancelled", status="cancelled")
    revived = only(story.change("revived delayed", status="planned", day="2026-08-31"))
    assert (revived.kinds[0], revived.launch.state, revived.launch.date) == ("revived", "planned", on("2026-09-09"))
    story.person(cancel=True)
    story.change("delayed", day="2026-09-30")
    again = only(story.person(cancel=False))
    assert (again.kinds[0], again.launch.date) == ("revived", on("2026-10-09"))
    assert not story.state.proposals


def test_two_loud_launches_of_one_product_line_keep_a_fortnight_apart() -> None:
    story = asking()
    for ref in "AB":
        story.add(ref, day="2026-06-01", impact=LOUD, labels=("demo",), product_line="billing")
    first, second = story.launch("L-A").date, story.launch("L-B").date
    assert first
    assert second
    assert (second - first).days >= 14


def test_every_shipped_policy_loads_and_says_what_it_asks() -> None:
    assert load_policy().approval is not None
    assert load_policy(POLICIES / "four_teams.yaml").approval == load_policy().approval
    assert load_policy(POLICIES / "by_itself.yaml").approval is None
