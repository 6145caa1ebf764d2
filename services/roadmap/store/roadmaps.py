"""The state of a portfolio: its features, their versions and its releases; loaded whole, saved by what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.roadmap import FeatureState, Judgement, ReleaseState, Roadmap, evolve
from shared.contracts.feature import FeatureChange, FeatureSnapshot
from shared.contracts.words import PortfolioId


@dataclass(slots=True)
class Saving:
    """What a batch has changed so far; of a feature or release that changed twice only the last is written."""

    features: dict[tuple[PortfolioId, str], FeatureState] = field(default_factory=dict)
    releases: dict[tuple[PortfolioId, str], ReleaseState] = field(default_factory=dict)
    versions: list[tuple[PortfolioId, int, FeatureChange]] = field(default_factory=list)

    def add(self, portfolio: PortfolioId, seq: int, judgement: Judgement) -> None:
        """Take up what one observation changed."""
        for known in judgement.features:
            self.features[portfolio, known.snapshot.ref] = known
        if judgement.release:
            self.releases[portfolio, judgement.release.name] = judgement.release
        self.versions.extend((portfolio, seq, change) for change in judgement.changes)


async def load_roadmap(connection: AsyncConnection, portfolio: PortfolioId) -> Roadmap:
    """Everything known of a portfolio; empty if nothing is."""
    named = {"portfolio": portfolio}
    features = await connection.execute(
        sa.text("SELECT at, CAST(snapshot AS text) AS snapshot FROM feature WHERE portfolio = :portfolio"), named
    )
    releases = await connection.execute(
        sa.text("SELECT name, planned_on, at FROM release WHERE portfolio = :portfolio"), named
    )
    state = Roadmap(releases={row.name: ReleaseState(row.name, row.planned_on, row.at) for row in releases})
    known = tuple(FeatureState(FeatureSnapshot.model_validate_json(row.snapshot), row.at) for row in features)
    evolve(state, Judgement("noop", "loaded", features=known))
    return state


async def load_version(connection: AsyncConnection, portfolio: PortfolioId, ref: str) -> int:
    """A feature's version; 0 if nobody knows it."""
    found = await connection.execute(
        sa.text("SELECT CAST(snapshot->>'version' AS bigint) FROM feature WHERE portfolio = :portfolio AND ref = :ref"),
        {"portfolio": portfolio, "ref": ref},
    )
    return int(found.scalar() or 0)


async def save(connection: AsyncConnection, saving: Saving) -> None:
    """Write what changed: at most three statements."""
    if saving.features:
        features = [
            (portfolio, ref, one.at, one.snapshot.model_dump_json())
            for (portfolio, ref), one in saving.features.items()
        ]
        await connection.execute(_UPSERT_FEATURES, _columns(features))
    if saving.releases:
        releases = [(portfolio, one.name, one.planned_on, one.at) for (portfolio, _), one in saving.releases.items()]
        await connection.execute(_UPSERT_RELEASES, _columns(releases))
    if saving.versions:
        versions = [
            (
                portfolio,
                change.feature.ref,
                change.feature.version,
                seq,
                ",".join(change.kinds),
                change.by_working_days,
                change.reason,
                change.feature.model_dump_json(),
            )
            for portfolio, seq, change in saving.versions
        ]
        await connection.execute(_INSERT_VERSIONS, _columns(versions))


def _columns(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows as one list a column, named by letters from a."""
    return {chr(ord("a") + index): list(values) for index, values in enumerate(zip(*rows, strict=True))}


_UPSERT_FEATURES = sa.text(
    "INSERT INTO feature (portfolio, ref, at, snapshot) SELECT n.a, n.b, n.c, CAST(n.d AS jsonb)"
    " FROM unnest(CAST(:a AS text[]), CAST(:b AS text[]), CAST(:c AS timestamptz[]), CAST(:d AS text[]))"
    " AS n(a, b, c, d) ON CONFLICT (portfolio, ref) DO UPDATE SET at = excluded.at, snapshot = excluded.snapshot"
)
_UPSERT_RELEASES = sa.text(
    "INSERT INTO release (portfolio, name, planned_on, at) SELECT * FROM unnest(CAST(:a AS text[]),"
    " CAST(:b AS text[]), CAST(:c AS date[]), CAST(:d AS timestamptz[]))"
    " ON CONFLICT (portfolio, name) DO UPDATE SET planned_on = excluded.planned_on, at = excluded.at"
)
_INSERT_VERSIONS = sa.text(
    "INSERT INTO feature_version (portfolio, ref, version, seq, kinds, by_working_days, reason, snapshot)"
    " SELECT n.a, n.b, n.c, n.d, n.e, n.f, n.g, CAST(n.h AS jsonb) FROM unnest(CAST(:a AS text[]),"
    " CAST(:b AS text[]), CAST(:c AS bigint[]), CAST(:d AS bigint[]), CAST(:e AS text[]), CAST(:f AS int[]),"
    " CAST(:g AS text[]), CAST(:h AS text[])) AS n(a, b, c, d, e, f, g, h)"
)
