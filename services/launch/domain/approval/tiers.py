"""Approve or reject a change of a launch's tier. Approved, it is re-dated like after any person's act."""

from dataclasses import replace
from typing import cast

from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import plan
from services.launch.domain.decide.placing import place
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.decide.shape import features_of, hands, reshape
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain
from services.launch.domain.launch import Launch
from services.launch.domain.planning.words import Dated, Planned, Table
from services.launch.domain.state import State
from services.launch.domain.tiers.retiering import settle_by_person
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchesChanged, LaunchKind, LaunchSnapshot, Link, Proposal, Tier


def find_asked(state: State, proposal: str) -> Launch | None:
    """The launch whose tier such an open proposal would change."""
    waiting = (one for one in state.launches.values() if one.asked and one.asked.state == "open")
    return next((one for one in waiting if one.asked and one.asked.id == proposal), None)


def approve_tier(state: State, launch: Launch, cause: Cause, scene: Scene, revision: int) -> LaunchesChanged:
    """Give the launch the tiers that were asked for."""
    asked = _asked(launch)
    before = launch.snapshot
    features = features_of(before, state.features)
    active = [one.snapshot for one in features if not one.is_cancelled]
    if not active:
        raise RefusedError(f"{before.name} has no feature left whose loudness could change")
    market, _, internal = (asked.hash or "").partition("/")
    computed = settle_by_person(before, active, scene.calendar, None)
    settled = replace(
        computed,
        market=cast("Tier", market),
        internal=cast("Tier", internal),
        reason=f"{computed.computed.reason} {cause.source.actor} approved {market}.",
    )
    shape = reshape(before, features, hands(launch), scene, settled)
    planned = _plan(launch, shape, Table(state, scene, revision, lambda one: revive(one, state.features, scene)))
    dated = planned.dated[shape.id]
    after = place(shape, features, dated, scene)
    why = explain(cause, (), before, after, (_link(cause, asked), *dated.links))
    told = (asked.model_copy(update={"state": "approved"}),)
    kinds = (LaunchKind.PROPOSAL_APPROVED,)
    draft = Draft(launch, after, why, dated.conflicts, dated.undone, kinds=kinds, proposals=told)
    drafts = complete([draft], planned, Telling(state, cause, (), scene, state.features))
    return tell(state.portfolio, revision, cause, (), drafts)


def reject_tier(state: State, launch: Launch, cause: Cause, reason: str, revision: int) -> LaunchesChanged:
    """Leave the launch as loud as it is; the same change is not asked for again."""
    if not reason:
        raise RefusedError("say why you reject it", "$.reason")
    asked = _asked(launch)
    one = launch.snapshot
    why = explain(cause, (), one, one, (_link(cause, asked),))
    told = (asked.model_copy(update={"state": "rejected", "reason": reason}),)
    draft = Draft(launch, one, why, launch.conflicts, kinds=(LaunchKind.PROPOSAL_REJECTED,), proposals=told)
    return tell(state.portfolio, revision, cause, (), [draft])


def _asked(launch: Launch) -> Proposal:
    if launch.asked is None:
        raise RefusedError(f"nothing is asked for {launch.snapshot.name}", missing=True)
    return launch.asked


def _plan(launch: Launch, shape: LaunchSnapshot, table: Table) -> Planned:
    wanted = revive(launch.model_copy(update={"snapshot": shape}), table.state.features, table.scene)
    if wanted is None:
        return Planned({shape.id: Dated(shape.date, shape.waits_for, conflicts=launch.conflicts)})
    return plan([replace(wanted, launch=launch)], table)


def _link(cause: Cause, asked: Proposal) -> Link:
    return Link(constraint="approval", detail=f"{cause.summary} ({asked.id})")
