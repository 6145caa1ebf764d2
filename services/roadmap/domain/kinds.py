"""Which kinds of change lie between two snapshots of a feature: exactly those of docs/reference/observations.md."""

from collections.abc import Iterator
from typing import Final

from services.roadmap.domain.windows import Window, count_working_days, window_of
from shared.contracts.feature import FeatureKind, FeatureSnapshot, Target

OPEN: Final = frozenset({"proposed", "planned", "in_progress"})
SETTLED: Final = frozenset({"shipped", "cancelled"})
"""A feature in one of these has no date kinds."""

MOVES: Final = frozenset({FeatureKind.DELAYED, FeatureKind.PULLED_IN})


def find_kinds(before: FeatureSnapshot | None, after: FeatureSnapshot) -> tuple[FeatureKind, ...]:
    """All kinds that apply, in the order of the rules; empty when nothing that counts differs."""
    if before is None:
        return (FeatureKind.ADDED,)
    return (*_status_kinds(before.status, after.status), *_plan_kinds(before, after), *_other_kinds(before, after))


def count_moved_days(before: FeatureSnapshot | None, after: FeatureSnapshot) -> int | None:
    """Working days between the two `latest`; None where one of them is unknown."""
    if before is None or before.target is None or after.target is None:
        return None
    if before.target.latest is None or after.target.latest is None:
        return None
    return count_working_days(before.target.latest, after.target.latest)


def _status_kinds(old: str, new: str) -> Iterator[FeatureKind]:
    if old == new:
        return
    rules = {
        FeatureKind.SHIPPED: new == "shipped",
        FeatureKind.UNSHIPPED: old == "shipped",
        FeatureKind.CANCELLED: new == "cancelled",
        FeatureKind.REVIVED: old == "cancelled" and new != "shipped",
        FeatureKind.PAUSED: new == "paused",
        FeatureKind.RESUMED: old == "paused" and new in OPEN,
        FeatureKind.PROGRESSED: old in OPEN and new in OPEN,
    }
    yield from (kind for kind, applies in rules.items() if applies)


def _plan_kinds(before: FeatureSnapshot, after: FeatureSnapshot) -> Iterator[FeatureKind]:
    """A new stage has its own target, so its date is no move of the old one's."""
    if before.stage != after.stage:
        yield FeatureKind.STAGE_CHANGED
    elif after.status not in SETTLED:
        kind = find_date_kind(before.target, after.target)
        if kind:
            yield kind


def find_date_kind(old: Target | None, new: Target | None) -> FeatureKind | None:
    """What happened to the date; None when nothing did."""
    if old is None or new is None:
        if old is new:
            return None
        return FeatureKind.SCHEDULED if old is None else FeatureKind.UNSCHEDULED
    same = old.as_written == new.as_written
    known, window = window_of(old), window_of(new)
    if known is None or window is None:
        if same:
            return FeatureKind.NARROWED if window else None
        return FeatureKind.RETARGETED
    if known == window:
        return None if same else FeatureKind.RETARGETED
    return _compare(known, window)


def _compare(old: Window, new: Window) -> FeatureKind:
    if new.within(old):
        return FeatureKind.NARROWED
    if old.within(new):
        return FeatureKind.WIDENED
    return FeatureKind.DELAYED if new.latest > old.latest else FeatureKind.PULLED_IN


def _other_kinds(before: FeatureSnapshot, after: FeatureSnapshot) -> Iterator[FeatureKind]:
    rules = {
        FeatureKind.RENAMED: before.title != after.title,
        FeatureKind.REASSIGNED: before.owner_team != after.owner_team,
        FeatureKind.CONTRIBUTORS_CHANGED: set(before.contributors) != set(after.contributors),
        FeatureKind.RESCOPED: _scope(before) != _scope(after),
        FeatureKind.HEALTH_CHANGED: (before.health, before.confidence) != (after.health, after.confidence),
        FeatureKind.BLOCKED: bool(set(after.blocked_by) - set(before.blocked_by)),
        FeatureKind.UNBLOCKED: bool(set(before.blocked_by) - set(after.blocked_by)),
    }
    yield from (kind for kind, applies in rules.items() if applies)


def _scope(feature: FeatureSnapshot) -> tuple[object, ...]:
    """Lists count as sets: a tool that lists the same regions in another order has told nothing new."""
    return (feature.summary, feature.impact, set(feature.segments), set(feature.regions), feature.product_line)
