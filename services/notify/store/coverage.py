"""What is asked about coverage: certificates, a person's inbox, and whether everything adds up. Queries only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.obligations import count_classes
from services.notify.store.audiences import read_excluded
from services.notify.store.tables import audience_table, obligation_table
from shared.contracts.notify import COVERAGE_CLASSES, CoverageCertificate, CoveredPerson, Subject
from shared.contracts.words import CauseId, PersonId, PortfolioId

_AUDIENCE = (
    "SELECT a.*, c.cause, e.body AS excluded_body FROM audience a"
    " JOIN cause_heard c ON c.portfolio = a.portfolio AND c.revision = a.heard_revision"
    " JOIN exclusion e ON e.id = a.excluded WHERE a.kind = :kind AND a.id = :id"
)

Found = dict[str, Any]


async def find_audience(
    connection: AsyncConnection, subject: Subject, portfolio: PortfolioId | None = None
) -> Found | None:
    """The audience of one subject, or None; revision 0 means the newest. Launch ids need no portfolio."""
    values: dict[str, Any] = {"kind": subject.kind, "id": subject.id}
    statement = _AUDIENCE
    if portfolio is not None:
        statement += " AND a.portfolio = :portfolio"
        values["portfolio"] = portfolio
    if subject.revision:
        statement += " AND a.revision = :revision"
        values["revision"] = subject.revision
    found = await connection.execute(sa.text(statement + " ORDER BY a.revision DESC LIMIT 1"), values)
    row = found.mappings().first()
    return None if row is None else dict(row)


async def read_certificate(connection: AsyncConnection, audience: Found, now: datetime) -> CoverageCertificate:
    """Who of this audience stands where, now."""
    key = {name: audience[name] for name in ("portfolio", "kind", "id", "revision")}
    found = await connection.execute(sa.select(obligation_table).filter_by(**key).order_by(obligation_table.c.person))
    people = tuple(
        CoveredPerson(
            person=PersonId(row.person),
            class_=row.state,
            because=tuple(json.loads(row.because)),
            level=1 if row.state in {"open", "unreachable"} and row.due_at is not None and row.due_at < now else 0,
            evidence=row.evidence,
            at=None if row.state == "open" else row.at,
        )
        for row in found
    )
    return CoverageCertificate(
        subject=Subject(kind=audience["kind"], id=audience["id"], revision=audience["revision"]),
        portfolio=audience["portfolio"],
        cause=CauseId(audience["cause"]),
        policy=audience["policy"],
        directory=audience["directory"],
        expected=audience["expected"],
        classes=count_classes(person.class_ for person in people),
        people=people,
        excluded=read_excluded(audience["excluded_body"]),
        at=now,
    )


async def list_inbox(
    connection: AsyncConnection, portfolio: PortfolioId, person: PersonId, *, before: int | None, limit: int
) -> list[Found]:
    """A person's notices, newest first, each with its obligations and news; `before`: a heard revision."""
    found = await connection.execute(
        sa.text(
            "SELECT n.id, n.cause, n.heard_revision, n.at, c.body FROM notice n"
            " JOIN cause_heard c ON c.portfolio = n.portfolio AND c.revision = n.heard_revision"
            " WHERE n.portfolio = :portfolio AND n.person = :person AND n.heard_revision < :before"
            " ORDER BY n.heard_revision DESC LIMIT :limit"
        ),
        {"portfolio": portfolio, "person": person, "before": before or 2**62, "limit": limit},
    )
    notices = {row["id"]: {**row, "obligations": []} for row in found.mappings()}
    for row in await obligations_with_news(connection, list(notices)):
        notices[row["notice"]]["obligations"].append(row)
    return list(notices.values())


async def obligations_with_news(connection: AsyncConnection, notices: Sequence[str]) -> list[Found]:
    """The obligations of these notices with what each told."""
    found = await connection.execute(
        sa.text(
            "SELECT o.*, a.news FROM obligation o JOIN audience a USING (portfolio, kind, id, revision)"
            " WHERE o.notice = ANY(:notices) ORDER BY o.kind DESC, o.id, o.revision"
        ),
        {"notices": list(notices)},
    )
    return [dict(row) for row in found.mappings()]


