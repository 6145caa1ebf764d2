"""What doors ask of proposals and plans: the inbox, one proposal, what was told or moved. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.decisions.verdict import AppliedMove
from services.launch.store.reading import find_told
from services.launch.store.tables import history_table, proposal_table
from shared.contracts.envelope import join
from shared.contracts.launch import LaunchChange, LaunchesChanged, Proposal
from shared.contracts.words import CauseId, PortfolioId
from shared.runtime.outbox import read_changes


@dataclass(frozen=True, slots=True)
class Kept:
    """A proposal as it is stored: with when and with which revision its present state was told."""

    proposal: Proposal
    opened_revision: int
    told_revision: int
    changed_at: datetime


def _select() -> sa.Select[Any]:
    table = proposal_table
    body = sa.cast(table.c.body, sa.Text).label("body")
    return sa.select(body, table.c.opened_revision, table.c.told_revision, table.c.changed_at)


def _kept(row: Any) -> Kept:
    return Kept(Proposal.model_validate_json(row.body), row.opened_revision, row.told_revision, row.changed_at)


async def list_proposals(
    connection: AsyncConnection, portfolio: PortfolioId, *states: str, launch: str | None = None, limit: int = 200
) -> list[Kept]:
    """Proposals in one of the states, or in any when none is given; newest first."""
    table = proposal_table
    query = _select().where(table.c.portfolio == portfolio)
    query = query.where(table.c.state.in_(states)) if states else query
    query = query.where(table.c.body["moves"].contains([{"launch": launch}])) if launch else query
    found = await connection.execute(query.order_by(table.c.opened_revision.desc(), table.c.id).limit(limit))
    return [_kept(row) for row in found]


async def find_proposal(connection: AsyncConnection, portfolio: PortfolioId, proposal: str) -> Kept | None:
    """One proposal."""
    table = proposal_table
    found = await connection.execute(_select().where(table.c.portfolio == portfolio, table.c.id == proposal))
    row = found.one_or_none()
    return _kept(row) if row else None


async def find_moves(
    connection: AsyncConnection, portfolio: PortfolioId, told_revision: int
) -> tuple[AppliedMove, ...]:
    """The launches that a revision of ours moved from one date to another."""
    table = history_table
    query = sa.select(sa.cast(table.c.body, sa.Text).label("body"))
    query = query.where(table.c.portfolio == portfolio, table.c.told_revision == told_revision).order_by(table.c.launch)
    changes = [LaunchChange.model_validate_json(row.body) for row in await connection.execute(query)]
    pairs = [(change.launch, change.before.date if change.before else None) for change in changes]
    return tuple(
        AppliedMove(launch=after.id, earlier=before, later=after.date)
        for after, before in pairs
        if before and after.date and before != after.date
    )


async def find_message(connection: AsyncConnection, portfolio: PortfolioId, cause: CauseId) -> LaunchesChanged:
    """What was told of a cause, whole.

    Raises:
        LookupError: nothing was.
    """
    revision = await find_told(connection, portfolio, cause)
    if revision is None:
        raise LookupError(f"nothing was told of {cause}")
    parts = await read_changes(connection, portfolio, revision - 1, 1)
    return join([LaunchesChanged.model_validate_json(row.body) for row in parts])
