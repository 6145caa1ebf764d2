"""Five years of a real roadmap with four teams, holidays, freezes, trains and persons: no rule is broken on the way."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.decisions.verdict import Verdict, on_verdict
from services.launch.settings import load_policy
from shared.contracts.launch import LaunchChange, LaunchesChanged
from tests.unit.launch.decisions.test_real_history import pytestmark as pytestmark  # noqa: PLC0414 - the same history
from tests.unit.launch.decisions.test_real_history import read_history, tell
from tests.unit.launch.story import Story
from tests.unit.launch.whole import undeclared

FOUR_TEAMS = Path(__file__).parents[4] / "services/launch/policies/four_teams.yaml"
PATIENCE = timedelta(days=2)


def moved(message: LaunchesChanged) -> list[LaunchChange]:
    return [
        one
        for one in message.changes
        if one.before and one.before.date and one.launch.date and one.before.date < one.launch.date
    ]


def approve_old(story: Story) -> None:
    """Somebody looks at the inbox every other day and approves what still holds."""
    for name, proposal in sorted(story.state.proposals.items()):
        opened = story.told[(proposal.base_version or 1) - 1][1]
        if story.now - opened >= PATIENCE and name in story.state.proposals:
            verdict = Verdict(proposal=name, by="ana", request=f"q{len(story.told)}", approve=True)
            judged = on_verdict(story.state, verdict, Context(story.calendar, story.now), len(story.told) + 1)
            story.apply(judged.message, story.now)


def test_a_real_history_is_planned_without_breaking_a_rule_and_says_why_each_time() -> None:
    history = read_history()
    story = Story(now=history[0][0].at, calendar=Calendar(load_policy(FOUR_TEAMS)))
    for observation, outcome in history:
        story.now = max(story.now, observation.at)
        story.pass_time(story.now)
        approve_old(story)
        tell(story, observation, outcome, story.now)
        assert undeclared(story) == []
    assert story.replayed().launches == story.state.launches
    report(story)


def report(story: Story) -> None:
    moves = [(message, one) for message, _ in story.told for one in moved(message)]
    explained = [one for message, one in moves if one.why[0].event == message.cause.id and len(one.why) > 1]
    states = Counter(one.state for message, _ in story.told for one in message.proposals)
    by_person = [one for message, one in moves if "proposal_approved" in one.kinds]
    opened = [one for message, _ in story.told for one in message.proposals if one.state == "open"]
    conflicts = Counter(one.constraint for message, _ in story.told for one in message.conflicts)
    cost = sum(one.cost or 0 for one in opened)
    bound = sum(one.lower_bound or 0 for one in opened)
    print(  # noqa: T201 - seen with -s
        f"{len(story.told)} decisions, moves {len(moves)}, explained {len(explained) / len(moves):.0%},"
        f" applied at once {1 - len(by_person) / len(moves):.0%}, approved {len(by_person)},"
        f" proposals {dict(states)}, conflicts {dict(conflicts)},"
        f" proposals' cost {cost} against {bound} by their own rules"
    )
    assert len(explained) == len(moves)
    assert "checker" not in conflicts
