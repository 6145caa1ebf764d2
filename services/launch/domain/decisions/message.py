"""What becomes of launches and why, and the one message that tells it: kinds, what is material, new revisions.

Compares what was with what is; which launches are concerned is decided in pipeline.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch, is_material
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.request import PlanRequest
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange, FeatureSnapshot
from shared.contracts.launch import (
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchKind,
    LaunchSnapshot,
    Link,
    Opportunity,
    Proposal,
)
from shared.contracts.words import LaunchId

SHIFTING = frozenset(
    {
        LaunchKind.PROPOSAL_OPENED,
        LaunchKind.PROPOSAL_APPROVED,
        LaunchKind.PROPOSAL_REJECTED,
        LaunchKind.PROPOSAL_SUPERSEDED,
    }
)

"""Kinds that are material whatever the snapshot says."""


MOST_HEARD = 3
"""Features named in the chain of a launch that they do not belong to."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The act that is decided on: its cause, what was heard, what is known of features now, and as which revision."""

    state: State
    context: Context
    revision: int
    view: Mapping[str, KnownFeature]
    cause: Cause
    heard: Sequence[FeatureChange] = ()

    @property
    def named(self) -> Sequence[FeatureChange]:
        """What of it is named in the chain of a launch that it does not concern."""
        return self.heard[:MOST_HEARD]

    def plan_request(
        self,
        gone: frozenset[LaunchId] = frozenset(),
        touched: frozenset[LaunchId] = frozenset(),
        left_alone: frozenset[LaunchId] = frozenset(),
    ) -> PlanRequest:
        """What a plan for it is made on."""
        return PlanRequest(self.state, self.context, self.revision, self.view, gone, touched, left_alone)


@dataclass(frozen=True, slots=True)
class LaunchDecision:
    """What a launch shall be, why, and what then stands against it."""

    launch: Launch | None
    after: LaunchSnapshot
    why: tuple[Link, ...]
    conflicts: tuple[Conflict, ...] = ()
    undone: bool = False
    opportunity: Opportunity | None = None
    kinds: tuple[LaunchKind, ...] = ()
    """What happened to it besides what the snapshots show."""
    proposals: tuple[Proposal, ...] = ()
    always: bool = False
    """Told even if nothing changed, so that everybody knows that the instant it waited for has passed."""

    @property
    def known_conflicts(self) -> tuple[Conflict, ...]:
        """What was told of the launch already."""
        return self.launch.conflicts if self.launch else ()

    def saying(self, links: Sequence[Link], conflicts: tuple[Conflict, ...]) -> "LaunchDecision":
        """The decision with other conflicts, and with these sentences before the one that says what comes of it."""
        return replace(self, conflicts=conflicts, why=(*self.why[:-1], *links, *self.why[-1:]))


def leave_as_it_is(
    launch: Launch, cause: Cause, heard: Sequence[FeatureChange], links: Sequence[Link], conflicts: tuple[Conflict, ...]
) -> LaunchDecision:
    """The decision for a launch that stays what it is, but of which something is to be told."""
    snapshot = launch.snapshot
    return LaunchDecision(launch, snapshot, explain(cause, heard, snapshot, snapshot, links), conflicts)


def build_message(about: DecisionContext, decisions: Sequence[LaunchDecision]) -> LaunchesChanged:
    """The one message about a cause, even when nothing moved."""
    told = [(decision, change) for decision in decisions if (change := _change(decision))]
    concerned = {feature.id for _, change in told if change.material for feature in change.launch.features}
    return LaunchesChanged(
        portfolio=about.state.portfolio,
        revision=about.revision,
        cause=about.cause,
        features=tuple(about.heard),
        changes=tuple(change for _, change in told),
        conflicts=tuple(conflict for decision, _ in told if _opened(decision) for conflict in decision.conflicts),
        proposals=tuple(proposal for decision, _ in told for proposal in decision.proposals),
        opportunities=tuple(decision.opportunity for decision in decisions if decision.opportunity),
        untouched=tuple(sorted({change.feature.id for change in about.heard} - concerned)),
    )


def _change(decision: LaunchDecision) -> LaunchChange | None:
    before = decision.launch.snapshot if decision.launch else None
    shifted = _opened(decision) or _closed(decision) or not SHIFTING.isdisjoint(decision.kinds)
    if before == decision.after and not shifted and not decision.kinds and not decision.always:
        return None
    material = shifted or is_material(before, decision.after)
    revision = (before.revision if before else 0) + material
    return LaunchChange(
        kinds=tuple(_kinds(decision, before)),
        launch=decision.after.model_copy(update={"revision": revision}),
        before=before,
        material=material,
        why=decision.why,
    )


def _opened(decision: LaunchDecision) -> bool:
    """Also a conflict that is now another one. Other prices alone, as its day comes nearer, make it none."""
    return bool(decision.conflicts) and _said(decision.conflicts) != _said(decision.known_conflicts)


def _said(conflicts: Sequence[Conflict]) -> list[tuple[object, ...]]:
    return [
        (conflict.constraint, conflict.detail, [(way.action, way.detail) for way in conflict.options])
        for conflict in conflicts
    ]


