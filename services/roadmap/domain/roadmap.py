"""One portfolio's roadmap: what is known of each feature and release, and what an observation makes of it.

`judge` decides and changes nothing; `evolve` makes it so. Time comes with the observation, never from a clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from services.roadmap.domain.kinds import MOVES, SETTLED, count_moved_days, find_kinds
from services.roadmap.domain.observation import NativeFeature, NativeRelease, NativeTarget, Observation
from services.roadmap.domain.windows import build_target
from shared.contracts.feature import FeatureChange, FeatureSnapshot, Target

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
    newest = _newest(state, observation)
    if newest is not None and observation.at < newest:
        what = "the release" if observation.release else "the feature"
        return Judgement("stale", f"{what} is already known as of {newest:%Y-%m-%d %H:%M:%S} UTC, which is newer")
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


def _newest(state: Roadmap, observation: Observation) -> datetime | None:
    known = state.releases if observation.release else state.features
    found = known.get(observation.ref)
    return found.at if found else None


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
