"""One trace from launch's message over notify to the mail; the acknowledgement is linked to the notice it answers."""

import re

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import services.notify.app as notify_app
from services.notify.settings import NotifySettings
from shared.runtime.foundation import Runtime
from tests.integration.test_notify_road import prepare, record, visiting
from tests.servers.fixtures import FreshDatabase
from tests.servers.smtp import ScriptedMailServer
from tests.unit.notify.stories import COMPANY_CSV, launches_changed, planned

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def only(spans: tuple[ReadableSpan, ...], name: str) -> ReadableSpan:
    return next(span for span in spans if span.name == name)


def id_of(span: ReadableSpan) -> str:
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


async def test_the_mail_is_a_child_of_the_message_and_the_answer_is_linked_to_the_notice(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    exporter = InMemorySpanExporter()
    app = notify_app.create_app(
        NotifySettings(
            database_url=await fresh_database("notify", prepare),
            kafka_bootstrap="127.0.0.1:1",
            smtp_url=f"smtp://127.0.0.1:{mail_server.port}",
            public_url="http://notify.test",
        ),
        Runtime(exporter=exporter),
    )
    async with visiting(app) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.foundation.inboxes["launch.changes"].receive(
            [record(launches_changed(1, planned()), 0, traceparent=TRACE)]
        )
        await mail_server.arrived(4)
        (mail,) = mail_server.mails_to("ana@example.com")
        link = re.search(r"http://notify\.test/notify/a/\S+", mail.text)
        assert link is not None
        await notify.client.post(link[0])
    spans = exporter.get_finished_spans()
    process, answered = only(spans, "process launch.changes"), only(spans, "acknowledge notice")
    assert parent_of(process) == TRACE.split("-")[2]
    for child in ("create notify.receipts", "send mail"):
        assert parent_of(only(spans, child)) == id_of(process)
        assert f"{only(spans, child).context.trace_id:032x}" == TRACE.split("-")[1]
    assert [f"{one.context.span_id:016x}" for one in answered.links] == [id_of(process)]
    assert answered.context.trace_id != process.context.trace_id
