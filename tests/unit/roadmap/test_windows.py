"""Windows of days and the days between them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.roadmap.domain.observation import read_window
from services.roadmap.domain.roadmap import count_working_days


@pytest.mark.parametrize(
    ("one", "other", "days"),
    [
        ("2026-05-01", "2026-05-04", 1),
        ("2026-05-01", "2026-05-02", 0),
        ("2026-05-04", "2026-05-18", 10),
        ("2025-03-18", "2025-04-16", 21),
    ],
)
def test_working_days_are_monday_to_friday(one: str, other: str, days: int) -> None:
    earlier, later = date.fromisoformat(one), date.fromisoformat(other)
    assert count_working_days(earlier, later) == count_working_days(later, earlier) == days


@settings(deadline=None, max_examples=80)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 400), st.integers(0, 400))
def test_working_days_add_up_and_agree_with_counting(day: date, first: int, second: int) -> None:
    middle, end = day + timedelta(days=first), day + timedelta(days=first + second)
    assert count_working_days(day, middle) + count_working_days(middle, end) == count_working_days(day, end)
    counted = sum((day + timedelta(days=step)).weekday() < 5 for step in range(1, first + 1))
    assert count_working_days(day, middle) == counted


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9999), st.integers(1, 12))
def test_every_month_lies_in_its_quarter_its_half_and_its_year(year: int, month: int) -> None:
    text = f"{year:04}"
    nested = [
        read_window("month", f"{text}-{month:02}"),
        read_window("quarter", f"{text}-Q{(month + 2) // 3}"),
        read_window("half", f"{text}-H{(month + 5) // 6}"),
        read_window("year", text),
    ]
    assert all(inner.within(outer) for inner, outer in pairwise(nested))