def _closed(decision: LaunchDecision) -> bool:
    return bool(decision.known_conflicts) and not decision.conflicts


def _kinds(decision: LaunchDecision, before: LaunchSnapshot | None) -> Iterator[str]:
    after = decision.after
    if before is None:
        yield LaunchKind.PLANNED
    else:
        yield from _state_kinds(decision, before)
        yield from _field_kinds(before, after)
    yield from _train_kinds(before, after)
    if after.pin and (before is None or before.pin != after.pin):
        yield LaunchKind.PINNED
    for happened, kind in (
        (_opened(decision), LaunchKind.CONFLICT_OPENED),
        (_closed(decision), LaunchKind.CONFLICT_CLOSED),
        (decision.undone, LaunchKind.UNDONE),
    ):
        if happened:
            yield kind
    yield from decision.kinds


def _state_kinds(decision: LaunchDecision, before: LaunchSnapshot) -> Iterator[str]:
    after = decision.after
    if before.state == after.state:
        return
    if before.state == "cancelled":
        yield LaunchKind.REVIVED
    elif before.state == "held" and after.state in {"planned", "announced"}:
        yield LaunchKind.RELEASED_HOLD
    if after.state == "launched":
        again = decision.launch is not None and decision.launch.happened_on is not None
        yield LaunchKind.RELAUNCHED if again else LaunchKind.LAUNCHED
    elif after.state not in {"planned", "draft"}:
        yield LaunchKind(after.state)


def _field_kinds(before: LaunchSnapshot, after: LaunchSnapshot) -> Iterator[str]:
    if before.date != after.date:
        yield LaunchKind.RESCHEDULED
    if (before.market_tier, before.internal_tier) != (after.market_tier, after.internal_tier):
        yield LaunchKind.RETIERED
    if before.name != after.name:
        yield LaunchKind.RENAMED
    scope = ("features", "segments", "regions", "owners", "product_line")
    if any(getattr(before, name) != getattr(after, name) for name in scope):
        yield LaunchKind.RESCOPED
    if before.pin and not after.pin:
        yield LaunchKind.UNPINNED


def _train_kinds(before: LaunchSnapshot | None, after: LaunchSnapshot) -> Iterator[str]:
    old = before.train if before else None
    if old == after.train:
        return
    if old:
        yield LaunchKind.LEFT_TRAIN
    if after.train:
        yield LaunchKind.BOARDED


OF_ONE_FEATURE = frozenset({"observation", "import", "reconciliation"})

"""Kinds of causes that are the change of one feature, whatever it is."""


def explain(
    cause: Cause,
    heard: Sequence[FeatureChange],
    before: LaunchSnapshot | None,
    after: LaunchSnapshot,
    steps: Sequence[Link],
) -> tuple[Link, ...]:
    """Event, the features that changed, the tier if it did, the rules that decided the date, the launch.

    Where the event is the change of one feature, its sentence says what happened to that feature: once is enough.
    """
    told = heard[0].feature.id if len(heard) == 1 and cause.kind in OF_ONE_FEATURE else None
    return (
        Link(event=cause.id, feature=told, detail=cause.summary),
        *(Link(feature=one.feature.id, detail=describe(one)) for one in heard if told is None),
        *_tier(before, after),
        *steps,
        Link(launch=after.id, detail=_outcome(before, after)),
    )


def describe(change: FeatureChange) -> str:
    """One sentence of what happened to a feature."""
    ref, kinds = change.feature.ref, list(change.kinds)
    told = f"{ref}: {', '.join(kind.replace('_', ' ') for kind in kinds) or 'changed'}"
    if change.by_working_days:
        told += f" by {change.by_working_days} working days"
    was, now = _window(change.before), _window(change.feature)
    return told + (f", {was} to {now}" if change.before and was != now else f", {now}" if now else "")


def _window(feature: FeatureSnapshot | None) -> str:
    if feature is None or feature.target is None:
        return "no target"
    target = feature.target
    return str(target.latest) if target.latest else " ".join(target.as_written.values())


def _tier(before: LaunchSnapshot | None, after: LaunchSnapshot) -> Iterator[Link]:
    if before and (before.market_tier, before.internal_tier) != (after.market_tier, after.internal_tier):
        detail = f"{before.market_tier} becomes {after.market_tier}: {after.tier_reason}"
        yield Link(launch=after.id, constraint="tier", detail=detail)


def _outcome(before: LaunchSnapshot | None, after: LaunchSnapshot) -> str:
    was, now = before.date if before else None, after.date
    if before and before.state != after.state and after.state in {"cancelled", "launched"}:
        return f"{after.name}: {after.state}"
    if after.state == "held" and now:
        return f"{after.name} is held: {after.waits_for or f'it is live, and will be announced on {now}'}"
    if was == now:
        return (
            f"{after.name} stays on {_day(now)}"
            if now
            else f"{after.name} has no date: {after.waits_for or after.state}"
        )
    if now is None:
        return f"{after.name} loses its date {was}: {after.waits_for or after.state}"
    return f"{after.name} moves from {was} to {now}" if was else f"{after.name} is planned for {now}"


def _day(day: date | None) -> str:
    return str(day) if day else "no date"
