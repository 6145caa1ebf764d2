"""A person's word about a plan: approve or reject a proposal, or take back what a decision moved.

A proposal is applied whole or not at all, and only while it still holds. One that no longer holds is made again in the
same decision; whoever approved the old one is shown the difference. An undo is itself a plan; no rule bends for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from services.launch.domain.calendar import SOFT, Context, RefusedError
from services.launch.domain.decisions.message import DecisionContext, LaunchDecision, build_message, explain
from services.launch.domain.decisions.pipeline import LaunchRequest, decide, place, reshape
from services.launch.domain.feature import features_of
from services.launch.domain.launch import Launch, tier_of
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import (
    ROOM,
    CheckedPlan,
    check_plan,
    crowding,
    of_day,
    situation_of,
    violations,
)
from services.launch.domain.rules.rule import Spot
from services.launch.domain.scheduling.approval import become
from services.launch.domain.scheduling.request import FoundDates, Placement, Shapes
from services.launch.domain.tiers import settle_by_person
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import (
    Conflict,
    LaunchesChanged,
    LaunchKind,
    Link,
    Option,
    Proposal,
    ProposedMove,
    Tier,
)
from shared.contracts.words import CauseId, Day, LaunchId, Word

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
    launch = find_asked(state, verdict.proposal) if proposal is None else None
    known = launch.asked if launch else proposal
    if known is None:
        raise RefusedError(f"{verdict.proposal} is not open", missing=True)
    if verdict.hash and verdict.hash != known.hash:
        raise RefusedError(f"{known.id} is not what you saw: it is {known.hash} now", "$.hash")
    if not verdict.approve and not verdict.reason:
        raise RefusedError("say why you reject it", "$.reason")
    against = reasons_not_to(state, known.moves, context) if verdict.approve and launch is None else []
    word = "asked for what no longer holds" if against else APPROVED if verdict.approve else REJECTED
    cause = cause_of(verdict.by, verdict.request, f"{word}: {known.summary}", known.id, context)
    about = DecisionContext(state, context, revision, state.features, cause)
    if launch and verdict.approve:
        message = _approve_tier(launch, known, about)
    elif launch:
        message = _reject_tier(launch, known, verdict.reason, about)
    elif against:
        message = renew(about, known)
    elif verdict.approve:
        message = _approve(known, verdict, about)
    else:
        message = _reject(known, verdict, about)
    return VerdictResult(message, "; ".join(against))


def _approve(proposal: Proposal, verdict: Verdict, about: DecisionContext) -> LaunchesChanged:
    decisions = []
    for move in proposal.moves:
        launch = about.state.launches[move.launch]
        before = launch.snapshot
        after = place(before, features_of(before, about.view), Placement(move.later_date), about.context)
        links = (
            Link(launch=launch.id, constraint="approval", detail=f"{verdict.by} approved {proposal.id}"),
            Link(launch=launch.id, detail=move.detail),
        )
        why = explain(about.cause, (), before, after, links)
        decisions.append(LaunchDecision(launch, after, why, kinds=(LaunchKind.PROPOSAL_APPROVED,)))
    message = decide(about, about.plan_request(), decided=decisions)
    return message.model_copy(update={"proposals": (become(proposal, APPROVED, verdict.reason or None),)})


def _reject(proposal: Proposal, verdict: Verdict, about: DecisionContext) -> LaunchesChanged:
    decisions = []
    for move in proposal.moves:
        launch = about.state.launches[move.launch]
        detail = f"{verdict.by} rejected {proposal.id}: {verdict.reason}"
        link = Link(launch=launch.id, constraint="approval", detail=detail)
        why = explain(about.cause, (), launch.snapshot, launch.snapshot, (link,))
        option = Option(action="move", detail=f"Move it to {move.later_date} after all.", cost=proposal.cost)
        conflicts = (*_broken_rules(launch, option, about), *_crowded(launch, option, about)) or launch.conflicts
        decisions.append(LaunchDecision(launch, launch.snapshot, why, conflicts, kinds=(LaunchKind.PROPOSAL_REJECTED,)))
    message = decide(about, about.plan_request(), decided=decisions)
    return message.model_copy(update={"proposals": (become(proposal, REJECTED, verdict.reason),)})


def renew(
    about: DecisionContext, proposal: Proposal, instead_of: str | None = None, found: FoundDates | None = None
) -> LaunchesChanged:
    """Plan again for the launches of a proposal; what comes of it takes the proposal's place."""
    plan = about.plan_request(touched=frozenset(move.launch for move in proposal.moves))
    return decide(about, replace(plan, instead_of=instead_of, found=found))


