"""What a person does with a launch on its page. A POST, then back to the page; what is refused stays in its form."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from services.launch.domain.calendar import RefusedError
from services.launch.domain.decisions.person import Bounding, Edit, Overriding, Waiving
from services.launch.domain.launch import Launch
from services.launch.domain.policy import TIERS
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.seen import Seen, StaleEditError, read_seen
from services.launch.pages.launch import find_shown, render_launch
from services.launch.pages.refused import MissingError, Refusal, refuse
from shared.contracts.launch import Tier
from shared.contracts.words import Day, LaunchId
from shared.runtime.clock import Clock
from shared.web.pages import Pages, read_me, remember_me, require_own_page

Line = Annotated[str, StringConstraints(max_length=512, pattern=r"^[^\x00]*$", strip_whitespace=True)]
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


def _known(act: str) -> str:
    if act not in FIELDS:
        raise ValueError(f"expected one of {', '.join(FIELDS)}")
    return act


class ActForm(BaseModel):
    """The fields of all forms of the page; `act` says which one was sent, `seen` what of the launch it showed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    act: Annotated[str, AfterValidator(_known)]
    request: RequestId
    seen: Annotated[str, StringConstraints(max_length=60)]
    by: Line = ""
    name: Line = ""
    reason: Line = ""
    date: Line = ""
    activity: Line = ""
    tier: Line = ""
    internal: Line = ""
    approved_by: Line = ""
    until: Line = ""
    not_before: Line = ""
    not_after: Line = ""

    def saw(self) -> Seen:
        """What of the launch the form showed.

        Raises:
            RefusedError: the page has spoilt it.
        """
        try:
            return read_seen(self.seen)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def command(self, launch: LaunchId) -> Edit:
        """The domain's command.

        Raises:
            MissingError: a field is empty.
            RefusedError: a field is no day or no tier.
        """
        fields = FIELDS[self.act](self)
        return Edit(launch=launch, by=self.given("by"), request=self.request, **fields)

    def override(self) -> Overriding:
        """How loud it shall be, and until when."""
        return Overriding(
            market=self._tier("tier"),
            internal=self._tier("internal") if self.internal else None,
            reason=self.given("reason"),
            approved_by=self.approved_by or None,
            until=self.day("until"),
        )

    def waiver(self) -> Waiving:
        """Which lead is given up, and until when."""
        return Waiving(
            activity=self.given("activity"),
            reason=self.given("reason"),
            approved_by=self.approved_by,
            until=self.day("until"),
        )

    def bounds(self) -> Bounding:
        """The first and the last day; an empty field lifts one."""
        names = ("not_before", "not_after")
        lifted = tuple(name for name in names if not getattr(self, name))
        return Bounding(lifted=lifted, **{name: self.day(name) for name in names if name not in lifted})

    def given(self, name: str) -> str:
        """The field's text; raises MissingError."""
        text = str(getattr(self, name))
        if not text:
            raise MissingError(name)
        return text

    def day(self, name: str) -> Day:
        """The field's day; raises MissingError or RefusedError."""
        text = self.given(name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise RefusedError(f"{text!r:.40} is no day; it looks like 2026-05-01", f"$.{name}") from None

    def _tier(self, name: str) -> Tier:
        text = self.given(name)
        found = next((tier for tier in TIERS if tier == text), None)
        if found is None:
            raise RefusedError(f"{text!r:.40} is not one of {', '.join(TIERS)}", f"$.{name}")
        return found


FIELDS: Final[Mapping[str, Callable[[ActForm], dict[str, Any]]]] = {
    "move": lambda form: {"date": form.day("date")},
    "pin": lambda form: {"pin": form.given("reason"), "date": form.day("date")},
    "unpin": lambda _: {"unpin": True},
    "bounds": lambda form: {"bounds": form.bounds()},
    "override": lambda form: {"override": form.override()},
    "end_override": lambda _: {"end_override": True},
    "waive": lambda form: {"waive": form.waiver()},
    "complete": lambda form: {"complete": (form.given("activity"),)},
    "rename": lambda form: {"name": form.given("name")},
    "cancel": lambda _: {"cancel": True},
    "reopen": lambda _: {"cancel": False},
}
"""What each act asks of the domain."""


def build_acts(deciding: Deciding, pages: Pages, clock: Clock) -> APIRouter:
    """`POST /launch/launches/{id}`."""
    router = APIRouter()

    @router.post("/launches/{launch}", dependencies=[Depends(require_own_page)])
    async def act(request: Request, launch: str, form: Annotated[ActForm, Form()]) -> Response:
        async with deciding.database.reading() as connection:
            portfolio, found = await find_shown(connection, launch)
        signed = form.model_copy(update={"by": form.by or read_me(request)})
        typed = signed.model_dump()

        async def again(status: int, refusal: Refusal, now: Launch) -> Response:
            return await render_launch(request, deciding, pages, clock, now, portfolio, status=status, refusal=refusal)

        try:
            await deciding.edit(portfolio, signed.command(found.id), clock(), form.saw())
        except (RefusedError, MissingError) as error:
            return await again(422, refuse(pages, request, form.act, typed, error), found)
        except StaleEditError as stale:
            differences = stale.differences
            return await again(412, Refusal(form.act, str(stale), "", typed, differences), stale.launch)
        answer = RedirectResponse(f"/launch/launches/{found.id}", 303)
        remember_me(answer, signed.by)
        return answer

    return router
