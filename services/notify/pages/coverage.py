"""Coverage of one revision: who knows, who does not, who cannot be reached, and why each person is in or out."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response

from services.notify.domain.news import News
from services.notify.pages.asked import asked_text
from services.notify.store.boards import name_people, portfolio_revision
from services.notify.store.coverage import find_audience, list_revisions, read_certificate
from shared.contracts.notify import COVERAGE_CLASSES, CoverageCertificate, Subject
from shared.contracts.words import PortfolioId
from shared.runtime.foundation import Foundation
from shared.web.drawing import MeterPart, meter
from shared.web.drawing.coverage import TONES
from shared.web.pages import PageProblemError, Pages
from shared.web.sheets import csv_response

MAX_DIGITS = 15
NOT_HEARD = "Nothing is known of this revision."
NOT_HEARD_ADVICE = "It may not have reached us yet, or the address is wrong; open the launch from the list."


def build_coverage_pages(router: APIRouter, pages: Pages, foundation: Foundation) -> None:
    """`/notify/coverage/{launch}/{revision}`, and the same for a feature that moved no launch."""

    @router.get("/coverage/{launch}/{revision}")
    async def of_launch(request: Request, launch: str, revision: str) -> Response:
        return await show(request, Subject(kind="launch", id=_text(launch), revision=_number(revision)), None)

    @router.get("/portfolios/{portfolio}/coverage/features/{ref:path}")
    async def of_feature(request: Request, portfolio: str, ref: str) -> Response:
        version = request.query_params.get("version", "")
        subject = Subject(kind="feature", id=_text(ref), revision=_number(version) if version else 0)
        return await show(request, subject, PortfolioId(_text(portfolio)))

    async def show(request: Request, subject: Subject, portfolio: PortfolioId | None) -> Response:
        async with foundation.database.reading() as connection:
            audience = await find_audience(connection, subject, portfolio)
            if audience is None:
                raise PageProblemError(404, NOT_HEARD, NOT_HEARD_ADVICE)
            owner = PortfolioId(audience["portfolio"])
            certificate = await read_certificate(connection, audience, foundation.clock())
            ids = [*(one.person for one in certificate.people), *(one.person for one in certificate.excluded)]
            names = await name_people(connection, owner, ids)
            revisions = await list_revisions(connection, subject) if subject.kind == "launch" else []
            live_revision = await portfolio_revision(connection, owner)
        people = _people(certificate, names)
        if request.query_params.get("format") == "csv":
            rows = [(one["id"], one["name"], one["class"], "; ".join(one["because"]), one["at"]) for one in people]
            return csv_response(
                f"coverage-{subject.id}-{subject.revision}", ["person", "name", "state", "why", "at"], rows
            )
        wanted = asked_text(request, "state")
        return pages.render(
            request,
            "coverage.html",
            certificate=certificate,
            news=News.model_validate_json(audience["news"]),
            portfolio=owner,
            unfilled=json.loads(audience["unfilled"]),
            is_incident=audience["is_incident"],
            people=[one for one in people if not wanted or one["class"] == wanted],
            excluded=[
                {"id": one.person, "name": _name(names, one.person), "because": one.because}
                for one in certificate.excluded
            ],
            classes=COVERAGE_CLASSES,
            meter=_meter(pages, request, certificate),
            revisions=revisions,
            live_url=f"/notify/events?portfolio={owner}",
            live_revision=live_revision,
        )


def _people(certificate: CoverageCertificate, names: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Gaps first, then by name."""
    order = {"unreachable": 0, "open": 1}
    people = [
        {
            "id": one.person,
            "name": _name(names, one.person),
            "team": (names.get(one.person) or {}).get("team"),
            "class": one.class_,
            "because": list(one.because),
            "level": one.level,
            "evidence": one.evidence,
            "at": one.at,
        }
        for one in certificate.people
    ]
    return sorted(people, key=lambda one: (order.get(one["class"], 2), one["name"]))


def _name(names: dict[str, dict[str, Any]], person: str) -> str:
    return str(names[person]["name"]) if person in names else person


def _meter(pages: Pages, request: Request, certificate: CoverageCertificate) -> Any:
    parts = [
        MeterPart(count, TONES[name], f"{count} {pages.say(request, f'state.{name}')}")
        for name, count in certificate.classes.items()
    ]
    return meter(pages.say(request, "coverage.meter"), parts)


def _text(text: str) -> str:
    return text.replace("\x00", "")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) > 0):
        raise PageProblemError(404, NOT_HEARD, NOT_HEARD_ADVICE)
    return int(text)
