"""What a program may ask of launch: bodies, queries, headers. Nothing is answered here."""

from typing import Annotated, Final, Literal

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.launch.domain.decisions.person import Bounding, Edit
from services.launch.handlers.seen import Seen, read_seen
from services.launch.store.listing import ListingQuery, Place, read_place
from shared.contracts.launch import Owner, Tier
from shared.contracts.words import Day, LaunchId, PersonId
from shared.web.problems import ProblemError

UNDER: Final = "/portfolios/{portfolio}"

BOUNDS: Final = frozenset({"not_before", "not_after"})

Words = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00]*$", strip_whitespace=True)]
Many = Annotated[tuple[Words, ...], Field(max_length=200)]
Sought = Annotated[str | None, StringConstraints(max_length=600, pattern=r"^[^\x00]*$")]
IfMatch = Annotated[str | None, Header()]
IdempotencyKey = Annotated[str | None, Header(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]


class AskedLaunches(BaseModel):
    """Which launches a reader wants to see. `after` is what `next` of the page before gave."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["ahead", "draft", "planned", "held", "announced", "launched", "closed", "cancelled"] | None = None
    tier: Tier | None = None
    q: Sought = None
    feature: Sought = None
    after: Sought = None
    limit: int = Field(100, ge=1, le=1000)

    def wish(self) -> ListingQuery:
        """The store's words for it."""
        return ListingQuery(self.state, self.tier, self.q, self.feature, _place(self.after), self.limit)


class OwnerBody(BaseModel):
    """Who does what for a launch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Words
    person: Words


class EditBody(BaseModel):
    """What a person changes; fields that are not there stay as they are. `pin` is the reason; null unpins.

    `not_before` and `not_after` are the days between which the launch must be; null lifts one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Words | None = None
    features: Many | None = None
    date: Day | None = None
    pin: Words | None = None
    owners: Annotated[tuple[OwnerBody, ...], Field(max_length=200)] | None = None
    segments: Many | None = None
    regions: Many | None = None
    cancel: bool | None = None
    not_before: Day | None = None
    not_after: Day | None = None
    by: Words = "api"

    def command(self, launch: LaunchId | None, request: str) -> Edit:
        """The domain's command."""
        owners = tuple(Owner(role=owner.role, person=PersonId(owner.person)) for owner in self.owners or ())
        return Edit(
            launch=launch,
            request=request,
            owners=None if self.owners is None else owners,
            unpin=self.pin is None and "pin" in self.model_fields_set,
            bounds=self._bounds(),
            **self.model_dump(exclude={"owners", "not_before", "not_after"}),
        )

    def _bounds(self) -> Bounding | None:
        given = BOUNDS & self.model_fields_set
        lifted = tuple(name for name in sorted(given) if getattr(self, name) is None)
        return Bounding(not_before=self.not_before, not_after=self.not_after, lifted=lifted) if given else None


class NewBody(EditBody):
    """A launch that a person makes."""

    features: Annotated[tuple[Words, ...], Field(min_length=1, max_length=200)]


def read_if_match(text: str | None) -> Seen | None:
    """What `If-Match` says the sender saw: `"3"` (a revision) or `"3.7"` (with the version)."""
    if text is None or text.strip() == "*":
        return None
    try:
        return read_seen(text)
    except ValueError as error:
        raise ProblemError(400, str(error), where="header if-match") from None


def _place(text: str | None) -> Place | None:
    try:
        return read_place(text) if text else None
    except ValueError:
        raise ProblemError(422, "expected what `next` gave", where="query after") from None
