"""One person's inbox: what changed, why, what to do, and the button that says "I know"."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.notify.handlers.acknowledgements import AcknowledgementHandlers, NoticeRow
from services.notify.pages.asked import asked_portfolio, told_lines
from services.notify.store.acts import find_notice
from services.notify.store.boards import find_person, portfolio_revision
from services.notify.store.coverage import Found, list_inbox
from shared.contracts.cause import Cause
from shared.contracts.words import PersonId
from shared.runtime.foundation import Foundation
from shared.web.pages import PageProblemError, Pages, with_query
from shared.web.sheets import csv_response

PAGE = 30
CSV_NOTICES = 1000
EVIDENCE = "A:page"
REVISION_DIGITS = 15


def build_inbox_pages(
    router: APIRouter, pages: Pages, foundation: Foundation, acknowledgements: AcknowledgementHandlers
) -> None:
    """`/notify/people/{id}` and the two buttons on it."""
    _build_inbox(router, pages, foundation)
    _build_buttons(router, foundation, acknowledgements)


def _build_inbox(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    @router.get("/people/{person}")
    async def inbox(request: Request, person: str) -> Response:
        portfolio = asked_portfolio(request)
        as_file = request.query_params.get("format") == "csv"
        async with foundation.database.reading() as connection:
            known = await find_person(connection, portfolio, PersonId(person.replace("\x00", "")))
            if known is None:
                raise PageProblemError(404, "Nobody has this id.", "Look the person up in the list of people.")
            limit = CSV_NOTICES if as_file else PAGE
            notices = await list_inbox(
                connection, portfolio, PersonId(known["id"]), before=_before(request), limit=limit
            )
            revision = await portfolio_revision(connection, portfolio)
        language = pages.reader(request).language
        shown = [_shown(one, language) for one in notices]
        if as_file:
            return _sheet(known["id"], shown)
        wanted = request.query_params.get("show", "")
        return pages.render(
            request,
            "inbox.html",
            person=known,
            portfolio=portfolio,
            waiting=sum(one["needs_ok"] for one in shown),
            notices=[one for one in shown if wanted != "open" or one["needs_ok"]],
            older=with_query(request, before=notices[-1]["heard_revision"]) if len(notices) == PAGE else "",
            live_url=f"/notify/events?portfolio={portfolio}",
            live_revision=revision,
        )


def _sheet(person: str, shown: list[dict[str, Any]]) -> Response:
    rows = [
        (one["at"], line["what"], " / ".join(line["why"]), line["state"], line["due_at"], one["cause"])
        for one in shown
        for line in one["lines"]
    ]
    return csv_response(f"inbox-{person}", ["at", "what", "why", "state", "due", "cause"], rows)


def _build_buttons(router: APIRouter, foundation: Foundation, acknowledgements: AcknowledgementHandlers) -> None:
    @router.post("/notices/{notice}/acknowledge")
    async def acknowledge(notice: str) -> Response:
        found = await _found(foundation, notice)
        await acknowledgements.acknowledge(found, EVIDENCE, foundation.clock())
        return _back(found)

    @router.post("/notices/{notice}/seen")
    async def seen(notice: str) -> Response:
        found = await _found(foundation, notice)
        await acknowledgements.see(found, EVIDENCE, foundation.clock())
        return _back(found)


async def _found(foundation: Foundation, notice: str) -> NoticeRow:
    async with foundation.database.reading() as connection:
        found = await find_notice(connection, notice.replace("\x00", ""))
    if found is None:
        raise PageProblemError(404, "This message does not exist.", "Open your inbox again and use the button there.")
    return found


def _back(notice: NoticeRow) -> Response:
    person = quote(notice["person"], safe="")
    return RedirectResponse(f"/notify/people/{person}?portfolio={notice['portfolio']}", 303)


def _before(request: Request) -> int | None:
    asked = request.query_params.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= REVISION_DIGITS else None


def _shown(notice: Found, language: str) -> dict[str, Any]:
    lines = told_lines(language, notice["obligations"])
    unsettled = [line for line in lines if line["state"] in {"open", "unreachable"}]
    return {
        "id": notice["id"],
        "at": notice["at"],
        "cause": notice["cause"],
        "summary": Cause.model_validate_json(notice["body"]).summary,
        "lines": lines,
        "needs_ok": any(line["needs_ok"] for line in unsettled),
        "is_unread": bool(unsettled),
        "due_at": min((line["due_at"] for line in unsettled if line["due_at"]), default=None),
    }
