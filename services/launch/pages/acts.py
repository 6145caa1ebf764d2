"""What a person does with a launch on its page: rename, pin, re-date, call off. A POST, then back to the page."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.launch.domain.decide.persons import Edit
from services.launch.domain.decide.scene import RefusedError
from services.launch.domain.launch import Launch
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.seen import Seen, StaleEditError, read_seen
from services.launch.pages.launch import find_shown, render_launch
from shared.contracts.words import Day, LaunchId
from shared.runtime.clock import Clock
from shared.web.pages import Pages, require_own_page

Line = Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00]*$", strip_whitespace=True)]
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class ActForm(BaseModel):
    """The fields of all forms of the page; `act` says which one was sent, `seen` what of the launch it showed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    act: Annotated[str, StringConstraints(pattern="^(rename|pin|unpin|move|cancel|reopen|complete)$")]
    request: RequestId
    seen: Annotated[str, StringConstraints(max_length=60)]
    by: Line = ""
    name: Line = ""
    reason: Line = ""
    date: Line = ""
    activity: Line = ""

    def saw(self) -> Seen:
        """What of the launch the form showed."""
        try:
            return read_seen(self.seen)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def command(self, launch: LaunchId) -> Edit:
        """The domain's command.

        Raises:
            RefusedError: a field of the form is empty or no day.
        """
        return Edit(launch=launch, by=self.by or "somebody", request=self.request, **self._fields())

    def _fields(self) -> dict[str, Any]:
        match self.act:
            case "rename":
                return {"name": _given(self.name, "the new name")}
            case "pin":
                return {"pin": _given(self.reason, "the reason for the pin"), "date": _day(self.date)}
            case "move":
                return {"date": _day(_given(self.date, "the new day"))}
            case "unpin":
                return {"unpin": True}
            case "complete":
                return {"complete": (_given(self.activity, "the activity"),)}
        return {"cancel": self.act == "cancel"}


def build_acts(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`POST /launch/launches/{id}`."""
    router = APIRouter()

    @router.post("/launches/{launch}", dependencies=[Depends(require_own_page)])
    async def act(request: Request, launch: str, form: Annotated[ActForm, Form()]) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, found = await find_shown(connection, launch)

        async def again(status: int, problem: str, now: Launch, changed: list[dict[str, object]]) -> Response:
            return await render_launch(
                request, deciding, pages, clock, now, portfolio, status=status, problem=problem, differences=changed
            )

        try:
            await deciding.edit(portfolio, form.command(found.id), clock(), form.saw())
        except RefusedError as refusal:
            return await again(422, str(refusal), found, [])
        except StaleEditError as stale:
            return await again(412, str(stale), stale.launch, stale.differences)
        return RedirectResponse(f"/launch/launches/{found.id}", 303)

    return router


def _given(text: str, what: str) -> str:
    if not text:
        raise RefusedError(f"{what} is missing")
    return text


def _day(text: str) -> Day | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"{text!r:.40} is no day; it looks like 2026-05-01") from None
