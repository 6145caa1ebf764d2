"""What a request may ask with: names in paths, filters, pages. PostgreSQL refuses a zero character, so we do first."""

from typing import Annotated, Any, Final

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_BIGINT: Final = 2**62
UNDER: Final = "/portfolios/{portfolio}"


def storable(text: str) -> str:
    """The text, unless the database could not even look for it.

    Raises:
        ValueError: it holds a zero character.
    """
    if "\x00" in text:
        raise ValueError("holds a zero character")
    return text


Text = Annotated[str, Field(max_length=512), AfterValidator(storable)]
Name = Annotated[str, Path(min_length=1, max_length=512), AfterValidator(storable)]
SourceId = Annotated[str, Query(max_length=512), AfterValidator(storable)]
Until = Annotated[int | None, Query(ge=0, le=MAX_BIGINT)]
IfMatch = Annotated[str | None, Header()]


class PageQuery(BaseModel):
    """A page of a list; each list adds its own filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1000)


class LogQuery(PageQuery):
    """Filters of the log. `after` is the `next` of the page before."""

    state: Text = ""
    kind: Text = ""
    ref: Text = ""
    text: Text = ""
    after: int = Field(default=0, ge=0, le=MAX_BIGINT)


class FeaturesQuery(PageQuery):
    """Filters of the features. `after` is the `next` of the page before."""

    status: Text = ""
    release: Text = ""
    owner_team: Text = ""
    text: Text = ""
    after: Text = ""

    def filters(self) -> dict[str, Any]:
        """The filters alone."""
        return self.model_dump(exclude={"limit", "after"})