async def read_conservation(connection: AsyncConnection, portfolio: PortfolioId, until: int) -> Found:
    """The sums up to a revision of roadmap, from independent tables; every difference by id."""
    values = {"portfolio": portfolio, "until": until}
    heard = list(
        await connection.execute(
            sa.text(
                "SELECT c.cause, c.revision, EXISTS (SELECT 1 FROM outbox o WHERE o.portfolio = c.portfolio"
                " AND o.cause_id = c.cause) AS told FROM cause_heard c"
                " WHERE c.portfolio = :portfolio AND c.roadmap_revision <= :until ORDER BY c.revision"
            ),
            values,
        )
    )
    subjects = list(await connection.execute(_SUMS, values))
    classes = {name: sum(getattr(row, name) for row in subjects) for name in COVERAGE_CLASSES}
    differences = [{"cause": row.cause, "problem": "heard but never told"} for row in heard if not row.told]
    differences += [
        {
            "subject": {"kind": row.kind, "id": row.id, "revision": row.revision},
            "problem": f"expected {row.expected}, obligations {row.obligations}, in a class {row.classed}",
        }
        for row in subjects
        if not row.expected == row.obligations == row.classed
    ]
    return {
        "portfolio": portfolio,
        "until": until,
        "causes": [row.cause for row in heard],
        "subjects": len(subjects),
        "audience": sum(row.expected for row in subjects),
        "obligations": sum(row.obligations for row in subjects),
        "classes": classes,
        "ok": not differences,
        "differences": differences,
    }


# The classes are counted one by one, so that a state outside of them shows as a difference.
_SUMS = sa.text(
    "SELECT a.kind, a.id, a.revision, a.expected, count(o.person) AS obligations, "
    + ", ".join(f"count(*) FILTER (WHERE o.state = '{name}') AS {name}" for name in COVERAGE_CLASSES)
    + f", count(*) FILTER (WHERE o.state IN ({', '.join(repr(name) for name in COVERAGE_CLASSES)})) AS classed"
    " FROM audience a JOIN cause_heard c ON c.portfolio = a.portfolio AND c.revision = a.heard_revision"
    " LEFT JOIN obligation o ON o.portfolio = a.portfolio AND o.kind = a.kind AND o.id = a.id"
    " AND o.revision = a.revision WHERE a.portfolio = :portfolio AND c.roadmap_revision <= :until"
    " GROUP BY a.portfolio, a.kind, a.id, a.revision ORDER BY a.kind, a.id, a.revision"
)


async def count_gaps(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """What is not as it should be, over all portfolios: for the metrics."""
    found = await connection.execute(
        sa.text(
            "SELECT count(*) FILTER (WHERE state = 'unreachable') AS unreachable,"
            " count(*) FILTER (WHERE state = 'open') AS open,"
            " count(*) FILTER (WHERE state = 'open' AND due_at < :now) AS overdue"
            " FROM obligation WHERE state IN ('open', 'unreachable')"
        ),
        {"now": now},
    )
    counts = dict(found.mappings().one())
    roles = await connection.execute(
        sa.text(
            "SELECT count(*) FILTER (WHERE unfilled <> '[]') AS unfilled,"
            " count(*) FILTER (WHERE is_incident) AS incidents"
            " FROM audience a WHERE NOT EXISTS (SELECT 1 FROM audience b WHERE b.portfolio = a.portfolio"
            " AND b.kind = a.kind AND b.id = a.id AND b.revision > a.revision)"
        )
    )
    return {**counts, **dict(roles.mappings().one())}


async def list_revisions(connection: AsyncConnection, subject: Subject) -> list[int]:
    """The revisions of a subject that had an audience, newest first."""
    table = audience_table
    found = await connection.execute(
        sa.select(table.c.revision)
        .where(table.c.kind == subject.kind, table.c.id == subject.id)
        .order_by(table.c.revision.desc())
    )
    return [row.revision for row in found]
