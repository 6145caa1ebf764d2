"""One portfolio's roadmap: what is known of each feature and release, and what an observation makes of it.

`judge` decides and changes nothing; `evolve` makes it so. Time comes with the observation, never from a clock. Which
kinds of change lie between two snapshots of a feature is `find_kinds`: exactly those of docs/reference/observations.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from services.roadmap.domain.observation import (
    NativeFeature,
    NativeRelease,
    NativeTarget,
    Observation,
    Window,
    build_target,
)
from shared.contracts.feature import FeatureChange, FeatureKind, FeatureSnapshot, Target

OPEN: Final = frozenset({"proposed", "planned", "in_progress"})
SETTLED: Final = frozenset({"shipped", "cancelled"})
"""A feature in one of these has no date kinds."""

MOVES: Final = frozenset({FeatureKind.DELAYED, FeatureKind.PULLED_IN})

SATURDAY: Final = 5

ObservationVerdict = Literal["stale", "noop", "caused"]


@dataclass(frozen=True, slots=True)
class FeatureState:
    """A feature now, and how new the newest observation applied to it is."""

    snapshot: FeatureSnapshot
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A release's planned day, and how new that is."""

    name: str
    planned_on: date
    at: datetime


@dataclass(slots=True)
class Roadmap:
    """The state of one portfolio. `targeting` is an index: the refs of the features that target each release."""

    features: dict[str, FeatureState] = field(default_factory=dict)
    releases: dict[str, ReleaseState] = field(default_factory=dict)
    targeting: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an observation means: the verdict, why, the changes to tell, and what is known from now on."""

    verdict: ObservationVerdict
    why: str
    changes: tuple[FeatureChange, ...] = ()
    features: tuple[FeatureState, ...] = ()
    release: ReleaseState | None = None


def judge(state: Roadmap, observation: Observation) -> Judgement:
    """Decide what an observation changes. `observation.at` older than what is known: stale; equal is not."""
    known = (state.releases if observation.release else state.features).get(observation.ref)
    if known is not None and observation.at < known.at:
        what = "the release" if observation.release else "the feature"
        return Judgement("stale", f"{what} is already known as of {known.at:%Y-%m-%d %H:%M:%S} UTC, which is newer")
    if observation.feature:
        return _judge_feature(state, observation.feature, observation.at)
    if observation.release:
        return _judge_release(state, observation.release, observation.at)
    return _judge_removed(state, observation.ref, observation.at)


def evolve(state: Roadmap, judgement: Judgement) -> None:
    """Make it so, in place."""
    if judgement.release:
        state.releases[judgement.release.name] = judgement.release
    for known in judgement.features:
        _index(state, known.snapshot)
        state.features[known.snapshot.ref] = known


def _index(state: Roadmap, snapshot: FeatureSnapshot) -> None:
    before = state.features.get(snapshot.ref)
    old = before.snapshot.release if before else None
    if old != snapshot.release and old:
        state.targeting[old].discard(snapshot.ref)
    if snapshot.release:
        state.targeting.setdefault(snapshot.release, set()).add(snapshot.ref)


def _judge_feature(state: Roadmap, told: NativeFeature, at: datetime) -> Judgement:
    known = state.features.get(told.ref)
    before = known.snapshot if known else None
    after = _build_snapshot(state, told, before.version if before else 0)
    change = _change(before, after, told.reason)
    if change is None:
        return Judgement("noop", "nothing that counts differs from what was known", features=(FeatureState(after, at),))
    return Judgement("caused", ", ".join(change.kinds), (change,), (FeatureState(change.feature, at),))


def _judge_removed(state: Roadmap, ref: str, at: datetime) -> Judgement:
    known = state.features.get(ref)
    if known is None:
        return Judgement("noop", "nobody ever told us of this feature")
    before = known.snapshot
    if before.status in SETTLED:
        return Judgement("noop", f"it was {before.status} already", features=(FeatureState(before, at),))
    change = _change(before, before.model_copy(update={"status": "cancelled"}), None)
    changes = (change,) if change else ()
    return Judgement("caused", "cancelled", changes, tuple(FeatureState(one.feature, at) for one in changes))


def _judge_release(state: Roadmap, told: NativeRelease, at: datetime) -> Judgement:
    """Settled features follow their release silently, so that one which is taken up again has not moved by that."""
    release = ReleaseState(told.name, told.planned_on, at)
    changes: list[FeatureChange] = []
    features: list[FeatureState] = []
    for known, after in _moved(state, release):
        settled = after.status in SETTLED
        change = None if settled else _change(known.snapshot, after, None)
        if change:
            changes.append(change)
        features.append(FeatureState(change.feature if change else after, known.at))
    if not changes:
        return Judgement("noop", "no open feature's date changes with it", features=tuple(features), release=release)
    return Judgement("caused", f"{len(changes)} moved with the release", tuple(changes), tuple(features), release)


def _moved(state: Roadmap, release: ReleaseState) -> Iterator[tuple[FeatureState, FeatureSnapshot]]:
    """Every feature whose window the release's day makes another one, as it will be."""
    target = build_target("release", release.name, release.planned_on)
    for ref in sorted(state.targeting.get(release.name, ())):
        known = state.features[ref]
        if known.snapshot.target != target:
            yield known, known.snapshot.model_copy(update={"target": target})


def _change(before: FeatureSnapshot | None, after: FeatureSnapshot, reason: str | None) -> FeatureChange | None:
    """The change with the feature's next version; None when no rule applies."""
    kinds = find_kinds(before, after)
    if not kinds:
        return None
    version = (before.version if before else 0) + 1
    return FeatureChange(
        kinds=tuple(kind.value for kind in kinds),
        feature=after.model_copy(update={"version": version}),
        before=before,
        by_working_days=count_moved_days(before, after) if MOVES.intersection(kinds) else None,
        reason=reason,
    )


def _build_snapshot(state: Roadmap, told: NativeFeature, version: int) -> FeatureSnapshot:
    target = _build_target(state, told.target)
    return FeatureSnapshot(
        id=told.ref,
        ref=told.ref,
        title=told.title,
        status=told.status,
        version=version,
        summary=told.summary,
        owner_team=told.owner_team,
        contributors=told.contributors,
        product_line=told.product_line,
        stage=told.stage,
        target=target,
        release=target.as_written.get("release") if target else None,
        confidence=told.confidence,
        health=told.health,
        blocked_by=told.blocked_by,
        impact=told.impact.known() if told.impact else {},
        labels=told.labels,
        segments=told.segments,
        regions=told.regions,
        url=told.url,
    )


def _build_target(state: Roadmap, told: NativeTarget | None) -> Target | None:
    if told is None:
        return None
    form, text = told.as_written
    release = state.releases.get(text) if form == "release" else None
    return build_target(form, text, release.planned_on if release else None)


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
    known, window = _window_of(old), _window_of(new)
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


def _window_of(target: Target) -> Window | None:
    """The target's window; None while nobody knows it."""
    if target.earliest is None or target.latest is None:
        return None
    return Window(earliest=target.earliest, latest=target.latest)


def count_working_days(one: date, other: date) -> int:
    """Monday-to-Friday days after the earlier and up to the later of two days; never negative."""
    earlier, later = sorted((one, other))
    weeks, rest = divmod((later - earlier).days, 7)
    return weeks * 5 + sum((earlier + timedelta(days=step)).weekday() < SATURDAY for step in range(1, rest + 1))
