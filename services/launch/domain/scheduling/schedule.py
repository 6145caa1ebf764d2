"""Dates for all that ask for one, and for those that make room: the one door of scheduling, read from top to bottom.

Each launch's own rules (single.py) say where it must go at least; the engine finds where they all fit with the fewest
moves (draft.py), and what of that waits for a person becomes proposals.
Who would ride a train too weak to leave is asked for again, not before the next one. What cannot be held (pinned, near,
no day free) stays, and is told as a conflict (decisions/conflicts.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from services.launch.domain.calendar import ONE_DAY
from services.launch.domain.feature import features_of
from services.launch.domain.launch import tier_of
from services.launch.domain.portfolio import State
from services.launch.domain.rules.train import WEAK, Rider, can_be_weak, counts, is_settled, left_behind, segments_of
from services.launch.domain.scheduling.approval import ProposalText, become, days_of, to_proposal
from services.launch.domain.scheduling.draft import draft_plan
from services.launch.domain.scheduling.request import DateRequest, Floor, Placement, Placements, PlanDraft, PlanRequest
from shared.contracts.launch import LaunchKind, Link, Proposal
from shared.contracts.words import LaunchId

MOST_ROUNDS = 12
"""How often who is left behind by a train is asked for again."""


def schedule(requests: Sequence[DateRequest], plan_request: PlanRequest) -> Placements:
    """A date for every launch asked for, and for those that must make room."""
    if not (requests or plan_request.gone or plan_request.touched):
        return Placements()
    asked = {request.id: request for request in requests}
    placements = _plan(asked, plan_request)
    for _ in range(MOST_ROUNDS):
        later = find_later(asked, placements, plan_request)
        if not later:
            break
        asked |= later
        placements = _plan(asked, plan_request)
    not_asked = placements.asked.keys() - {request.id for request in requests}
    placements.others |= {launch: placements.asked.pop(launch) for launch in sorted(not_asked)}
    return placements


def _plan(requests: Mapping[LaunchId, DateRequest], request: PlanRequest) -> Placements:
    """Dates for these launches and those that make room for them; open proposals about any of them are made again."""
    asked, launches = dict(requests), request.state.launches
    touched: dict[str, Proposal] = {}
    while True:
        fresh = _speak_of(asked.keys() | request.gone | request.touched, request.state, touched)
        touched |= fresh
        _ask_too(asked, {move.launch for proposal in fresh.values() for move in proposal.moves}, request)
        draft = draft_plan(dict(asked), request, touched)
        moved = draft.moved
        if not _speak_of(moved, request.state, touched):
            break
        _ask_too(asked, moved, request)
    placements = Placements(opportunities=draft.opportunities)
    for launch, wanted in draft.asked.items():
        placement, day = draft.alone[launch], draft.days[launch]
        placements.asked[launch] = replace(
            placement,
            date=day,
            waits_for=placement.waits_for or (None if day else "no day up to the horizon is free"),
            links=(*placement.links, *draft.steps.get(launch, ())),
            conflicts=(*placement.conflicts, *draft.conflicts.get(launch, ())),
            earliest=draft.earliest.get(launch),
            undone=placement.undone and day != wanted.date,
        )
    for launch in sorted({*moved, *draft.taken_back, *draft.conflicts} - draft.asked.keys()):
        known = launches[launch]
        conflicts = tuple(draft.conflicts.get(launch, known.conflicts))
        day, undone = draft.days.get(launch, known.snapshot.date), launch in draft.taken_back
        placements.others[launch] = Placement(day, None, draft.steps.get(launch, ()), conflicts, undone=undone)
    _propose(draft, touched, placements)
    return placements


def _speak_of(launches: Iterable[LaunchId], state: State, known: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Open proposals that speak of one of these launches."""
    names = set(launches)
    return {
        proposal.id: proposal
        for proposal in state.proposals.values()
        if proposal.id not in known and any(move.launch in names for move in proposal.moves)
    }


def _ask_too(asked: dict[LaunchId, DateRequest], launches: Iterable[LaunchId], request: PlanRequest) -> None:
    for launch in sorted(set(launches) - asked.keys()):
        again = request.ask_again(request.state.launches[launch])
        if again:
            asked[launch] = again


