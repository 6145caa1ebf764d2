"""HTML pages of a service: rendered, in the reader's words, refused politely. What a service needs is named here."""

from shared.web.pages.me import read_me, remember_me
from shared.web.pages.refusals import PageProblemError, require_own_page
from shared.web.pages.rendering import Pages, with_query

__all__ = ["PageProblemError", "Pages", "read_me", "remember_me", "require_own_page", "with_query"]
