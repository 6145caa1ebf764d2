"""What a person did or the solver found, read off what was told of it, and done again on another state.

An answer to a proposal is given to the one there that moves the same launches, whatever its id is there.
"""

from typing import Any

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.better_plan import adopt_better_plan, read_better
from services.launch.domain.decisions.person import VERBS, Bounding, Edit, Overriding, Waiving, edit
from services.launch.domain.decisions.verdict import REJECTED, AppliedMove, Undo, Verdict, on_verdict, undo
from services.launch.domain.portfolio import State
from shared.contracts.launch import LaunchChange, LaunchesChanged, LaunchKind, Proposal

PERSON = "launch:person:"


def repeat(message: LaunchesChanged, state: State, context: Context, revision: int) -> LaunchesChanged:
    """Do it again.

    Raises:
        RefusedError: it is not allowed there, or nothing there is what it was about.
    """
    spoken = next((one for one in message.changes if one.launch.id == message.cause.source.ref), None)
    command = _edit(message, spoken) if spoken else None
    if command:
        return edit(state, command, context, revision)
    back = [one for one in message.changes if LaunchKind.UNDONE in one.kinds]
    if back:
        return undo(state, _undo(message, back), context, revision)
    answered = next((one for one in message.proposals if one.id == message.cause.source.ref), None)
    if answered is None:
        raise RefusedError("cannot be done again here")
    waiting = _like(state, answered)
    if waiting is None:
        raise RefusedError("nothing waits here that moves the same launches")
    verdict = Verdict(
        proposal=waiting.id,
        by=_actor(message),
        request=_request(message),
        approve=answered.state != REJECTED,
        reason=answered.reason or "",
    )
    return on_verdict(state, verdict, context, revision).message


def improve(message: LaunchesChanged, state: State, context: Context, revision: int) -> LaunchesChanged | None:
    """The better plan that was found for a proposal, for the one that waits there; None if it is no better there."""
    old = next((one for one in message.proposals if one.id == message.cause.source.ref), None)
    waiting = _like(state, old) if old else None
    return adopt_better_plan(state, read_better(message, waiting), context, revision) if waiting else None


def _like(state: State, answered: Proposal) -> Proposal | None:
    """The open proposal of that kind for the same launches."""
    launches = {one.launch for one in answered.moves}
    tiers = (one.asked for one in state.launches.values() if one.asked and one.asked.state == "open")
    for one in (*state.proposals.values(), *tiers):
        if one.kind == answered.kind and {move.launch for move in one.moves} == launches:
            return one
    return None


def _undo(message: LaunchesChanged, back: list[LaunchChange]) -> Undo:
    moves = tuple(
        AppliedMove(launch=one.launch.id, earlier=one.launch.date, later=one.before.date)
        for one in back
        if one.before and one.before.date and one.launch.date
    )
    revision = int(message.cause.source.ref or 0)
    return Undo(told_revision=revision, by=_actor(message), request=_request(message), moves=moves)


def _actor(message: LaunchesChanged) -> str:
    return message.cause.source.actor or "somebody"


def _request(message: LaunchesChanged) -> str:
    return message.cause.id.removeprefix(PERSON)


def _edit(message: LaunchesChanged, change: LaunchChange) -> Edit | None:
    """What a person did, read off its sentence and its result."""
    one = change.launch
    acts = {act for act, verb in VERBS.items() if verb in message.cause.summary}
    given: dict[str, Any] = {name: read(change) for name, read in READ.items() if name in acts}
    if change.before is None:
        given["features"] = tuple(part.id for part in one.features)
    if not given:
        return None
    launch = None if change.before is None else one.id
    return Edit(launch=launch, by=_actor(message), request=_request(message), **given)


def _override(change: LaunchChange) -> Overriding | None:
    one = change.launch.override
    if one is None:
        return None
    return Overriding(
        market=one.market, internal=one.internal, reason=one.reason, approved_by=one.approved_by, until=one.until
    )


def _waive(change: LaunchChange) -> Waiving | None:
    one = change.launch.waivers[-1] if change.launch.waivers else None
    if one is None:
        return None
    return Waiving(activity=one.activity, reason=one.reason, approved_by=one.approved_by, until=one.until)


def _bounds(change: LaunchChange) -> Bounding:
    one, names = change.launch, ("not_before", "not_after")
    lifted = tuple(name for name in names if getattr(one, name) is None)
    return Bounding(not_before=one.not_before, not_after=one.not_after, lifted=lifted)


def _completed(change: LaunchChange) -> tuple[str, ...]:
    had = set(change.before.completed) if change.before else set()
    return tuple(one.activity for one in change.launch.completed if one not in had)


READ: dict[str, Any] = {
    "name": lambda change: change.launch.name,
    "features": lambda change: tuple(part.id for part in change.launch.features),
    "date": lambda change: change.launch.date,
    "pin": lambda change: change.launch.pin and change.launch.pin.reason,
    "unpin": lambda change: change.launch.pin is None,
    "owners": lambda change: change.launch.owners,
    "segments": lambda change: change.launch.segments,
    "regions": lambda change: change.launch.regions,
    "cancel": lambda change: change.launch.state == "cancelled",
    "override": _override,
    "end_override": lambda change: change.launch.override is None,
    "complete": _completed,
    "waive": _waive,
    "bounds": _bounds,
}

"""How each field of an act is read off a change."""
