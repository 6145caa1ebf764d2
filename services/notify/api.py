"""The door for programs, JSON under `/notify/api/v1`: directory, coverage, inbox, what people say, sums, mails."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notify.domain.directory import NO_DIRECTORY
from services.notify.domain.reading import DirectoryError, read_directory
from services.notify.handlers.acknowledgements import AcknowledgementHandlers, NoticeRow, ObligationWaiver
from services.notify.handlers.directories import DirectoryDependencies, put_directory
from services.notify.store.acts import find_notice
from services.notify.store.coverage import find_audience, list_inbox, read_certificate, read_conservation
from services.notify.store.deliveries import count_waiting
from services.notify.store.directories import current_ids, load_directory, load_people
from shared.contracts.notify import Subject
from shared.contracts.words import PORTFOLIO_PATTERN, Day, PersonId, PortfolioId
from shared.runtime.clock import derive_id
from shared.runtime.foundation import Foundation
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError

PAGE_EVIDENCE = "A:api"
NO_END = 2**62
DEFAULT_PORTFOLIO = PortfolioId("default")

Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
Text = Annotated[str, Path(max_length=512, pattern=r"^[^\x00]+$")]


class Strict(BaseModel):
    """A body: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SubjectBody(Strict):
    kind: Literal["launch", "feature"]
    id: Name
    revision: int = Field(ge=1, le=NO_END)


class ObjectionBody(Strict):
    """In the person's own words: "not mine", "wrong team", "I cannot make this date"."""

    reason: Reason


class ObligationWaiverBody(Strict):
    """Who closes whose gap, why, and until which day."""

    subject: SubjectBody
    person: Name
    by: Name
    reason: Reason
    until: Day = Field(strict=False)


def build_api(
    foundation: Foundation, acknowledgements: AcknowledgementHandlers, directory_dependencies: DirectoryDependencies
) -> list[APIRouter]:
    """All routes; app.py says who may call them."""
    return [
        _directory(foundation, directory_dependencies),
        _coverage(foundation),
        _people(foundation, acknowledgements),
        _waivers(foundation, acknowledgements),
    ]


def _directory(foundation: Foundation, directory_dependencies: DirectoryDependencies) -> APIRouter:
    router = APIRouter()

    @router.put("/portfolios/{portfolio}/directory")
    async def put(portfolio: PortfolioPath, request: Request) -> dict[str, Any]:
        """Replace the whole directory by a file: YAML, or CSV as `text/csv`. With any problem in it nothing changes."""
        is_csv = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv"
        try:
            file = await asyncio.to_thread(read_directory, await request.body(), is_csv=is_csv)
        except DirectoryError as error:
            found = [{"line": one.line, "where": one.path, "detail": one.expected} for one in error.problems[:100]]
            first = found[0]
            raise ProblemError(
                422, f"line {first['line']}: {first['detail']}", where=str(first["where"]), errors=found
            ) from None
        changed = await put_directory(directory_dependencies, portfolio, file, foundation.clock())
        return {"directory": file.directory.id, "people": len(file.contacts), "changed": changed}

    @router.get("/portfolios/{portfolio}/directory")
    async def get(portfolio: PortfolioPath) -> dict[str, Any]:
        """The directory as it is, with addresses, and what is wrong with them."""
        async with foundation.database.reading() as connection:
            current = (await current_ids(connection, [portfolio]))[portfolio]
            directory = await load_directory(connection, portfolio, current)
            contacts = await load_people(connection, portfolio)
        people = [
            person.model_dump(mode="json")
            | {name: contacts[person.id][name] for name in ("name", "email", "zone", "locale", "problem")}
            for person in directory.people
            if person.id in contacts
        ]
        return {"directory": current, "is_empty": current == NO_DIRECTORY.id, "people": people}

    return router


def _coverage(foundation: Foundation) -> APIRouter:
    router = APIRouter()

    @router.get("/coverage/{launch}/{revision}")
    async def launch_coverage(launch: Text, revision: Annotated[int, Path(ge=1, le=NO_END)]) -> Response:
        """The coverage certificate of a launch's revision, as of now; with `unfilled` roles and `incident`."""
        return await _certificate(foundation, Subject(kind="launch", id=launch, revision=revision), None)

    @router.get("/portfolios/{portfolio}/coverage/features/{ref:path}")
    async def feature_coverage(
        portfolio: PortfolioPath, ref: Text, version: Annotated[int, Query(ge=0, le=NO_END)] = 0
    ) -> Response:
        """The same for a feature whose change touched no launch. Without `version` the newest."""
        return await _certificate(foundation, Subject(kind="feature", id=ref, revision=version), portfolio)

    @router.get("/portfolios/{portfolio}/conservation")
    async def conservation(
        portfolio: PortfolioPath, until: Annotated[int, Query(ge=0, le=NO_END)] = NO_END
    ) -> dict[str, Any]:
        """Causes heard up to a revision of roadmap, audiences against obligations; differences by id."""
        async with foundation.database.reading() as connection:
            return await read_conservation(connection, portfolio, until)

    @router.get("/portfolios/{portfolio}/deliveries")
    async def deliveries(portfolio: PortfolioPath) -> dict[str, int]:
        """Mails that have yet to leave: due now, being sent, or for later."""
        async with foundation.database.reading() as connection:
            return await count_waiting(connection, portfolio, foundation.clock())

    return router


