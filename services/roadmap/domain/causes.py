"""The cause that an observation becomes when it changes something: one act, one id, one sentence, all along the road.

The sentence is English, since it travels with the cause. No decision is made here: the kinds are given.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from services.roadmap.domain.observation import Observation
from services.roadmap.domain.roadmap import Judgement
from shared.contracts.cause import Cause, Source
from shared.contracts.feature import FeatureChange, FeatureKind, Target
from shared.contracts.words import CauseId

NATIVE: Final = "native"
"""The source of everything that comes by the API, the topic or a file."""

MAX_NAME_SHOWN: Final = 120

Say = Callable[[FeatureChange], str]


def derive_cause_id(source_id: str, observation_id: str) -> CauseId:
    """`<source>:<observation id>`, also before anybody knows whether the observation changes anything."""
    return CauseId(f"{source_id}:{observation_id}")


def build_cause(source_id: str, observation: Observation, summary: str, received_at: datetime) -> Cause:
    """The cause as every service will carry it."""
    feature = observation.feature
    return Cause(
        id=derive_cause_id(source_id, observation.id),
        kind="release_moved" if observation.release else "observation",
        summary=summary,
        source=Source(
            tool=source_id,
            source_id=source_id,
            ref=observation.ref,
            url=feature.url if feature else None,
            actor=feature.actor if feature else None,
            occurred_at=observation.at,
            observed_at=received_at,
        ),
    )


def tell(observation: Observation, judgement: Judgement) -> str:
    """The sentence for an observation that changed something."""
    if observation.release:
        return tell_release(observation.release.name, observation.release.planned_on, judgement.changes)
    return tell_feature(judgement.changes[0])


def tell_release(name: str, planned_on: date, changes: tuple[FeatureChange, ...]) -> str:
    """`v1.33 moved to 23 Apr 2025 (it was 16 Apr 2025): 40 features move with it`."""
    before = changes[0].before
    known = before.target.latest if before and before.target else None
    moved = (
        f"moved to {show_day(planned_on)} (it was {show_day(known)})" if known else f"is set for {show_day(planned_on)}"
    )
    count = len(changes)
    return f"{_short(name)} {moved}: {count} feature{'s move' if count > 1 else ' moves'} with it"


def tell_feature(change: FeatureChange) -> str:
    """`KEP-2862 slipped by 21 working days, to 16 Apr 2025, and was renamed to “…”`."""
    says = [SAYS[FeatureKind(kind)](change) for kind in change.kinds]
    return f"{_short(change.feature.ref)} {' and '.join(says)}"


def show_day(day: date) -> str:
    """`16 Apr 2025`."""
    return f"{day.day} {day:%b} {day.year}"


def show_target(target: Target | None) -> str:
    """As people say it: the day if there is one, else as it was written."""
    if target is None:
        return "no date"
    written = _short(next(iter(target.as_written.values())))
    if target.resolution == "day" and target.latest:
        return show_day(target.latest)
    if target.resolution == "release":
        return f"{written} ({show_day(target.latest) if target.latest else 'no date yet'})"
    return written


def _short(text: str) -> str:
    return text if len(text) <= MAX_NAME_SHOWN else f"{text[: MAX_NAME_SHOWN - 1]}…"


def _added(change: FeatureChange) -> str:
    return f"“{_short(change.feature.title)}” is new on the roadmap{_plan(change)}"


def _by(change: FeatureChange) -> str:
    days = change.by_working_days or 0
    return f"by {days} working day{'' if days == 1 else 's'}, to {_latest(change)}"


def _latest(change: FeatureChange) -> str:
    target = change.feature.target
    return show_day(target.latest) if target and target.latest else "an unknown day"


def _before(change: FeatureChange, name: str) -> str:
    return _short(str(getattr(change.before, name, None) or "none"))


def _to_target(change: FeatureChange) -> str:
    return show_target(change.feature.target)


def _plan(change: FeatureChange) -> str:
    return f", planned for {_to_target(change)}" if change.feature.target else ""


SAYS: Final[dict[FeatureKind, Say]] = {
    FeatureKind.ADDED: _added,
    FeatureKind.SHIPPED: lambda _: "shipped",
    FeatureKind.UNSHIPPED: lambda _: "is no longer shipped",
    FeatureKind.CANCELLED: lambda _: "was cancelled",
    FeatureKind.REVIVED: lambda change: f"was taken up again{_plan(change)}",
    FeatureKind.PAUSED: lambda _: "was paused",
    FeatureKind.RESUMED: lambda change: f"was resumed{_plan(change)}",
    FeatureKind.PROGRESSED: lambda change: f"is now {change.feature.status.replace('_', ' ')}",
    FeatureKind.STAGE_CHANGED: lambda change: (
        f"went from {_before(change, 'stage')} to {_short(change.feature.stage or 'no stage')}{_plan(change)}"
    ),
    FeatureKind.SCHEDULED: lambda change: f"got a date: {_to_target(change)}",
    FeatureKind.UNSCHEDULED: lambda _: "has no date any more",
    FeatureKind.RETARGETED: lambda change: f"is now planned for {_to_target(change)}",
    FeatureKind.NARROWED: lambda change: f"has a firmer date: {_to_target(change)}",
    FeatureKind.WIDENED: lambda change: f"has a vaguer date: {_to_target(change)}",
    FeatureKind.DELAYED: lambda change: f"slipped {_by(change)}",
    FeatureKind.PULLED_IN: lambda change: f"comes earlier {_by(change)}",
    FeatureKind.RENAMED: lambda change: f"was renamed to “{_short(change.feature.title)}”",
    FeatureKind.REASSIGNED: lambda change: (
        f"went from team {_before(change, 'owner_team')} to {_short(change.feature.owner_team or 'none')}"
    ),
    FeatureKind.CONTRIBUTORS_CHANGED: lambda change: (
        f"has other contributors: {_short(', '.join(change.feature.contributors) or 'none')}"
    ),
    FeatureKind.RESCOPED: lambda _: "changed in scope",
    FeatureKind.HEALTH_CHANGED: lambda change: (
        f"is now {change.feature.health.replace('_', ' ')}"
        if change.feature.health
        else "is seen with other confidence"
    ),
    FeatureKind.BLOCKED: lambda change: f"is blocked by {_short(', '.join(change.feature.blocked_by))}",
    FeatureKind.UNBLOCKED: lambda change: (
        f"is still blocked by {_short(', '.join(change.feature.blocked_by))}"
        if change.feature.blocked_by
        else "is no longer blocked"
    ),
}
