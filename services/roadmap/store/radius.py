"""What features' slips would move: the newest answer for each. A read model; no decision reads it."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.radius import Radius
from shared.contracts.words import PortfolioId


async def save_radii(connection: AsyncConnection, radii: Mapping[tuple[PortfolioId, str], Radius]) -> None:
    """Put each answer in the place of the one before."""
    rows = [(portfolio, feature, one.model_dump_json()) for (portfolio, feature), one in radii.items()]
    await connection.execute(
        sa.text(
            "INSERT INTO blast_radius (portfolio, feature, body) SELECT n.p, n.f, CAST(n.b AS jsonb)"
            " FROM unnest(CAST(:p AS text[]), CAST(:f AS text[]), CAST(:b AS text[])) AS n(p, f, b)"
            " ON CONFLICT (portfolio, feature) DO UPDATE SET body = excluded.body"
        ),
        dict(zip("pfb", map(list, zip(*rows, strict=True)), strict=True)),
    )


async def load_radii(connection: AsyncConnection, portfolio: PortfolioId, features: Sequence[str]) -> dict[str, Radius]:
    """The answers for those of these features that have one."""
    found = await connection.execute(
        sa.text(
            "SELECT feature, CAST(body AS text) AS body FROM blast_radius"
            " WHERE portfolio = :portfolio AND feature = ANY(CAST(:features AS text[]))"
        ),
        {"portfolio": portfolio, "features": list(features)},
    )
    return {row.feature: Radius.model_validate_json(row.body) for row in found}
