"""What every page promises its reader, whoever made it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, Request, Response
from jinja2 import UndefinedError
from starlette.testclient import TestClient

from shared.web.pages import PageProblemError, Pages, require_own_page, with_query
from shared.web.problems import ProblemError
from shared.web.problems import install as install_problems

NOW = datetime(2026, 5, 4, 8, 12, tzinfo=UTC)
TEMPLATE = """{% extends "layout.html" %}{% set title = t("hello", name=name) %}{% set section = "people" %}
{% block content %}{{ day(on, relative=true) }} {{ instant(at) }} {{ with_query(state="open", after=none) }}
{{ dated(dated("Twice: 2026-07-01")) }}
{{ ui.mark("open") }}{{ ui.mark("<odd>") }}{{ ui.empty("None", "How") }}
{{ ui.why(["Moves <b> from 2026-06-09 to 2026-06-23, not 2026-13-01 nor A-2026-06-09"]) }}{% endblock %}"""
BROWSER = {"accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "templates" / "hello.html").write_text(TEMPLATE)
    (tmp_path / "templates" / "forgetful.html").write_text("{{ nobody_gave_this }}")
    (tmp_path / "words" / "en.yaml").write_text("hello: 'Hello {name}'")
    (tmp_path / "words" / "fr.yaml").write_text("hello: 'Bonjour {name}'")
    return tmp_path


@pytest.fixture
def pages(folder: Path) -> Pages:
    return Pages("hall", folder, clock=lambda: NOW)


@pytest.fixture
def client(pages: Pages) -> Iterator[TestClient]:
    app = FastAPI()
    install_problems(app)
    pages.install(app)

    @app.get("/hall/hello")
    async def hello(request: Request) -> Response:
        name = request.query_params.get("name", "Ana")
        return pages.render(request, "hello.html", name=name, on=date(2026, 6, 23), at=NOW)

    @app.get("/hall/forgetful")
    async def forgetful(request: Request) -> Response:
        return pages.render(request, "forgetful.html")

    _add_refusing_routes(app)
    with TestClient(app) as client:
        yield client


def _add_refusing_routes(app: FastAPI) -> None:
    @app.get("/hall/lost")
    async def lost() -> Response:
        raise PageProblemError(404, "Nobody <b>has</b> this id.", "Look it up.")

    @app.get("/hall/closed")
    @app.get("/hall/api/v1/closed")
    async def closed() -> Response:
        raise ProblemError(401, "a bearer token is needed")

    @app.get("/hall/busy")
    async def busy() -> Response:
        raise ProblemError(503, "too <much> at once")

    @app.post("/hall/form", dependencies=[Depends(require_own_page)])
    async def form() -> dict[str, bool]:
        return {"done": True}


def test_text_from_outside_is_shown_and_never_obeyed(client: TestClient) -> None:
    page = client.get("/hall/hello", params={"name": "<script>alert(1)</script>"}).text
    assert "<script>alert(1)" not in page
    assert "Hello &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;odd&gt;" in page


def test_no_page_carries_a_style_or_a_script_of_its_own(client: TestClient) -> None:
    answer = client.get("/hall/hello")
    assert " style=" not in answer.text
    assert "<script>" not in answer.text
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_the_reader_s_language_is_spoken(client: TestClient) -> None:
    french = client.get("/hall/hello", headers={"accept-language": "de, fr-CA;q=0.8, en;q=0.3"}).text
    assert '<html lang="fr"' in french
    assert "Bonjour Ana" in french
    assert "dans 7 semaines" in french
    assert "Hello Ana" in client.get("/hall/hello", headers={"accept-language": "de"}).text


def test_the_days_in_a_rule_s_sentence_are_written_as_the_reader_writes_them(client: TestClient) -> None:
    page = client.get("/hall/hello", headers={"accept-language": "fr"}).text
    june = '<time datetime="2026-06-09">9 juin</time>'
    assert f"Moves &lt;b&gt; from {june} to <time" in page
    assert "not 2026-13-01 nor A-2026-06-09</li>" in page


def test_a_chosen_language_and_zone_stay_chosen(client: TestClient) -> None:
    client.get("/hall/hello?lang=fr&zone=Europe/Paris")
    page = client.get("/hall/hello", headers={"accept-language": "en"}).text
    assert "Bonjour" in page
    assert 'data-zone="Europe/Paris"' in page
    assert "10:12" in page


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Mars/Olympus", "", "\x00", "x" * 500])
def test_a_zone_that_is_none_means_utc(client: TestClient, zone: str) -> None:
    answer = client.get("/hall/hello", params={"zone": zone})
    assert 'data-zone="UTC"' in answer.text
    assert "set-cookie" not in answer.headers


def test_a_template_that_forgets_a_name_fails_instead_of_showing_nothing(client: TestClient) -> None:
    with pytest.raises(UndefinedError, match="nobody_gave_this"):
        client.get("/hall/forgetful")


def test_a_static_file_is_kept_for_ever_under_the_address_of_its_content(client: TestClient, pages: Pages) -> None:
    address = pages.static_url("inloop.css")
    first = client.get(address)
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in first.headers["cache-control"]
    assert client.get("/hall/static/inloop.css").headers["cache-control"] == "no-cache"
    again = client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "%2e%2e/pages.py", "inloop.css%00"])
def test_nothing_but_the_static_files_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/hall/static/{name}").status_code == 404


def test_a_problem_says_what_to_do(client: TestClient) -> None:
    answer = client.get("/hall/lost")
    assert answer.status_code == 404
    assert "Nobody &lt;b&gt;has" in answer.text
    assert "Look it up." in answer.text


def test_a_person_who_is_refused_gets_a_page_and_a_program_a_document(client: TestClient) -> None:
    person = client.get("/hall/busy", headers=BROWSER)
    assert person.status_code == 503
    assert person.headers["retry-after"] == "2"
    assert "too &lt;much&gt; at once" in person.text
    assert client.get("/hall/busy").headers["content-type"] == "application/problem+json"


def test_a_person_without_a_token_is_asked_for_it(client: TestClient) -> None:
    answer = client.get("/hall/closed", headers=BROWSER)
    assert answer.status_code == 401
    assert 'action="/hall/sign-in"' in answer.text
    assert client.get("/hall/api/v1/closed", headers=BROWSER).headers["content-type"] == "application/problem+json"


def test_an_address_that_leads_nowhere_is_a_page_too(client: TestClient) -> None:
    answer = client.get("/hall/nowhere", headers=BROWSER | {"accept-language": "fr"})
    assert answer.status_code == 404
    assert "rien à cette adresse." in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://testserver"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/hall/form", headers=headers).status_code == status


def test_a_link_that_filters_keeps_the_other_filters_and_starts_paging_anew() -> None:
    scope = {"type": "http", "path": "/l", "query_string": b"q=a%26b&after=7&state=open", "headers": []}
    request = Request(scope)
    assert with_query(request, state="held") == "/l?q=a%26b&state=held"
    assert with_query(request, state=None, q=None) == "/l"
