"""Approve or reject a proposal. It is applied whole or not at all, and only while it still holds.

One that no longer holds is made again in the same decision; whoever approved the old one is shown the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.launch.domain.approval.renewing import reasons_not_to, renew
from services.launch.domain.approval.tiers import approve_tier, find_asked, reject_tier
from services.launch.domain.dates import violations
from services.launch.domain.decide.beside import complete
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.placing import place
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.decide.shape import features_of, situation_of
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain, plainly
from services.launch.domain.launch import Launch
from services.launch.domain.planning.arranging import crowd
from services.launch.domain.planning.proposing import become
from services.launch.domain.planning.words import Dated, Planned, Shapes, Table, resident_of
from services.launch.domain.state import State
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import Conflict, LaunchesChanged, LaunchKind, Link, Option, Proposal
from shared.contracts.words import CauseId, Word

APPROVED, REJECTED = "approved", "rejected"


class Verdict(Word):
    """What a person says of a proposal. `hash` is that of the one they saw; None: whichever is open."""

    proposal: str
    by: str
    request: str
    approve: bool
    reason: str = ""
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What is told; `stale`: the proposal no longer held, and what is told is the new one."""

    message: LaunchesChanged
    stale: str = ""


def judge(state: State, verdict: Verdict, scene: Scene, revision: int) -> Judged:
    """Decide on a person's verdict.

    Raises:
        RefusedError: there is no such open proposal, or it is not the one that the person saw.
    """
    proposal = state.proposals.get(verdict.proposal)
    louder = find_asked(state, verdict.proposal) if proposal is None else None
    if louder and louder.asked:
        return Judged(_judge_tier(state, louder, louder.asked, verdict, Table(state, scene, revision)))
    if proposal is None:
        raise RefusedError(f"{verdict.proposal} is not open", missing=True)
    if verdict.hash and verdict.hash != proposal.hash:
        raise RefusedError(f"{proposal.id} is not what you saw: it is {proposal.hash} now", "$.hash")
    if not verdict.approve:
        return Judged(_reject(state, proposal, verdict, scene, revision))
    against = reasons_not_to(state, proposal.moves, scene)
    if against:
        return Judged(_again(state, proposal, verdict, scene, revision), "; ".join(against))
    return Judged(_approve(state, proposal, verdict, scene, revision))


def _judge_tier(state: State, launch: Launch, asked: Proposal, verdict: Verdict, table: Table) -> LaunchesChanged:
    if verdict.hash and verdict.hash != asked.hash:
        raise RefusedError(f"{asked.id} is not what you saw: it is {asked.hash} now", "$.hash")
    word = APPROVED if verdict.approve else REJECTED
    cause = cause_of(verdict.by, verdict.request, f"{word}: {asked.summary}", asked.id, table.scene)
    if verdict.approve:
        return approve_tier(state, launch, cause, table.scene, table.revision)
    return reject_tier(state, launch, cause, verdict.reason, table.revision)


def _approve(state: State, proposal: Proposal, verdict: Verdict, scene: Scene, revision: int) -> LaunchesChanged:
    cause = cause_of(verdict.by, verdict.request, f"approved: {proposal.summary}", proposal.id, scene)
    drafts = []
    for move in proposal.moves:
        launch = state.launches[move.launch]
        before = launch.snapshot
        after = place(before, features_of(before, state.features), Dated(move.later_date), scene)
        links = (
            Link(launch=launch.id, constraint="approval", detail=f"{verdict.by} approved {proposal.id}"),
            Link(launch=launch.id, detail=move.detail),
        )
        why = explain(cause, (), before, after, links)
        drafts.append(Draft(launch, after, why, kinds=(LaunchKind.PROPOSAL_APPROVED,)))
    told = Telling(state, cause, (), scene, state.features)
    return _told(told, drafts, become(proposal, APPROVED, verdict.reason or None), revision)


def _reject(state: State, proposal: Proposal, verdict: Verdict, scene: Scene, revision: int) -> LaunchesChanged:
    if not verdict.reason:
        raise RefusedError("say why you reject it", "$.reason")
    cause = cause_of(verdict.by, verdict.request, f"rejected: {proposal.summary}", proposal.id, scene)
    drafts = []
    for move in proposal.moves:
        launch = state.launches[move.launch]
        detail = f"{verdict.by} rejected {proposal.id}: {verdict.reason}"
        link = Link(launch=launch.id, constraint="approval", detail=detail)
        why = explain(cause, (), launch.snapshot, launch.snapshot, (link,))
        option = Option(action="move", detail=f"Move it to {move.later_date} after all.", cost=proposal.cost)
        conflicts = (*broken_rules(state, launch, scene, option), *_crowded(state, launch, scene, option))
        conflicts = conflicts or launch.conflicts
        drafts.append(Draft(launch, launch.snapshot, why, conflicts, kinds=(LaunchKind.PROPOSAL_REJECTED,)))
    told = Telling(state, cause, (), scene, state.features)
    return _told(told, drafts, become(proposal, REJECTED, verdict.reason), revision)


def _crowded(state: State, launch: Launch, scene: Scene, option: Option) -> tuple[Conflict, ...]:
    """What the launch takes from others on the date that it keeps, after its needs have changed."""
    resident, day = resident_of(state, scene), launch.snapshot.date
    reasons = crowd(resident, launch.id, day.toordinal()) if day and launch.id in resident.entries else []
    name = Shapes(state, {}).name
    return _said(launch, {one.constraint: plainly(one.detail, name) for one in reasons}, option)


def broken_rules(state: State, launch: Launch, scene: Scene, option: Option) -> tuple[Conflict, ...]:
    """What speaks against the date that the launch keeps, by its own rules."""
    one = launch.snapshot
    situation = situation_of(one, features_of(one, state.features), scene)
    against = violations(situation, one.date, scene.calendar) if one.date else []
    return _said(launch, {bound.constraint: bound.detail for bound in against}, option)


def _said(launch: Launch, rules: Mapping[str, str], option: Option) -> tuple[Conflict, ...]:
    return tuple(
        Conflict(launch=launch.id, constraint=rule, detail=detail, options=(option,)) for rule, detail in rules.items()
    )


def _again(state: State, proposal: Proposal, verdict: Verdict, scene: Scene, revision: int) -> LaunchesChanged:
    """Make the proposal again as things are now."""
    summary = f"asked for what no longer holds: {proposal.summary}"
    cause = cause_of(verdict.by, verdict.request, summary, proposal.id, scene)
    return renew(Table(state, scene, revision), proposal, cause)


def _told(telling: Telling, drafts: Sequence[Draft], proposal: Proposal, revision: int) -> LaunchesChanged:
    message = tell(telling.state.portfolio, revision, telling.cause, (), complete(drafts, Planned(), telling))
    return message.model_copy(update={"proposals": (proposal,)})


def cause_of(by: str, request: str, summary: str, ref: str | None, scene: Scene) -> Cause:
    """A person's act on a plan."""
    source = Source(tool="launch", source_id="launch", ref=ref, actor=by, occurred_at=scene.now, observed_at=scene.now)
    return Cause(id=CauseId(f"launch:person:{request}"), kind="person", summary=f"{by} {summary}", source=source)
