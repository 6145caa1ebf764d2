"""What a page was asked for, from its address. A person's typing mistake is no error: what cannot be, is not there."""

import re
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roadmap.store.queries import LogFilter, list_portfolios
from shared.contracts.words import PORTFOLIO_PATTERN, PortfolioId
from shared.web.pages import with_query

DEFAULT: Final = PortfolioId("default")
PAGE: Final = 50
CSV_ROWS: Final = 10_000
MAX_TEXT: Final = 512
MAX_DIGITS: Final = 18


def ask(request: Request, name: str) -> str:
    """A query parameter as text that the database can look for."""
    return request.query_params.get(name, "").replace("\x00", "").strip()[:MAX_TEXT]


def ask_log(request: Request) -> LogFilter:
    """The filters of the log."""
    after = ask(request, "after")
    number = int(after) if after.isascii() and after.isdigit() and len(after) <= MAX_DIGITS else 0
    return LogFilter(ask(request, "state"), ask(request, "kind"), ask(request, "ref"), ask(request, "q"), number)


def wants_csv(request: Request) -> bool:
    """Whether the list is wanted as a file."""
    return request.query_params.get("format") == "csv"


async def choose_portfolio(request: Request, connection: AsyncConnection) -> tuple[PortfolioId, list[PortfolioId]]:
    """The portfolio that is asked for, else `default`, else the first there is; and all there are."""
    known = await list_portfolios(connection)
    asked = ask(request, "portfolio")
    if re.fullmatch(PORTFOLIO_PATTERN, asked):
        return PortfolioId(asked), known
    return (known[0] if known and DEFAULT not in known else DEFAULT), known


def with_after(request: Request, after: str | int) -> str:
    """The address of the page that follows; everything else that was asked for stays."""
    address = with_query(request)
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'after': after})}"
