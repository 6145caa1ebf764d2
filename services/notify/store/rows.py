"""Writing many rows with one statement, and reading obligations back."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.obligations import Obligation
from shared.contracts.notify import Subject
from shared.contracts.words import PersonId


async def insert_many(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, update: tuple[str, ...] = ()
) -> None:
    """Insert rows that all have the same columns; a row that is there is left alone, or gets the `update` columns."""
    if not rows:
        return
    names = tuple(rows[0])
    statement = _insert(table, names, update)
    await connection.execute(statement, {name: [row[name] for row in rows] for name in names})


@lru_cache(maxsize=64)
def _insert(table: sa.Table, names: tuple[str, ...], update: tuple[str, ...]) -> sa.TextClause:
    dialect = pg.dialect()  # type: ignore[no-untyped-call]
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect)}[])" for name in names)
    keys = ", ".join(column.name for column in table.primary_key)
    changes = ", ".join(f"{name} = excluded.{name}" for name in update)
    conflict = f"({keys}) DO UPDATE SET {changes}" if update else "DO NOTHING"
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) ON CONFLICT {conflict}"
    )


def obligation_row(portfolio: str, one: Obligation) -> dict[str, Any]:
    """One obligation as its table keeps it."""
    return {
        "portfolio": portfolio,
        "kind": one.subject.kind,
        "id": one.subject.id,
        "revision": one.subject.revision,
        "person": one.person,
        "need": one.need,
        "because": json.dumps(one.because),
        "notice": one.notice,
        "due_at": one.due_at,
        "state": one.state,
        "at": one.at,
        "evidence": one.evidence,
    }


def read_obligation(row: Any) -> Obligation:
    """One obligation from its table's row."""
    return Obligation(
        subject=Subject(kind=row.kind, id=row.id, revision=row.revision),
        person=PersonId(row.person),
        need=row.need,
        because=tuple(json.loads(row.because)),
        notice=row.notice,
        due_at=row.due_at,
        state=row.state,
        at=row.at,
        evidence=row.evidence,
    )