async def _certificate(foundation: Foundation, subject: Subject, portfolio: PortfolioId | None) -> Response:
    async with foundation.database.reading() as connection:
        audience = await find_audience(connection, subject, portfolio)
        if audience is None:
            raise ProblemError(404, f"no audience of {subject.kind} {subject.id} revision {subject.revision} is known")
        certificate = await read_certificate(connection, audience, foundation.clock())
    body = certificate.model_dump(mode="json") | {
        "unfilled": json.loads(audience["unfilled"]),
        "incident": audience["is_incident"],
    }
    return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")


def _people(foundation: Foundation, acknowledgements: AcknowledgementHandlers) -> APIRouter:
    router = APIRouter()

    @router.get("/people/{person}/inbox")
    async def inbox(
        person: Text,
        portfolio: Annotated[PortfolioId, Query(pattern=PORTFOLIO_PATTERN)] = DEFAULT_PORTFOLIO,
        before: Annotated[int | None, Query(ge=1, le=NO_END)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """A person's notices, newest first, each with what it asks for; `next` is what `before` takes then."""
        async with foundation.database.reading() as connection:
            notices = await list_inbox(connection, portfolio, PersonId(person), before=before, limit=limit)
        return {
            "items": [_notice_json(one) for one in notices],
            "next": notices[-1]["heard_revision"] if len(notices) == limit else None,
        }

    @router.post("/notices/{notice}/acknowledge")
    async def acknowledge(notice: Text) -> dict[str, Any]:
        """Acknowledge everything that the notice asks for."""
        found = await _found(foundation, notice)
        obligations = await acknowledgements.acknowledge(found, PAGE_EVIDENCE, foundation.clock())
        return {"notice": notice, "obligations": [_obligation_json(one) for one in obligations]}

    @router.post("/notices/{notice}/seen")
    async def seen(notice: Text) -> dict[str, Any]:
        """Mark the notice as read: enough for what needs no acknowledgement."""
        found = await _found(foundation, notice)
        obligations = await acknowledgements.see(found, PAGE_EVIDENCE, foundation.clock())
        return {"notice": notice, "obligations": [_obligation_json(one) for one in obligations]}

    @router.post("/notices/{notice}/objections", status_code=201)
    async def objections(notice: Text, body: ObjectionBody, key: IdempotencyKey = None) -> dict[str, Any]:
        """Object in the person's own words, such as "not mine". The obligation stays as it is."""
        found = await _found(foundation, notice)
        request = derive_id("objection", notice, key or body.reason)
        kept = await acknowledgements.object_to(found, body.reason, request, foundation.clock())
        return {"notice": notice, "objections": [one.model_dump(mode="json") for one in kept]}

    return router


def _waivers(foundation: Foundation, acknowledgements: AcknowledgementHandlers) -> APIRouter:
    router = APIRouter()

    @router.post("/portfolios/{portfolio}/waivers", status_code=201)
    async def waive(portfolio: PortfolioPath, body: ObligationWaiverBody, key: IdempotencyKey = None) -> dict[str, Any]:
        """Close a gap for somebody who cannot acknowledge: by name, with a reason, until a day."""
        subject = Subject(kind=body.subject.kind, id=body.subject.id, revision=body.subject.revision)
        person = PersonId(body.person)
        waiver = ObligationWaiver(subject, person, body.by, body.reason, body.until.isoformat())
        request = derive_id("waiver", portfolio, key or body.model_dump_json())
        obligation = await acknowledgements.waive(portfolio, waiver, request, foundation.clock())
        if obligation is None:
            raise ProblemError(404, f"{person} is not in the audience of this revision", where="$.person")
        if obligation.state != "waived":
            raise ProblemError(409, f"there is nothing to waive: it is {obligation.state}", where="$.subject")
        return _obligation_json(obligation)

    return router


async def _found(foundation: Foundation, notice: str) -> NoticeRow:
    async with foundation.database.reading() as connection:
        found = await find_notice(connection, notice)
    if found is None:
        raise ProblemError(404, "no such notice")
    return found


def _obligation_json(one: Any) -> dict[str, Any]:
    return {
        "subject": one.subject.model_dump(mode="json"),
        "person": one.person,
        "need": one.need,
        "because": list(one.because),
        "due_at": one.due_at,
        "state": one.state,
        "evidence": one.evidence,
        "at": one.at,
    }


def _notice_json(notice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": notice["id"],
        "at": notice["at"],
        "cause": json.loads(notice["body"]),
        "obligations": [
            {
                "subject": {"kind": one["kind"], "id": one["id"], "revision": one["revision"]},
                "need": one["need"],
                "because": json.loads(one["because"]),
                "due_at": one["due_at"],
                "state": one["state"],
                "evidence": one["evidence"],
                "news": json.loads(one["news"]),
            }
            for one in notice["obligations"]
        ],
    }
