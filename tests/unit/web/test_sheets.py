"""A list as CSV must not run anything in a spreadsheet."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.sheets import csv_response, write_csv

DANGEROUS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=cmd", "\uff1d1+1", "\x00=1"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_looks_like_a_formula_is_defused(text: str) -> None:
    assert write_csv(["a"], [[text]]).split("\r\n", 1)[1].lstrip('"').startswith("'")


def test_numbers_stay_numbers_and_nothing_stays_empty() -> None:
    assert write_csv(["a", "b", "c"], [[-3, None, 1.5]]) == "a,b,c\r\n-3,,1.5\r\n"


@given(
    st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5)
)
def test_every_row_comes_back_as_it_was_but_for_the_apostrophe(rows: list[list[str]]) -> None:
    back = list(csv.reader(io.StringIO(write_csv(["a", "b"], rows), newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in back] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


def test_the_file_has_a_name_that_cannot_break_the_header() -> None:
    answer = csv_response('ré"port\r\nset-cookie: x=1', ["a"], [[Decimal("1.5")]])
    assert answer.headers["content-disposition"] == 'attachment; filename="r-port-set-cookie-x-1.csv"'
    assert answer.body == b"a\r\n1.5\r\n"


def test_spreadsheets_are_told_that_accents_are_utf_8() -> None:
    assert bytes(csv_response("x", ["é"], []).body).startswith(b"\xef\xbb\xbf")
