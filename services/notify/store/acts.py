"""What people's acts load and save: the obligations of one notice or person, counts, tokens, objections."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.obligations import Obligation, count_classes
from services.notify.store.audiences import obligation_row, read_obligation
from services.notify.store.tables import notice_table, objection_table, obligation_table, token_table
from shared.contracts.notify import CoverageCount, Objection, Subject
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.database import insert_many


async def find_notice(connection: AsyncConnection, notice: str) -> dict[str, Any] | None:
    """One notice, or None."""
    found = await connection.execute(sa.select(notice_table).where(notice_table.c.id == notice))
    row = found.mappings().first()
    return None if row is None else dict(row)


async def find_by_token(connection: AsyncConnection, token: str) -> dict[str, Any] | None:
    """The notice that a mail's link stands for, or None."""
    found = await connection.execute(
        sa.select(notice_table)
        .join(token_table, token_table.c.notice == notice_table.c.id)
        .where(token_table.c.hash == hash_token(token))
    )
    row = found.mappings().first()
    return None if row is None else dict(row)


def hash_token(token: str) -> bytes:
    """What is kept of a link."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def obligations_of_notice(connection: AsyncConnection, notice: str) -> list[Obligation]:
    """All that the notice told, in a fixed order."""
    found = await connection.execute(
        sa.select(obligation_table)
        .where(obligation_table.c.notice == notice)
        .order_by(obligation_table.c.kind.desc(), obligation_table.c.id, obligation_table.c.revision)
    )
    return [read_obligation(row) for row in found]


async def unsettled_of_person(
    connection: AsyncConnection, portfolio: PortfolioId, person: PersonId
) -> list[Obligation]:
    """What one person still owes."""
    found = await connection.execute(
        sa.select(obligation_table).where(
            obligation_table.c.portfolio == portfolio,
            obligation_table.c.person == person,
            obligation_table.c.state.in_(("open", "unreachable")),
        )
    )
    return [read_obligation(row) for row in found]


async def find_obligation(
    connection: AsyncConnection, portfolio: PortfolioId, subject: Subject, person: PersonId
) -> Obligation | None:
    """One obligation, or None."""
    key = {"portfolio": portfolio, "kind": subject.kind, "id": subject.id, "revision": subject.revision}
    found = await connection.execute(sa.select(obligation_table).filter_by(**key, person=person))
    row = found.first()
    return None if row is None else read_obligation(row)


async def save_changed(connection: AsyncConnection, portfolio: PortfolioId, changed: Sequence[Obligation]) -> None:
    """Write back obligations that moved."""
    rows = [obligation_row(portfolio, one) for one in changed]
    await insert_many(connection, obligation_table, rows, update=("state", "at", "evidence"))


async def count_coverage(
    connection: AsyncConnection, portfolio: PortfolioId, subjects: Iterable[Subject]
) -> list[CoverageCount]:
    """How many people stand in each class, for each subject once."""
    wanted: dict[tuple[str, str, int], Subject] = {(one.kind, one.id, one.revision): one for one in subjects}
    statement = sa.text(
        "SELECT o.kind, o.id, o.revision, o.state FROM obligation o JOIN"
        " unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:revisions AS bigint[])) AS w(kind, id, revision)"
        " ON o.kind = w.kind AND o.id = w.id AND o.revision = w.revision WHERE o.portfolio = :portfolio"
    )
    columns = {
        "portfolio": portfolio,
        "kinds": [key[0] for key in wanted],
        "ids": [key[1] for key in wanted],
        "revisions": [key[2] for key in wanted],
    }
    states: dict[tuple[str, str, int], list[str]] = {key: [] for key in wanted}
    for row in await connection.execute(statement, columns):
        states[row.kind, row.id, row.revision].append(row.state)
    return [
        CoverageCount(subject=wanted[key], expected=len(found), classes=count_classes(found))
        for key, found in states.items()
    ]


async def save_objections(
    connection: AsyncConnection, portfolio: PortfolioId, request: str, objections: Sequence[Objection]
) -> None:
    """Keep what somebody objected, once per request."""
    rows = [
        {
            "id": f"{request}-{number}",
            "portfolio": portfolio,
            "kind": one.subject.kind,
            "subject": one.subject.id,
            "revision": one.subject.revision,
            "person": one.person,
            "reason": one.reason,
            "at": one.at,
        }
        for number, one in enumerate(objections)
    ]
    await insert_many(connection, objection_table, rows)


async def is_known_request(connection: AsyncConnection, portfolio: PortfolioId, cause: str) -> bool:
    """Whether a person's act with this cause was announced already."""
    statement = sa.text("SELECT 1 FROM outbox WHERE portfolio = :portfolio AND cause_id = :cause LIMIT 1")
    return (await connection.execute(statement, {"portfolio": portfolio, "cause": cause})).first() is not None


async def save_tokens(connection: AsyncConnection, tokens: Iterable[tuple[str, str]], now: datetime) -> None:
    """Keep the hashes of links: pairs of token and notice."""
    rows = [{"hash": hash_token(token), "notice": notice, "made_at": now} for token, notice in tokens]
    await insert_many(connection, token_table, rows)
