"""What the handler of launch's messages loads and saves: audiences, obligations and their rows, notices, deliveries."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.audience import Audience
from services.notify.domain.hearing import Decision, SubjectKey, SubjectState
from services.notify.domain.obligations import Obligation
from services.notify.store.tables import (
    audience_table,
    cause_table,
    delivery_table,
    exclusion_table,
    notice_table,
    obligation_table,
)
from shared.contracts.notify import Excluded, Subject
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.database import insert_many

OWN_CAUSES = "launch:"

_SUBJECTS = sa.text(
    "SELECT w.portfolio AS wanted, w.kind AS wanted_kind, w.id AS wanted_id, last.revision AS newest, o.*"
    " FROM unnest(CAST(:portfolios AS text[]), CAST(:kinds AS text[]), CAST(:ids AS text[])) AS w(portfolio, kind, id)"
    " CROSS JOIN LATERAL (SELECT a.revision FROM audience a WHERE a.portfolio = w.portfolio AND a.kind = w.kind"
    " AND a.id = w.id ORDER BY a.revision DESC LIMIT 1) AS last"
    " LEFT JOIN obligation o ON o.portfolio = w.portfolio AND o.kind = w.kind AND o.id = w.id"
    " AND o.revision = last.revision"
)


async def load_subjects(
    connection: AsyncConnection, wanted: Mapping[PortfolioId, Iterable[SubjectKey]]
) -> dict[PortfolioId, dict[SubjectKey, SubjectState]]:
    """The newest revision of each subject with all its obligations; what was never heard of is missing."""
    keys = [(portfolio, *key) for portfolio, keys in wanted.items() for key in keys]
    found: dict[PortfolioId, dict[SubjectKey, SubjectState]] = {portfolio: {} for portfolio in wanted}
    if not keys:
        return found
    columns = dict(zip(("portfolios", "kinds", "ids"), map(list, zip(*keys, strict=True)), strict=True))
    for row in await connection.execute(_SUBJECTS, columns):
        state = found[row.wanted].setdefault((row.wanted_kind, row.wanted_id), SubjectState(row.newest))
        if row.person is not None:
            state.obligations[row.person] = read_obligation(row)
    return found


async def load_unreachable(
    connection: AsyncConnection, portfolios: Iterable[PortfolioId]
) -> dict[PortfolioId, dict[PersonId, str]]:
    """Whom no push channel reaches, and why."""
    statement = sa.text(
        "SELECT portfolio, id, problem FROM person WHERE problem IS NOT NULL AND portfolio = ANY(:portfolios)"
    )
    found: dict[PortfolioId, dict[PersonId, str]] = defaultdict(dict)
    for row in await connection.execute(statement, {"portfolios": list(portfolios)}):
        found[row.portfolio][row.id] = row.problem
    return found


async def count_roadmap(connection: AsyncConnection, portfolios: Iterable[PortfolioId]) -> dict[PortfolioId, int]:
    """How many of roadmap's causes were heard so far, by portfolio."""
    statement = sa.text(
        "SELECT p.id, (SELECT c.roadmap_revision FROM cause_heard c WHERE c.portfolio = p.id"
        " ORDER BY c.revision DESC LIMIT 1) AS heard FROM unnest(CAST(:portfolios AS text[])) AS p(id)"
    )
    rows = await connection.execute(statement, {"portfolios": list(portfolios)})
    return {row.id: row.heard or 0 for row in rows}


async def save_causes_heard(
    connection: AsyncConnection, decisions: Sequence[Decision], heard_before: Mapping[PortfolioId, int]
) -> None:
    """Every message heard, also those that concern nobody."""
    counts = dict(heard_before)
    rows = []
    for decision in decisions:
        cause_news = decision.cause_news
        counts[cause_news.portfolio] += not cause_news.cause.id.startswith(OWN_CAUSES)
        rows.append(
            {
                "portfolio": cause_news.portfolio,
                "revision": cause_news.revision,
                "cause": cause_news.cause.id,
                "roadmap_revision": counts[cause_news.portfolio],
                "body": cause_news.cause.model_dump_json(),
                "features": json.dumps(cause_news.features),
                "at": decision.now,
            }
        )
    await insert_many(connection, cause_table, rows)


