"""Who the reader says they are, remembered by this browser. It proves nothing: there is no sign-in."""

from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

ME_COOKIE: Final = "inloop_me"
LONGEST_NAME: Final = 200
YEAR_SECONDS: Final = 31_536_000


def read_me(request: Request) -> str:
    """The name or the person's id that was given last; empty when nobody has said."""
    return unquote(request.cookies.get(ME_COOKIE, "")).replace("\x00", "").strip()[:LONGEST_NAME]


def remember_me(response: Response, name: str) -> None:
    """Keep the name for a year, where scripts cannot read it."""
    response.set_cookie(ME_COOKIE, quote(name, safe=""), max_age=YEAR_SECONDS, samesite="lax", httponly=True)
