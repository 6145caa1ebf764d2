"""The way out by mail when things go wrong: a sender killed at any moment, a server away, a late answer."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.failpoints import Failpoint, arm
from tests.integration.test_notify_road import Notify, prepare, running
from tests.servers.fixtures import FreshDatabase
from tests.servers.postgres import connection
from tests.servers.smtp import ScriptedMailServer
from tests.unit.notify.stories import COMPANY_CSV, launches_changed, moved, planned

ROOT = Path(__file__).parents[2]
MAILED = 4
SEND = """
import asyncio, sys
from tests.integration.test_notify_road import running

async def main():
    async with running(sys.argv[1], smtp_url=sys.argv[2], failpoints=sys.argv[3], mail_connections=1):
        await asyncio.sleep(20)

asyncio.run(main())
"""


async def fill(dsn: str) -> None:
    """A directory and one message; nobody sends."""
    async with running(dsn) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))


async def end_leases(dsn: str) -> None:
    async with connection(dsn) as admin:
        await admin.execute(
            "UPDATE delivery SET lease_until = lease_until - interval '1 hour', next_at = next_at - interval '1 hour'"
        )


async def states(dsn: str) -> set[str]:
    async with connection(dsn) as admin:
        return {row["state"] for row in await admin.fetch("SELECT state FROM delivery")}


@pytest.mark.parametrize(
    ("point", "doubled"),
    [("notify.after_claim", 0), ("notify.after_send:2", 1), ("notify.after_mark:2", 0)],
)
async def test_a_sender_killed_at_any_moment_loses_nothing_and_repeats_only_identical_bytes(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer, point: str, doubled: int
) -> None:
    dsn, url = await fresh_database("notify", prepare), f"smtp://127.0.0.1:{mail_server.port}"
    await fill(dsn)
    name, _, count = point.partition(":")
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SEND, dsn, url, f"{name}=kill:{count or 1}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=90,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    await end_leases(dsn)
    async with running(dsn, smtp_url=url) as notify:
        await mail_server.arrived(MAILED + doubled, within_seconds=20)
        await settled(notify, dsn)
    mails = mail_server.mails
    assert len(mails) == MAILED + doubled
    assert len({mail.message_id for mail in mails}) == len({mail.raw for mail in mails}) == MAILED


async def settled(notify: Notify, dsn: str) -> None:
    del notify
    async with asyncio.timeout(10):
        while {"due", "sending"} & await states(dsn):
            await asyncio.sleep(0.05)


async def test_while_the_server_is_away_mails_wait_and_no_attempt_is_counted(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    dsn, url = await fresh_database("notify", prepare), f"smtp://127.0.0.1:{mail_server.port}"
    mail_server.stop()
    await fill(dsn)
    async with running(dsn, smtp_url=url):
        await asyncio.sleep(1)
        async with connection(dsn) as admin:
            assert await admin.fetchval("SELECT max(attempts) FROM delivery WHERE state = 'due'") == 0
        mail_server.start()
        await mail_server.arrived(MAILED, within_seconds=30)


async def test_what_was_answered_or_overtaken_before_it_was_sent_is_not_sent(
    fresh_database: FreshDatabase, mail_server: ScriptedMailServer
) -> None:
    dsn, url = await fresh_database("notify", prepare), f"smtp://127.0.0.1:{mail_server.port}"
    async with running(dsn) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()), launches_changed(2, moved()))
        (newest, _) = (await notify.get("/people/ana/inbox"))["items"]
        await notify.client.post(f"/notify/api/v1/notices/{newest['id']}/acknowledge")
    async with running(dsn, smtp_url=url) as notify:
        await mail_server.arrived(MAILED - 1)
        await settled(notify, dsn)
    assert {mail.subject for mail in mail_server.mails if "cleo" not in mail.to[0]} == {
        "Instant payouts moves to Tue 9 Jun 2026 (was Tue 2 Jun 2026)"
    }
    assert not mail_server.mails_to("ana@example.com")
    assert len(mail_server.mails) == MAILED - 1


async def test_a_batch_that_fails_half_way_leaves_nothing_and_is_applied_when_it_comes_again(
    fresh_database: FreshDatabase,
) -> None:
    async with running(await fresh_database("notify", prepare)) as notify:
        await notify.put_directory(COMPANY_CSV)
        await notify.hear(launches_changed(1, planned()))
        arm("notify.after_outbox=raise:1")
        with contextlib.suppress(Failpoint):
            await notify.hear(launches_changed(2, moved()), launches_changed(3, moved(revision=3)))
        arm("")
        await notify.hear(launches_changed(2, moved()), launches_changed(3, moved(revision=3)))
        assert [one["cause"]["id"] for one in await notify.told()] == ["native:1", "native:2", "native:3"]
        assert (await notify.get("/portfolios/default/conservation"))["ok"]
        assert (await notify.get("/coverage/L-1/3"))["classes"]["open"] == MAILED
