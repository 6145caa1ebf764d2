"""A signed-in browser can be made to send a form by any site: whose form is taken."""

import pytest
from starlette.requests import Request

from shared.web.doors import check_origin
from shared.web.problems import ProblemError


def form(**headers: str) -> Request:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": sent})


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "inloop.example"},  # no browser: it would say where its form comes from
        {"host": "inloop.example", "origin": "https://inloop.example"},
        {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"},
    ],
)
def test_a_form_of_our_own_is_taken(headers: dict[str, str]) -> None:
    check_origin(form(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "inloop.example", "origin": "https://elsewhere.example"},
        {"host": "inloop.example", "origin": "https://inloop.example.elsewhere.example"},
        {"host": "inloop.example", "origin": "https://inloop.example:8443"},
        {"host": "inloop.example", "origin": "null"},  # a page that hides where it comes from
        {"origin": "https://elsewhere.example"},
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ProblemError) as refused:
        check_origin(form(**headers))
    assert (refused.value.status, refused.value.where) == (403, "header origin")
