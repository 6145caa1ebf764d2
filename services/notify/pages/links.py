"""The page behind a mail's link. Looking changes nothing, however it is done; only a press of the button does.

Mail scanners open links and run scripts, so GET, HEAD and OPTIONS are inert here, and nothing submits itself.
"""

from fastapi import APIRouter, Request, Response

from services.notify.handlers.acknowledgements import AcknowledgementHandlers, NoticeRow
from services.notify.pages.asked import told_lines
from services.notify.store.acts import find_by_token
from services.notify.store.boards import find_person
from services.notify.store.coverage import obligations_with_news
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.foundation import Foundation
from shared.web.pages import PageProblemError, Pages

EVIDENCE = "B:mail"
MAX_TOKEN = 100
# A page with a form keeps `same-origin`: with `no-referrer` browsers would send it with `Origin: null`.
SECRET_ADDRESS = {"cache-control": "no-store", "x-robots-tag": "noindex"}


def build_link_pages(
    router: APIRouter, pages: Pages, foundation: Foundation, acknowledgements: AcknowledgementHandlers
) -> None:
    """`/notify/a/{token}`: the token is what lets one in."""

    async def show(request: Request, token: str, *, just_done: bool) -> Response:
        notice = await _found(foundation, token)
        async with foundation.database.reading() as connection:
            person = PersonId(notice["person"])
            known = await find_person(connection, PortfolioId(notice["portfolio"]), person)
            told = await obligations_with_news(connection, [notice["id"]])
        lines = told_lines(pages.reader(request).language, [*told])
        return pages.render(
            request,
            "link.html",
            headers=SECRET_ADDRESS,
            name=known["name"] if known else person,
            lines=lines,
            waits=any(line["state"] in {"open", "unreachable", "seen", "waived"} for line in lines),
            is_overtaken=all(line["state"] == "superseded" for line in lines),
            just_done=just_done,
            address=request.url.path,
        )

    @router.api_route("/a/{token}", methods=["GET", "HEAD"])
    async def look(request: Request, token: str) -> Response:
        return await show(request, token, just_done=False)

    @router.options("/a/{token}")
    async def options(token: str) -> Response:
        del token  # whoever asks gets the same answer
        return Response(status_code=204, headers={"allow": "GET, HEAD, OPTIONS, POST"})

    @router.post("/a/{token}")
    async def acknowledge(request: Request, token: str) -> Response:
        notice = await _found(foundation, token)
        obligations = await acknowledgements.acknowledge(notice, EVIDENCE, foundation.clock())
        done = any(one.state == "acknowledged" for one in obligations)
        return await show(request, token, just_done=done)


async def _found(foundation: Foundation, token: str) -> NoticeRow:
    if len(token) <= MAX_TOKEN:
        async with foundation.database.reading() as connection:
            found = await find_by_token(connection, token)
        if found is not None:
            return found
    raise PageProblemError(404, "This link is not known here.", "Open the newest mail about it, or your inbox.")
