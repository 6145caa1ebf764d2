"""Sentences of the planner in people's words: names for ids, Mondays for weeks. Decides nothing."""

import re
from collections.abc import Callable
from datetime import date

_WEEK = re.compile(r"(?:in )?(\d{4})-W(\d{2})")

_WORD = re.compile(r"[^\s,;:()]+")


def plainly(detail: str, name: Callable[[str], str]) -> str:
    """A sentence of the planner for people: weeks by their Mondays, and what `name` makes of the ids of launches."""

    def monday(found: re.Match[str]) -> str:
        return f"in the week of {date.fromisocalendar(int(found[1]), int(found[2]), 1)}"

    return _WEEK.sub(monday, _WORD.sub(lambda found: name(found[0]), detail))
