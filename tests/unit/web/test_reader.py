"""How days, instants and lengths look to a reader."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shared.web.reader import LANGUAGES, Reader, read_reader

NOW = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)


def reader(locale: str = "en_GB", zone: str = "UTC") -> Reader:
    return Reader(locale[:2], Locale.parse(locale), ZoneInfo(zone), NOW)


def test_today_is_the_day_where_the_reader_is() -> None:
    assert reader(zone="UTC").today == date(2026, 5, 4)
    assert reader(zone="Asia/Tokyo").today == date(2026, 5, 5)


def test_the_year_is_said_only_when_it_is_another() -> None:
    assert reader().day(date(2026, 6, 23)) == "Tue 23 Jun"
    assert "2027" in reader().day(date(2027, 1, 5))


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 5, 16), "in 12 days"),
        (date(2026, 6, 23), "in 7 weeks"),
        (date(2026, 9, 4), "in 4 months"),
        (date(2026, 4, 20), "14 days ago"),
    ],
)
def test_how_far_a_day_is_in_the_unit_people_count_in(day: date, words: str) -> None:
    assert reader().days_away(day) == words


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((date(2026, 7, 1), date(2026, 9, 30), "quarter"), "Q3 2026"),
        ((date(2026, 5, 1), date(2026, 5, 31), "month"), "May 2026"),
        ((date(2026, 1, 1), date(2026, 12, 31), "year"), "2026"),
        ((date(2026, 7, 1), date(2026, 12, 31), "half"), "Jul\u2013Dec 2026"),
        ((date(2026, 5, 7), date(2026, 5, 7), "day"), "Thu 7 May"),
    ],
)
def test_a_window_is_never_told_more_precisely_than_it_is(window: tuple[date, date, str], words: str) -> None:
    assert reader().window(*window).replace("\u2009", "") == words


@pytest.mark.parametrize(
    ("length", "words"),
    [(timedelta(milliseconds=42), "42 ms"), (timedelta(seconds=1.4), "1.4 s"), (timedelta(minutes=3), "3 mins")],
)
def test_a_length_is_told_in_its_own_unit(length: timedelta, words: str) -> None:
    assert reader().duration(length) == words


@given(header=st.text(max_size=80), zone=st.text(max_size=80), language=st.text(max_size=10))
def test_whatever_a_browser_says_there_is_a_reader(header: str, zone: str, language: str) -> None:
    headers = [(b"accept-language", header.encode("latin-1", "replace"))]
    request = Request({"type": "http", "path": "/", "headers": headers, "query_string": b""})
    request.scope["query_string"] = str(request.url.include_query_params(zone=zone, lang=language).query).encode()
    found = read_reader(request, NOW)
    assert found.language in LANGUAGES
    assert found.day(date(2026, 5, 4))
