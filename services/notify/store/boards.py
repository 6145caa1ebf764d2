"""What pages show: people and launches ahead, gaps, and all that followed from one cause. Queries only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.coverage import Found
from shared.contracts.words import PersonId, PortfolioId

PAST_STATES = ("launched", "closed", "cancelled")

_NEWEST = (
    " NOT EXISTS (SELECT 1 FROM audience b WHERE b.portfolio = a.portfolio AND b.kind = a.kind AND b.id = a.id"
    " AND b.revision > a.revision)"
)


async def portfolio_revision(connection: AsyncConnection, portfolio: str) -> int:
    """What was told so far: open pages fetch themselves again when it rises."""
    found = await connection.execute(sa.text("SELECT revision FROM portfolio WHERE id = :id"), {"id": portfolio})
    return found.scalar() or 0


async def list_portfolios(connection: AsyncConnection) -> list[str]:
    """Every portfolio with a directory or a message heard."""
    return [row.id for row in await connection.execute(sa.text("SELECT id FROM portfolio ORDER BY id"))]


async def launches_ahead(connection: AsyncConnection, portfolio: PortfolioId, limit: int) -> list[Found]:
    """The newest revision of each launch that is still ahead, soonest first, those without a date last."""
    statement = sa.text(
        f"SELECT a.id, a.revision, a.name, a.level, a.state, a.planned_on, a.expected, a.unfilled FROM audience a"
        f" WHERE a.portfolio = :portfolio AND a.kind = 'launch' AND NOT a.state = ANY(:past) AND {_NEWEST}"
        " ORDER BY a.planned_on NULLS LAST, a.id LIMIT :limit"
    )
    found = await connection.execute(statement, {"portfolio": portfolio, "past": list(PAST_STATES), "limit": limit})
    return [{**row, "unfilled": json.loads(row["unfilled"])} for row in found.mappings()]


async def cells_of(connection: AsyncConnection, portfolio: PortfolioId, launches: Sequence[Found]) -> list[Found]:
    """Who stands where for these launch revisions: person, launch, state."""
    statement = sa.text(
        "SELECT o.person, o.id AS launch, o.state FROM obligation o JOIN"
        " unnest(CAST(:ids AS text[]), CAST(:revisions AS bigint[])) AS w(id, revision)"
        " ON o.id = w.id AND o.revision = w.revision WHERE o.portfolio = :portfolio AND o.kind = 'launch'"
    )
    columns = {
        "portfolio": portfolio,
        "ids": [one["id"] for one in launches],
        "revisions": [one["revision"] for one in launches],
    }
    return [dict(row) for row in (await connection.execute(statement, columns)).mappings()]


async def list_gaps(connection: AsyncConnection, portfolio: PortfolioId, now: datetime, limit: int) -> list[Found]:
    """Who cannot be shown to know in time: unreachable first, then the longest overdue."""
    statement = sa.text(
        "SELECT o.person, coalesce(p.name, o.person) AS name, o.kind, o.id, o.revision, a.name AS subject, a.level,"
        " o.state, o.due_at, o.evidence, o.at FROM obligation o JOIN audience a USING (portfolio, kind, id, revision)"
        " LEFT JOIN person p ON p.portfolio = o.portfolio AND p.id = o.person"
        " WHERE o.portfolio = :portfolio AND (o.state = 'unreachable' OR (o.state = 'open' AND o.due_at < :now))"
        " ORDER BY o.state DESC, o.due_at NULLS LAST, o.person, o.id LIMIT :limit"
    )
    found = await connection.execute(statement, {"portfolio": portfolio, "now": now, "limit": limit})
    return [dict(row) for row in found.mappings()]


async def count_people(connection: AsyncConnection, portfolio: PortfolioId, now: datetime) -> list[Found]:
    """Everybody in the directory, with how much is open, overdue and unreachable for each."""
    statement = sa.text(
        "SELECT p.id, p.name, p.team, p.roles, p.problem, coalesce(o.open, 0) AS open,"
        " coalesce(o.overdue, 0) AS overdue, coalesce(o.unreachable, 0) AS unreachable FROM person p LEFT JOIN"
        " (SELECT person, count(*) FILTER (WHERE state = 'open' AND need = 'acknowledge') AS open,"
        " count(*) FILTER (WHERE state = 'open' AND due_at < :now) AS overdue,"
        " count(*) FILTER (WHERE state = 'unreachable') AS unreachable"
        " FROM obligation WHERE portfolio = :portfolio AND state IN ('open', 'unreachable') GROUP BY person) AS o"
        " ON o.person = p.id WHERE p.portfolio = :portfolio AND p.left_at IS NULL"
        " ORDER BY coalesce(o.unreachable, 0) DESC, coalesce(o.overdue, 0) DESC, coalesce(o.open, 0) DESC, p.name"
    )
    found = await connection.execute(statement, {"portfolio": portfolio, "now": now})
    return [{**row, "roles": row["roles"].split(";") if row["roles"] else []} for row in found.mappings()]


async def find_person(connection: AsyncConnection, portfolio: PortfolioId, person: PersonId) -> Found | None:
    """One person as the directory knows them, or None."""
    statement = sa.text("SELECT * FROM person WHERE portfolio = :portfolio AND id = :person")
    row = (await connection.execute(statement, {"portfolio": portfolio, "person": person})).mappings().first()
    return None if row is None else dict(row)


async def name_people(connection: AsyncConnection, portfolio: PortfolioId, ids: Sequence[str]) -> dict[str, Found]:
    """Name and team of these people, by id."""
    statement = sa.text("SELECT id, name, team FROM person WHERE portfolio = :portfolio AND id = ANY(:ids)")
    found = await connection.execute(statement, {"portfolio": portfolio, "ids": list(ids)})
    return {row["id"]: dict(row) for row in found.mappings()}


async def follow_cause(connection: AsyncConnection, portfolio: PortfolioId, cause: str) -> Found | None:
    """All that followed from one cause: its audiences and what became of each notice; None when it was not heard."""
    values: dict[str, Any] = {"portfolio": portfolio, "cause": cause}
    heard = await connection.execute(
        sa.text("SELECT * FROM cause_heard WHERE portfolio = :portfolio AND cause = :cause ORDER BY revision LIMIT 1"),
        values,
    )
    row = heard.mappings().first()
    if row is None:
        return None
    values["revision"] = row["revision"]
    audiences = await connection.execute(
        sa.text(
            "SELECT kind, id, revision, name, level, news, unfilled FROM audience"
            " WHERE portfolio = :portfolio AND heard_revision = :revision ORDER BY kind DESC, id"
        ),
        values,
    )
    people = await connection.execute(
        sa.text(
            "SELECT n.id AS notice, n.person, n.received_at, coalesce(p.name, n.person) AS name, p.team,"
            " o.kind, o.id, o.state, o.at, d.state AS delivery, d.settled_at FROM notice n"
            " JOIN obligation o ON o.notice = n.id"
            " LEFT JOIN person p ON p.portfolio = n.portfolio AND p.id = n.person"
            " LEFT JOIN delivery d ON d.notice = n.id AND d.channel = 'mail'"
            " WHERE n.portfolio = :portfolio AND n.heard_revision = :revision ORDER BY n.person, o.id"
        ),
        values,
    )
    return {
        **row,
        "audiences": [dict(one) for one in audiences.mappings()],
        "people": [dict(one) for one in people.mappings()],
    }
