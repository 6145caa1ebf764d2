"""What one notice says to one person: first what changed and the new date, then why, then what to do.

Plain texts only; how they become a mail is in channels/mail.py, how they become a page in the templates.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.directory import Contact
from services.notify.domain.news import News
from services.notify.domain.wording import language_of, say, say_day

MAX_NAME: Final = 120
MAX_WHY: Final = 400
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
ROLE_PATTERN: Final = re.compile(r"(?:role=|owner as )(\w+)")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a person must know, as the notice got it. `needs_ok`: it is to be acknowledged."""

    news: News
    because: tuple[str, ...]
    needs_ok: bool
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One change in words."""

    what: str
    why: str
    to_do: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenNotice:
    """A whole notice in one person's language."""

    language: str
    title: str
    greeting: str
    summary: str
    lines: tuple[NoticeLine, ...]
    call: str
    needs_ok: bool


def write_notice(items: Sequence[Item], summary: str, contact: Contact) -> WrittenNotice:
    """The words for all that one cause means for one person: forty rows rather than forty mails."""
    language = language_of(contact.locale)
    lines = tuple(_line(language, item) for item in items)
    one = lines[0].what if len(lines) == 1 else None
    title = one or say(language, "many", count=len(lines), summary=clean(summary, MAX_NAME))
    needs_ok = any(item.needs_ok for item in items)
    due = min((item.due_at for item in items if item.due_at is not None), default=None)
    return WrittenNotice(
        language=language,
        title=title,
        greeting=say(language, "greeting", person=clean(contact.name, MAX_NAME)),
        summary=say(language, "summary_why", summary=clean(summary, MAX_WHY)),
        lines=lines,
        call=_call(language, due, contact.zone) if needs_ok else say(language, "fyi"),
        needs_ok=needs_ok,
    )


def clean(text: str, limit: int) -> str:
    """Text from outside on one line: no control or direction characters, not longer than `limit`."""
    line = " ".join(UNPRINTABLE.sub(" ", text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def what_changed(language: str, news: News) -> str:
    """One sentence: the change with the new date."""
    rules = FEATURE_RULES if news.subject.kind == "feature" else LAUNCH_RULES
    text = next(text for applies, text in rules if applies(news))
    nothing = say(language, "no_date")
    return say(
        language,
        text,
        name=clean(news.name, MAX_NAME),
        date=nothing if news.date is None else say_day(language, news.date),
        before=nothing if news.date_before is None else say_day(language, news.date_before),
        window=clean(news.window or nothing, MAX_NAME),
        window_before=clean(news.window_before or nothing, MAX_NAME),
        tier=news.tier or news.level,
        tier_before=news.tier_before or "?",
    )


def _kind(*kinds: str) -> Callable[[News], bool]:
    return lambda news: bool(set(kinds) & set(news.kinds))


# The first rule that applies gives the sentence: what ends a launch, then what moves it, then the rest.
LAUNCH_RULES: Final[tuple[tuple[Callable[[News], bool], str], ...]] = (
    (lambda news: news.state == "cancelled" and news.date_before is not None, "cancelled_from"),
    (lambda news: news.state == "cancelled" or "cancelled" in news.kinds, "cancelled"),
    (_kind("launched", "relaunched", "announced"), "launched"),
    (_kind("revived"), "revived"),
    (lambda news: news.is_new and news.date is not None, "planned"),
    (lambda news: news.is_new, "planned_open"),
    (lambda news: None not in (news.date, news.date_before) and news.date != news.date_before, "moved"),
    (lambda news: news.date is not None and news.date_before is None, "dated"),
    (lambda news: news.date is None and news.date_before is not None, "undated"),
    (_kind("held"), "held"),
    (_kind("retiered"), "retiered"),
    (_kind("conflict_opened"), "conflict"),
    (_kind("proposal_opened"), "proposal"),
    (lambda _: True, "changed"),
)
FEATURE_RULES: Final[tuple[tuple[Callable[[News], bool], str], ...]] = (
    (_kind("cancelled"), "feature_cancelled"),
    (_kind("shipped"), "feature_shipped"),
    (lambda news: news.is_new, "feature_new"),
    (lambda news: news.window != news.window_before, "feature_moved"),
    (lambda _: True, "feature_changed"),
)


def _line(language: str, item: Item) -> NoticeLine:
    news = item.news
    why = clean(" → ".join(news.why), MAX_WHY)
    if news.waits_for:
        waits = say(language, "waits", waits_for=clean(news.waits_for, MAX_NAME))
        why = f"{why.rstrip('.')}. {waits}" if why else waits
    roles = dict.fromkeys(role for reason in item.because for role in ROLE_PATTERN.findall(reason))
    to_do = " ".join(_to_do(language, role) for role in roles) if item.needs_ok else ""
    return NoticeLine(what_changed(language, news), why, to_do.strip(), item.because)


def _to_do(language: str, role: str) -> str:
    try:
        return say(language, f"do_{role}")
    except KeyError:
        return ""  # a role of somebody's own policy: the change itself has to speak


def _call(language: str, due: datetime | None, zone: str) -> str:
    if due is None:
        return say(language, "needs_ok") + "."
    return say(language, "by", due=say_day(language, due.astimezone(ZoneInfo(zone)).date()))
