"""What a service will tell the others, written in the transaction that decided it.

The relay (relay.py) sends these rows; they stay, so that whatever Kafka loses can be sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import Envelope, Message, derive_ce_id, split
from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch, Database, metadata
from shared.runtime.failpoints import failpoint

outbox_table = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("portfolio", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("ce_id", sa.Text, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("time_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("cause_id", sa.Text, nullable=False),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Index("outbox_unpublished", "seq", postgresql_where=sa.text("published_at IS NULL")),
    sa.Index("outbox_by_revision", "portfolio", "revision", "part", unique=True),
    sa.Index("outbox_by_cause", "portfolio", "cause_id"),
)

NOTIFY_ON_INSERT = (
    """CREATE FUNCTION outbox_wake() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_notify('outbox', ''); RETURN NULL; END $$""",
    "CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake()",
)
"""Executed by the first migration of every service: a commit that adds rows wakes the relay."""

_INSERT = sa.text(
    "INSERT INTO outbox (portfolio, revision, part, ce_id, type, time_at, cause_id, kinds, traceparent, body)"
    " SELECT * FROM unnest(CAST(:portfolio AS text[]), CAST(:revision AS bigint[]), CAST(:part AS int[]),"
    " CAST(:ce_id AS text[]), CAST(:type AS text[]), CAST(:time_at AS timestamptz[]), CAST(:cause_id AS text[]),"
    " CAST(:kinds AS text[]), CAST(:traceparent AS text[]), CAST(:body AS bytea[]))"
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message to tell: its `now`, the kinds inside it, and the trace it belongs to."""

    message: Message
    now: datetime
    kinds: tuple[str, ...] = ()
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of one service: every message of it goes to one topic."""

    service: str
    topic: str

    async def add(self, batch: Batch, announcements: Sequence[Announcement]) -> None:
        """Write messages, large ones in parts; the portfolios' rows must be locked by the batch."""
        if not announcements:
            return
        rows = [row for announcement in announcements for row in self._rows(announcement)]
        await batch.connection.execute(_INSERT, {name: [row[name] for row in rows] for name in rows[0]})
        failpoint(f"{self.service}.after_outbox")

    def _rows(self, announcement: Announcement) -> list[dict[str, object]]:
        return [
            {
                "portfolio": part.portfolio,
                "revision": part.revision,
                "part": part.part,
                # Cause ids are unique within a portfolio only: two of them may tell the same id at the same revision.
                "ce_id": derive_ce_id(f"{self.service}/{part.portfolio}", part.cause.id, part.revision, part.part),
                "type": part.TYPE,
                "time_at": announcement.now,
                "cause_id": part.cause.id,
                "kinds": ",".join(sorted(set(announcement.kinds))),
                "traceparent": announcement.traceparent,
                "body": part.model_dump_json().encode(),
            }
            for part in split(announcement.message)
        ]

    def envelope(self, row: Mapping[str, Any]) -> Envelope:
        """The envelope of a stored row."""
        return Envelope(
            id=row["ce_id"],
            type=row["type"],
            source=f"/{self.service}",
            subject=row["portfolio"],
            time=row["time_at"],
            cause_id=row["cause_id"],
            revision=row["revision"],
            kinds=tuple(filter(None, row["kinds"].split(","))),
            traceparent=row["traceparent"],
        )


async def republish(database: Database, portfolio: PortfolioId, first: int, last: int) -> int:
    """Let the relay send these revisions again; returns how many rows that are."""
    statement = sa.text(
        "UPDATE outbox SET published_at = NULL WHERE portfolio = :portfolio AND revision BETWEEN :first AND :last"
    )
    async with database.engine.begin() as connection:
        marked = await connection.execute(statement, {"portfolio": portfolio, "first": first, "last": last})
        await connection.execute(sa.text("SELECT pg_notify('outbox', '')"))
        return marked.rowcount


async def read_changes(
    connection: AsyncConnection, portfolio: PortfolioId, after: int, limit: int
) -> list[sa.Row[tuple[object, ...]]]:
    """The rows of at most `limit` revisions after `after`, in order, parts next to each other."""
    found = await connection.execute(
        sa.text(
            "SELECT revision, part, cause_id, time_at, body FROM outbox WHERE portfolio = :portfolio"
            " AND revision > :after AND revision <= :after + :limit ORDER BY revision, part"
        ),
        {"portfolio": portfolio, "after": after, "limit": limit},
    )
    return list(found)


async def count_unpublished(connection: AsyncConnection) -> int:
    """How many rows wait for the relay."""
    found = await connection.execute(sa.text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
    return int(found.scalar_one())
