"""Dates for all that ask for one, and for those that make room: the one door of scheduling, read from top to bottom.

Each launch's own rules (single.py) say where it must go at least; where the policy binds launches to each other, the
engine finds where they all fit with the fewest moves (draft.py), and what of that waits for a person becomes proposals.
Whom trains and audiences (holding.py) want later is asked for again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.draft import draft_plan
from services.launch.domain.scheduling.holding import find_later
from services.launch.domain.scheduling.parts import ProposalText, become, days_of, moved_ids, to_proposal
from services.launch.domain.scheduling.request import (
    DateRequest,
    Placement,
    Placements,
    PlanDraft,
    PlanRequest,
    Shapes,
)
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


def _plan_together(wanted: Mapping[LaunchId, DateRequest], request: PlanRequest) -> Placements:
    """Dates for these launches and for those that make room for them; open proposals about them are made again."""
    asked = dict(wanted)
    touched: dict[str, Proposal] = {}
    while True:
        fresh = _touched(asked.keys() | request.gone | request.touched, request.state, touched)
        touched |= fresh
        for launch in sorted({move.launch for one in fresh.values() for move in one.moves} - asked.keys()):
            revived = request.ask_again(request.state.launches[launch])
            asked |= {launch: revived} if revived else {}
        work = draft_plan(asked, request, touched)
        if not _touched(moved_ids(work.parts), request.state, touched):
            return _told(work, request, touched)
        asked |= {one: again for one in sorted(moved_ids(work.parts)) if (again := _again(one, asked, request))}


def _again(launch: LaunchId, asked: Mapping[LaunchId, DateRequest], request: PlanRequest) -> DateRequest | None:
    return None if launch in asked else request.ask_again(request.state.launches[launch])


def _touched(launches: Iterable[LaunchId], state: State, known: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Open proposals that speak of one of these launches."""
    names = set(launches)
    return {
        one.id: one
        for one in state.proposals.values()
        if one.id not in known and any(move.launch in names for move in one.moves)
    }


def _told(work: PlanDraft, request: PlanRequest, touched: Mapping[str, Proposal]) -> Placements:
    placements = Placements(openings=work.openings)
    for launch, wanted in work.wanted.items():
        placement = work.alone[launch]
        day = work.days[launch]
        waits = placement.waits_for or (None if day else "no day up to the horizon is free")
        links = (*placement.links, *work.steps.get(launch, ()))
        conflicts = (*placement.conflicts, *work.conflicts.get(launch, ()))
        placements.asked[launch] = replace(
            placement, date=day, waits_for=waits, links=links, conflicts=conflicts, earliest=work.earliest.get(launch)
        )
        if day == wanted.date:
            placements.asked[launch] = replace(placements.asked[launch], undone=False)
    others = {*moved_ids(work.parts), *work.taken_back, *work.conflicts} - work.wanted.keys()
    for launch in sorted(others):
        known = request.state.launches[launch]
        conflicts = tuple(work.conflicts.get(launch, known.conflicts))
        day = work.days.get(launch, known.snapshot.date)
        undone = launch in work.taken_back
        placements.others[launch] = Placement(day, None, work.steps.get(launch, ()), conflicts, undone=undone)
    _propose(work, request, touched, placements)
    return placements


def _propose(work: PlanDraft, request: PlanRequest, touched: Mapping[str, Proposal], placements: Placements) -> None:
    """Open and supersede; a proposal that would say the same stays as it is."""
    waiting = [part for part in work.parts if part.because]
    shapes = Shapes(request.state, work.wanted)
    alone = {name: placement.links for name, placement in work.alone.items()}
    sentences = {
        name: tuple(link.detail for link in (*alone.get(name, ()), *links)) for name, links in work.steps.items()
    }
    same = set()
    for number, part in enumerate(waiting, 1):
        placements.awaited |= {move.launch: move.after for move in part.moves}
        told = ProposalText(request.revision, number, work.arranged.stage, shapes, sentences)
        proposal = to_proposal(part, told)
        old = next((one for one in touched.values() if days_of(one) == days_of(proposal)), None)
        if old:
            same.add(old.id)
        else:
            placements.say(proposal, LaunchKind.PROPOSAL_OPENED)
    for old in touched.values():
        if old.id not in same:
            placements.say(
                become(old, "superseded", f"replaced with revision {request.revision}"), LaunchKind.PROPOSAL_SUPERSEDED
            )