async def save_audiences(
    connection: AsyncConnection, decisions: Sequence[Decision], policy: str, directories: Mapping[PortfolioId, str]
) -> None:
    """The frozen audiences, with who was left out and why."""
    exclusions: dict[str, str] = {}
    known: dict[int, str] = {}
    rows = []
    for decision in decisions:
        portfolio = decision.cause_news.portfolio
        for news, audience in decision.audiences:
            excluded = known.get(id(audience.excluded))
            if excluded is None:
                body = _excluded_body(audience)
                excluded = known[id(audience.excluded)] = hashlib.sha256(body.encode()).hexdigest()
                exclusions[excluded] = body
            rows.append(
                {
                    "portfolio": portfolio,
                    "kind": news.subject.kind,
                    "id": news.subject.id,
                    "revision": news.subject.revision,
                    "heard_revision": decision.cause_news.revision,
                    "policy": policy,
                    "directory": directories[portfolio],
                    "expected": len(audience.expected),
                    "unfilled": json.dumps(audience.unfilled),
                    "is_incident": audience.is_incident,
                    "excluded": excluded,
                    "level": news.level,
                    "name": news.name.replace("\x00", ""),
                    "state": news.state,
                    "planned_on": news.date,
                    "news": news.model_dump_json(exclude_defaults=True),
                    "at": decision.now,
                }
            )
    # Sorted, so that two batches that keep the same exclusions cannot wait for each other in a circle.
    texts = [{"id": one, "body": exclusions[one]} for one in sorted(exclusions)]
    await insert_many(connection, exclusion_table, texts)
    await insert_many(connection, audience_table, rows)


def _excluded_body(audience: Audience) -> str:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one in audience.excluded:
        by_reason[one.because].append(one.person)
    return json.dumps(by_reason, sort_keys=True)


def read_excluded(body: str) -> tuple[Excluded, ...]:
    """Who was left out, by person."""
    pairs = [(person, because) for because, people in json.loads(body).items() for person in people]
    return tuple(Excluded(person=PersonId(person), because=because) for person, because in sorted(pairs))


async def save_obligations(connection: AsyncConnection, decisions: Sequence[Decision]) -> None:
    """Every obligation that the batch opened or moved, as it stands after the whole batch."""
    rows = {}
    for decision in decisions:
        for one in (*decision.superseded, *decision.opened):
            key = (decision.cause_news.portfolio, one.subject.kind, one.subject.id, one.subject.revision, one.person)
            rows[key] = obligation_row(decision.cause_news.portfolio, one)
    await insert_many(connection, obligation_table, list(rows.values()), update=("state", "at", "evidence"))


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


async def save_notices(
    connection: AsyncConnection, decisions: Sequence[Decision], traceparents: Sequence[str | None], domain: str
) -> None:
    """The inbox rows, and a mail to be sent for everybody who can be reached. Message-ID and Date are frozen here."""
    notices = []
    deliveries = []
    for decision, traceparent in zip(decisions, traceparents, strict=True):
        unsettled = {one.notice for one in decision.opened if one.state == "open"}
        for notice in decision.notices.values():
            shared = {"portfolio": decision.cause_news.portfolio, "person": notice.person}
            notices.append(
                {
                    **shared,
                    "id": notice.id,
                    "cause": decision.cause_news.cause.id,
                    "heard_revision": decision.cause_news.revision,
                    "at": decision.now,
                    "traceparent": traceparent,
                }
            )
            if notice.is_reachable:
                deliveries.append(
                    {
                        **shared,
                        "notice": notice.id,
                        "channel": "mail",
                        "state": "due" if notice.id in unsettled else "needless",
                        "next_at": decision.now,
                        "message_id": f"<{notice.id}@{domain}>",
                        "date_at": decision.now,
                    }
                )
    await insert_many(connection, notice_table, notices)
    await insert_many(connection, delivery_table, deliveries)
