"""What the templates of roadmap may use beside the shared parts: choices, facts and targets in the reader's words."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from fastapi import Request

from services.roadmap.pages.drawing import say_target
from shared.contracts.feature import FeatureSnapshot, Target
from shared.web.pages import Pages
from shared.web.reader import Reader

Fact = tuple[str, str]


def build_terms(pages: Pages, request: Request) -> dict[str, Any]:
    """Names for the templates, bound to this reader."""
    reader = pages.reader(request)

    def say(key: str) -> str:
        return pages.say(request, key)

    def named(prefix: str, values: Iterable[str]) -> list[tuple[str, str]]:
        return [(value, say(prefix + value)) for value in values]

    def facts_of(thing: FeatureSnapshot | dict[str, Any]) -> list[Fact]:
        found = _feature_facts(thing) if isinstance(thing, FeatureSnapshot) else _entry_facts(thing, reader)
        return [(say(f"fact.{name}"), value) for name, value in found if value]

    def said(target: Target | None) -> str:
        return say_target(target, reader)

    return {
        "named": named,
        "pairs": lambda values: [(value, value) for value in values],
        "facts_of": facts_of,
        "say_target": said,
        "safe_url": is_web_address,
        "request_base": str(request.base_url).rstrip("/"),
    }


def is_web_address(url: str | None) -> bool:
    """Whether a link to it is harmless; text from outside may be `javascript:`."""
    return url is not None and url.startswith(("https://", "http://"))


def _entry_facts(entry: dict[str, Any], reader: Reader) -> Iterator[Fact]:
    yield "ref", entry["ref"] or ""
    yield "id", entry["observation_id"] or ""
    yield "at", _instant(entry["at"], reader)
    yield "received", _instant(entry["received_at"], reader)
    yield "place", entry["path"] or ""
    yield "revision", str(entry["revision_at"] or "") if entry["cause_id"] else ""
    yield "cause", entry["cause_id"] or ""


def _instant(at: datetime | None, reader: Reader) -> str:
    return f"{reader.day(at.astimezone(reader.zone).date())}, {reader.clock(at)}" if at else ""


def _feature_facts(feature: FeatureSnapshot) -> Iterator[Fact]:
    lists = ("contributors", "blocked_by", "segments", "regions", "labels")
    yield from ((name, getattr(feature, name) or "") for name in ("ref", "stage", "product_line", "release"))
    yield "health", (feature.health or "").replace("_", " ")
    yield "team", feature.owner_team or ""
    yield from ((name, ", ".join(getattr(feature, name))) for name in lists)
    yield "confidence", f"{feature.confidence:.0%}" if feature.confidence is not None else ""
    yield "version", str(feature.version)
