"""Dates for all that ask for one, and for those that make room: the one door of scheduling, read from top to bottom.

Each launch's own rules (single.py) say where it must go at least; where the policy binds launches to each other, the
engine finds where they all fit with the fewest moves (draft.py), and what of that waits for a person becomes proposals.
Whom trains and audiences (holding.py) want later is asked for again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.approval import ProposalText, become, days_of, to_proposal
from services.launch.domain.scheduling.draft import draft_plan
from services.launch.domain.scheduling.holding import find_later
from services.launch.domain.scheduling.request import DateRequest, Placement, Placements, PlanDraft, PlanRequest
from services.launch.domain.scheduling.single import date_alone
from shared.contracts.launch import LaunchKind, Proposal
from shared.contracts.words import LaunchId

MOST_ROUNDS = 12
"""How often whom trains and audiences want later is asked for again."""


def schedule(requests: Sequence[DateRequest], plan_request: PlanRequest) -> Placements:
    """A date for every launch asked for, and for those that must make room; each on its own if nothing binds them."""
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


def _plan(asked: Mapping[LaunchId, DateRequest], request: PlanRequest) -> Placements:
    if request.context.policy.binds:
        return _plan_together(asked, request)
    return Placements({launch: date_alone(wanted, request.context) for launch, wanted in asked.items()})


def _plan_together(requests: Mapping[LaunchId, DateRequest], request: PlanRequest) -> Placements:
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
