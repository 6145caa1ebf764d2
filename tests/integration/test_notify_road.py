"""From launch's message to the inbox, the mail, the acknowledgement and the certificate, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

import services.notify.app as notify_app
from services.notify.settings import NotifySettings
from shared.contracts.envelope import Envelope, derive_ce_id
from shared.contracts.launch import LaunchesChanged
from shared.runtime.broker import Record
from shared.runtime.database import Database, migrate
from shared.runtime.foundation import Foundation
from tests.servers.fixtures import FreshDatabase
from tests.servers.smtp import Answer, ScriptedMailServer, Stage
from tests.unit.notify.stories import COMPANY_CSV, NOON, launches_changed, moved, planned

MIGRATIONS = Path(notify_app.__file__).parent / "migrations"


async def prepare(dsn: str) -> None:
    database = Database(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    await migrate(database.engine, MIGRATIONS)
    await database.close()


class Notify:
    """The running service without Kafka: its doors, and its inbox into which records are put by hand."""

    def __init__(self, client: AsyncClient, app: FastAPI) -> None:
        self.client = client
        self.app = app

    @property
    def foundation(self) -> Foundation:
        found: Foundation = self.app.state.foundation
        return found

    async def hear(self, *messages: LaunchesChanged) -> None:
        await self.foundation.inboxes["launch.changes"].receive(
            [record(message, offset) for offset, message in enumerate(messages)]
        )

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/notify/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def told(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("/portfolios/default/changes"))["items"]
        return items

    async def put_directory(self, body: bytes) -> Any:
        return await self.client.put(
            "/notify/api/v1/portfolios/default/directory", content=body, headers={"content-type": "text/csv"}
        )


def record(message: LaunchesChanged, offset: int, traceparent: str | None = None) -> Record:
    envelope = Envelope(
        id=derive_ce_id("launch", message.cause.id, message.revision, 1),
        type=message.TYPE,
        source="/launch",
        subject=message.portfolio,
        time=NOON + timedelta(minutes=message.revision),
        cause_id=message.cause.id,
        revision=message.revision,
        traceparent=traceparent,
    )
    body = message.model_dump_json().encode()
    return Record("launch.changes", 0, offset, message.portfolio.encode(), tuple(envelope.headers()), body)


@asynccontextmanager
async def running(dsn: str, **settings: Any) -> AsyncIterator[Notify]:
    """The service without a broker: nothing is relayed."""
    app = notify_app.create_app(NotifySettings(database_url=dsn, kafka_bootstrap="127.0.0.1:1", **settings))
    async with visiting(app) as notify:
        yield notify


@asynccontextmanager
async def visiting(app: FastAPI) -> AsyncIterator[Notify]:
    transport = ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://notify.test") as client,
    ):
        yield Notify(client, app)


@pytest.fixture
async def notify(fresh_database: FreshDatabase) -> AsyncIterator[Notify]:
    async with running(await fresh_database("notify", prepare)) as one:
        await one.put_directory(COMPANY_CSV)
        yield one


async def test_everybody_concerned_has_one_notice_and_the_certificate_adds_up(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    certificate = await notify.get("/coverage/L-1/1")
    assert certificate["expected"] == sum(certificate["classes"].values()) == 5
    people = {one["person"]: one for one in certificate["people"]}
    assert people["dev"]["class"] == "unreachable"
    assert people["ana"]["because"] == ["role=pmm via rule pmm-t2", "team=payments"]
    assert {one["person"]: one["because"] for one in certificate["excluded"]} == {
        "eli": "team=search owns nothing of it",
        "lia": "no rule matched",
    }
    assert certificate["unfilled"] == []


async def test_a_cause_that_concerns_nobody_is_told_all_the_same(notify: Notify) -> None:
    await notify.hear(launches_changed(1))
    (told,) = await notify.told()
    assert told["cause"]["id"] == "native:1"
    assert told["receipts"] == []


async def test_a_batch_is_decided_in_order_and_repeats_change_nothing(notify: Notify) -> None:
    batch = [launches_changed(1, planned()), launches_changed(2, moved()), launches_changed(3, planned("L-2"))]
    await notify.hear(*batch)
    await notify.hear(*batch)
    assert len(await notify.told()) == 3
    first = await notify.get("/coverage/L-1/1")
    assert first["classes"]["superseded"] == 5
    assert (await notify.get("/coverage/L-1/2"))["classes"]["open"] == 4
    conservation = await notify.get("/portfolios/default/conservation?until=3")
    assert conservation["ok"]
    assert conservation["audience"] == conservation["obligations"] == 15
    assert conservation["causes"] == ["native:1", "native:2", "native:3"]


async def test_one_acknowledgement_settles_all_of_a_notice_once(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned("L-1"), planned("L-2")))
    (notice,) = (await notify.get("/people/ana/inbox"))["items"]
    answers = [await notify.client.post(f"/notify/api/v1/notices/{notice['id']}/acknowledge") for _ in range(2)]
    states = [[one["state"] for one in answer.json()["obligations"]] for answer in answers]
    assert states == [["acknowledged", "acknowledged"]] * 2
    assert answers[0].json() == answers[1].json()
    first, acknowledged = await notify.told()
    assert acknowledged["cause"]["kind"] == "person"
    assert acknowledged["cause"]["caused_by"] == first["cause"]["id"]
    assert [one["classes"]["acknowledged"] for one in acknowledged["coverage"]] == [1, 1]


async def test_an_acknowledgement_of_an_old_revision_does_not_count_for_the_new(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()), launches_changed(2, moved()))
    new, old = (await notify.get("/people/ana/inbox"))["items"]
    await notify.client.post(f"/notify/api/v1/notices/{old['id']}/acknowledge")
    certificate = await notify.get("/coverage/L-1/2")
    assert certificate["classes"]["acknowledged"] == 0
    await notify.client.post(f"/notify/api/v1/notices/{new['id']}/acknowledge")
    assert (await notify.get("/coverage/L-1/2"))["classes"]["acknowledged"] == 1


async def test_an_acknowledgement_and_a_new_revision_agree_on_what_stands(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    (notice,) = (await notify.get("/people/ana/inbox"))["items"]
    await notify.client.post(f"/notify/api/v1/notices/{notice['id']}/acknowledge")
    await notify.hear(launches_changed(2, moved()))
    classes = (await notify.get("/coverage/L-1/1"))["classes"]
    assert (classes["acknowledged"], classes["superseded"]) == (1, 4)


async def test_seeing_is_not_acknowledging_where_an_ok_is_needed(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    (notice,) = (await notify.get("/people/ana/inbox"))["items"]
    answer = await notify.client.post(f"/notify/api/v1/notices/{notice['id']}/seen")
    assert [one["state"] for one in answer.json()["obligations"]] == ["open"]


async def test_a_waiver_has_a_name_a_reason_and_an_end(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    body = {
        "subject": {"kind": "launch", "id": "L-1", "revision": 1},
        "person": "dev",
        "by": "lia",
        "reason": "on leave",
    }
    path = "/notify/api/v1/portfolios/default/waivers"
    refused = await notify.client.post(path, json=body)
    assert (refused.status_code, refused.json()["where"]) == (422, "$.until")
    answer = await notify.client.post(path, json=body | {"until": "2026-06-30"})
    assert answer.json()["evidence"] == "waived by lia until 2026-06-30: on leave"
    assert (await notify.get("/coverage/L-1/1"))["classes"]["waived"] == 1


async def test_an_objection_is_told_and_settles_nothing(notify: Notify) -> None:
    await notify.hear(launches_changed(1, planned()))
    (notice,) = (await notify.get("/people/mo/inbox"))["items"]
    path = f"/notify/api/v1/notices/{notice['id']}/objections"
    for _ in range(2):
        assert (await notify.client.post(path, json={"reason": "not mine"})).status_code == 201
    told = await notify.told()
    assert [one["reason"] for one in told[1]["objections"]] == ["not mine"]
    assert len(told) == 2
    assert (await notify.get("/coverage/L-1/1"))["classes"]["open"] == 4


async def test_a_bad_directory_changes_nothing_and_says_where(notify: Notify) -> None:
    before = await notify.get("/portfolios/default/directory")
    answer = await notify.put_directory(b"id,name,email\nana,Ana,ana@example.com\nbo,Bo,no address\n")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["line"] == 3
    assert answer.json()["where"] == "$[1].email"
    assert await notify.get("/portfolios/default/directory") == before


async def test_who_leaves_is_a_gap_and_who_gets_an_address_is_written_to(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    url = f"smtp://127.0.0.1:{mail_server.port}"
    async with running(await fresh_database("notify", prepare), smtp_url=url) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))
        await mail_server.arrived(4)
        without_mo = b"".join(line for line in COMPANY_CSV.splitlines(keepends=True) if not line.startswith(b"mo,"))
        await notify.put_directory(without_mo.replace(b"dev,Dev Patel,,", b"dev,Dev Patel,dev@example.com,"))
        classes = {one["person"]: one["class"] for one in (await notify.get("/coverage/L-1/1"))["people"]}
        assert (classes["mo"], classes["dev"]) == ("unreachable", "open")
        await mail_server.arrives(lambda mails: any(mail.to == ("dev@example.com",) for mail in mails))


async def test_everybody_acknowledges_at_once_when_a_replay_says_so(fresh_database: FreshDatabase) -> None:
    async with running(
        await fresh_database("notify", prepare), acknowledge="at_once", time_source="observations"
    ) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()), launches_changed(2, moved()))
        classes = (await notify.get("/coverage/L-1/1"))["classes"]
        assert classes["acknowledged"] == 5
        assert len(await notify.told()) == 2


async def test_mails_say_what_changed_and_their_dates_are_frozen(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    url = f"smtp://127.0.0.1:{mail_server.port}"
    async with running(await fresh_database("notify", prepare), smtp_url=url) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, moved(revision=5)))
        mails = {mail.to[0]: mail for mail in await mail_server.arrived(4)}
    ana, cleo = mails["ana@example.com"], mails["cleo@example.com"]
    assert ana.subject == "Instant payouts moves to Tue 9 Jun 2026 (was Tue 2 Jun 2026)"
    assert cleo.subject == "Instant payouts passe au mar. 9 juin 2026 (au lieu du mar. 2 juin 2026)"
    assert ana.date == NOON + timedelta(minutes=1)
    assert ana.parsed["Auto-Submitted"] == "auto-generated"
    assert "PAY-1 slips by 5 working days" in ana.text
    assert "Check messaging and plan" in ana.html


async def test_a_mailbox_that_is_busy_gets_its_mail_later_and_a_dead_one_is_a_gap(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    mail_server.answers("ana@example.com", Answer.UNKNOWN_RECIPIENT)
    mail_server.answers("bo@example.com", Answer.MAILBOX_FULL, times=1)
    url = f"smtp://127.0.0.1:{mail_server.port}"
    async with running(await fresh_database("notify", prepare), smtp_url=url) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))
        await mail_server.arrived(2)
        async with notify.foundation.database.engine.begin() as connection:
            for _ in range(100):
                classes = (await notify.get("/coverage/L-1/1"))["classes"]
                if classes["unreachable"] == 2:
                    break
            await connection.exec_driver_sql(
                "UPDATE delivery SET next_at = next_at - interval '2 minutes' WHERE state = 'due'"
            )
        await mail_server.arrived(3)
        assert classes == {**classes, "unreachable": 2, "open": 3}
        told = await notify.told()
        assert told[1]["cause"]["source"]["tool"] == "smtp"
        assert told[1]["receipts"][0]["person"] == "ana"


async def test_a_mail_that_may_have_arrived_goes_again_byte_by_byte(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    mail_server.answers("mo@example.com", Answer.BUSY, stage=Stage.AFTER_KEEPING, times=1)
    url = f"smtp://127.0.0.1:{mail_server.port}"
    async with running(await fresh_database("notify", prepare), smtp_url=url) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))
        await mail_server.arrived(4)
        for _ in range(200):
            async with notify.foundation.database.engine.begin() as connection:
                moved_up = await connection.exec_driver_sql(
                    "UPDATE delivery SET next_at = next_at - interval '5 minutes' WHERE state = 'due' AND attempts = 1"
                )
            if moved_up.rowcount:
                break
        await mail_server.arrived(5)
    twice = mail_server.mails_to("mo@example.com")
    assert len(twice) == 2
    assert twice[0].raw == twice[1].raw
