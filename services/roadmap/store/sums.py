"""Sums that must add up (docs/explanation/obligations.md). Queries only.

The two sides come from different tables: what became of each observation, and what was really told.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.words import PortfolioId


async def sum_up(connection: AsyncConnection, portfolio: PortfolioId, until: int) -> dict[str, Any]:
    """The sums of a portfolio as of a revision: what was judged later still counts as in flight.

    Refused lines and duplicates have no revision; all of them are counted.
    """
    named = {"portfolio": portfolio, "until": until}
    rows = await connection.execute(
        sa.text(
            "SELECT CASE WHEN state IN ('refused', 'duplicate') THEN state"
            " WHEN state = 'received' OR revision_at > :until THEN 'in_flight' ELSE state END AS state,"
            " count(*) AS number FROM observation WHERE portfolio = :portfolio GROUP BY 1"
        ),
        named,
    )
    count = {row.state: row.number for row in rows}
    received = await connection.execute(sa.text("SELECT count(*) FROM observation WHERE portfolio = :portfolio"), named)
    caused = await connection.execute(
        sa.text(
            "SELECT cause_id FROM observation WHERE portfolio = :portfolio AND state = 'caused'"
            " AND revision_at <= :until"
        ),
        named,
    )
    told = await connection.execute(
        sa.text(
            "SELECT cause_id FROM outbox WHERE portfolio = :portfolio AND revision <= :until AND part = 1"
            " ORDER BY revision"
        ),
        named,
    )
    sums = _sums(count, received.scalar_one(), [row.cause_id for row in told])
    return {"portfolio": portfolio, "until": until, **sums, **_compare(sums, {row.cause_id for row in caused})}


def _sums(count: dict[str, int], received: int, cause_ids: list[str]) -> dict[str, Any]:
    accepted = sum(count.get(state, 0) for state in ("stale", "noop", "held", "in_flight", "caused"))
    return {
        "received": received,
        "refused": count.get("refused", 0),
        "duplicates": count.get("duplicate", 0),
        "accepted": accepted,
        "stale": count.get("stale", 0),
        "noops": count.get("noop", 0),
        "held": count.get("held", 0),
        "in_flight": count.get("in_flight", 0),
        "merged": 0,  # nothing merges observations before the adapters' quiet windows
        "causes": len(set(cause_ids)),
        "cause_ids": cause_ids,
    }


def _compare(sums: dict[str, Any], caused: set[str]) -> dict[str, Any]:
    """Differences between what the observations say and what the outbox holds, by id."""
    told = set(sums["cause_ids"])
    differences = [f"{one}: judged as a cause, never told" for one in sorted(caused - told)]
    differences += [f"{one}: told, but no observation says so" for one in sorted(told - caused)]
    if sums["received"] != sums["refused"] + sums["duplicates"] + sums["accepted"]:
        differences.append("received differs from refused + duplicates + accepted")
    parts = ("stale", "noops", "held", "in_flight", "merged", "causes")
    if sums["accepted"] != sum(sums[part] for part in parts):
        differences.append(f"accepted differs from {' + '.join(parts)}")
    return {"ok": not differences, "differences": differences}


async def current_revision(connection: AsyncConnection, portfolio: PortfolioId) -> int:
    """The portfolio's newest revision; 0 if there is none."""
    found = await connection.execute(
        sa.text("SELECT revision FROM portfolio WHERE id = :portfolio"), {"portfolio": portfolio}
    )
    return int(found.scalar() or 0)
