"""What a page was asked for, from its address. A typing mistake is no error: what cannot be, is not there."""

from datetime import date
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.launch.store.listing import ListingQuery, Place, read_place
from services.launch.store.reading import list_portfolios
from shared.contracts.words import PortfolioId

DEFAULT: Final = "default"
PAGE: Final = 50
CSV_ROWS: Final = 10_000
LONGEST: Final = 600
AHEAD: Final = "ahead"


def ask(request: Request, name: str) -> str | None:
    """A query parameter as text that the database can look for; None if it is not there or empty."""
    return request.query_params.get(name, "").replace("\x00", "").strip()[:LONGEST] or None


def ask_launches(request: Request) -> ListingQuery:
    """The filters of the list; without a state, what is ahead."""
    state = ask(request, "state") if "state" in request.query_params else AHEAD
    limit = CSV_ROWS if wants_csv(request) else PAGE
    tier, text, feature = (ask(request, name) for name in ("tier", "q", "feature"))
    return ListingQuery(state, tier, text, feature, _after(request), limit, _since(request))


def is_filtered(request: Request) -> bool:
    """Whether the reader has narrowed the list down."""
    return any(ask(request, name) for name in ("state", "tier", "q", "feature", "since", "after"))


def wants_csv(request: Request) -> bool:
    """Whether the list is wanted as a file."""
    return request.query_params.get("format") == "csv"


async def choose_portfolio(request: Request, connection: AsyncConnection) -> tuple[PortfolioId, list[str]]:
    """The portfolio asked for, else `default`, else the first there is; and all there are."""
    known = await list_portfolios(connection)
    asked = ask(request, "portfolio")
    if asked in known:
        return PortfolioId(asked or DEFAULT), known
    return PortfolioId(DEFAULT if DEFAULT in known or not known else known[0]), known


def _since(request: Request) -> date | None:
    try:
        return date.fromisoformat(ask(request, "since") or "")
    except ValueError:
        return None


def _after(request: Request) -> Place | None:
    try:
        return read_place(ask(request, "after") or "")
    except ValueError:
        return None
