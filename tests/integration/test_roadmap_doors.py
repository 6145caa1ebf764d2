"""Bad input to every door of roadmap: a problem document that says where, nothing lost, never a 5xx."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.roadmap.app import create_app
from services.roadmap.consumers import build_inbound
from services.roadmap.handlers.accepting import Acceptance
from shared.runtime.broker import Record
from shared.runtime.process import Wake
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import Telemetry
from tests.integration.roadmap import NOW, House, feature, lines, open_house, release
from tests.servers.fixtures import FreshDatabase

FUTURE = (NOW + timedelta(minutes=11)).isoformat()
API = "/roadmap/api/v1/portfolios/alpha"


NONSENSE = [
    "/roadmap/api/v1/portfolios/UPPER/features",
    "/roadmap/api/v1/portfolios/%00/features",
    "/roadmap/api/v1/portfolios/alpha/features/%00",
    "/roadmap/api/v1/portfolios/alpha/features/" + "x" * 600,
    "/roadmap/api/v1/portfolios/alpha/features?limit=0",
    "/roadmap/api/v1/portfolios/alpha/features?limit=9999",
    "/roadmap/api/v1/portfolios/alpha/features?text=%00",
    "/roadmap/api/v1/portfolios/alpha/features?colour=red",
    "/roadmap/api/v1/portfolios/alpha/observations?after=-1",
    "/roadmap/api/v1/portfolios/alpha/observations?after=99999999999999999999",
    "/roadmap/api/v1/portfolios/alpha/observations/%00",
    "/roadmap/api/v1/portfolios/alpha/observations/nothing",
    "/roadmap/api/v1/portfolios/alpha/observations/seq:99999999999999999999",
    "/roadmap/api/v1/portfolios/alpha/conservation?until=x",
    "/roadmap/api/v1/portfolios/alpha/nowhere",
]


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database) as opened:
        yield opened


def raw(old: str, new: str) -> bytes:
    return json.dumps(feature(target={"on": "2026-06-01"})).replace(old, new).encode()


BAD = [
    (raw('"title"', '"titel"'), "$.feature.title"),
    (raw('"Dark mode"', "7"), "$.feature.title"),
    (raw("2026-06-01", "2026-02-30"), "$.feature.target.on"),
    (raw('"on"', '"month": "2026-05", "on"'), "$.feature.target"),
    (raw("Dark", "D" * 65_536), "$"),
    (raw("Dark", "D").replace(b"D", b"\xff", 1), "$"),
    (raw("Dark", "\\u0000"), "$.feature.title"),
    (raw("Dark", "\\udc00"), "$.feature.title"),
    (raw('"planned"', "[" * 9000 + "]" * 9000), "$"),
    (raw('"ref"', '"ref": "F-1", "ref"'), "$.feature.ref"),
    (json.dumps({**feature(), "at": FUTURE}).encode(), "$.at"),
    (b"\x00", "$"),
]


async def test_a_bad_body_is_refused_with_its_json_path_by_each_door_and_kept(house: House) -> None:
    for number, (body, where) in enumerate(BAD):
        portfolio = f"p{number}"
        answer = await house.http.put(f"/roadmap/api/v1/portfolios/{portfolio}/features/F-1", content=body)
        assert answer.status_code == (413 if len(body) > 65_536 else 422)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["where"], bool(answer.json()["expected"])) == (where, True)
        results = await house.post(lines(feature("F-0")) + body + b"\n" + lines(feature("F-2")), portfolio)
        assert [one["outcome"] for one in results] == ["accepted", "refused", "accepted"]
        assert results[1]["problem"]["where"] == where
        sums = await house.get("conservation", portfolio)
        assert (sums["received"], sums["refused"], sums["accepted"], sums["ok"]) == (4, 2, 2, True)
        kept = await house.select(f"SELECT body FROM observation WHERE portfolio = '{portfolio}' AND state = 'refused'")
        assert {bytes(row[0]) for row in kept} == {body[: 64 * 1024]}


async def test_path_and_body_must_agree(house: House) -> None:
    answer = await house.http.put(f"{API}/features/F-2", json=feature("F-1"))
    assert (answer.status_code, answer.json()["where"]) == (422, "$.feature.ref")
    answer = await house.http.put(f"{API}/releases/v2", json=release("v1", "2026-06-01"))
    assert (answer.status_code, answer.json()["where"]) == (422, "$.release.name")
    answer = await house.http.put(f"{API}/features/F-1", json=release("v1", "2026-06-01"))
    assert answer.status_code == 422


async def test_an_if_match_that_is_no_version_is_refused(house: House) -> None:
    for if_match in ("3", '"x"', "*", '"1", "2"', '"-1"', 'W/"1"', '"' + "9" * 30 + '"', ""):
        answer = await house.http.put(f"{API}/features/F-1", json=feature(), headers={"if-match": if_match})
        assert (answer.status_code, answer.json()["where"]) == (400, "header if-match"), if_match


async def test_a_question_that_makes_no_sense_gets_a_problem_document(house: House) -> None:
    for path in NONSENSE:
        answer = await house.http.get(path)
        assert answer.status_code in {404, 422}, path
        assert answer.headers["content-type"] == "application/problem+json", path


async def test_a_body_over_the_limit_is_stopped_while_it_comes_in(house: House) -> None:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 1024 * 1024

    answer = await house.http.post(f"{API}/observations", content=flood())
    assert answer.status_code == 413
    assert (await house.get("conservation"))["received"] == 0


async def test_a_body_of_endless_lines_is_refused_whole(house: House) -> None:
    answer = await house.http.post(f"{API}/observations", content=b"\n" * 300_000)
    assert (answer.status_code, answer.json()["where"]) == (413, "body")


async def test_a_body_of_blank_lines_is_no_observation(house: House) -> None:
    assert await house.post(b"\n \r\n\n") == []
    assert await house.post(b"") == []
    assert (await house.post(lines(feature()).replace(b"\n", b"\r\n")))[0]["outcome"] == "accepted"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
async def test_no_bytes_make_a_door_fail(house: House, body: bytes) -> None:
    for answer in (
        await house.http.put(f"{API}/features/F-1", content=body),
        await house.http.put(f"{API}/releases/v1", content=body),
        await house.http.post(f"{API}/observations", content=body),
    ):
        assert answer.status_code < 500


async def test_without_the_token_nobody_is_served(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database, api_token="secret") as house:  # noqa: S106 - a test's own
        assert (await house.http.get(f"{API}/features")).status_code == 401
        assert (await house.http.put(f"{API}/features/F-1", json=feature())).status_code == 401
        allowed = await house.http.get(f"{API}/features", headers={"authorization": "Bearer secret"})
        assert allowed.status_code == 200


def record(value: bytes | None, *, key: bytes | None = b"alpha", **headers: bytes | None) -> Record:
    usual: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"1",
        "ce_type": b"inloop.observation.reported.v1",
        "ce_source": b"/jira",
        "ce_subject": b"alpha",
        "ce_time": b"2026-05-01T08:00:00Z",
    }
    named = {**usual, **headers, "content-type": b"application/json"}
    return Record("roadmap.inbound", 0, 1, key, tuple(named.items()), value)


def inbound_line(**told: Any) -> bytes:
    return json.dumps(feature(**told)).encode()


async def test_on_the_topic_a_bad_record_is_refused_and_kept_and_never_in_the_way(house: House) -> None:
    acceptance = Acceptance(house.foundation.database, Telemetry("roadmap"), Wake(), time_is_observed=False)
    receive = build_inbound(acceptance, lambda: NOW)
    await receive(
        [
            record(inbound_line()),
            record(b"nonsense"),
            record(None),
            record(inbound_line(ref="F-2"), key=b"beta"),
            record(inbound_line(ref="F-3"), ce_subject=None),
            record(inbound_line(ref="F-4"), ce_type=b"something.else"),
            record(inbound_line(ref="F-5"), ce_time=b"\xff"),
            record(inbound_line(ref="F-6"), key=b"beta", ce_subject=b"beta"),
            record(inbound_line()),
        ]
    )
    states = await house.select("SELECT portfolio, state, count(*) FROM observation GROUP BY 1, 2 ORDER BY 1, 2")
    assert states == [
        ("alpha", "duplicate", 1),
        ("alpha", "received", 1),
        ("alpha", "refused", 2),
        ("beta", "received", 1),
    ]
    refused = await house.select("SELECT problem FROM refused_record ORDER BY seq")
    assert [problem.split(":")[0] for (problem,) in refused] == [
        "key",
        "header ce_subject",
        "header ce_type",
        "header ce_time",
    ]


async def test_a_record_brings_its_own_trace(house: House) -> None:
    acceptance = Acceptance(house.foundation.database, Telemetry("roadmap"), Wake(), time_is_observed=False)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await build_inbound(acceptance, lambda: NOW)([record(inbound_line(), traceparent=trace.encode())])
    assert await house.select("SELECT traceparent FROM observation") == [(trace,)]


async def test_a_door_says_try_again_when_the_database_is_away(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database) as house:
        settings = RuntimeSettings(database_url="postgresql://x@127.0.0.1:1/x", kafka_bootstrap="127.0.0.1:1")
        app = create_app(settings)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=str(house.http.base_url)) as http:
            answer = await http.post(f"{API}/observations", content=lines(feature()))
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        await app.state.foundation.database.close()
