"""Approve or reject a proposal. It is applied whole or not at all, and only while it still holds.

One that no longer holds is made again in the same decision; whoever approved the old one is shown the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from services.launch.domain.context import Context, RefusedError
from services.launch.domain.decisions.message import DecisionContext, Draft, build_message
from services.launch.domain.decisions.shape import hands, place, reshape
from services.launch.domain.decisions.side_effects import collect_side_effects
from services.launch.domain.feature import features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.reasons import explain, plainly
from services.launch.domain.rules.audience import on_day
from services.launch.domain.rules.earliest import situation_of, violations
from services.launch.domain.scheduling.approval import become
from services.launch.domain.scheduling.engine_state import Trial, engine_state_of
from services.launch.domain.scheduling.request import Placement, Placements, PlanRequest, Shapes
from services.launch.domain.scheduling.schedule import schedule
from services.launch.domain.tiers.retiering import settle_by_person
from services.launch.domain.verifying.verifier import CheckedPlan
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import (
    Conflict,
    LaunchesChanged,
    LaunchKind,
    LaunchSnapshot,
    Link,
    Option,
    Proposal,
    ProposedMove,
    Tier,
)
from shared.contracts.words import CauseId, LaunchId, Word

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
class VerdictResult:
    """What is told; `stale`: the proposal no longer held, and what is told is the new one."""

    message: LaunchesChanged
    stale: str = ""


def on_verdict(state: State, verdict: Verdict, context: Context, revision: int) -> VerdictResult:
    """Decide on a person's verdict.

    Raises:
        RefusedError: there is no such open proposal, or it is not the one that the person saw.
    """
    proposal = state.proposals.get(verdict.proposal)
    louder = find_asked(state, verdict.proposal) if proposal is None else None
    if louder and louder.asked:
        return VerdictResult(
            _judge_tier(state, louder, louder.asked, verdict, PlanRequest(state, context, revision, state.features))
        )
    if proposal is None:
        raise RefusedError(f"{verdict.proposal} is not open", missing=True)
    if verdict.hash and verdict.hash != proposal.hash:
        raise RefusedError(f"{proposal.id} is not what you saw: it is {proposal.hash} now", "$.hash")
    if not verdict.approve:
        return VerdictResult(_reject(state, proposal, verdict, context, revision))
    against = reasons_not_to(state, proposal.moves, context)
    if against:
        return VerdictResult(_again(state, proposal, verdict, context, revision), "; ".join(against))
    return VerdictResult(_approve(state, proposal, verdict, context, revision))


def _judge_tier(
    state: State, launch: Launch, asked: Proposal, verdict: Verdict, request: PlanRequest
) -> LaunchesChanged:
    if verdict.hash and verdict.hash != asked.hash:
        raise RefusedError(f"{asked.id} is not what you saw: it is {asked.hash} now", "$.hash")
    word = APPROVED if verdict.approve else REJECTED
    cause = cause_of(verdict.by, verdict.request, f"{word}: {asked.summary}", asked.id, request.context)
    if verdict.approve:
        return approve_tier(state, launch, cause, request.context, request.revision)
    return reject_tier(state, launch, cause, verdict.reason, request.revision)


def _approve(state: State, proposal: Proposal, verdict: Verdict, context: Context, revision: int) -> LaunchesChanged:
    cause = cause_of(verdict.by, verdict.request, f"approved: {proposal.summary}", proposal.id, context)
    drafts = []
    for move in proposal.moves:
        launch = state.launches[move.launch]
        before = launch.snapshot
        after = place(before, features_of(before, state.features), Placement(move.later_date), context)
        links = (
            Link(launch=launch.id, constraint="approval", detail=f"{verdict.by} approved {proposal.id}"),
            Link(launch=launch.id, detail=move.detail),
        )
        why = explain(cause, (), before, after, links)
        drafts.append(Draft(launch, after, why, kinds=(LaunchKind.PROPOSAL_APPROVED,)))
    told = DecisionContext(state, cause, (), context, state.features)
    return _told(told, drafts, become(proposal, APPROVED, verdict.reason or None), revision)


def _reject(state: State, proposal: Proposal, verdict: Verdict, context: Context, revision: int) -> LaunchesChanged:
    if not verdict.reason:
        raise RefusedError("say why you reject it", "$.reason")
    cause = cause_of(verdict.by, verdict.request, f"rejected: {proposal.summary}", proposal.id, context)
    drafts = []
    for move in proposal.moves:
        launch = state.launches[move.launch]
        detail = f"{verdict.by} rejected {proposal.id}: {verdict.reason}"
        link = Link(launch=launch.id, constraint="approval", detail=detail)
        why = explain(cause, (), launch.snapshot, launch.snapshot, (link,))
        option = Option(action="move", detail=f"Move it to {move.later_date} after all.", cost=proposal.cost)
        conflicts = (*broken_rules(state, launch, context, option), *_crowded(state, launch, context, option))
        conflicts = conflicts or launch.conflicts
        drafts.append(Draft(launch, launch.snapshot, why, conflicts, kinds=(LaunchKind.PROPOSAL_REJECTED,)))
    told = DecisionContext(state, cause, (), context, state.features)
    return _told(told, drafts, become(proposal, REJECTED, verdict.reason), revision)


def _crowded(state: State, launch: Launch, context: Context, option: Option) -> tuple[Conflict, ...]:
    """What the launch takes from others on the date that it keeps, after its needs have changed."""
    engine, day = engine_state_of(state, context), launch.snapshot.date
    reasons = engine.crowd(launch.id, day.toordinal()) if day and launch.id in engine.entries else []
    name = Shapes(state, {}).name
    return _said(launch, {one.constraint: plainly(one.detail, name) for one in reasons}, option)


def broken_rules(state: State, launch: Launch, context: Context, option: Option) -> tuple[Conflict, ...]:
    """What speaks against the date that the launch keeps, by its own rules."""
    one = launch.snapshot
    situation = situation_of(one, features_of(one, state.features), context)
    against = violations(situation, one.date, context.calendar) if one.date else []
    return _said(launch, {bound.constraint: bound.detail for bound in against}, option)


def _said(launch: Launch, rules: Mapping[str, str], option: Option) -> tuple[Conflict, ...]:
    return tuple(
        Conflict(launch=launch.id, constraint=rule, detail=detail, options=(option,)) for rule, detail in rules.items()
    )


def _again(state: State, proposal: Proposal, verdict: Verdict, context: Context, revision: int) -> LaunchesChanged:
    """Make the proposal again as things are now."""
    summary = f"asked for what no longer holds: {proposal.summary}"
    cause = cause_of(verdict.by, verdict.request, summary, proposal.id, context)
    return renew(PlanRequest(state, context, revision, state.features), proposal, cause)


def _told(decision: DecisionContext, drafts: Sequence[Draft], proposal: Proposal, revision: int) -> LaunchesChanged:
    message = build_message(
        decision.state.portfolio, revision, decision.cause, (), collect_side_effects(drafts, Placements(), decision)
    )
    return message.model_copy(update={"proposals": (proposal,)})


def cause_of(by: str, request: str, summary: str, ref: str | None, context: Context) -> Cause:
    """A person's act on a plan."""
    source = Source(
        tool="launch", source_id="launch", ref=ref, actor=by, occurred_at=context.now, observed_at=context.now
    )
    return Cause(id=CauseId(f"launch:person:{request}"), kind="person", summary=f"{by} {summary}", source=source)


