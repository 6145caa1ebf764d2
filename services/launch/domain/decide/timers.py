"""What the clock does: on its day a launch whose features are all live is launched, another is held without a date."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from services.launch.domain.calendar import Calendar
from services.launch.domain.decide.dating import Wanted, plan_dates
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of, situation_of
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain
from services.launch.domain.state import State
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchesChanged, Link
from shared.contracts.words import CauseId, LaunchId, PortfolioId, format_instant

LAUNCH_DAY = "launch-day"


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that has run out."""

    due_at: datetime
    day: date
    launch: LaunchId


def next_due(state: State, now: datetime, calendar: Calendar) -> Due | None:
    """The first timer that is due at `now`, by (due_at, id); None if none is."""
    soonest = state.next_day()
    if soonest is None or soonest[0] > calendar.day_of(now):
        return None
    day, launch = soonest
    return Due(calendar.start_of(day), day, launch)


def derive_clock_cause_id(portfolio: PortfolioId, timer: str, subject: str, due_at: datetime) -> CauseId:
    """The clock's cause: the same timer always has the same id."""
    text = "\n".join((portfolio, timer, subject, format_instant(due_at)))
    return CauseId(f"launch:clock:{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def arrive(state: State, due: Due, scene: Scene, revision: int) -> LaunchesChanged:
    """A launch's day has come."""
    launch = state.launches[due.launch]
    before = launch.snapshot
    cause = _cause(state.portfolio, due, before.name, launch.dated_by)
    features = [one for one in features_of(before, state.features) if not one.is_cancelled]
    late = [one for one in features if not one.is_shipped]
    if not late:
        after = before.model_copy(update={"state": "launched", "waits_for": None})
        return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, ())))
    waits = f"{', '.join(one.snapshot.ref for one in late)} had not shipped on {due.day}"
    links = tuple(
        Link(feature=one.id, constraint="ready", detail=f"{one.snapshot.ref} has not shipped") for one in late
    )
    if before.pin:
        after = before.model_copy(update={"state": "held", "waits_for": waits})
        wanted = Wanted(before.id, situation_of(before, features, scene), before.date, pinned=True)
        conflicts = plan_dates([wanted], scene)[before.id].conflicts
        return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, links), conflicts))
    after = before.model_copy(update={"state": "held", "waits_for": waits, "date": None, "train": None})
    return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, links)))


def _told(state: State, revision: int, cause: Cause, draft: Draft) -> LaunchesChanged:
    return tell(state.portfolio, revision, cause, (), [draft])


def _cause(portfolio: PortfolioId, due: Due, name: str, caused_by: CauseId | None) -> Cause:
    return Cause(
        id=derive_clock_cause_id(portfolio, LAUNCH_DAY, due.launch, due.due_at),
        kind="clock",
        summary=f"The day of {name} has come",
        source=Source(
            tool="launch", source_id="launch", ref=due.launch, occurred_at=due.due_at, observed_at=due.due_at
        ),
        caused_by=caused_by,
    )
