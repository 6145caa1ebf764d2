"""Features as they are known, and how they came to be so."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from services.roadmap.api.parameters import UNDER, FeaturesQuery, Name
from services.roadmap.store import queries
from services.roadmap.store.effects import load_radii
from shared.runtime.database import Database
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

HISTORY: Final = 1000


def build_feature_reads(database: Database) -> APIRouter:
    """A portfolio's features, and one with its history."""
    router = APIRouter(prefix=UNDER)

    @router.get("/features")
    async def list_features(portfolio: PortfolioPath, query: Annotated[FeaturesQuery, Query()]) -> dict[str, Any]:
        """By ref; `next` is null on the last page."""
        async with database.reading() as connection:
            rows = await queries.list_features(connection, portfolio, query.filters(), query.after, query.limit)
        following = rows[-1]["ref"] if len(rows) == query.limit else None
        return {"items": [json.loads(row["snapshot"]) for row in rows], "next": following}

    @router.get("/features/{ref:path}")
    async def get_feature(portfolio: PortfolioPath, ref: Name, response: Response) -> dict[str, Any]:
        """The ETag is the version that `If-Match` takes. `blast_radius`: what its slip would move, as last asked."""
        async with database.reading() as connection:
            row = await queries.load_feature(connection, portfolio, ref)
            if row is None:
                raise ProblemError(404, "no feature of this ref is known", where="path ref")
            history = await queries.list_versions(connection, portfolio, ref, HISTORY)
            radius = (await load_radii(connection, portfolio, [ref])).get(ref)
        feature = json.loads(row["snapshot"])
        response.headers["etag"] = f'"{feature["version"]}"'
        versions = [{**one, "snapshot": json.loads(one["snapshot"])} for one in history]
        return {"feature": feature, "at": row["at"], "history": versions, "blast_radius": radius}

    return router