def reasons_not_to(state: State, moves: Sequence[ProposedMove], context: Context) -> list[str]:
    """Why the moves are no longer possible as they were proposed, all of them together."""
    found: list[str] = []
    engine = engine_state_of(state, context)
    with Trial(engine) as trial:
        for move in moves:
            found += _changed(state.launches[move.launch], move, state, context)
        days = {one.launch: one.later_date.toordinal() for one in moves if one.later_date}
        if found or not days.keys() <= engine.entries.keys():
            return found or ["a launch has no date any more"]
        trial.move({str(name): day for name, day in days.items()})
        crowds = (one for name, day in sorted(days.items()) for one in engine.crowd(name, day))
        found += [plainly(one.detail, Shapes(state, {}).name) for one in crowds]
    placed = ((state.launches[one.launch].snapshot, one.later_date) for one in moves)
    moved = [on_day(snapshot, day, context.calendar) for snapshot, day in placed if day]
    found += state.audiences.against_all(moved, context.calendar)
    return found or refusals(state, _written(state, moves), context)


def refusals(state: State, plan: CheckedPlan, context: Context) -> list[str]:
    """What the independent checker has against a plan, in sentences."""
    return [f"{one.rule}: {one.detail}" for one in engine_state_of(state, context).verifier.judge(plan, context.today)]


