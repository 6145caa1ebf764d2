"""Dates of launches that share teams, segments, weeks and order: the planner's plan, what of it waits for a person.

Each launch's own rules (S0) say where it must go at least; the engine finds where they all fit with the fewest moves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.planning.attempt import attempt
from services.launch.domain.planning.parts import moved_ids
from services.launch.domain.planning.proposing import Telling, become, days_of, to_proposal
from services.launch.domain.planning.words import Alone, Attempt, Dated, Planned, Shapes, Table, Wanted
from services.launch.domain.state import State
from shared.contracts.launch import LaunchKind, Proposal
from shared.contracts.words import LaunchId


def plan_together(wanted: Sequence[Wanted], alone: Alone, table: Table) -> Planned:
    """Dates for these launches and for those that make room for them."""
    asked = {one.id: one for one in wanted}
    touched: dict[str, Proposal] = {}
    while True:
        fresh = _touched(asked.keys() | table.gone | table.touched, table.state, touched)
        touched |= fresh
        for launch in sorted({move.launch for one in fresh.values() for move in one.moves} - asked.keys()):
            revived = table.revive(table.state.launches[launch])
            asked |= {launch: revived} if revived else {}
        work = attempt(asked, alone, table, touched)
        if not _touched(moved_ids(work.parts), table.state, touched):
            return _told(work, table, touched)
        asked |= {one: again for one in sorted(moved_ids(work.parts)) if (again := _again(one, asked, table))}


def _again(launch: LaunchId, asked: Mapping[LaunchId, Wanted], table: Table) -> Wanted | None:
    return None if launch in asked else table.revive(table.state.launches[launch])


def _touched(launches: Iterable[LaunchId], state: State, known: Mapping[str, Proposal]) -> dict[str, Proposal]:
    """Open proposals that speak of one of these launches."""
    names = set(launches)
    return {
        one.id: one
        for one in state.proposals.values()
        if one.id not in known and any(move.launch in names for move in one.moves)
    }


def _told(work: Attempt, table: Table, touched: Mapping[str, Proposal]) -> Planned:
    planned = Planned(openings=work.openings)
    for launch, wanted in work.wanted.items():
        dated = work.alone[launch]
        day = work.days[launch]
        waits = dated.waits_for or (None if day else "no day up to the horizon is free")
        links = (*dated.links, *work.steps.get(launch, ()))
        conflicts = (*dated.conflicts, *work.conflicts.get(launch, ()))
        planned.dated[launch] = replace(
            dated, date=day, waits_for=waits, links=links, conflicts=conflicts, earliest=work.earliest.get(launch)
        )
        if day == wanted.date:
            planned.dated[launch] = replace(planned.dated[launch], undone=False)
    others = {*moved_ids(work.parts), *work.taken_back, *work.conflicts} - work.wanted.keys()
    for launch in sorted(others):
        known = table.state.launches[launch]
        conflicts = tuple(work.conflicts.get(launch, known.conflicts))
        day = work.days.get(launch, known.snapshot.date)
        undone = launch in work.taken_back
        planned.others[launch] = Dated(day, None, work.steps.get(launch, ()), conflicts, undone=undone)
    _propose(work, table, touched, planned)
    return planned


def _propose(work: Attempt, table: Table, touched: Mapping[str, Proposal], planned: Planned) -> None:
    """Open and supersede; a proposal that would say the same stays as it is."""
    waiting = [part for part in work.parts if part.because]
    shapes = Shapes(table.state, work.wanted)
    alone = {name: dated.links for name, dated in work.alone.items()}
    sentences = {
        name: tuple(link.detail for link in (*alone.get(name, ()), *links)) for name, links in work.steps.items()
    }
    same = set()
    for number, part in enumerate(waiting, 1):
        planned.awaited |= {move.launch: move.after for move in part.moves}
        told = Telling(table.revision, number, work.arranged.stage, shapes, sentences)
        proposal = to_proposal(part, told)
        old = next((one for one in touched.values() if days_of(one) == days_of(proposal)), None)
        if old:
            same.add(old.id)
        else:
            planned.say(proposal, LaunchKind.PROPOSAL_OPENED)
    for old in touched.values():
        if old.id not in same:
            planned.say(
                become(old, "superseded", f"replaced with revision {table.revision}"), LaunchKind.PROPOSAL_SUPERSEDED
            )
