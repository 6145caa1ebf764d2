"""Dates of the demo, told from the Monday on which it begins, so that the week is always this week."""

import re
from datetime import date, timedelta

SATURDAY = 5
MONTHS_A_YEAR = 12
SPANS = {"month": 1, "quarter": 3, "half": 6, "year": 12}

Target = dict[str, str] | None


def find_monday(day: date) -> date:
    """The Monday of that day's week."""
    return day - timedelta(days=day.weekday())


def count_day(text: str, monday: date) -> date:
    """`+38d`: so many days after the Monday, or the Monday after if that is a weekend."""
    day = monday + timedelta(days=int(text.removeprefix("+").removesuffix("d")))
    return find_monday(day) + timedelta(days=7) if day.weekday() >= SATURDAY else day


def write_target(text: str | None, monday: date) -> Target:
    """A target as an observation has it: `+38d` a day, `quarter+1` the next quarter, other text a release."""
    if text is None:
        return None
    if re.fullmatch(r"\+\d+d", text):
        return {"on": count_day(text, monday).isoformat()}
    if found := re.fullmatch(r"(month|quarter|half|year)\+(\d+)", text):
        return {found[1]: _write_span(found[1], int(found[2]), monday)}
    return {"release": text}


def _write_span(form: str, ahead: int, monday: date) -> str:
    length = SPANS[form]
    months = monday.year * MONTHS_A_YEAR + monday.month - 1 + ahead * length
    year, month = divmod(months, MONTHS_A_YEAR)
    written = {"month": f"-{month + 1:02}", "quarter": f"-Q{month // 3 + 1}", "half": f"-H{month // 6 + 1}"}
    return f"{year}{written.get(form, '')}"
