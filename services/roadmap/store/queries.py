"""What people and programs ask: the log, one observation, features and their history. Reads only, no lock."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.words import PortfolioId
from shared.runtime.database import as_dicts

_FEATURE: Final = "ref, at, CAST(snapshot AS text) AS snapshot FROM feature"
_LED_TO: Final = (
    " LEFT JOIN feature f ON f.portfolio = o.portfolio AND f.ref = o.ref AND o.kind <> 'release'"
    " LEFT JOIN effect e ON e.portfolio = o.portfolio AND e.cause_id = o.cause_id"
    " LEFT JOIN LATERAL (SELECT count(DISTINCT person) FILTER (WHERE state <> 'unreachable') AS told,"
    " count(DISTINCT person) FILTER (WHERE state = 'acknowledged') AS acknowledged,"
    " count(DISTINCT person) FILTER (WHERE state = 'unreachable') AS unreachable"
    " FROM person_told t WHERE t.portfolio = o.portfolio AND t.cause_id = o.cause_id) p ON true"
)
_SHOWN: Final = (
    "o.seq, o.portfolio, o.source, o.observation_id, o.kind, o.ref, o.at, o.received_at, o.accepted_at, o.state,"
    " o.path, o.why, o.summary, o.kinds, o.cause_id, o.revision_at, o.told_at, coalesce(e.launches, '[]') AS launches,"
    " p.told, p.acknowledged, p.unreachable, f.snapshot->>'title' AS title"
)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which observations to list; empty fields do not filter. `after` is the seq of the last one already seen."""

    state: str = ""
    kind: str = ""
    ref: str = ""
    text: str = ""
    after: int = 0

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """SQL and its parameters."""
        every: dict[str, dict[str, Any]] = {
            "o.state = :state": {"state": self.state},
            ":kind = ANY(o.kinds)": {"kind": self.kind},
            "(o.ref = :ref OR o.seq IN (SELECT v.seq FROM feature_version v"
            " WHERE v.portfolio = :portfolio AND v.ref = :ref))": {"ref": self.ref},
            "concat_ws(' ', o.ref, o.observation_id, o.summary, o.why) ILIKE :text": {"text": _like(self.text)},
            "o.seq < :after": {"after": self.after},
        }
        given = {sql: values for sql, values in every.items() if all(values.values())}
        named = {name: value for values in given.values() for name, value in values.items()}
        return "".join(f" AND {sql}" for sql in given), named


async def list_log(
    connection: AsyncConnection, portfolio: PortfolioId, wanted: LogFilter, limit: int
) -> list[dict[str, Any]]:
    """Observations, newest first, with what they led to."""
    conditions, values = wanted.conditions()
    found = await connection.execute(
        sa.text(
            f"SELECT {_SHOWN} FROM observation o{_LED_TO} WHERE o.portfolio = :portfolio{conditions}"
            " ORDER BY o.seq DESC LIMIT :limit"
        ),
        {"portfolio": portfolio, "limit": limit, **values},
    )
    return as_dicts(found)


async def load_observation(
    connection: AsyncConnection, portfolio: PortfolioId, source: str, observation_id: str
) -> dict[str, Any] | None:
    """The observation of that id: the accepted one if there is one, else the newest; with how often the id came.

    `seq:<number>` names one by its place in the log: a refused line may have no id.
    """
    number = observation_id.removeprefix("seq:")
    by_number = number != observation_id and number.isascii() and number.isdigit() and len(number) < 19  # noqa: PLR2004 - a bigint
    condition = "o.seq = :seq" if by_number else "o.source = :source AND o.observation_id = :id"
    found = await connection.execute(
        sa.text(
            f"SELECT {_SHOWN}, o.body, (SELECT count(*) FROM observation r WHERE r.portfolio = o.portfolio"
            " AND r.source = o.source AND r.observation_id = o.observation_id) AS times_received"
            f" FROM observation o{_LED_TO} WHERE o.portfolio = :portfolio AND {condition}"
            " ORDER BY o.state IN ('refused', 'duplicate'), o.seq DESC LIMIT 1"
        ),
        {"portfolio": portfolio, **({"seq": int(number)} if by_number else {"source": source, "id": observation_id})},
    )
    rows = as_dicts(found)
    return rows[0] if rows else None


