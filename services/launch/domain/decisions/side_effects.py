"""The budget of the loudest tier over what is decided: an excess opens a conflict, its end closes it.

Changes no tier and no date: persons choose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.context import Context
from services.launch.domain.decisions.audience_conflicts import apply_audience_conflicts
from services.launch.domain.decisions.message import DecisionContext, Draft
from services.launch.domain.decisions.shape import place
from services.launch.domain.feature import features_of
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.policy import Budget
from services.launch.domain.reasons import explain
from services.launch.domain.rules.budget import BUDGET, BudgetCandidate, is_same_choice, over_budget
from services.launch.domain.rules.lead import compressed, days_of
from services.launch.domain.scheduling.remedies import find_relief
from services.launch.domain.scheduling.request import Placement, Placements
from services.launch.domain.tiers.retiering import RETIER, Settled, derive_proposal_id
from services.launch.domain.tiers.scoring import score, values_of
from shared.contracts.launch import Conflict, LaunchKind, LaunchSnapshot, Link, Proposal, ProposedMove
from shared.contracts.words import LaunchId


def apply_tier_budget(drafts: Sequence[Draft], decision: DecisionContext) -> list[Draft]:
    """The drafts with what the budget says, and those of launches that only the budget concerns."""
    budget = decision.context.policy.budget
    if budget is None or not any(_concerns(draft, budget) for draft in drafts):
        return list(drafts)
    shapes = {draft.after.id: draft.after for draft in drafts}
    others = [decision.state.launches[name] for name in sorted(decision.state.ahead[budget.tier] - shapes.keys())]
    candidates = [_candidate(one, decision, budget) for one in (*shapes.values(), *(one.snapshot for one in others))]
    over = over_budget([one for one in candidates if one], budget)
    weighed = [_with(draft, over.get(draft.after.id)) for draft in drafts]
    weighed += [draft for launch in others if (draft := _beside(launch, over.get(launch.id), decision))]
    return sorted(weighed, key=lambda draft: draft.after.id)


def _concerns(draft: Draft, budget: Budget) -> bool:
    before = draft.launch.snapshot if draft.launch else None
    return draft.after.market_tier == budget.tier or (before is not None and before.market_tier == budget.tier)


def _candidate(one: LaunchSnapshot, decision: DecisionContext, budget: Budget) -> BudgetCandidate | None:
    if one.date is None or one.market_tier != budget.tier or one.state not in OPEN_STATES:
        return None
    features = [decision.view[part.id].snapshot for part in one.features if part.id in decision.view]
    points = max((score(values_of(feature), decision.context.policy) for feature in features), default=0)
    return BudgetCandidate(one.id, one.name, one.date, points)


def _with(draft: Draft, over: Conflict | None) -> Draft:
    known = draft.launch.conflicts if draft.launch else ()
    conflicts = _merge(draft.conflicts, known, over)
    if conflicts == draft.conflicts:
        return draft
    links = (_link(over),) if over and over in conflicts else ()
    return replace(draft, conflicts=conflicts, why=(*draft.why[:-1], *links, *draft.why[-1:]))


def _merge(conflicts: Sequence[Conflict], known: Sequence[Conflict], over: Conflict | None) -> tuple[Conflict, ...]:
    others = tuple(one for one in conflicts if one.constraint != BUDGET)
    if over is None:
        return others
    same = next((one for one in known if one.constraint == BUDGET and is_same_choice(one, over)), over)
    return (*others, same)


def _beside(launch: Launch, over: Conflict | None, decision: DecisionContext) -> Draft | None:
    """A launch that nothing else happened to but that is over the budget now, or no longer."""
    conflicts = _merge(launch.conflicts, launch.conflicts, over)
    if set(conflicts) == set(launch.conflicts):
        return None
    links = (_link(over),) if over else (Link(launch=launch.id, constraint=BUDGET, detail="within the budget again"),)
    one = launch.snapshot
    return Draft(launch, one, explain(decision.cause, decision.named, one, one, links), conflicts)


def _link(over: Conflict) -> Link:
    return Link(launch=over.launch, constraint=BUDGET, detail=over.detail)


@dataclass(frozen=True, slots=True)
class LeadWarnings:
    """What is to be added to a decision about one launch."""

    links: tuple[Link, ...] = ()
    kinds: tuple[LaunchKind, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def collect_lead_warnings(
    launch: Launch | None,
    after: LaunchSnapshot,
    settled: Settled | None,
    ready: tuple[date | None, date | None],
    context: Context,
) -> LeadWarnings:
    """What to add; `ready` is when the launch's features were and are ready."""
    before = launch.snapshot if launch and launch.snapshot.state in OPEN_STATES else None
    links = tuple(compressed(before, after, ready, context.calendar, context.today))
    kinds = (LaunchKind.LEAD_TIME_AT_RISK,) if links else ()
    if launch is None:
        return LeadWarnings(links, kinds)
    asked = _propose_tier(launch, settled, context) if settled and settled.ask else None
    if asked and not _is_asked_already(launch, asked):
        link = Link(launch=launch.id, constraint="tier", detail=asked.summary)
        return LeadWarnings((*links, link), (*kinds, LaunchKind.PROPOSAL_OPENED), (asked,))
    if launch.asked and launch.asked.state == "open" and not asked and (settled or after.override):
        closed = launch.asked.model_copy(update={"state": "superseded", "reason": after.tier_reason})
        return LeadWarnings(links, (*kinds, LaunchKind.PROPOSAL_SUPERSEDED), (closed,))
    return LeadWarnings(links, kinds)


