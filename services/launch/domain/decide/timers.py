"""What the clock does: on its day a launch whose features are all live is launched, another is held without a date."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.launch.domain.calendar import Calendar
from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import date_alone, plan
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of, situation_of
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.waking import describe, wake
from services.launch.domain.decide.why import explain
from services.launch.domain.planning.words import Table, Wanted
from services.launch.domain.state import State
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchesChanged, Link
from shared.contracts.words import CauseId, LaunchId, PortfolioId, format_instant

LAUNCH_DAY = "launch-day"
WAKE = "wake"


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that has run out."""

    due_at: datetime
    day: date
    launch: LaunchId
    timer: str = LAUNCH_DAY


def next_due(state: State, now: datetime, calendar: Calendar) -> Due | None:
    """The first timer that is due at `now`, by (due_at, id); None if none is."""
    return min(_soonest(state, now, calendar), key=lambda due: (due.due_at, due.launch, due.timer), default=None)


def _soonest(state: State, now: datetime, calendar: Calendar) -> Iterator[Due]:
    soonest = state.next_day()
    if soonest and soonest[0] <= calendar.day_of(now):
        yield Due(calendar.start_of(soonest[0]), *soonest)
    wakes = state.next_wake()
    if wakes and wakes[0] <= now:
        yield Due(wakes[0], calendar.day_of(wakes[0]), wakes[1], WAKE)


def derive_clock_cause_id(portfolio: PortfolioId, timer: str, subject: str, due_at: datetime | None = None) -> CauseId:
    """The clock's cause: the same timer always has the same id. `due_at` None: its subject happens once."""
    text = "\n".join((portfolio, timer, subject, format_instant(due_at) if due_at else "once"))
    return CauseId(f"launch:clock:{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def arrive(state: State, due: Due, scene: Scene, revision: int) -> LaunchesChanged:
    """A launch's day has come, or another instant it waited for."""
    launch = state.launches[due.launch]
    if due.timer == WAKE:
        told = _cause(state.portfolio, due, describe(launch, scene), launch.dated_by)
        return wake(state, launch.id, told, scene, revision)
    before = launch.snapshot
    cause = _cause(state.portfolio, due, f"The day of {before.name} has come", launch.dated_by)
    features = [one for one in features_of(before, state.features) if not one.is_cancelled]
    late = [one for one in features if not one.is_shipped]
    if not late:
        after = before.model_copy(update={"state": "launched", "waits_for": None})
        return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, ())), scene)
    waits = f"{', '.join(one.snapshot.ref for one in late)} had not shipped on {due.day}"
    links = tuple(
        Link(feature=one.id, constraint="ready", detail=f"{one.snapshot.ref} has not shipped") for one in late
    )
    if before.pin:
        after = before.model_copy(update={"state": "held", "waits_for": waits})
        situation = situation_of(before, features, scene)
        wanted = Wanted(before.id, situation, before.date, pinned=True, snapshot=before)
        conflicts = date_alone(wanted, scene).conflicts
        why = explain(cause, (), before, after, links)
        return _told(state, revision, cause, Draft(launch, after, why, conflicts), scene)
    after = before.model_copy(update={"state": "held", "waits_for": waits, "date": None, "train": None})
    return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, links)), scene)


def _told(state: State, revision: int, cause: Cause, draft: Draft, scene: Scene) -> LaunchesChanged:
    launch = frozenset([draft.after.id])
    table = Table(
        state,
        scene,
        revision,
        revive=lambda one: None if one.id in launch else revive(one, state.features, scene),
        gone=frozenset() if draft.after.date else launch,
        touched=launch,
    )
    drafts = complete([draft], plan([], table), Telling(state, cause, (), scene, state.features))
    return tell(state.portfolio, revision, cause, (), drafts)


def _cause(portfolio: PortfolioId, due: Due, summary: str, caused_by: CauseId | None) -> Cause:
    return Cause(
        id=derive_clock_cause_id(portfolio, due.timer, due.launch, due.due_at),
        kind="clock",
        summary=summary,
        source=Source(
            tool="launch", source_id="launch", ref=due.launch, occurred_at=due.due_at, observed_at=due.due_at
        ),
        caused_by=caused_by,
    )
