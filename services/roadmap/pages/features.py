"""The features of a portfolio, and one with its history and where its date has been."""

from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response

from services.roadmap.pages.asked import CSV_ROWS, PAGE, ask, choose_portfolio, wants_csv, with_after
from services.roadmap.pages.drawing import draw_history
from services.roadmap.pages.terms import build_terms
from services.roadmap.store.effects import load_radii
from services.roadmap.store.queries import count_news, list_features, list_versions, load_feature
from shared.contracts.feature import FeatureSnapshot
from shared.runtime.database import Database
from shared.web.doors import require_access
from shared.web.pages import PageProblemError, Pages, with_query
from shared.web.sheets import csv_response

STATUSES: Final = ("proposed", "planned", "in_progress", "paused", "shipped", "cancelled")
HEAD: Final = ("ref", "title", "status", "stage", "owner_team", "target", "earliest", "latest", "version")
HISTORY: Final = 200


def build_list_page(pages: Pages, database: Database) -> APIRouter:
    """`/roadmap/features`."""
    router = APIRouter(dependencies=[Depends(require_access)])

    @router.get("/features")
    async def features(request: Request) -> Response:
        wanted = {"status": ask(request, "status"), "release": ask(request, "release"), "text": ask(request, "q")}
        as_file = wants_csv(request)
        async with database.reading() as connection:
            portfolio, known = await choose_portfolio(request, connection)
            after = ask(request, "after")
            rows = await list_features(connection, portfolio, wanted, after, CSV_ROWS if as_file else PAGE)
            radii = await load_radii(connection, portfolio, [row["ref"] for row in rows])
            news = await count_news(connection, portfolio)
        found = [FeatureSnapshot.model_validate_json(row["snapshot"]) for row in rows]
        if as_file:
            return csv_response(f"features-{portfolio}", HEAD, [_sheet_row(one) for one in found])
        return pages.render(
            request,
            "features.html",
            **build_terms(pages, request),
            portfolio=portfolio,
            portfolios=known,
            features=found,
            radii=radii,
            filtered=any(wanted.values()),
            statuses=STATUSES,
            older=with_after(request, found[-1].ref) if len(found) == PAGE else "",
            newer=with_query(request) if after else "",
            live_url=f"/roadmap/events?portfolio={portfolio}",
            live_revision=news,
        )

    return router


def build_feature_page(pages: Pages, database: Database) -> APIRouter:
    """`/roadmap/features/{ref}`."""
    router = APIRouter(dependencies=[Depends(require_access)])

    @router.get("/features/{ref:path}")
    async def feature(request: Request, ref: str) -> Response:
        ref = ref.replace("\x00", "")
        async with database.reading() as connection:
            portfolio, _ = await choose_portfolio(request, connection)
            row = await load_feature(connection, portfolio, ref)
            versions = await list_versions(connection, portfolio, ref, HISTORY)
            radii = await load_radii(connection, portfolio, [ref])
            news = await count_news(connection, portfolio)
        if row is None:
            raise PageProblemError(
                404, pages.say(request, "feature.unknown"), pages.say(request, "feature.unknown_how")
            )
        history = [{**one, "feature": FeatureSnapshot.model_validate_json(one["snapshot"])} for one in versions]
        return pages.render(
            request,
            "feature.html",
            **build_terms(pages, request),
            portfolio=portfolio,
            feature=FeatureSnapshot.model_validate_json(row["snapshot"]),
            as_of=row["at"],
            history=history,
            radius=radii.get(ref),
            drawing=draw_history(pages.say(request, "feature.drawing"), _stands(history), pages.reader(request)),
            live_url=f"/roadmap/events?portfolio={portfolio}",
            live_revision=news,
        )

    return router


def _stands(history: list[dict[str, Any]]) -> list[tuple[Any, FeatureSnapshot]]:
    """Where the date stood, one entry for each time it changed; oldest first."""
    stands: list[tuple[Any, FeatureSnapshot]] = []
    for one in reversed(history):
        if not stands or stands[-1][1].target != one["feature"].target:
            stands.append((one["at"], one["feature"]))
    return stands


def _sheet_row(one: FeatureSnapshot) -> list[Any]:
    target = one.target
    written = next(iter(target.as_written.values())) if target else None
    days = [target.earliest, target.latest] if target else [None, None]
    return [one.ref, one.title, one.status, one.stage, one.owner_team, written, *days, one.version]