def _propose_tier(launch: Launch, settled: Settled, context: Context) -> Proposal:
    """A change of tier for a person to decide: why, what of the started work stays, which date the leads allow."""
    one, computed = launch.snapshot, settled.computed
    target = one.model_copy(update={"market_tier": computed.market, "internal_tier": computed.internal})
    parts = (
        f"{one.name}: {one.market_tier} would become {computed.market}, inside {one.internal_tier} {computed.internal}",
        settled.kept,
        *_effects(one, target, context),
        computed.reason.rstrip("."),
    )
    feasible = _feasible(target, context)
    detail = f"{one.market_tier} to {computed.market}"
    move = ProposedMove(launch=launch.id, earlier_date=one.date, later_date=feasible, detail=detail)
    return Proposal(
        id=derive_proposal_id(launch, settled),
        kind=RETIER,
        summary="; ".join(parts) + ".",
        moves=(move,),
        because=(settled.kept,),
        hash=f"{computed.market}/{computed.internal}",
    )


def _effects(one: LaunchSnapshot, target: LaunchSnapshot, context: Context) -> Iterator[str]:
    activities = {activity.id: activity for activity in context.policy.activities}
    spare = [
        activities[done.activity].name
        for done in one.completed
        if done.activity in activities and days_of(activities[done.activity], target) is None
    ]
    if spare:
        yield f"done already and no longer asked for: {', '.join(spare)}; say what to keep"
    feasible = _feasible(target, context)
    if feasible and one.date and feasible > one.date:
        yield f"with the lead times of {target.market_tier} the earliest day is {feasible}, not {one.date}"


def _feasible(target: LaunchSnapshot, context: Context) -> date | None:
    """The launch's date, or the first day on which every activity that is not done can still be begun in time."""
    if target.date is None:
        return None
    done = {one.activity for one in target.completed}
    asked = {one.id: days_of(one, target) or 0 for one in context.policy.activities}
    longest = max((days for name, days in asked.items() if name not in done), default=0)
    return max(target.date, context.calendar.after_working_days(context.today, max(0, longest), target.regions))


def _is_asked_already(launch: Launch, asked: Proposal) -> bool:
    """Whether the same change waits already; another day or other words do not make it another one."""
    return launch.asked is not None and launch.asked.hash == asked.hash


def collect_side_effects(drafts: Sequence[Draft], placements: Placements, decision: DecisionContext) -> list[Draft]:
    """All drafts of a decision: those given, those of launches that moved with them, each with its proposals."""
    state = decision.state
    found = {draft.after.id: draft for draft in drafts}
    extra = {
        **{one: _as_it_is(state.launches[one]) for one in placements.kinds if one in state.launches},
        **placements.others,
    }
    for launch, placement in extra.items():
        if launch not in found:
            found[launch] = _draft(state.launches[launch], placement, decision)
    for opening in placements.opportunities:
        known = state.launches[opening.launch]
        as_it_is = Draft(known, known.snapshot, (), known.conflicts)
        found[known.id] = replace(found.get(known.id, as_it_is), opportunity=opening)
    listed = [_with_kinds(found[one], placements) for one in sorted(found)]
    first = next((at for at, draft in enumerate(listed) if draft.after.id in placements.kinds), None)
    if first is not None:
        listed[first] = replace(listed[first], proposals=(*listed[first].proposals, *placements.proposals))
    return apply_audience_conflicts(apply_tier_budget([*listed, *_relieved(listed, decision)], decision), decision)


def _relieved(drafts: Sequence[Draft], decision: DecisionContext) -> Iterator[Draft]:
    """Launches for which there is room again where they stand."""
    shapes = {draft.after.id: draft.after for draft in drafts}
    for name, left in find_relief(decision.state, shapes, decision.context).items():
        launch = decision.state.launches[name]
        one = launch.snapshot
        gone = next(each.constraint for each in launch.conflicts if each not in left)
        link = Link(launch=name, constraint=gone, detail=f"there is room for {one.name} again")
        yield Draft(launch, one, explain(decision.cause, decision.named, one, one, (link,)), left)


def _as_it_is(launch: Launch) -> Placement:
    return Placement(launch.snapshot.date, launch.snapshot.waits_for, conflicts=launch.conflicts)


def _draft(launch: Launch, placement: Placement, decision: DecisionContext) -> Draft:
    before = launch.snapshot
    after = before
    if before.date != placement.date:
        after = place(before, features_of(before, decision.view), placement, decision.context)
    why = explain(decision.cause, decision.named, before, after, placement.links)
    return Draft(launch, after, why, placement.conflicts, placement.undone)


def _with_kinds(draft: Draft, placements: Placements) -> Draft:
    kinds = placements.kinds.get(draft.after.id, ())
    if not kinds:
        return draft
    links = tuple(_links(draft.after.id, placements.proposals))
    return replace(draft, kinds=(*draft.kinds, *kinds), why=(*draft.why[:-1], *links, *draft.why[-1:]))


def _links(launch: LaunchId, proposals: Sequence[Proposal]) -> Iterator[Link]:
    for one in proposals:
        if any(move.launch == launch for move in one.moves):
            told = {"open": f"waits for a person: {', '.join(one.because)}"}.get(one.state, f"is {one.state}")
            yield Link(launch=launch, constraint="approval", detail=f"{one.summary} ({one.id}) {told}")
