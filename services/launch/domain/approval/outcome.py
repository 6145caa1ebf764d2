"""What messages that were not told would change, summed up: moves with their cost, what waits, what conflicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.launch.domain.decide.scene import Scene
from services.launch.domain.pricing import price
from services.launch.domain.state import State
from shared.contracts.launch import (
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchKind,
    Opportunity,
    Proposal,
)
from shared.contracts.words import LaunchId


@dataclass(frozen=True, slots=True)
class Moving:
    """A launch whose date would be another one; `waits`: a person would have to say so."""

    launch: LaunchId
    name: str
    before: date | None
    after: date | None
    waits: bool
    cost: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be told, move by move, by launch; and what it would cost."""

    moves: tuple[Moving, ...]
    stage: str
    proposals: tuple[Proposal, ...]
    conflicts: tuple[Conflict, ...]
    opportunities: tuple[Opportunity, ...]

    @property
    def cost(self) -> int:
        """Of all moves, by the policy's objective."""
        return sum(one.cost for one in self.moves)


def sum_up(state: State, messages: Sequence[LaunchesChanged], scene: Scene) -> Outcome:
    """What all messages together would make of the state, which is still as it was before the first."""
    proposals = {one.id: one for message in messages for one in message.proposals}
    moves = {one.launch: one for one in (*_moved(messages, scene), *_waiting(state, proposals, scene))}
    return Outcome(
        moves=tuple(_pay_once([moves[name] for name in sorted(moves)], scene)),
        stage=scene.reached if scene.policy.binds else "S0",
        proposals=tuple(proposals.values()),
        conflicts=tuple(one for found in _conflicts(messages).values() for one in found),
        opportunities=tuple({one.launch: one for message in messages for one in message.opportunities}.values()),
    )


def _pay_once(moves: Sequence[Moving], scene: Scene) -> Iterator[Moving]:
    """The moves; of a group that moves together the first one pays, as in a plan."""
    group_of = scene.calendar.group_of
    paid = set()
    for one in moves:
        shared = (group_of.get(one.launch, one.launch), one.before, one.after)
        yield replace(one, cost=0) if shared in paid else one
        paid.add(shared)


def differences(one: Outcome, other: Outcome) -> Iterator[tuple[LaunchId, str, date | None, date | None]]:
    """The launches that the one would put on other dates than the other: id, name, the other's date, the one's."""
    ours, theirs = ({move.launch: move for move in each.moves} for each in (one, other))
    for launch, move in sorted({**theirs, **ours}.items()):
        day, instead = (moves[launch].after if launch in moves else move.before for moves in (ours, theirs))
        if day != instead:
            yield launch, move.name, instead, day


def _moved(messages: Sequence[LaunchesChanged], scene: Scene) -> Iterator[Moving]:
    changes: dict[LaunchId, list[LaunchChange]] = {}
    for message in messages:
        for change in message.changes:
            changes.setdefault(change.launch.id, []).append(change)
    for listed in changes.values():
        before, after = listed[0].before, listed[-1].launch
        if before and before.date != after.date:
            last = next(one for one in reversed(listed) if one.before and one.before.date != one.launch.date)
            why = tuple(link.detail for link in last.why)
            cost = price(before, after.date, scene)
            yield Moving(after.id, after.name, before.date, after.date, waits=False, cost=cost, why=why)


def _waiting(state: State, proposals: Mapping[str, Proposal], scene: Scene) -> Iterator[Moving]:
    for move in (move for one in proposals.values() if one.state == "open" for move in one.moves):
        launch = state.launches.get(move.launch)
        if launch and launch.snapshot.date != move.later_date:
            one = launch.snapshot
            cost = price(one, move.later_date, scene)
            yield Moving(one.id, one.name, one.date, move.later_date, waits=True, cost=cost, why=(move.detail,))


def _conflicts(messages: Sequence[LaunchesChanged]) -> dict[LaunchId, list[Conflict]]:
    found: dict[LaunchId, list[Conflict]] = {}
    for message in messages:
        for change in message.changes:
            launch = change.launch.id
            if LaunchKind.CONFLICT_OPENED in change.kinds:
                found[launch] = [one for one in message.conflicts if one.launch == launch]
            elif LaunchKind.CONFLICT_CLOSED in change.kinds:
                found.pop(launch, None)
    return found
