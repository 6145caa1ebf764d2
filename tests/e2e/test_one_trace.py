"""One trace from the HTTP request over roadmap, launch and notify to the mail, parent by parent, and back by a link."""

import asyncio
import json
from collections.abc import Sequence

import httpx2
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.local.house import House, Order, open_house

ROOT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{ROOT_TRACE}-00f067aa0ba902b7-01"
DIRECTORY = """\
id,name,email,team,roles,regions,product_lines,segments,zone,locale,manager,backup
ana,Ana Alves,ana@example.org,payments,pmm,,,,,,,
"""
FEATURE = {
    "id": "o1",
    "at": "2026-11-02T09:00:00Z",
    "feature": {
        "ref": "PAY-1",
        "title": "Pay by link",
        "owner_team": "payments",
        "status": "planned",
        "stage": "ga",
        "target": {"on": "2027-03-01"},
    },
}
ROAD = [
    "POST /roadmap/api/v1/portfolios/{portfolio}/observations",
    "process observation",
    "create roadmap.changes",
    "process roadmap.changes",
    "create launch.changes",
    "process launch.changes",
    "send mail",
]
"""What each span's parent is: the one above it."""


async def test_one_trace_leads_from_the_request_to_the_mail_and_the_acknowledgement_links_to_it() -> None:
    exporter = InMemorySpanExporter()
    async with open_house(Order(exporter=exporter)) as house, httpx2.AsyncClient(base_url=house.url) as client:
        await _tell(client)
        mail = await _first_mail(house)
        token = mail.partition("/notify/a/")[2].split()[0].rstrip(">).")
        answer = await client.post(f"/notify/a/{token}", headers={"origin": house.url})
        assert answer.status_code < 400, answer.text
        spans = await _spans(exporter, "acknowledge notice")
    by_id = {span.context.span_id: span for span in spans}
    chain = _ancestors(next(span for span in spans if span.name == "send mail"), by_id)
    assert [span.name for span in chain] == ROAD
    assert {f"{span.context.trace_id:032x}" for span in chain} == {ROOT_TRACE}
    assert len({str(span.resource.attributes["service.name"]) for span in chain}) == 3
    acknowledgement = next(span for span in spans if span.name == "acknowledge notice")
    assert f"{acknowledgement.context.trace_id:032x}" != ROOT_TRACE, "a click in a mail carries no context"
    assert f"{acknowledgement.links[0].context.trace_id:032x}" == ROOT_TRACE


async def _tell(client: httpx2.AsyncClient) -> None:
    directory = await client.put(
        "/notify/api/v1/portfolios/default/directory", content=DIRECTORY, headers={"content-type": "text/csv"}
    )
    assert directory.is_success, directory.text
    answer = await client.post(
        "/roadmap/api/v1/portfolios/default/observations",
        content=json.dumps(FEATURE),
        headers={"content-type": "application/x-ndjson", "traceparent": TRACEPARENT},
    )
    assert answer.json()["outcome"] == "accepted", answer.text


async def _first_mail(house: House) -> str:
    async with asyncio.timeout(60):
        while not house.mails.mails:
            await asyncio.sleep(0.05)
    return house.mails.mails[0].text


async def _spans(exporter: InMemorySpanExporter, name: str) -> Sequence[ReadableSpan]:
    async with asyncio.timeout(60):
        while not any(span.name == name for span in exporter.get_finished_spans()):
            await asyncio.sleep(0.05)
    return exporter.get_finished_spans()


def _ancestors(span: ReadableSpan, by_id: dict[int, ReadableSpan]) -> list[ReadableSpan]:
    chain = [span]
    while chain[0].parent and chain[0].parent.span_id in by_id:
        chain.insert(0, by_id[chain[0].parent.span_id])
    return chain