def cause_of(by: str, request: str, summary: str, ref: str | None, context: Context) -> Cause:
    """A person's act on a plan."""
    source = Source(
        tool="launch", source_id="launch", ref=ref, actor=by, occurred_at=context.now, observed_at=context.now
    )
    return Cause(id=CauseId(f"launch:person:{request}"), kind="person", summary=f"{by} {summary}", source=source)


# ---- the tier of one launch


def find_asked(state: State, proposal: str) -> Launch | None:
    """The launch whose tier such an open proposal would change."""
    waiting = (launch for launch in state.launches.values() if launch.asked and launch.asked.state == "open")
    return next((launch for launch in waiting if launch.asked and launch.asked.id == proposal), None)


def _approve_tier(launch: Launch, asked: Proposal, about: DecisionContext) -> LaunchesChanged:
    """Give the launch the tiers that were asked for."""
    before, cause = launch.snapshot, about.cause
    features = features_of(before, about.view)
    active = [feature.snapshot for feature in features if not feature.is_cancelled]
    if not active:
        raise RefusedError(f"{before.name} has no feature left whose loudness could change")
    market, _, internal = (asked.hash or "").partition("/")
    computed = settle_by_person(before, active, about.context.calendar, None)
    settled = replace(
        computed,
        market=cast("Tier", market),
        internal=cast("Tier", internal),
        reason=f"{computed.computed.reason} {cause.source.actor} approved {market}.",
    )
    shape, plan = reshape(before, features, launch.by_hand, about.context, settled), about.plan_request()
    wanted = plan.ask_again(launch.model_copy(update={"snapshot": shape}))
    request = LaunchRequest(
        launch,
        shape,
        features,
        replace(wanted, launch=launch) if wanted else None,
        links=(Link(constraint="approval", detail=f"{cause.summary} ({asked.id})"),),
        kinds=(LaunchKind.PROPOSAL_APPROVED,),
        proposals=(become(asked, APPROVED, asked.reason),),
        warns=False,
    )
    return decide(about, plan, [request])


def _reject_tier(launch: Launch, asked: Proposal, reason: str, about: DecisionContext) -> LaunchesChanged:
    """Leave the launch as loud as it is; the same change is not asked for again."""
    link = Link(constraint="approval", detail=f"{about.cause.summary} ({asked.id})")
    why = explain(about.cause, (), launch.snapshot, launch.snapshot, (link,))
    told, kinds = (become(asked, REJECTED, reason),), (LaunchKind.PROPOSAL_REJECTED,)
    decision = LaunchDecision(launch, launch.snapshot, why, launch.conflicts, kinds=kinds, proposals=told)
    return build_message(about, [decision])


# ---- undo


class AppliedMove(Word):
    """A move that was applied."""

    launch: LaunchId
    earlier: Day
    later: Day


class Undo(Word):
    """A person's wish to take back what was told with a revision."""

    told_revision: int
    by: str
    request: str
    moves: tuple[AppliedMove, ...]


def undo(state: State, command: Undo, context: Context, revision: int) -> LaunchesChanged:
    """Take back the moves of one decision, all of them or none, told as `undone`.

    A launch whose own features speak against the old date goes back as well, as it stood before, with a conflict.

    Raises:
        RefusedError: it is no longer possible; says why.
    """
    if not command.moves:
        raise RefusedError(f"revision {command.told_revision} moved no launch from one date to another")
    against = _reasons_not_to_undo(state, command.moves, context)
    if against:
        raise RefusedError(f"it can no longer be undone: {'; '.join(dict.fromkeys(against))}")
    what = f"undid what was decided with revision {command.told_revision}"
    cause = cause_of(command.by, command.request, what, str(command.told_revision), context)
    about = DecisionContext(state, context, revision, state.features, cause)
    decisions = []
    for move in command.moves:
        launch = state.launches[move.launch]
        before = launch.snapshot
        after = place(before, features_of(before, state.features), Placement(move.earlier), context)
        cost = context.policy.objective.price(after, move.later, context.today)
        option = Option(action="move", detail=f"Move it to {move.later} after all.", cost=cost)
        conflicts = _broken_rules(launch.model_copy(update={"snapshot": after}), option, about)
        why = explain(cause, (), before, after, (Link(launch=launch.id, detail=cause.summary),))
        decisions.append(LaunchDecision(launch, after, why, conflicts, undone=True))
    moved = frozenset(move.launch for move in command.moves)
    return decide(about, about.plan_request(touched=moved, left_alone=moved), decided=decisions)


