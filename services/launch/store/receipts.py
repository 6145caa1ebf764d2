"""Who knows: what notify tells about each person and launch. No decision ever reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.store.tables import receipt_table
from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch

_SAVE = sa.text(
    "INSERT INTO receipt (portfolio, kind, subject, revision, person, state, evidence, at)"
    " SELECT * FROM unnest(CAST(:portfolio AS text[]), CAST(:kind AS text[]), CAST(:subject AS text[]),"
    " CAST(:revision AS bigint[]), CAST(:person AS text[]), CAST(:state AS text[]), CAST(:evidence AS text[]),"
    " CAST(:at AS timestamptz[]))"
    " ON CONFLICT (portfolio, kind, subject, revision, person) DO UPDATE"
    " SET state = excluded.state, evidence = excluded.evidence, at = excluded.at"
)


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """How one person stands to one revision of a launch, or one version of a feature (`kind`)."""

    portfolio: PortfolioId
    kind: str
    subject: str
    revision: int
    person: str
    state: str
    evidence: str | None
    at: datetime


async def save_receipts(batch: Batch, receipts: Sequence[ReceiptRow]) -> None:
    """Keep the newest of each; the receipts come in order."""
    newest = {
        (receipt.portfolio, receipt.kind, receipt.subject, receipt.revision, receipt.person): receipt
        for receipt in receipts
    }
    if newest:
        names = ("portfolio", "kind", "subject", "revision", "person", "state", "evidence", "at")
        rows = list(newest.values())
        await batch.connection.execute(_SAVE, {name: [getattr(row, name) for row in rows] for name in names})


async def load_receipts(connection: AsyncConnection, portfolio: PortfolioId, launch: str) -> list[ReceiptRow]:
    """Everybody who was told of the newest revision of a launch that notify has told of."""
    table = receipt_table
    mine = (table.c.portfolio == portfolio, table.c.kind == "launch", table.c.subject == launch)
    newest = sa.select(sa.func.max(table.c.revision)).where(*mine).scalar_subquery()
    query = sa.select(table).where(*mine, table.c.revision == newest).order_by(table.c.state, table.c.person)
    return [ReceiptRow(**row) for row in (await connection.execute(query)).mappings()]


async def count_receipts(
    connection: AsyncConnection, portfolio: PortfolioId, launches: Sequence[str]
) -> dict[str, dict[str, int]]:
    """For each launch: how many people stand in each state, at the newest revision told of."""
    query = sa.text(
        "SELECT subject, state, count(*) AS number FROM receipt r WHERE portfolio = :portfolio AND kind = 'launch'"
        " AND subject = ANY(CAST(:launches AS text[])) AND revision = (SELECT max(revision) FROM receipt n"
        " WHERE n.portfolio = r.portfolio AND n.kind = r.kind AND n.subject = r.subject) GROUP BY subject, state"
    )
    counts: dict[str, dict[str, int]] = {}
    for row in await connection.execute(query, {"portfolio": portfolio, "launches": list(launches)}):
        counts.setdefault(row.subject, {})[row.state] = row.number
    return counts