def _written(state: State, moves: Sequence[ProposedMove]) -> CheckedPlan:
    """The moves as the checker is told of them."""
    launches = {one.launch: state.launches[one.launch] for one in moves}
    return CheckedPlan(
        shapes=Shapes(state, {}),
        before=state.standing,
        changes={one.launch: one.later_date for one in moves},
        asked={name: one.snapshot.date for name, one in launches.items()},
        features={name: features_of(one.snapshot, state.features) for name, one in launches.items()},
    )


def _changed(launch: Launch, move: ProposedMove, state: State, context: Context) -> list[str]:
    one = launch.snapshot
    if one.date != move.earlier_date or not launch.is_open or one.pin or move.later_date is None:
        return [f"{one.name} is {one.state}, on {one.date}"]
    situation = situation_of(one, features_of(one, state.features), context)
    return [bound.detail for bound in violations(situation, move.later_date, context.calendar)]


def renew(request: PlanRequest, proposal: Proposal, cause: Cause) -> LaunchesChanged:
    """Plan again for the launches of a proposal; what comes of it takes the proposal's place."""
    state, context = request.state, request.context
    launches = frozenset(LaunchId(one.launch) for one in proposal.moves)
    request = replace(request, touched=launches)
    drafts = collect_side_effects([], schedule([], request), DecisionContext(state, cause, (), context, state.features))
    return build_message(state.portfolio, request.revision, cause, (), drafts)


def find_asked(state: State, proposal: str) -> Launch | None:
    """The launch whose tier such an open proposal would change."""
    waiting = (one for one in state.launches.values() if one.asked and one.asked.state == "open")
    return next((one for one in waiting if one.asked and one.asked.id == proposal), None)


def approve_tier(state: State, launch: Launch, cause: Cause, context: Context, revision: int) -> LaunchesChanged:
    """Give the launch the tiers that were asked for."""
    asked = _asked(launch)
    before = launch.snapshot
    features = features_of(before, state.features)
    active = [one.snapshot for one in features if not one.is_cancelled]
    if not active:
        raise RefusedError(f"{before.name} has no feature left whose loudness could change")
    market, _, internal = (asked.hash or "").partition("/")
    computed = settle_by_person(before, active, context.calendar, None)
    settled = replace(
        computed,
        market=cast("Tier", market),
        internal=cast("Tier", internal),
        reason=f"{computed.computed.reason} {cause.source.actor} approved {market}.",
    )
    shape = reshape(before, features, hands(launch), context, settled)
    placements = _plan(launch, shape, PlanRequest(state, context, revision, state.features))
    placement = placements.asked[shape.id]
    after = place(shape, features, placement, context)
    why = explain(cause, (), before, after, (_link(cause, asked), *placement.links))
    told = (asked.model_copy(update={"state": "approved"}),)
    kinds = (LaunchKind.PROPOSAL_APPROVED,)
    draft = Draft(launch, after, why, placement.conflicts, placement.undone, kinds=kinds, proposals=told)
    drafts = collect_side_effects([draft], placements, DecisionContext(state, cause, (), context, state.features))
    return build_message(state.portfolio, revision, cause, (), drafts)


def reject_tier(state: State, launch: Launch, cause: Cause, reason: str, revision: int) -> LaunchesChanged:
    """Leave the launch as loud as it is; the same change is not asked for again."""
    if not reason:
        raise RefusedError("say why you reject it", "$.reason")
    asked = _asked(launch)
    one = launch.snapshot
    why = explain(cause, (), one, one, (_link(cause, asked),))
    told = (asked.model_copy(update={"state": "rejected", "reason": reason}),)
    draft = Draft(launch, one, why, launch.conflicts, kinds=(LaunchKind.PROPOSAL_REJECTED,), proposals=told)
    return build_message(state.portfolio, revision, cause, (), [draft])


def _asked(launch: Launch) -> Proposal:
    if launch.asked is None:
        raise RefusedError(f"nothing is asked for {launch.snapshot.name}", missing=True)
    return launch.asked


def _plan(launch: Launch, shape: LaunchSnapshot, request: PlanRequest) -> Placements:
    wanted = request.ask_again(launch.model_copy(update={"snapshot": shape}))
    if wanted is None:
        return Placements({shape.id: Placement(shape.date, shape.waits_for, conflicts=launch.conflicts)})
    return schedule([replace(wanted, launch=launch)], request)


def _link(cause: Cause, asked: Proposal) -> Link:
    return Link(constraint="approval", detail=f"{cause.summary} ({asked.id})")
