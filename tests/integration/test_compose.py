"""The whole house in containers, seen from outside: one observation's road from the front door to a person's OK.

Needs Docker; builds images, so it runs where INLOOP_REQUIRE_ALL=1 or INLOOP_COMPOSE=1 asks for it.
"""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from shared.runtime.clock import system_clock
from tests.integration.compose import Composition, find_compose, wait_for
from tests.servers.needs import not_run

pytestmark = pytest.mark.timeout(1200)

DIRECTORY = """
- {id: ana, name: Ana Ruiz, email: ana@example.org, team: exports, roles: [pmm]}
- {id: ben, name: Ben Okafor, email: ben@example.org, team: exports, roles: [sales]}
- {id: cleo, name: Cleo Marsh, team: exports, roles: [cs]}
"""
TRACE = secrets.token_hex(16)
SENDER = secrets.token_hex(8)
SERVICES = ("roadmap", "launch", "notify")
PROPOSALS = "/launch/api/v1/portfolios/default/proposals"


def feature(days_ahead: int, at: str) -> dict[str, Any]:
    day = (system_clock() + timedelta(days=days_ahead)).date().isoformat()
    what = {"ref": "EXP-1", "title": "Export to CSV", "status": "in_progress", "stage": "ga", "owner_team": "exports"}
    return {"id": f"EXP-1@{at}", "at": at, "feature": what | {"target": {"on": day}}}


@pytest.fixture(scope="module")
def house() -> Iterator[Composition]:
    if os.environ.get("INLOOP_REQUIRE_ALL") != "1" and os.environ.get("INLOOP_COMPOSE") != "1":
        not_run("it builds images for minutes; INLOOP_COMPOSE=1 asks for it")
    command = find_compose()
    if command is None:
        not_run("no Docker with compose answers")
    composition = Composition(command)
    try:
        composition.up()
        yield composition
    finally:
        composition.down()
    assert composition.left_behind() == ""


@pytest.fixture(scope="module")
def web(house: Composition) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=house.front, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def told(web: httpx2.Client) -> dict[str, Any]:
    """A feature is planned, slips in a request that carries a trace, and somebody lets its launch go: what is told."""
    wait_for("the front door", lambda: _is_open(web))
    loaded = web.put("/notify/api/v1/portfolios/default/directory", content=DIRECTORY)
    assert loaded.status_code == 200, loaded.text
    door = "/roadmap/api/v1/portfolios/default/features/EXP-1"
    planned = web.put(door, json=feature(120, "2026-11-02T09:00:00Z"))
    assert planned.status_code == 200, planned.text
    wait_for("a launch", lambda: _launches(web))
    traced = {"traceparent": f"00-{TRACE}-{SENDER}-01"}
    slipped = web.put(door, json=feature(148, "2026-11-03T09:00:00Z"), headers=traced)
    assert slipped.status_code == 200, slipped.text
    waits = wait_for("a proposal", lambda: web.get(f"{PROPOSALS}?state=open").json()["items"])[0]
    approved = web.post(f"{PROPOSALS}/{waits['id']}/approve", json={"by": "ana", "hash": waits["hash"]})
    assert approved.status_code == 200, approved.text
    day = waits["moves"][0]["later_date"]
    launch = wait_for("the launch to move", lambda: [one for one in _launches(web) if one["date"] == day])[0]
    door = f"/notify/api/v1/coverage/{launch['id']}/{launch['revision']}"
    wait_for("the audience", lambda: web.get(door).status_code == 200)
    return {"launch": launch, "coverage": door, "cause": slipped.json()["cause"]}


def _is_open(web: httpx2.Client) -> bool:
    try:
        return web.get("/front/livez").status_code == 200
    except httpx2.TransportError:
        return False