def _propose(draft: PlanDraft, touched: Mapping[str, Proposal], placements: Placements) -> None:
    """Open and supersede; a proposal that would say the same stays as it is."""
    sentences = {
        launch: tuple(link.detail for link in (*(draft.alone[launch].links if launch in draft.alone else ()), *links))
        for launch, links in draft.steps.items()
    }
    same, revision = set(), draft.request.revision
    for number, part in enumerate((part for part in draft.parts if part.because), 1):
        placements.awaited |= {move.launch: move.after for move in part.moves}
        proposal = to_proposal(part, ProposalText(revision, number, draft.stage, draft.shapes, sentences))
        old = next((old for old in touched.values() if days_of(old) == days_of(proposal)), None)
        if old:
            same.add(old.id)
        else:
            placements.say(proposal, LaunchKind.PROPOSAL_OPENED)
    for old in touched.values():
        if old.id not in same:
            placements.say(
                become(old, "superseded", f"replaced with revision {revision}"), LaunchKind.PROPOSAL_SUPERSEDED
            )


# ---- who must go later: answers with data, nothing is planned here


def find_later(
    asked: Mapping[LaunchId, DateRequest], placements: Placements, request: PlanRequest
) -> dict[LaunchId, DateRequest]:
    """Riders of a train that is about to leave without them, each asked for again not before the next one."""
    state, context, calendar = request.state, request.context, request.context.calendar
    if not can_be_weak(context.policy):
        return {}
    placed = {**placements.asked, **placements.others}
    boarding: dict[date, dict[LaunchId, DateRequest]] = {}
    for name, placement in placed.items():
        known = state.launches.get(name)
        day = placements.awaited.get(name, placement.date)
        if day is None or (name in placements.others and known and day == known.snapshot.date):
            continue
        wanted = asked.get(name) or (request.ask_again(known) if known else None)
        if wanted and calendar.rides(tier_of(wanted.shape), day):
            boarding.setdefault(day, {})[name] = wanted
    gone = {*placements.asked, *(name for riders in boarding.values() for name in riders), *request.gone}
    old = {launch.snapshot.train for name in (*placed, *request.gone) if (launch := state.launches.get(name))}
    later: dict[LaunchId, DateRequest] = {}
    for train in sorted(day for day in {*old, *boarding} if day and is_settled(day, context.today, calendar)):
        stay = state.riders.get(train, set()) - gone
        aboard = {**{name: request.ask_again(state.launches[name]) for name in stay}, **boarding.get(train, {})}
        riders = []
        for name, rider in sorted(aboard.items()):
            shape = rider.shape if rider else state.launches[name].snapshot
            features = rider.situation.features if rider else features_of(shape, state.features)
            waits = rider is not None and _may_wait(rider, train, request)
            riders.append(Rider(name, segments_of(shape), counts(shape, features, context.policy), waits))
        for name, detail in left_behind(riders, train, context.policy).items():
            if rider := aboard[name]:
                link = Link(launch=name, constraint=WEAK, detail=f"{detail}; it goes with the next one")
                later[name] = _not_before(rider, train + ONE_DAY, (link,), by_itself=True)
    return later


def _may_wait(wanted: DateRequest, train: date, request: PlanRequest) -> bool:
    """Whether it can be sent on: free to move, with a next train in time, and not after too many misses."""
    context, known = request.context, request.state.launches.get(wanted.id)
    missed = known.trains_missed if known else 0
    sent_on = wanted.floor is not None and wanted.floor.by_itself
    in_time = context.calendar.next_train(train + ONE_DAY) <= (wanted.shape.not_after or date.max)
    return in_time and not (wanted.pinned or sent_on) and missed < context.policy.trains.misses


def _not_before(wanted: DateRequest, day: date, because: Iterable[Link], *, by_itself: bool = False) -> DateRequest:
    """The launch, asked for not before the day, also for the reasons that it was held back for already."""
    known = wanted.floor
    links = dict.fromkeys((*(known.because if known else ()), *because))
    floor = Floor(day, tuple(links), by_itself or (known is not None and known.by_itself))
    return replace(wanted, floor=floor)
