"""What a person may do through a program."""

from typing import Any

from fastapi import APIRouter, Response

from services.launch.api.asked import UNDER, EditBody, IdempotencyKey, IfMatch, NewBody, read_if_match
from services.launch.api.reads import find
from services.launch.api.shown import etag, show
from services.launch.domain.calendar import RefusedError
from services.launch.domain.decisions.person import Edit
from services.launch.domain.launch import Launch
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.seen import Seen, StaleEditError
from services.launch.store import reading
from shared.contracts.words import PortfolioId, canonical_json
from shared.runtime.clock import Clock, derive_id
from shared.web.plumbing import PortfolioPath
from shared.web.problems import ProblemError


def build_create(deciding: Deciding, clock: Clock) -> APIRouter:
    """A person makes a launch."""
    router = APIRouter(prefix=UNDER)

    @router.post("/launches", status_code=201)
    async def create(
        portfolio: PortfolioPath, body: NewBody, response: Response, idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """A launch of one or more features. Without a date it gets the earliest one that the policy allows."""
        async with deciding.database.reading() as connection:
            revision = await reading.read_revision(connection, portfolio)
        request = idempotency_key or derive_id(portfolio, revision, canonical_json(body.model_dump(mode="json")))
        launch = await carry_out(deciding, portfolio, body.command(None, request), clock, None)
        response.headers["etag"] = etag(launch)
        response.headers["location"] = f"/launch/api/v1/portfolios/{portfolio}/launches/{launch.id}"
        return show(launch)

    return router


def build_change(deciding: Deciding, clock: Clock) -> APIRouter:
    """A person changes a launch."""
    router = APIRouter(prefix=UNDER)

    @router.patch("/launches/{launch}")
    async def change(
        portfolio: PortfolioPath,
        launch: str,
        body: EditBody,
        response: Response,
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Change a launch. With `If-Match` only if it still is what you saw; otherwise 412 shows the difference."""
        async with deciding.database.reading() as connection:
            found = await find(connection, portfolio, launch)
        content = canonical_json(body.model_dump(mode="json", exclude_unset=True))
        request = idempotency_key or derive_id(portfolio, launch, found.version, content)
        command = body.command(found.id, request)
        if not command.acts():
            raise ProblemError(422, "nothing is to be changed; give at least one field", where="$")
        changed = await carry_out(deciding, portfolio, command, clock, read_if_match(if_match))
        response.headers["etag"] = etag(changed)
        return show(changed)

    return router


async def carry_out(
    deciding: Deciding, portfolio: PortfolioId, command: Edit, clock: Clock, seen: Seen | None
) -> Launch:
    """Carry out a person's command; its refusals become problems."""
    try:
        return await deciding.edit(portfolio, command, clock(), seen)
    except RefusedError as refusal:
        status = 404 if refusal.missing else 409 if refusal.where == "$" else 422
        raise ProblemError(status, str(refusal), where=refusal.where) from None
    except StaleEditError as stale:
        raise ProblemError(
            412, str(stale), where="header if-match", differences=stale.differences, etag=etag(stale.launch)
        ) from None
