"""What a page's address asks for, and the words that all pages of notify share."""

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from services.notify.domain.news import News
from services.notify.domain.notice import what_changed
from shared.contracts.words import PORTFOLIO_PATTERN, PortfolioId
from shared.web.pages import PageProblemError

DEFAULT = PortfolioId("default")


def asked_portfolio(request: Request) -> PortfolioId:
    """The portfolio in the address, else the default one.

    Raises:
        PageProblemError: 404 when it is no portfolio's name.
    """
    asked = request.query_params.get("portfolio") or DEFAULT
    if not re.fullmatch(PORTFOLIO_PATTERN, asked):
        raise PageProblemError(404, "There is no such portfolio.", "Look at the address: its portfolio is misspelt.")
    return PortfolioId(asked)


def asked_text(request: Request, name: str) -> str:
    """A text to search for, without what PostgreSQL refuses."""
    return request.query_params.get(name, "").replace("\x00", "")[:200]


def told_lines(language: str, obligations: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The changes of one notice, each in one sentence, with its why and why this person."""
    lines = []
    for one in obligations:
        news = News.model_validate_json(one["news"])
        lines.append(
            {
                "what": what_changed(language, news),
                "why": list(news.why),
                "waits_for": news.waits_for,
                "tier": news.tier if news.subject.kind == "launch" else None,
                "kinds": list(news.kinds),
                "before": news.date_before,
                "day": news.date,
                "is_launch": news.subject.kind == "launch",
                "id": news.subject.id,
                "revision": news.subject.revision,
                "because": json.loads(one["because"]),
                "needs_ok": one["need"] == "acknowledge",
                "due_at": one["due_at"],
                "state": one["state"],
                "evidence": one["evidence"],
                "at": one["at"],
            }
        )
    return lines
