"""Loads a portfolio's state and saves what decisions changed, a whole batch in a handful of statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from shared.contracts.launch import LaunchChange, LaunchesChanged, Proposal
from shared.contracts.words import LaunchId, PortfolioId
from shared.runtime.database import Batch

_SAVE_FEATURES = sa.text(
    "INSERT INTO feature (portfolio, id, body)"
    " SELECT portfolio, id, CAST(body AS jsonb) FROM unnest(CAST(:portfolio AS text[]), CAST(:id AS text[]),"
    " CAST(:body AS text[])) AS n(portfolio, id, body)"
    " ON CONFLICT (portfolio, id) DO UPDATE SET body = excluded.body"
)
_SAVE_LAUNCHES = sa.text(
    "INSERT INTO launch (portfolio, id, state, market_tier, launch_on, due_on, changed_at, body)"
    " SELECT portfolio, id, state, market_tier, launch_on, due_on, changed_at, CAST(body AS jsonb)"
    " FROM unnest(CAST(:portfolio AS text[]), CAST(:id AS text[]), CAST(:state AS text[]),"
    " CAST(:market_tier AS text[]), CAST(:launch_on AS date[]), CAST(:due_on AS date[]),"
    " CAST(:changed_at AS timestamptz[]), CAST(:body AS text[]))"
    " AS n(portfolio, id, state, market_tier, launch_on, due_on, changed_at, body)"
    " ON CONFLICT (portfolio, id) DO UPDATE SET state = excluded.state, market_tier = excluded.market_tier,"
    " launch_on = excluded.launch_on, due_on = excluded.due_on, changed_at = excluded.changed_at, body = excluded.body"
)
_ADD_HISTORY = sa.text(
    "INSERT INTO launch_history (portfolio, launch, version, revision, told_revision, at, cause, body)"
    " SELECT portfolio, launch, version, revision, told_revision, at, CAST(cause AS jsonb), CAST(body AS jsonb)"
    " FROM unnest(CAST(:portfolio AS text[]), CAST(:launch AS text[]), CAST(:version AS bigint[]),"
    " CAST(:revision AS bigint[]), CAST(:told_revision AS bigint[]), CAST(:at AS timestamptz[]),"
    " CAST(:cause AS text[]), CAST(:body AS text[]))"
    " AS n(portfolio, launch, version, revision, told_revision, at, cause, body)"
)
_ADD_HEARD = sa.text(
    "INSERT INTO heard (portfolio, roadmap_revision, cause_id, told_revision)"
    " SELECT * FROM unnest(CAST(:portfolio AS text[]), CAST(:roadmap_revision AS bigint[]), CAST(:cause_id AS text[]),"
    " CAST(:told_revision AS bigint[]))"
)
_SAVE_PROPOSALS = sa.text(
    "INSERT INTO proposal (portfolio, id, state, opened_revision, told_revision, changed_at, body)"
    " SELECT portfolio, id, state, told_revision, told_revision, changed_at, CAST(body AS jsonb)"
    " FROM unnest(CAST(:portfolio AS text[]), CAST(:id AS text[]), CAST(:state AS text[]),"
    " CAST(:told_revision AS bigint[]), CAST(:changed_at AS timestamptz[]), CAST(:body AS text[]))"
    " AS n(portfolio, id, state, told_revision, changed_at, body)"
    " ON CONFLICT (portfolio, id) DO UPDATE SET state = excluded.state, told_revision = excluded.told_revision,"
    " changed_at = excluded.changed_at, body = excluded.body"
)


@dataclass(slots=True)
class Changes:
    """What a batch changed: the last of each feature and launch, every entry of the history, every revision heard."""

    features: dict[tuple[PortfolioId, str], KnownFeature] = field(default_factory=dict)
    launches: dict[tuple[PortfolioId, LaunchId], Launch] = field(default_factory=dict)
    history: list[dict[str, object]] = field(default_factory=list)
    heard: list[dict[str, object]] = field(default_factory=list)
    proposals: dict[tuple[PortfolioId, str], dict[str, object]] = field(default_factory=dict)

    def note(self, state: State, message: LaunchesChanged, now: datetime) -> None:
        """Take up what a message, applied to the state already, has changed."""
        for feature_change in message.features:
            self.features[state.portfolio, feature_change.feature.id] = state.features[feature_change.feature.id]
        for change in message.changes:
            launch = state.launches[change.launch.id]
            self.launches[state.portfolio, launch.id] = launch
            self.history.append(_history_row(message, change, launch, now))
        for proposal in message.proposals:
            self.proposals[state.portfolio, proposal.id] = _proposal_row(message, proposal, now)


async def load_state(connection: AsyncConnection, portfolio: PortfolioId) -> State:
    """Everything that decisions of a portfolio read."""
    state = State(portfolio)
    query = "SELECT CAST(body AS text) AS body FROM {} WHERE portfolio = :portfolio ORDER BY id"
    features = await connection.execute(sa.text(query.format("feature")), {"portfolio": portfolio})
    launches = await connection.execute(sa.text(query.format("launch")), {"portfolio": portfolio})
    waiting = "SELECT CAST(body AS text) AS body FROM proposal WHERE portfolio = :portfolio AND state = 'open'"
    proposals = await connection.execute(sa.text(waiting), {"portfolio": portfolio})
    state.fill(
        (KnownFeature.model_validate_json(row.body) for row in features),
        (Launch.model_validate_json(row.body) for row in launches),
        (Proposal.model_validate_json(row.body) for row in proposals),
    )
    return state


async def save(batch: Batch, changes: Changes) -> None:
    """Write everything that a batch changed."""
    await _write(batch, _SAVE_FEATURES, (_feature_row(key[0], known) for key, known in changes.features.items()))
    await _write(batch, _SAVE_LAUNCHES, (_launch_row(key[0], launch) for key, launch in changes.launches.items()))
    await _write(batch, _ADD_HISTORY, changes.history)
    await _write(batch, _ADD_HEARD, changes.heard)
    await _write(batch, _SAVE_PROPOSALS, changes.proposals.values())


async def _write(batch: Batch, statement: sa.TextClause, rows: Iterable[Mapping[str, object]]) -> None:
    listed = list(rows)
    if listed:
        await batch.connection.execute(statement, {name: [row[name] for row in listed] for name in listed[0]})


def _feature_row(portfolio: PortfolioId, known: KnownFeature) -> dict[str, object]:
    return {"portfolio": portfolio, "id": known.id, "body": known.model_dump_json()}


def _launch_row(portfolio: PortfolioId, launch: Launch) -> dict[str, object]:
    return {
        "portfolio": portfolio,
        "id": launch.id,
        "state": launch.snapshot.state,
        "market_tier": launch.snapshot.market_tier,
        "launch_on": launch.snapshot.date,
        "due_on": _due_on(launch),
        "changed_at": launch.changed_at,
        "body": launch.model_dump_json(),
    }


def _due_on(launch: Launch) -> date | None:
    """The day on which the clock next has something to do; the instant itself is weighed when timers go off."""
    wakes = launch.wakes_at.date() if launch.wakes_at else None
    day = launch.snapshot.date if launch.is_awaited else None
    return min((due for due in (wakes, day) if due), default=None)


def _proposal_row(message: LaunchesChanged, proposal: Proposal, now: datetime) -> dict[str, object]:
    return {
        "portfolio": message.portfolio,
        "id": proposal.id,
        "state": proposal.state,
        "told_revision": message.revision,
        "changed_at": now,
        "body": proposal.model_dump_json(),
    }


def _history_row(message: LaunchesChanged, change: LaunchChange, launch: Launch, now: datetime) -> dict[str, object]:
    return {
        "portfolio": message.portfolio,
        "launch": launch.id,
        "version": launch.version,
        "revision": launch.snapshot.revision,
        "told_revision": message.revision,
        "at": now,
        "cause": message.cause.model_dump_json(),
        "body": change.model_dump_json(),
    }


async def find_due(connection: AsyncConnection, today: date, limit: int = 100) -> list[PortfolioId]:
    """The portfolios in which a launch's day has come."""
    query = sa.text("SELECT DISTINCT portfolio FROM launch WHERE due_on <= :today ORDER BY portfolio LIMIT :limit")
    return [row.portfolio for row in await connection.execute(query, {"today": today, "limit": limit})]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open proposal that may not be the least; `hash` says which one."""

    portfolio: PortfolioId
    proposal: str
    hash: str


async def find_waiting(connection: AsyncConnection, limit: int = 200) -> list[Waiting]:
    """Open proposals to move launches that cost more than was proved to be needed, newest first."""
    query = sa.text(
        "SELECT portfolio, id, body->>'hash' AS hash FROM proposal WHERE state = 'open' AND body->>'stage' <> 'S3'"
        " AND CAST(body->>'cost' AS bigint) > CAST(body->>'lower_bound' AS bigint)"
        " ORDER BY changed_at DESC, portfolio, id LIMIT :limit"
    )
    return [Waiting(row.portfolio, row.id, row.hash) for row in await connection.execute(query, {"limit": limit})]
