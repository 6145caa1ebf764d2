"""The whole portfolio before the independent checker: every rule that is broken and that nobody has declared."""

from datetime import date

from services.launch.domain.planner_check import Violation
from services.launch.domain.planning.verify import Verifier
from services.launch.domain.policy import louder
from services.launch.domain.state import State
from shared.contracts.words import LaunchId
from tests.unit.launch.story import Story


def undeclared(story: Story) -> list[Violation]:
    """What the checker finds with everybody on their dates, but for pins, conflicts and moves that wait."""
    state = story.state
    today = story.calendar.day_of(story.now)
    dates = {name: day for name, day in state.standing.items() if day > today}
    spoken = declared(state)
    verifier = Verifier.of(story.calendar, today.year)
    shapes = {name: state.launches[name].snapshot for name in dates}
    everything = verifier.judge(shapes, {}, dates, today)
    return [one for one in everything if spoken.isdisjoint(one.launches)]


def declared(state: State) -> set[str]:
    """Launches of which something is known to be wrong, or that only a person moves."""
    waiting = {move.launch for one in state.proposals.values() for move in one.moves}
    known = {one.id for one in state.launches.values() if one.snapshot.pin or one.conflicts}
    return {*waiting, *known}


def bound_dates(story: Story) -> dict[LaunchId, tuple[date | None, str]]:
    """Dates and tiers, to compare two portfolios."""
    return {
        one.id: (one.snapshot.date, louder(one.snapshot.market_tier, one.snapshot.internal_tier))
        for one in story.state.launches.values()
    }
