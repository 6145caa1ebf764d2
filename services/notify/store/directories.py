"""Directories and people: the versions that audiences name, and the one mutable table with names and addresses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.directory import NO_DIRECTORY, Directory, DirectoryFile
from services.notify.domain.hearing import NO_ADDRESS
from services.notify.store.tables import directory_table, person_table
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.database import insert_many

LEFT = "left the directory"


async def current_ids(connection: AsyncConnection, portfolios: Iterable[PortfolioId]) -> dict[PortfolioId, str]:
    """Which version each portfolio uses; one without a directory uses that of nobody."""
    statement = sa.text("SELECT portfolio, id FROM directory WHERE is_current AND portfolio = ANY(:portfolios)")
    ids = list(portfolios)
    found = {row.portfolio: row.id for row in await connection.execute(statement, {"portfolios": ids})}
    return {portfolio: found.get(portfolio, NO_DIRECTORY.id) for portfolio in ids}


async def load_directory(connection: AsyncConnection, portfolio: PortfolioId, directory: str) -> Directory:
    """One version."""
    if directory == NO_DIRECTORY.id:
        return NO_DIRECTORY
    statement = sa.select(directory_table.c.body).where(
        directory_table.c.portfolio == portfolio, directory_table.c.id == directory
    )
    return Directory.model_validate_json((await connection.execute(statement)).scalar_one())


async def save_directory(
    connection: AsyncConnection, portfolio: PortfolioId, file: DirectoryFile, now: datetime
) -> None:
    """Make this version the current one. An address that is new counts as working until a mail comes back."""
    await connection.execute(
        sa.update(directory_table)
        .where(directory_table.c.portfolio == portfolio, directory_table.c.is_current)
        .values(is_current=False)
    )
    values = {
        "portfolio": portfolio,
        "id": file.directory.id,
        "body": file.directory.model_dump_json(),
        "is_current": True,
        "since_at": now,
    }
    insert = pg.insert(directory_table).values(values)
    changed = {"is_current": True, "since_at": now}
    await connection.execute(insert.on_conflict_do_update(index_elements=["portfolio", "id"], set_=changed))
    await connection.execute(
        sa.text(
            "UPDATE person SET problem = :left, left_at = :now"
            " WHERE portfolio = :portfolio AND left_at IS NULL AND NOT id = ANY(:ids)"
        ),
        {"left": LEFT, "now": now, "portfolio": portfolio, "ids": [one.id for one in file.contacts]},
    )
    await _save_people(connection, portfolio, file)


async def _save_people(connection: AsyncConnection, portfolio: PortfolioId, file: DirectoryFile) -> None:
    before = await load_people(connection, portfolio)
    rows = []
    for contact, person in zip(file.contacts, file.directory.people, strict=True):
        known = before.get(contact.id)
        same_address = known is not None and known["left_at"] is None and known["email"] == contact.email
        problem = known["problem"] if known is not None and same_address else None
        rows.append(
            {
                "portfolio": portfolio,
                **contact.model_dump(),
                "team": person.team,
                "roles": ";".join(person.roles),
                "problem": problem if contact.email else NO_ADDRESS,
                "left_at": None,
            }
        )
    update = ("name", "email", "zone", "locale", "team", "roles", "problem", "left_at")
    await insert_many(connection, person_table, rows, update=update)


async def load_people(connection: AsyncConnection, portfolio: PortfolioId) -> dict[PersonId, dict[str, Any]]:
    """Everybody ever in the portfolio's directories, by id."""
    found = await connection.execute(
        sa.select(person_table).where(person_table.c.portfolio == portfolio).order_by(person_table.c.id)
    )
    return {row["id"]: dict(row) for row in found.mappings()}


async def mark_unreachable(
    connection: AsyncConnection, portfolio: PortfolioId, person: PersonId, address: str | None, problem: str
) -> bool:
    """The address came back; False when the person has another one by now."""
    statement = sa.text(
        "UPDATE person SET problem = :problem WHERE portfolio = :portfolio AND id = :person AND problem IS NULL"
        " AND email IS NOT DISTINCT FROM :address"
    )
    values = {"problem": problem, "portfolio": portfolio, "person": person, "address": address}
    return bool((await connection.execute(statement, values)).rowcount)
