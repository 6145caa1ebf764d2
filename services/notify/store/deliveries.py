"""Mails on their way: claimed with a lease before they are sent, marked after. Sending is in channels/mail.py."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.directory import Contact
from services.notify.domain.news import News
from services.notify.domain.notice import Item
from shared.contracts.cause import Cause
from shared.contracts.words import PersonId, PortfolioId

LEASE = timedelta(minutes=1)
MAX_ANSWER = 1_000

_CLAIM = sa.text(
    "UPDATE delivery SET state = 'sending', lease_until = :lease, attempts = attempts + 1 WHERE (notice, channel) IN ("
    " SELECT notice, channel FROM delivery WHERE state IN ('due', 'sending') AND next_at <= :now"
    " AND (state = 'due' OR lease_until <= :now)"
    " ORDER BY next_at, notice LIMIT :count FOR UPDATE SKIP LOCKED)"
    " RETURNING notice, portfolio, person, attempts, message_id, date_at, address, body"
)
_CONTENT = sa.text(
    "SELECT o.*, a.news FROM obligation o JOIN audience a USING (portfolio, kind, id, revision)"
    " WHERE o.notice = ANY(:notices) AND o.state = 'open' ORDER BY o.notice, o.kind DESC, o.id, o.revision"
)
_CONTACTS = sa.text(
    "SELECT n.id AS notice, n.person, n.traceparent, p.name, p.email, p.zone, p.locale, c.body AS cause"
    " FROM notice n LEFT JOIN person p ON p.portfolio = n.portfolio AND p.id = n.person AND p.problem IS NULL"
    " LEFT JOIN cause_heard c ON c.portfolio = n.portfolio AND c.revision = n.heard_revision"
    " WHERE n.id = ANY(:notices)"
)
_MARK = sa.text(
    "UPDATE delivery SET state = :state, next_at = coalesce(:next_at, next_at), lease_until = NULL, answer = :answer,"
    " attempts = attempts - :given_back, body = CASE WHEN :state = 'due' THEN body END,"
    " settled_at = CASE WHEN :state <> 'due' THEN CAST(:now AS timestamptz) END"
    " WHERE notice = :notice AND channel = 'mail' AND state = 'sending'"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One leased mail. `body` and `address` are there when it was rendered before; then exactly that goes out."""

    notice: str
    portfolio: PortfolioId
    person: PersonId
    attempts: int
    message_id: str
    date_at: datetime
    address: str | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a claimed mail has to say, and to whom. `is_needless`: nothing is open any more, or no address works."""

    items: tuple[Item, ...]
    is_needless: bool
    contact: Contact
    summary: str
    cause_id: str | None
    traceparent: str | None


async def claim(connection: AsyncConnection, now: datetime, count: int) -> list[Claim]:
    """Lease what is due, or what a dead sender left; no other sender gets the same."""
    rows = await connection.execute(_CLAIM, {"now": now, "lease": now + LEASE, "count": count})
    claims = [Claim(**row) for row in rows.mappings()]
    return sorted(claims, key=lambda one: (one.date_at, one.notice))


async def load_contents(connection: AsyncConnection, claims: Sequence[Claim]) -> dict[str, Content]:
    """What each of these mails says."""
    notices = {"notices": [one.notice for one in claims]}
    items: dict[str, list[Item]] = {}
    for row in await connection.execute(_CONTENT, notices):
        news = News.model_validate_json(row.news)
        because = tuple(json.loads(row.because))
        items.setdefault(row.notice, []).append(Item(news, because, row.need == "acknowledge", row.due_at))
    return {
        row.notice: _content(row, tuple(items.get(row.notice, ())))
        for row in await connection.execute(_CONTACTS, notices)
    }


def _content(row: Any, items: tuple[Item, ...]) -> Content:
    contact = Contact(
        id=row.person, name=row.name or row.person, email=row.email, zone=row.zone or "UTC", locale=row.locale or "en"
    )
    cause = None if row.cause is None else Cause.model_validate_json(row.cause)
    return Content(
        items=items,
        is_needless=not items or row.email is None,
        contact=contact,
        summary=cause.summary if cause else "",
        cause_id=cause.id if cause else None,
        traceparent=row.traceparent,
    )


async def count_waiting(connection: AsyncConnection, portfolio: PortfolioId, now: datetime) -> dict[str, int]:
    """Mails still to go out: `due` by now, `sending`, and those for `later`, a retry say."""
    statement = sa.text(
        "SELECT count(*) FILTER (WHERE state = 'due' AND next_at <= :now) AS due,"
        " count(*) FILTER (WHERE state = 'sending') AS sending,"
        " count(*) FILTER (WHERE state = 'due' AND next_at > :now) AS later"
        " FROM delivery WHERE portfolio = :portfolio AND state IN ('due', 'sending')"
    )
    found = await connection.execute(statement, {"portfolio": portfolio, "now": now})
    return dict(found.mappings().one())


async def freeze(connection: AsyncConnection, mails: Sequence[tuple[str, str, bytes]]) -> None:
    """Keep the bytes of these mails (notice, address, body), so that a second attempt is the same mail."""
    if not mails:
        return
    statement = sa.text(
        "UPDATE delivery SET address = n.address, body = n.body FROM"
        " unnest(CAST(:notices AS text[]), CAST(:addresses AS text[]), CAST(:bodies AS bytea[]))"
        " AS n(notice, address, body) WHERE delivery.notice = n.notice AND delivery.channel = 'mail'"
    )
    names = ("notices", "addresses", "bodies")
    columns: dict[str, Any] = {name: [mail[place] for mail in mails] for place, name in enumerate(names)}
    await connection.execute(statement, columns)


async def is_still_wanted(connection: AsyncConnection, notice: str) -> bool:
    """The last look before sending: is anything of it still open?"""
    statement = sa.text("SELECT 1 FROM obligation WHERE notice = :notice AND state = 'open' LIMIT 1")
    return (await connection.execute(statement, {"notice": notice})).first() is not None


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """What became of a claimed mail; `due` with `next_at` sends it again. `was_tried`: it counts as an attempt."""

    notice: str
    state: str
    answer: str
    next_at: datetime | None = None
    was_tried: bool = True


async def update_delivery(connection: AsyncConnection, update: DeliveryUpdate, now: datetime) -> None:
    """Write it down."""
    values = {
        "notice": update.notice,
        "state": update.state,
        "answer": update.answer.replace("\x00", "")[:MAX_ANSWER],
        "now": now,
        "next_at": update.next_at,
        "given_back": 0 if update.was_tried else 1,
    }
    await connection.execute(_MARK, values)


async def close_needless(connection: AsyncConnection, notices: Sequence[str], why: str, now: datetime) -> None:
    """These claimed mails need not go out any more."""
    statement = sa.text(
        "UPDATE delivery SET state = 'needless', answer = :why, settled_at = :now, lease_until = NULL, body = NULL"
        " WHERE notice = ANY(:notices) AND channel = 'mail' AND state = 'sending'"
    )
    if notices:
        await connection.execute(statement, {"notices": list(notices), "why": why, "now": now})


async def give_back(connection: AsyncConnection, notices: Sequence[str]) -> None:
    """These claimed mails were not tried; anybody may claim them again."""
    statement = sa.text(
        "UPDATE delivery SET state = 'due', lease_until = NULL, attempts = attempts - 1"
        " WHERE notice = ANY(:notices) AND channel = 'mail' AND state = 'sending'"
    )
    if notices:
        await connection.execute(statement, {"notices": list(notices)})


async def send_anew(connection: AsyncConnection, notices: Sequence[str], domain: str, now: datetime) -> None:
    """Mail these notices to the address that their people have now; what is on its way already goes on."""
    statement = sa.text(
        "INSERT INTO delivery (notice, channel, portfolio, person, state, next_at, message_id, date_at)"
        " SELECT n.id, 'mail', n.portfolio, n.person, 'due', :now, '<' || n.id || '@' || :domain || '>', :now"
        " FROM notice n WHERE n.id = ANY(:notices) ON CONFLICT (notice, channel) DO UPDATE"
        " SET state = 'due', next_at = :now, attempts = 0, address = NULL, body = NULL"
        " WHERE delivery.state NOT IN ('due', 'sending')"
    )
    await connection.execute(statement, {"notices": list(notices), "now": now, "domain": domain})
