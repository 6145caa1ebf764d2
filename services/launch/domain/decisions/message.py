"""What is told of one launch: the kinds of what happened to it, whether that is material, its new revision.

Only compares what was with what is; decides nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch, is_material
from services.launch.domain.portfolio import State
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
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
from shared.contracts.words import PortfolioId

SHIFTING = frozenset(
    {
        LaunchKind.PROPOSAL_OPENED,
        LaunchKind.PROPOSAL_APPROVED,
        LaunchKind.PROPOSAL_REJECTED,
        LaunchKind.PROPOSAL_SUPERSEDED,
    }
)

"""Kinds that are material whatever the snapshot says."""


@dataclass(frozen=True, slots=True)
class Draft:
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


def build_message(
    portfolio: PortfolioId, revision: int, cause: Cause, heard: Sequence[FeatureChange], drafts: Sequence[Draft]
) -> LaunchesChanged:
    """The one message about a cause, even when nothing moved."""
    changes = [(draft, change) for draft in drafts if (change := _change(draft))]
    known = {one.id for _, change in changes if change.material for one in change.launch.features}
    return LaunchesChanged(
        portfolio=portfolio,
        revision=revision,
        cause=cause,
        features=tuple(heard),
        changes=tuple(change for _, change in changes),
        conflicts=tuple(one for draft, change in changes if _opened(draft) for one in draft.conflicts),
        proposals=tuple(one for draft, _ in changes for one in draft.proposals),
        opportunities=tuple(draft.opportunity for draft in drafts if draft.opportunity),
        untouched=tuple(sorted({one.feature.id for one in heard} - known)),
    )


def _change(draft: Draft) -> LaunchChange | None:
    before = draft.launch.snapshot if draft.launch else None
    shifted = _opened(draft) or _closed(draft) or not SHIFTING.isdisjoint(draft.kinds)
    if before == draft.after and not shifted and not draft.kinds and not draft.always:
        return None
    material = shifted or is_material(before, draft.after)
    revision = (before.revision if before else 0) + material
    return LaunchChange(
        kinds=tuple(_kinds(draft, before)),
        launch=draft.after.model_copy(update={"revision": revision}),
        before=before,
        material=material,
        why=draft.why,
    )


def _opened(draft: Draft) -> bool:
    """Also a conflict that is now another one. Other prices alone, as its day comes nearer, make it none."""
    known = draft.launch.conflicts if draft.launch else ()
    return bool(draft.conflicts) and _said(draft.conflicts) != _said(known)


def _said(conflicts: Sequence[Conflict]) -> list[tuple[object, ...]]:
    ways = ([(one.action, one.detail) for one in conflict.options] for conflict in conflicts)
    return [(one.constraint, one.detail, listed) for one, listed in zip(conflicts, ways, strict=True)]


def _closed(draft: Draft) -> bool:
    return bool(draft.launch and draft.launch.conflicts) and not draft.conflicts


def _kinds(draft: Draft, before: LaunchSnapshot | None) -> Iterator[str]:
    after = draft.after
    if before is None:
        yield LaunchKind.PLANNED
    else:
        yield from _state_kinds(draft, before)
        yield from _field_kinds(before, after)
    yield from _train_kinds(before, after)
    if after.pin and (before is None or before.pin != after.pin):
        yield LaunchKind.PINNED
    for happened, kind in (
        (_opened(draft), LaunchKind.CONFLICT_OPENED),
        (_closed(draft), LaunchKind.CONFLICT_CLOSED),
        (draft.undone, LaunchKind.UNDONE),
    ):
        if happened:
            yield kind
    yield from draft.kinds


def _state_kinds(draft: Draft, before: LaunchSnapshot) -> Iterator[str]:
    after = draft.after
    if before.state == after.state:
        return
    if before.state == "cancelled":
        yield LaunchKind.REVIVED
    elif before.state == "held" and after.state in {"planned", "announced"}:
        yield LaunchKind.RELEASED_HOLD
    if after.state == "launched":
        again = draft.launch is not None and draft.launch.happened_on is not None
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


MOST_HEARD = 3

"""Features named in the chain of a launch that they do not belong to."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The act of which a plan is told: its cause, what was heard, and what is known of features now."""

    state: State
    cause: Cause
    heard: Sequence[FeatureChange]
    context: Context
    view: Mapping[str, KnownFeature]

    @property
    def named(self) -> Sequence[FeatureChange]:
        """What of it is named in the chain of a launch that it does not concern."""
        return self.heard[:MOST_HEARD]