async def list_held(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """What could not be judged, in all portfolios, oldest first; found by index, however long the log is."""
    found = await connection.execute(
        sa.text(
            "SELECT portfolio, seq, source, observation_id AS id, kind, ref, at, accepted_at, why FROM observation"
            " WHERE told_at IS NULL AND state = 'held' ORDER BY accepted_at, seq LIMIT :limit"
        ),
        {"limit": limit},
    )
    return as_dicts(found)


async def list_features(
    connection: AsyncConnection, portfolio: PortfolioId, wanted: dict[str, str], after: str, limit: int
) -> list[dict[str, Any]]:
    """Features by ref, snapshots as JSON text. `wanted`: status, release, owner_team, or text in ref or title."""
    given = {name: value for name, value in wanted.items() if value}
    fields = "".join(f" AND snapshot->>'{name}' = :{name}" for name in given if name != "text")
    text = " AND concat_ws(' ', ref, snapshot->>'title') ILIKE :text" if "text" in given else ""
    if text:
        given["text"] = _like(given["text"])
    found = await connection.execute(
        sa.text(
            f"SELECT {_FEATURE} WHERE portfolio = :portfolio AND ref > :after{fields}{text} ORDER BY ref LIMIT :limit"
        ),
        {"portfolio": portfolio, "after": after, "limit": limit, **given},
    )
    return as_dicts(found)


async def load_feature(connection: AsyncConnection, portfolio: PortfolioId, ref: str) -> dict[str, Any] | None:
    """A feature as it is known now."""
    found = await connection.execute(
        sa.text(f"SELECT {_FEATURE} WHERE portfolio = :portfolio AND ref = :ref"),
        {"portfolio": portfolio, "ref": ref},
    )
    rows = as_dicts(found)
    return rows[0] if rows else None


async def list_versions(
    connection: AsyncConnection, portfolio: PortfolioId, ref: str, limit: int
) -> list[dict[str, Any]]:
    """A feature's history, newest first, with the observation that made each version."""
    found = await connection.execute(
        sa.text(
            "SELECT v.version, v.seq, string_to_array(v.kinds, ',') AS kinds, v.by_working_days, v.reason,"
            " CAST(v.snapshot AS text) AS snapshot,"
            " o.observation_id, o.summary, o.cause_id, o.at FROM feature_version v JOIN observation o ON o.seq = v.seq"
            " WHERE v.portfolio = :portfolio AND v.ref = :ref ORDER BY v.version DESC LIMIT :limit"
        ),
        {"portfolio": portfolio, "ref": ref, "limit": limit},
    )
    return as_dicts(found)


async def list_portfolios(connection: AsyncConnection) -> list[PortfolioId]:
    """All portfolios that were ever judged."""
    found = await connection.execute(sa.text("SELECT id FROM portfolio ORDER BY id LIMIT 1000"))
    return [PortfolioId(row.id) for row in found]


async def count_news(connection: AsyncConnection, portfolio: PortfolioId) -> int:
    """Rises whenever a page of the portfolio would look different: something came in, was judged, or was heard."""
    found = await connection.execute(
        sa.text(
            "SELECT (SELECT coalesce(max(seq), 0) FROM observation WHERE portfolio = :portfolio)"
            " + (SELECT coalesce(sum(version), 0) FROM portfolio WHERE id = :portfolio)"
            " + (SELECT coalesce(sum(revision), 0) FROM reader WHERE portfolio = :portfolio)"
        ),
        {"portfolio": portfolio},
    )
    return int(found.scalar_one())


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if text else ""
