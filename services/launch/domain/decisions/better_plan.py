"""A better plan for a proposal that waits: looked for off the road, and told only if it still holds. Pure.

`look_for_better_plan` takes as long as its solver does, on a state of its own; `adopt_better_plan` decides under the
portfolio's lock, without a solver, on nothing but the dates that were found. So the same history gives the same state,
with or without one.
"""

from collections.abc import Iterator, Sequence

from services.launch.domain.calendar import Context
from services.launch.domain.decisions.clock import derive_clock_cause_id
from services.launch.domain.decisions.message import DecisionContext
from services.launch.domain.decisions.verdict import reasons_not_to, renew
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.approval import become
from services.launch.domain.scheduling.engine_state import EngineState, engine_state_of
from services.launch.domain.scheduling.request import FoundDates, OutdatedError
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchesChanged, Proposal, ProposedMove
from shared.contracts.words import Day, LaunchId, Word

BETTER_PLAN = "better-plan"


class BetterPlan(Word):
    """The days that were found for the launches of a proposal, and what the new plan costs at least."""

    proposal: str
    hash: str | None
    days: dict[LaunchId, Day]
    lower_bound: int


def look_for_better_plan(state: State, proposal: str, context: Context) -> BetterPlan | None:
    """A cheaper plan, by the context's stage and solver; None if there is none or nobody waits for it any more."""
    waiting = state.proposals.get(proposal)
    if waiting is None:
        return None
    message = renew(_about(state, waiting, context, 0), waiting, instead_of=proposal)
    better = _is_better(engine_state_of(state, context), _opened(message), waiting, message)
    return read_better(message, waiting) if better else None


def read_better(message: LaunchesChanged, waiting: Proposal) -> BetterPlan:
    """What a message opens, to be put in the place of the proposal that waits."""
    fresh = _opened(message)
    days = {LaunchId(move.launch): move.later_date for move in _moves(fresh) if move.later_date}
    bound = fresh[0].lower_bound or 0 if len(fresh) == 1 else 0
    return BetterPlan(proposal=waiting.id, hash=waiting.hash, days=days, lower_bound=bound)


def adopt_better_plan(state: State, better: BetterPlan, context: Context, revision: int) -> LaunchesChanged | None:
    """Replace the proposal by the better one; None if it is another one now or the plan no longer holds."""
    waiting = state.proposals.get(better.proposal)
    if waiting is None or waiting.hash != better.hash:
        return None
    found = FoundDates(better.days, better.lower_bound)
    try:
        message = renew(_about(state, waiting, context, revision), waiting, instead_of=waiting.id, found=found)
    except OutdatedError:
        return None
    fresh = _opened(message)
    days = {move.launch: move.later_date for move in _moves(fresh)}
    engine = engine_state_of(state, context)
    if days != better.days or not _is_better(engine, fresh, waiting, message):
        return None
    if reasons_not_to(state, tuple(_moves(fresh)), context):
        return None
    told = sum(proposal.cost or 0 for proposal in fresh)
    reason = f"a plan was found that costs {told} instead of {_price(engine, waiting.moves)}"
    closed = tuple(
        proposal if proposal.state == "open" else become(proposal, proposal.state, reason)
        for proposal in message.proposals
    )
    return message.model_copy(update={"proposals": closed})


def _is_better(engine: EngineState, fresh: Sequence[Proposal], waiting: Proposal, message: LaunchesChanged) -> bool:
    """Whether it costs less as prices are today, takes the place of this proposal alone, and moves nothing yet."""
    replaced = [proposal.id for proposal in message.proposals if proposal.state != "open"]
    still = all(change.before and change.before.date == change.launch.date for change in message.changes)
    cheaper = 0 < _price(engine, tuple(_moves(fresh))) < _price(engine, waiting.moves)
    return cheaper and still and replaced == [waiting.id]


def _price(engine: EngineState, moves: Sequence[ProposedMove]) -> int:
    """What the moves cost today; launches of one group count once."""
    blocks = engine.schedule.blocks.block_of
    days = {blocks[move.launch]: move.later_date for move in moves if move.launch in blocks and move.later_date}
    return sum(engine.schedule.price(block, day.toordinal()) for block, day in days.items())


def _opened(message: LaunchesChanged) -> list[Proposal]:
    return [proposal for proposal in message.proposals if proposal.state == "open"]


def _moves(proposals: Sequence[Proposal]) -> Iterator[ProposedMove]:
    return (move for proposal in proposals for move in proposal.moves)


def _about(state: State, waiting: Proposal, context: Context, revision: int) -> DecisionContext:
    """The clock's, with a cause whose id the proposal alone decides: it is improved once, whoever finds how."""
    source = Source(tool="launch", source_id="launch", ref=waiting.id, occurred_at=context.now, observed_at=context.now)
    cause = Cause(
        id=derive_clock_cause_id(state.portfolio, BETTER_PLAN, waiting.hash or waiting.id),
        kind="clock",
        summary=f"A plan that moves less was found for: {waiting.summary}",
        source=source,
        caused_by=state.launches[waiting.moves[0].launch].dated_by,
    )
    return DecisionContext(state, context, revision, state.features, cause)
