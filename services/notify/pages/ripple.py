"""The ripple: one cause from the act to everybody who was told, drawn; the trace for humans."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from services.notify.domain.news import News
from services.notify.pages.asked import asked_portfolio
from services.notify.store.boards import follow_cause, portfolio_revision
from services.notify.store.coverage import Found
from shared.contracts.cause import Cause
from shared.runtime.foundation import Foundation
from shared.web.drawing import Ripple, RippleLaunch, RippleNode, RipplePerson, ripple
from shared.web.pages import PageProblemError, Pages
from shared.web.reader import Reader

FEATURES = 40
LAUNCHES = 40
HEADS = ("act", "features", "launches", "teams", "people")
# Of several states of one person the first of these is drawn: what still needs somebody wins.
LOUDEST = ("unreachable", "open", "acknowledged", "seen", "waived", "transferred", "superseded")


def build_ripple_pages(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    """`/notify/causes/{cause}`."""

    @router.get("/causes/{cause:path}")
    async def cause(request: Request, cause: str) -> Response:
        portfolio = asked_portfolio(request)
        async with foundation.database.reading() as connection:
            found = await follow_cause(connection, portfolio, cause.replace("\x00", ""))
            revision = await portfolio_revision(connection, portfolio)
        if found is None:
            raise PageProblemError(404, "This act is not known here.", "It may be on its way; try again in a moment.")
        told = Cause.model_validate_json(found["body"])
        people = merge_people(found["people"])
        reader = pages.reader(request)
        return pages.render(
            request,
            "ripple.html",
            cause=told,
            portfolio=portfolio,
            counts=_counts(people),
            told_at=_last(people, "told_at"),
            known_at=_last(people, "known_at"),
            heard_at=found["received_at"],
            launches=[one for one in found["audiences"] if one["kind"] == "launch"],
            people=people,
            drawing=_draw(pages, request, reader, told, found, people),
            live_url=f"/notify/events?portfolio={portfolio}",
            live_revision=revision,
        )


def merge_people(rows: Sequence[Found]) -> list[dict[str, Any]]:
    """One entry per person from one row per obligation."""
    merged: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = merged.setdefault(
            row["person"],
            {
                "id": row["person"],
                "name": row["name"],
                "team": row["team"] or "",
                "states": set(),
                "launches": [],
                "told_at": row["settled_at"] if row["delivery"] == "accepted" else None,
                "known_at": None,
            },
        )
        one["states"].add(row["state"])
        if row["kind"] == "launch":
            one["launches"].append(row["id"])
        if row["state"] in {"acknowledged", "seen"}:
            one["known_at"] = row["at"]
    for one in merged.values():
        state = next(state for state in LOUDEST if state in one["states"])
        one["state"] = "told" if state == "open" and one["told_at"] else state
    return list(merged.values())


def _counts(people: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in people:
        counts[one["state"]] = counts.get(one["state"], 0) + 1
    return counts


def _last(people: Sequence[dict[str, Any]], name: str) -> datetime | None:
    return max((one[name] for one in people if one[name] is not None), default=None)


def _draw(
    pages: Pages, request: Request, reader: Reader, told: Cause, found: Found, people: Sequence[dict[str, Any]]
) -> Any:
    features: list[str] = json.loads(found["features"])[:FEATURES]
    heard: datetime = found["received_at"]
    ends = (told.source.observed_at, None, heard, None, _last(people, "told_at"))
    what = Ripple(
        act=RippleNode("act", told.summary, told.source.tool),
        features=[RippleNode(one, one) for one in features],
        launches=[_launch(one, features) for one in found["audiences"] if one["kind"] == "launch"][:LAUNCHES],
        people=[_person(pages, request, one, found["portfolio"]) for one in people],
        heads=tuple(pages.say(request, f"ripple.{name}") for name in HEADS),  # type: ignore[arg-type]
        times=tuple(reader.clock(at) if at else "" for at in ends),  # type: ignore[arg-type]
    )
    return ripple(
        pages.say(request, "ripple.title", summary=told.summary), pages.say(request, "ripple.desc"), what, reader
    )


def _launch(audience: Found, features: Sequence[str]) -> RippleLaunch:
    news = News.model_validate_json(audience["news"])
    href = f"/notify/coverage/{quote(audience['id'], safe='')}/{audience['revision']}"
    mine = tuple(one for one in news.refs if one in features) or tuple(features[:1])
    return RippleLaunch(audience["id"], news.name, news.tier or "T4", mine, news.date_before, news.date, href)


def _person(pages: Pages, request: Request, one: dict[str, Any], portfolio: str) -> RipplePerson:
    text = pages.say(request, f"state.{one['state']}")
    href = f"/notify/people/{quote(one['id'], safe='')}?portfolio={portfolio}"
    return RipplePerson(
        one["id"],
        one["name"],
        one["team"] or pages.say(request, "ripple.no_team"),
        one["state"],
        text,
        tuple(one["launches"]),
        href,
    )