def _launches(web: httpx2.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = web.get("/launch/api/v1/portfolios/default/launches").json()["items"]
    return items


def _certificate(web: httpx2.Client, told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = web.get(told["coverage"]).json()
    return found


def _mails(house: Composition, to: str) -> list[dict[str, Any]]:
    """About the move; the mail about the plan before it is left out where the move overtook it."""
    found = httpx2.get(f"{house.mail}/email", trust_env=False).json()
    return [mail for mail in found if mail["to"][0]["address"] == to and " moves to " in mail["subject"]]


def test_a_slip_reaches_people_by_mail_and_whom_it_cannot_reach_is_a_visible_gap(
    house: Composition, web: httpx2.Client, told: dict[str, Any]
) -> None:
    mail = wait_for("the mail to Ana", lambda: _mails(house, "ana@example.org"))[0]
    assert "Export to CSV" in mail["subject"]
    certificate = _certificate(web, told)
    assert certificate["expected"] == sum(certificate["classes"].values())
    assert {one["person"] for one in certificate["people"] if one["class"] == "unreachable"} == {"cleo"}


def test_only_a_click_in_the_mail_s_page_acknowledges(
    house: Composition, web: httpx2.Client, told: dict[str, Any]
) -> None:
    mail = wait_for("the mail to Ana", lambda: _mails(house, "ana@example.org"))[0]
    link = re.search(rf"{re.escape(house.front)}(/notify/a/(\S+))", mail["text"])
    assert link, mail["text"]
    page = web.get(link[1])
    assert page.status_code == 200
    assert "Ana" in page.text
    web.head(link[1])
    assert _class_of(web, told, "ana") == "open"
    clicked = web.post(link[1], headers={"origin": house.front})
    assert clicked.status_code in {200, 303}, clicked.text
    assert _class_of(web, told, "ana") == "acknowledged"
    log = house.compose("logs", "--no-color", "front", *SERVICES)
    assert "/notify/a/***" in log
    assert link[2] not in log


def _class_of(web: httpx2.Client, told: dict[str, Any], person: str) -> str:
    return str(next(one["class"] for one in _certificate(web, told)["people"] if one["person"] == person))


def test_the_trace_viewer_shows_the_road_from_request_to_mail_parent_by_parent(
    house: Composition, told: dict[str, Any]
) -> None:
    assert told["cause"]
    spans = wait_for("a mail in the trace", lambda: _trace(house))
    by_id = {span["id"]: span for span in spans}
    road = [next(span for span in spans if span["name"] == "send mail")]
    while road[-1].get("parentId") in by_id:
        road.append(by_id[road[-1]["parentId"]])
    assert road[-1]["parentId"] == SENDER, road
    assert road[-1]["name"].startswith("put ")
    passed = [span["localEndpoint"]["serviceName"].removeprefix("inloop-") for span in reversed(road)]
    assert list(dict.fromkeys(passed)) == list(SERVICES)
    assert sorted(passed, key=SERVICES.index) == passed


def _trace(house: Composition) -> list[dict[str, Any]] | None:
    found = httpx2.get(f"{house.zipkin}/api/v2/trace/{TRACE}", trust_env=False)
    spans: list[dict[str, Any]] = found.json() if found.status_code == 200 else []
    return spans if any(span["name"] == "send mail" for span in spans) else None


def test_prometheus_watches_every_service_and_would_wake_somebody_if_nobody_were_told(house: Composition) -> None:
    def healthy() -> bool:
        targets = _ask(house, "targets")["activeTargets"]
        return len(targets) == len(SERVICES) and all(one["health"] == "up" for one in targets)

    wait_for("all targets to be up", healthy)
    rules = {rule["name"]: rule for group in _ask(house, "rules")["groups"] for rule in group["rules"]}
    assert {"NobodyTold", "Parked", "RelayLags", "NotThere"} <= set(rules)
    assert {rule["health"] for rule in rules.values()} <= {"ok", "unknown"}
    for series in ("inloop_roadmap_untold_seconds", "inloop_parked_portfolios", "inloop_outbox_unpublished"):
        wait_for(series, partial(_values, house, series))


def _values(house: Composition, series: str) -> list[Any]:
    return list(_ask(house, f"query?query={series}")["result"])


def _ask(house: Composition, what: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(f"{house.prometheus}/api/v1/{what}", trust_env=False).json()["data"]
    return found


@pytest.mark.parametrize("path", ["/roadmap/", "/launch/", "/notify/"])
def test_the_pages_are_behind_the_one_front_door(web: httpx2.Client, told: dict[str, Any], path: str) -> None:
    assert told
    page = web.get(path)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_too_much_at_once_is_a_problem_document(web: httpx2.Client, told: dict[str, Any]) -> None:
    assert told
    answer = web.post("/roadmap/api/v1/portfolios/default/observations", content=b"x" * (27 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_door_says_where_the_doors_are(web: httpx2.Client) -> None:
    answer = web.get("/elsewhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert web.get("/").headers["location"] == "/roadmap/"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_do_little_else_than_its_work(house: Composition, service: str) -> None:
    container = house.inspect(service)
    host = container["HostConfig"]
    assert container["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert not host["PortBindings"]
    assert not [line for line in container["Config"]["Env"] if re.search(r"postgresql://\S+:\S+@", line)]


def test_while_launch_is_stopped_nothing_is_lost_and_the_alert_says_that_nobody_was_told(
    house: Composition, web: httpx2.Client, told: dict[str, Any]
) -> None:
    assert _firing(house) == set()
    house.compose("stop", "launch")
    stopped = house.inspect("launch")["State"]
    assert stopped["ExitCode"] in {0, 143}, stopped
    away = web.get("/launch/readyz")
    assert away.status_code == 503
    assert away.headers["content-type"] == "application/problem+json"
    assert away.headers["retry-after"] == "5"
    again = web.put("/roadmap/api/v1/portfolios/default/features/EXP-1", json=feature(176, "2026-11-04T09:00:00Z"))
    assert again.json()["outcome"] == "accepted"
    wait_for("the alert", lambda: "NobodyTold" in _firing(house), seconds=120)
    house.compose("start", "launch")
    wait_for("launch to be ready again", lambda: web.get("/launch/readyz").status_code == 200)
    revision = told["launch"]["revision"]
    wait_for("the launch to move", lambda: [one for one in _launches(web) if one["revision"] > revision])
    wait_for("the alert to end", lambda: "NobodyTold" not in _firing(house))


def _firing(house: Composition) -> set[str]:
    return {one["labels"]["alertname"] for one in _ask(house, "alerts")["alerts"] if one["state"] == "firing"}
