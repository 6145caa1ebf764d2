"""The course of every decision, whoever spoke: reshape, tier, schedule, approve, announce. Read it from top to bottom.

A speaker (the files beside) says what is asked: which launches, what each shall be but for its date, and what else is
to be said of them. What follows for dates, for other launches, for proposals and conflicts is the same for all.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.conflicts import apply_audience_conflicts, apply_tier_budget
from services.launch.domain.decisions.message import (
    DecisionContext,
    LaunchDecision,
    build_message,
    explain,
    leave_as_it_is,
)
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import OPEN_STATES, Launch, carry, derive, tier_of
from services.launch.domain.rules.lead import compressed, days_of, last_days, out_of_reach, ready_on
from services.launch.domain.scheduling.remedies import find_relief
from services.launch.domain.scheduling.request import DateRequest, Placement, Placements, PlanRequest
from services.launch.domain.scheduling.schedule import schedule
from services.launch.domain.tiers import RETIER, Settled, derive_proposal_id, settle_by_person
from shared.contracts.feature import FeatureChange
from shared.contracts.launch import (
    LaunchesChanged,
    LaunchKind,
    LaunchSnapshot,
    LaunchState,
    Link,
    Opportunity,
    Proposal,
    ProposedMove,
)
from shared.contracts.words import LaunchId

NOTES_ONLY = "T4"

PIN_HOLDS = "A pin holds the date all the same, as a conflict that everybody sees"


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What a speaker asks for one launch: what it shall be but for its date, and what else is to be said of it."""

    launch: Launch | None
    """None: a new one."""
    shape: LaunchSnapshot
    features: Sequence[KnownFeature]
    date: DateRequest | None = None
    """How it asks for a date; None: it keeps that of its shape, or has the `placement`."""
    placement: Placement | None = None
    before: Sequence[KnownFeature] | None = None
    """Its features as they were; None: as they are."""
    heard: Sequence[FeatureChange] = ()
    settled: Settled | None = None
    """What its tier settled to by itself, which a person may be asked to change."""
    links: tuple[Link, ...] = ()
    """What is said before the rules that decided its date."""
    kinds: tuple[LaunchKind, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    insists: bool = False
    """A person gives its date: that one, or none of it happens. Others make room where the cheapest plan says so."""
    off: bool = False
    """A person calls it off."""
    anew: bool = True
    """Its state and train follow from its date also where that stays."""
    warns: bool = True
    """Whether teams that lose lead are warned, and a change of its tier is proposed or no longer."""
    reminds: bool = False
    """The clock has woken it: what must begin today is said, and it is told of in any case."""
    may_be_earlier: bool = False
    """Whether something happened that could make an earlier date possible."""


def decide(
    about: DecisionContext,
    plan: PlanRequest,
    requests: Sequence[LaunchRequest] = (),
    decided: Sequence[LaunchDecision] = (),
    woken: Sequence[Launch] = (),
) -> LaunchesChanged:
    """Decide on what is asked. `decided` needs no date any more; `woken` are told of even if nothing happens to them.

    Raises:
        RefusedError: a person insists on a date that a launch cannot have.
    """
    placements = schedule([request.date for request in requests if request.date], plan)
    found = {decision.after.id: decision for decision in decided}
    for request in requests:
        found[request.shape.id] = _decide_on(request, placements.asked.get(request.shape.id), about)
    for launch in woken:
        if launch.id not in placements.others:
            as_it_is = leave_as_it_is(launch, about.cause, (), (), launch.conflicts)
            found[launch.id] = replace(as_it_is, always=True)
    for name, decision in _move_others(placements, about):
        found.setdefault(name, decision)
    for opportunity in placements.opportunities:
        known = about.state.launches[opportunity.launch]
        as_it_is = LaunchDecision(known, known.snapshot, (), known.conflicts)
        found[known.id] = replace(found.get(known.id, as_it_is), opportunity=opportunity)
    decisions = list(_tell_proposals([found[name] for name in sorted(found)], placements))
    decisions += _relieve(decisions, about) if about.state.cramped else []
    decisions = apply_tier_budget(decisions, about)
    decisions = apply_audience_conflicts(decisions, about)
    return build_message(about, decisions)


# ---- reshape: what a launch is but for its date


def blank(launch: LaunchId) -> LaunchSnapshot:
    """A launch of which nothing is known yet."""
    return LaunchSnapshot(
        id=launch,
        name="",
        market_tier="T4",
        internal_tier="T4",
        tier_reason="",
        state="planned",
        date=None,
        features=(),
        revision=0,
    )


def reshape(
    snapshot: LaunchSnapshot,
    features: Sequence[KnownFeature],
    by_hand: Collection[str],
    context: Context,
    settled: Settled | None = None,
) -> LaunchSnapshot:
    """The launch with what its features give now, and the tiers `settled` for it; a person's own words stay."""
    derived = {name: value for name, value in derive(features).items() if name not in by_hand}
    active = [feature.snapshot for feature in features if not feature.is_cancelled]
    if active:
        present = snapshot.market_tier if snapshot.revision else None
        derived |= (settled or settle_by_person(snapshot, active, context.calendar, present)).fields()
    return snapshot.model_copy(update={**derived, "features": tuple(carry(feature) for feature in features)})


def is_worth_telling(snapshot: LaunchSnapshot, features: Sequence[KnownFeature], by_hand: Collection[str]) -> bool:
    """Whether there is a launch at all: something to tell, and loud enough, or chosen by a person."""
    loud = tier_of(snapshot) != NOTES_ONLY
    return any(not feature.is_cancelled for feature in features) and (loud or "features" in by_hand)


def call_off(snapshot: LaunchSnapshot) -> LaunchSnapshot:
    """The launch as one that does not come."""
    return snapshot.model_copy(update={"state": "cancelled", "waits_for": None, "train": None})


# ---- one launch: its date, its state, and what teams and persons must know of it


def _decide_on(request: LaunchRequest, placement: Placement | None, about: DecisionContext) -> LaunchDecision:
    launch, shape, context = request.launch, request.shape, about.context
    placement = placement or request.placement
    placement = placement or Placement(shape.date, shape.waits_for, conflicts=launch.conflicts if launch else ())
    if request.insists and request.date and placement.date != request.date.date:
        sentences = "; ".join(dict.fromkeys(link.detail for link in placement.links)) or "there is no room"
        raise RefusedError(f"{sentences}. {PIN_HOLDS}", "$.date")
    after = shape
    if request.anew or placement.date != shape.date:
        after = place(shape, request.features, placement, context)
    if request.off:
        after = call_off(after)
    links, kinds, proposals = list(placement.links), list(request.kinds), list(request.proposals)
    if request.warns:
        ready = (ready_on(request.features if request.before is None else request.before), ready_on(request.features))
        ahead = launch.snapshot if launch and launch.snapshot.state in OPEN_STATES else None
        lost = list(compressed(ahead, after, ready, context.calendar, context.today))
        links += lost
        kinds += [LaunchKind.LEAD_TIME_AT_RISK] if lost else []
        change = _propose_tier(request, after, context)
        if change:
            proposals.append(change[0])
            kinds.append(change[1])
            links += change[2]
    begins = tuple(last_days(after, context.calendar, context.today)) if request.reminds else ()
    kinds = [*([LaunchKind.LEAD_TIME_AT_RISK] if begins else []), *kinds]
    links = [*request.links, *links, *begins]
    return LaunchDecision(
        launch=launch,
        after=after,
        why=explain(about.cause, request.heard, launch.snapshot if launch else None, after, links),
        conflicts=() if after.state == "cancelled" else placement.conflicts,
        undone=placement.undone,
        opportunity=_opportunity(after, placement, context) if request.may_be_earlier else None,
        kinds=tuple(dict.fromkeys(kinds)),
        proposals=tuple(proposals),
        always=request.reminds,
    )


def place(
    shape: LaunchSnapshot, features: Sequence[KnownFeature], placement: Placement, context: Context
) -> LaunchSnapshot:
    """The launch on the date that was found for it, with the state and the train that follow."""
    tier = tier_of(shape)
    day = placement.date
    return shape.model_copy(
        update={
            "date": day,
            "waits_for": placement.waits_for,
            "train": day if day and context.calendar.rides(tier, day) else None,
            "state": _state_of(shape, features, day, context),
        }
    )


def _state_of(
    snapshot: LaunchSnapshot, features: Sequence[KnownFeature], day: date | None, context: Context
) -> LaunchState:
    """The state of a launch ahead: held while a feature is paused, once all are live, or when its pin was missed."""
    active = [feature for feature in features if not feature.is_cancelled]
    if any(feature.snapshot.status == "paused" for feature in active):
        return "held"
    if day and (all(feature.is_shipped for feature in active) or day <= context.today):
        return "held"
    return "announced" if snapshot.state == "announced" else "planned"


def _opportunity(after: LaunchSnapshot, placement: Placement, context: Context) -> Opportunity | None:
    """What an earlier target would allow, and for which team's work it is too late then; nothing moves by itself."""
    if not (placement.earliest and after.date and placement.earliest < after.date):
        return None
    days = (after.date - placement.earliest).days
    detail = f"{after.name} could launch on {placement.earliest}, {days} days earlier than {after.date}."
    lost = out_of_reach(after, placement.earliest, context.calendar, context.today)
    if lost:
        detail += f" Too late to begin then: {', '.join(f'{activity.name} ({activity.team})' for activity in lost)}."
    return Opportunity(launch=after.id, earliest=placement.earliest, detail=detail)


# ---- tier: what a person is asked


def _propose_tier(
    request: LaunchRequest, after: LaunchSnapshot, context: Context
) -> tuple[Proposal, LaunchKind, tuple[Link, ...]] | None:
    """The change of a launch's tier that a person shall decide on, or the one that is no longer asked for."""
    launch, settled = request.launch, request.settled
    if launch is None:
        return None
    wanted = _change_of_tier(launch, settled, context) if settled and settled.ask else None
    if wanted and (launch.asked is None or launch.asked.hash != wanted.hash):
        link = Link(launch=launch.id, constraint="tier", detail=wanted.summary)
        return wanted, LaunchKind.PROPOSAL_OPENED, (link,)
    if launch.asked and launch.asked.state == "open" and not wanted and (settled or after.override):
        closed = launch.asked.model_copy(update={"state": "superseded", "reason": after.tier_reason})
        return closed, LaunchKind.PROPOSAL_SUPERSEDED, ()
    return None


def _change_of_tier(launch: Launch, settled: Settled, context: Context) -> Proposal:
    """Why, what of the started work stays, and which date the leads allow."""
    snapshot, computed = launch.snapshot, settled.computed
    target = snapshot.model_copy(update={"market_tier": computed.market, "internal_tier": computed.internal})
    outside = f"{snapshot.market_tier} would become {computed.market}"
    parts = [f"{snapshot.name}: {outside}, inside {snapshot.internal_tier} {computed.internal}", settled.kept]
    activities = {activity.id: activity for activity in context.policy.activities}
    done = {completed.activity: activities.get(completed.activity) for completed in snapshot.completed}
    spare = [activity.name for activity in done.values() if activity and days_of(activity, target) is None]
    if spare:
        parts.append(f"done already and no longer asked for: {', '.join(spare)}; say what to keep")
    feasible = None
    if target.date:
        asked = [days_of(activity, target) or 0 for name, activity in activities.items() if name not in done]
        first = context.calendar.after_working_days(context.today, max([0, *asked]), target.regions)
        feasible = max(target.date, first)
        if feasible > target.date:
            lead = f"with the lead times of {target.market_tier}"
            parts.append(f"{lead} the earliest day is {feasible}, not {target.date}")
    move = ProposedMove(
        launch=launch.id,
        earlier_date=snapshot.date,
        later_date=feasible,
        detail=f"{snapshot.market_tier} to {computed.market}",
    )
    return Proposal(
        id=derive_proposal_id(launch, settled),
        kind=RETIER,
        summary="; ".join((*parts, computed.reason.rstrip("."))) + ".",
        moves=(move,),
        because=(settled.kept,),
        hash=f"{computed.market}/{computed.internal}",
    )


# ---- other launches: who moved too, whose proposals changed, who has room again


def _move_others(placements: Placements, about: DecisionContext) -> Iterator[tuple[LaunchId, LaunchDecision]]:
    """The launches that moved with those asked for, and those of which a proposal speaks."""
    launches = about.state.launches
    extra = {
        name: Placement(launch.snapshot.date, launch.snapshot.waits_for, conflicts=launch.conflicts)
        for name in placements.kinds
        if (launch := launches.get(name))
    }
    for name, placement in {**extra, **placements.others}.items():
        launch = launches[name]
        before = after = launch.snapshot
        if before.date != placement.date:
            after = place(before, features_of(before, about.view), placement, about.context)
        why = explain(about.cause, about.named, before, after, placement.links)
        yield name, LaunchDecision(launch, after, why, placement.conflicts, placement.undone)


def _tell_proposals(decisions: Iterable[LaunchDecision], placements: Placements) -> Iterator[LaunchDecision]:
    """The decisions, each with what became of proposals about it; the first of these launches carries them all."""
    rest = tuple(placements.proposals)
    for decision in decisions:
        kinds = placements.kinds.get(decision.after.id, ())
        if not kinds:
            yield decision
            continue
        links = []
        for proposal in placements.proposals:
            if any(move.launch == decision.after.id for move in proposal.moves):
                told = f"waits for a person: {', '.join(proposal.because)}"
                told = told if proposal.state == "open" else f"is {proposal.state}"
                detail = f"{proposal.summary} ({proposal.id}) {told}"
                links.append(Link(launch=decision.after.id, constraint="approval", detail=detail))
        telling = decision.saying(links, decision.conflicts)
        yield replace(telling, kinds=(*decision.kinds, *kinds), proposals=(*decision.proposals, *rest))
        rest = ()


def _relieve(decisions: Sequence[LaunchDecision], about: DecisionContext) -> list[LaunchDecision]:
    """Launches for which there is room again where they stand."""
    relieved = []
    shapes = {decision.after.id: decision.after for decision in decisions}
    for name, left in find_relief(about.state, shapes, about.context).items():
        launch = about.state.launches[name]
        gone = next(conflict.constraint for conflict in launch.conflicts if conflict not in left)
        link = Link(launch=name, constraint=gone, detail=f"there is room for {launch.snapshot.name} again")
        relieved.append(leave_as_it_is(launch, about.cause, about.named, (link,), left))
    return relieved
