"""What the others told: launches touched, people told, what slips would move. A read model; no decision reads it."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.domain.effects import (
    LaunchEffect,
    PeopleEffect,
    Radius,
    ToldRadius,
    gather_launches,
    gather_radii,
)
from shared.contracts.words import PortfolioId

_UPSERT_PEOPLE = sa.text(
    "INSERT INTO person_told (portfolio, subject_kind, subject_id, subject_revision, person, cause_id, state)"
    " SELECT * FROM unnest(CAST(:a AS text[]), CAST(:b AS text[]), CAST(:c AS text[]), CAST(:d AS bigint[]),"
    " CAST(:e AS text[]), CAST(:f AS text[]), CAST(:g AS text[]))"
    " ON CONFLICT (portfolio, subject_kind, subject_id, subject_revision, person)"
    " DO UPDATE SET state = excluded.state"
)


async def save_launches(connection: AsyncConnection, effects: Sequence[LaunchEffect]) -> None:
    """Add the launches that each cause touched; a cause that touched none leaves nothing."""
    rows = [
        (portfolio, cause_id, json.dumps([one.model_dump(mode="json") for one in touched]))
        for (portfolio, cause_id), touched in gather_launches(effects).items()
        if touched
    ]
    if not rows:
        return
    await connection.execute(
        sa.text(
            "INSERT INTO effect (portfolio, cause_id, launches) SELECT n.p, n.c, CAST(n.l AS jsonb)"
            " FROM unnest(CAST(:p AS text[]), CAST(:c AS text[]), CAST(:l AS text[])) AS n(p, c, l)"
            " ON CONFLICT (portfolio, cause_id) DO UPDATE SET launches = effect.launches || excluded.launches"
        ),
        dict(zip("pcl", map(list, zip(*rows, strict=True)), strict=True)),
    )


async def save_people(connection: AsyncConnection, effects: Sequence[PeopleEffect]) -> None:
    """Write who is told and who has acknowledged. The first cause heard for a person and subject stays its cause."""
    rows = {
        (effect.portfolio, one.subject_kind, one.subject_id, one.subject_revision, one.person): (
            effect.cause_id,
            one.state,
        )
        for effect in effects
        for one in effect.people
    }
    if rows:
        columns = [list(column) for column in zip(*((*key, *value) for key, value in rows.items()), strict=True)]
        await connection.execute(_UPSERT_PEOPLE, dict(zip("abcdefg", columns, strict=True)))
    heard = sorted({(effect.portfolio, effect.cause_id) for effect in effects})
    await connection.execute(
        sa.text(
            "UPDATE observation o SET told_at = clock_timestamp() FROM unnest(CAST(:p AS text[]), CAST(:c AS text[]))"
            " AS n(p, c) WHERE o.portfolio = n.p AND o.cause_id = n.c AND o.told_at IS NULL"
        ),
        {"p": [portfolio for portfolio, _ in heard], "c": [cause_id for _, cause_id in heard]},
    )


async def save_radii(connection: AsyncConnection, told: Sequence[ToldRadius]) -> None:
    """Put each answer in the place of the one before."""
    rows = [(portfolio, feature, one.model_dump_json()) for (portfolio, feature), one in gather_radii(told).items()]
    if not rows:
        return
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
