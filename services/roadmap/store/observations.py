"""Observations as they came in: one insert a request, what became of each, and what waits. No lock on the way in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.store.tables import ACCEPTED
from shared.contracts.words import PortfolioId


class NewLine(NamedTuple):
    """One line as it will be kept; `state`: received, refused, or duplicate of one before it in the same request."""

    number: int
    observation_id: str | None
    kind: str | None
    ref: str | None
    at: datetime | None
    body: bytes
    received_at: datetime
    state: str
    path: str | None
    why: str | None
    traceparent: str | None


class Pending(NamedTuple):
    """An accepted observation that nobody has judged yet."""

    seq: int
    portfolio: PortfolioId
    source: str
    body: bytes
    received_at: datetime
    traceparent: str | None


class JudgedObservation(NamedTuple):
    """What became of one observation."""

    seq: int
    state: str
    why: str
    summary: str | None
    kinds: str
    cause_id: str | None
    revision_at: int


_COLUMNS = "portfolio, source, observation_id, kind, ref, at, body, received_at, state, path, why, traceparent"
_INSERT = sa.text(
    "WITH line AS (SELECT * FROM unnest(CAST(:number AS int[]), CAST(:observation_id AS text[]), CAST(:kind AS text[]),"
    " CAST(:ref AS text[]), CAST(:at AS timestamptz[]), CAST(:body AS bytea[]), CAST(:received_at AS timestamptz[]),"
    " CAST(:state AS text[]), CAST(:path AS text[]), CAST(:why AS text[]),"
    " CAST(:traceparent AS text[]))"
    " AS l(number, observation_id, kind, ref, at, body, received_at, state, path, why, traceparent)),"
    f" taken AS (INSERT INTO observation ({_COLUMNS})"
    " SELECT CAST(:portfolio AS text), CAST(:source AS text), observation_id, kind, ref, at, body, received_at, state,"
    " path, why, traceparent FROM line WHERE state = 'received' ORDER BY number"
    f" ON CONFLICT (portfolio, source, observation_id) WHERE {ACCEPTED} DO NOTHING RETURNING observation_id),"
    f" others AS (INSERT INTO observation ({_COLUMNS})"
    " SELECT CAST(:portfolio AS text), CAST(:source AS text), l.observation_id, kind, ref, at, body, received_at,"
    " CASE WHEN l.state = 'received' THEN 'duplicate' ELSE l.state END, path,"
    " CASE WHEN l.state = 'refused' THEN l.why ELSE 'this id was accepted before' END, traceparent"
    " FROM line l LEFT JOIN taken t ON t.observation_id = l.observation_id"
    " WHERE l.state <> 'received' OR t.observation_id IS NULL ORDER BY number)"
    " SELECT observation_id FROM taken"
)


async def insert_lines(
    connection: AsyncConnection, portfolio: PortfolioId, source: str, lines: Sequence[NewLine]
) -> set[str]:
    """Keep all lines with one statement; returns the ids that were new."""
    columns: dict[str, Any] = {name: [getattr(line, name) for line in lines] for name in NewLine._fields}
    found = await connection.execute(_INSERT, {**columns, "portfolio": portfolio, "source": source})
    return {row.observation_id for row in found}


async def find_waiting(connection: AsyncConnection, limit: int) -> list[PortfolioId]:
    """Portfolios with observations to judge; a loose index scan, so that a flood in one costs nothing here."""
    found = await connection.execute(
        sa.text(
            "WITH RECURSIVE one AS ("
            "(SELECT portfolio FROM observation WHERE state = 'received' ORDER BY portfolio LIMIT 1)"
            " UNION ALL SELECT (SELECT o.portfolio FROM observation o WHERE o.state = 'received'"
            " AND o.portfolio > one.portfolio ORDER BY o.portfolio LIMIT 1) FROM one WHERE one.portfolio IS NOT NULL)"
            " SELECT portfolio FROM one WHERE portfolio IS NOT NULL LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [PortfolioId(row.portfolio) for row in found]


async def load_pending(connection: AsyncConnection, portfolios: Sequence[PortfolioId], each: int) -> list[Pending]:
    """The oldest unjudged observations of each portfolio, at most `each`; their rows must be locked."""
    found = await connection.execute(
        sa.text(
            "SELECT o.seq, o.portfolio, o.source, o.body, o.received_at, o.traceparent"
            " FROM unnest(CAST(:portfolios AS text[])) AS p(id) CROSS JOIN LATERAL (SELECT * FROM observation"
            " WHERE portfolio = p.id AND state = 'received' ORDER BY seq LIMIT :each) AS o ORDER BY o.portfolio, o.seq"
        ),
        {"portfolios": list(portfolios), "each": each},
    )
    return [Pending(*row) for row in found]


async def save_judged(connection: AsyncConnection, judged: Sequence[JudgedObservation]) -> None:
    """Write down what became of them."""
    await connection.execute(
        sa.text(
            "UPDATE observation o SET state = n.state, why = n.why, summary = n.summary,"
            " kinds = string_to_array(n.kinds, ','), cause_id = n.cause_id, revision_at = n.revision_at"
            " FROM unnest(CAST(:seq AS bigint[]), CAST(:state AS text[]), CAST(:why AS text[]),"
            " CAST(:summary AS text[]), CAST(:kinds AS text[]), CAST(:cause_id AS text[]),"
            " CAST(:revision_at AS bigint[])) AS n(seq, state, why, summary, kinds, cause_id, revision_at)"
            " WHERE o.seq = n.seq"
        ),
        {name: [getattr(one, name) for one in judged] for name in JudgedObservation._fields},
    )


async def hold_first(connection: AsyncConnection, portfolio: PortfolioId, why: str) -> None:
    """Set the oldest unjudged observation aside, so that those behind it go on; `release_held` brings it back."""
    await connection.execute(
        sa.text(
            "UPDATE observation SET state = 'held', why = :why, revision_at = (SELECT revision FROM portfolio"
            " WHERE id = :portfolio) WHERE seq = (SELECT min(seq) FROM observation"
            " WHERE portfolio = :portfolio AND state = 'received')"
        ),
        {"portfolio": portfolio, "why": why.replace("\x00", "")[:4000]},
    )


async def release_held(connection: AsyncConnection, portfolio: PortfolioId, seq: int) -> bool:
    """Let a held observation be judged again; False if it is not held."""
    done = await connection.execute(
        sa.text(
            "UPDATE observation SET state = 'received', why = NULL, revision_at = NULL"
            " WHERE portfolio = :portfolio AND seq = :seq AND state = 'held'"
        ),
        {"portfolio": portfolio, "seq": seq},
    )
    return done.rowcount > 0


async def drop_held(connection: AsyncConnection, portfolio: PortfolioId, seq: int) -> bool:
    """Give a held observation up: kept as refused, so its id may come again; False if it is not held."""
    done = await connection.execute(
        sa.text(
            "UPDATE observation SET state = 'refused', revision_at = NULL,"
            " why = 'given up by a person; it was held: ' || why"
            " WHERE portfolio = :portfolio AND seq = :seq AND state = 'held'"
        ),
        {"portfolio": portfolio, "seq": seq},
    )
    return done.rowcount > 0


async def measure_untold(connection: AsyncConnection) -> float:
    """Age in seconds of the oldest observation that caused something, or waits, and of which notify has not heard."""
    found = await connection.execute(
        sa.text(
            "SELECT extract(epoch FROM clock_timestamp() - min(accepted_at)) FROM observation"
            " WHERE told_at IS NULL AND state IN ('received', 'caused', 'held')"
        )
    )
    return float(found.scalar() or 0)


async def count_waiting(connection: AsyncConnection) -> dict[str, int]:
    """How many observations wait to be judged, and how many are held; found by index, however long the log is."""
    found = await connection.execute(
        sa.text(
            "SELECT state, count(*) AS number FROM observation"
            " WHERE told_at IS NULL AND state IN ('received', 'held') GROUP BY state"
        )
    )
    return {"received": 0, "held": 0} | {row.state: row.number for row in found}