# ---- what speaks against a date


def _broken_rules(launch: Launch, option: Option, about: DecisionContext) -> tuple[Conflict, ...]:
    """What speaks against the date that the launch keeps, by its own rules."""
    snapshot = launch.snapshot
    situation = situation_of(snapshot, features_of(snapshot, about.view), about.context)
    against = violations(situation, snapshot.date, about.context.calendar) if snapshot.date else []
    return _conflicts(launch, {rule.constraint: rule.detail for rule in against}, option)


def _crowded(launch: Launch, option: Option, about: DecisionContext) -> tuple[Conflict, ...]:
    """What the launch takes from others on the date that it keeps, after its needs have changed."""
    snapshot = launch.snapshot
    reasons = crowding(Spot(snapshot, snapshot.date), about.state.board(about.context)) if snapshot.date else []
    planned = {reason.constraint: reason.detail for reason in reasons if reason.constraint in ROOM}
    return _conflicts(launch, planned, option)


def _conflicts(launch: Launch, rules: Mapping[str, str], option: Option) -> tuple[Conflict, ...]:
    return tuple(
        Conflict(launch=launch.id, constraint=rule, detail=detail, options=(option,)) for rule, detail in rules.items()
    )


def reasons_not_to(state: State, moves: Sequence[ProposedMove], context: Context) -> list[str]:
    """Why the moves are no longer possible as they were proposed, all of them together."""
    found: list[str] = []
    situations = {}
    for move in moves:
        launch = state.launches[move.launch]
        snapshot = launch.snapshot
        situations[move.launch] = situation_of(snapshot, features_of(snapshot, state.features), context)
        if snapshot.date != move.earlier_date or not launch.is_open or snapshot.pin or move.later_date is None:
            found.append(f"{snapshot.name} is {snapshot.state}, on {snapshot.date}")
        else:
            broken = violations(situations[move.launch], move.later_date, context.calendar)
            found += [violation.detail for violation in broken]
    if found:
        return found
    days = {move.launch: move.later_date for move in moves}
    asked = {move.launch: move.earlier_date for move in moves}
    plan = CheckedPlan(Shapes(state, {}), state.standing, days, asked, situations=situations)
    return _crowds_of(state, days, context) or _refusals(plan, context)


def _crowds_of(state: State, days: Mapping[LaunchId, Day | None], context: Context) -> list[str]:
    """What the rules between launches have against these days, all of them together."""
    board = replace(state.board(context), moved=days)
    spots = [Spot(state.launches[name].snapshot, day) for name, day in sorted(days.items()) if day]
    return [violation.detail for spot in spots for violation in crowding(spot, board)]


def _reasons_not_to_undo(state: State, moves: Sequence[AppliedMove], context: Context) -> list[str]:
    """Why the launches cannot all go back. What features say against an old date is told as a conflict instead."""
    found = []
    for move in moves:
        launch = state.launches[move.launch]
        snapshot = launch.snapshot
        if snapshot.date != move.later or not launch.is_open:
            found.append(f"{snapshot.name} is {snapshot.state}, on {snapshot.date}, and not on {move.later} any more")
        elif snapshot.pin:
            found.append(f"{snapshot.name} is pinned")
        elif move.earlier <= context.today:
            found.append(f"{move.earlier} has passed")
    if found:
        return found
    back = {move.launch: move.earlier for move in moves}
    for move in moves:
        snapshot = state.launches[move.launch].snapshot
        broken = of_day(move.earlier, tier_of(snapshot), snapshot.regions, context.calendar)
        found += [violation.detail for violation in broken if violation.constraint != SOFT]
    plan = CheckedPlan(Shapes(state, {}), state.standing, back, undone=back.keys())
    return found + _crowds_of(state, back, context) or _refusals(plan, context)


def _refusals(plan: CheckedPlan, context: Context) -> list[str]:
    """What the catalogue of rules has against the plan as a whole, in sentences."""
    return [f"{broken.rule}: {broken.detail}" for broken in check_plan(plan, context.calendar, context.today)]
