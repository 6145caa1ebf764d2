"""The servers that the demo and the tests stand on: what they promise, and the traps that their users must know.

No service of ours is in these tests.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from deploy.local.kafka import EmbeddedKafka
from deploy.local.postgres import EmbeddedPostgres, EmbeddedPostgresError
from deploy.local.smtp import MailCatcher
from tests.servers.apache.broker import Broker, NoBrokerError
from tests.servers.fixtures import FreshDatabase
from tests.servers.kafka import start_broker
from tests.servers.needs import not_run
from tests.servers.postgres import connection
from tests.servers.smtp import Answer, ScriptedMailServer, Stage
from tests.servers.topics import KafkaRoom, TopicsRefusedError

KIB = 1024
TOPIC = "inloop.roadmap"
OWNER_PROGRAM = """
import sys, time
from pathlib import Path
from deploy.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
server.ensure_database("roadmap")
server.execute("CREATE TABLE promise AS SELECT 42 AS kept", "roadmap")
print(server.pid, flush=True)
time.sleep(60)
"""


@asynccontextmanager
async def producing(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", request_timeout_ms=10_000)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consuming(bootstrap: str, topic: str, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
        heartbeat_interval_ms=200,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def first_message(consumer: AIOKafkaConsumer) -> ConsumerRecord[bytes, bytes]:
    async with asyncio.timeout(15):
        return await consumer.getone()


class TestTheEmbeddedBroker:
    def test_is_ready_with_its_topics_before_anybody_waits(self) -> None:
        began = time.monotonic()
        with EmbeddedKafka() as broker:
            for number in range(8):
                broker.create_topic(f"topic-{number}")
            broker.create_topic("topic-0")
            ready_after = time.monotonic() - began
        assert ready_after < 2
        assert time.monotonic() - began < 3

    async def test_lets_a_group_join_within_a_second(self, embedded_kafka: EmbeddedKafka) -> None:
        embedded_kafka.create_topic(TOPIC)
        async with producing(embedded_kafka.bootstrap) as producer:
            await producer.send_and_wait(TOPIC, b"moved", key=b"FEAT-1")
        began = time.monotonic()
        async with consuming(embedded_kafka.bootstrap, TOPIC, "launch") as consumer:
            assert (await first_message(consumer)).value == b"moved"
        assert time.monotonic() - began < 1

    async def test_trap_drops_the_oldest_messages_of_a_full_partition_and_tells_nobody(
        self, embedded_kafka: EmbeddedKafka
    ) -> None:
        embedded_kafka.create_topic(TOPIC, partitions=1)
        async with producing(embedded_kafka.bootstrap) as producer:
            for _ in range(12):
                await producer.send_and_wait(TOPIC, bytes(700 * KIB))
        async with consuming(embedded_kafka.bootstrap, TOPIC, "slow reader") as consumer:
            assert (await first_message(consumer)).offset > 0

    async def test_trap_forgets_messages_and_offsets_with_a_restart(self, embedded_kafka: EmbeddedKafka) -> None:
        embedded_kafka.create_topic(TOPIC, partitions=1)
        async with producing(embedded_kafka.bootstrap) as producer:
            await producer.send_and_wait(TOPIC, b"moved")
        async with consuming(embedded_kafka.bootstrap, TOPIC, "launch") as consumer:
            await first_message(consumer)
            await consumer.commit()
        embedded_kafka.stop()
        embedded_kafka.start()
        embedded_kafka.create_topic(TOPIC, partitions=1)
        async with consuming(embedded_kafka.bootstrap, TOPIC, "launch") as consumer:
            partition = TopicPartition(TOPIC, 0)
            assert await consumer.committed(partition) is None
            assert await consumer.end_offsets([partition]) == {partition: 0}


class TestTheEmbeddedDatabase:
    async def test_keeps_what_was_committed_when_it_is_killed(self, durable_postgres: EmbeddedPostgres) -> None:
        dsn = durable_postgres.create_database("roadmap")
        async with connection(dsn) as database:
            await database.execute("CREATE TABLE promise AS SELECT 42 AS kept")
        durable_postgres.restart(hard=True)
        async with connection(dsn) as database:
            assert await database.fetchval("SELECT kept FROM promise") == 42

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at the process in /proc")
    def test_does_not_outlive_a_killed_owner_and_comes_back_with_its_tables(self, server_folder: Path) -> None:
        folder = server_folder / "postgres"
        with subprocess.Popen(  # noqa: S603 - the program above
            [sys.executable, "-c", OWNER_PROGRAM, str(folder)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as owner:
            assert owner.stdout is not None
            server = int(owner.stdout.readline())
            assert Path("/proc", str(server)).exists()
            owner.kill()
            owner.wait()
            with EmbeddedPostgres(folder) as successor:
                assert successor.execute("SELECT kept FROM promise", "roadmap") == "42"
                assert server != successor.pid
                assert b"postgres" not in _command_line(server)

    def test_is_not_shared_by_two_programs(self, durable_postgres: EmbeddedPostgres) -> None:
        with pytest.raises(EmbeddedPostgresError, match="another running program"):
            EmbeddedPostgres(durable_postgres.folder).start()
        assert durable_postgres.version

    def test_stops_within_a_second_and_leaves_no_temporary_folder(self) -> None:
        server = EmbeddedPostgres().start()
        assert server.folder.exists()
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1
        assert not server.folder.exists()

    async def test_is_fresh_for_each_test_and_migrated_once(self, fresh_database: FreshDatabase) -> None:
        prepared = []

        async def prepare(dsn: str) -> None:
            prepared.append(dsn)
            async with connection(dsn) as database:
                await database.execute("CREATE TABLE feature (key text)")

        one, other = await fresh_database("example", prepare), await fresh_database("example", prepare)
        async with connection(one) as database:
            await database.execute("INSERT INTO feature VALUES ('FEAT-1')")
        async with connection(other) as database:
            assert await database.fetchval("SELECT count(*) FROM feature") == 0
        assert len(prepared) == 1


class TestTheRealBroker:
    async def test_is_back_within_ten_seconds_of_a_kill_with_all_it_acknowledged(
        self, kafka: Broker, kafka_room: KafkaRoom
    ) -> None:
        [topic] = await kafka_room.create(TOPIC, partitions=1)
        async with producing(kafka.bootstrap) as producer:
            await producer.send_and_wait(topic, b"moved")
        began = time.monotonic()
        try:
            kafka.restart(hard=True)
        except NoBrokerError as given:
            not_run(str(given))
        assert time.monotonic() - began < 10
        async with consuming(kafka.bootstrap, topic, kafka_room.group("launch")) as consumer:
            assert (await first_message(consumer)).value == b"moved"

    async def test_trap_refuses_a_topic_only_in_the_fine_print(self, kafka_room: KafkaRoom) -> None:
        with pytest.raises(TopicsRefusedError, match="no/slashes"):
            await kafka_room.create("good", "no/slashes")

    def test_is_missed_by_name_when_there_is_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        monkeypatch.setenv("INLOOP_TEST_KAFKA", "maven")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(NoBrokerError, match="maven: no Java"):
            start_broker()

    @pytest.mark.parametrize(("required", "outcome"), [("0", pytest.skip.Exception), ("1", pytest.fail.Exception)])
    def test_is_a_failure_to_miss_where_all_must_run(
        self, monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
    ) -> None:
        monkeypatch.setenv("INLOOP_REQUIRE_ALL", required)
        with pytest.raises(outcome, match=r"not run: no Kafka"):
            not_run("no Kafka (no Docker)")


class TestTheMailServer:
    async def test_keeps_a_mail_as_its_reader_would_see_it(self, mail_server: ScriptedMailServer) -> None:
        await send(mail_server, "ann@example.org", "bob@example.org")
        [mail] = await mail_server.arrived(1)
        assert mail.to == ("ann@example.org", "bob@example.org")
        assert mail.subject == "Größer, später"
        assert mail.text.strip() == "The launch moved."
        assert mail.html.strip() == "<p>The launch moved.</p>"
        assert mail.message_id == "<1@inloop.example>"
        assert mail.date is not None
        assert mail.date.isoformat() == "2025-03-01T10:00:00+01:00"
        assert mail_server.mails_to("bob@example.org") == [mail]

    async def test_keeps_only_the_last_ones(self) -> None:
        with MailCatcher(keep=2) as catcher:
            for name in ("ann", "bob", "eve"):
                await send(catcher, f"{name}@example.org")
            assert [mail.to for mail in catcher.mails] == [("bob@example.org",), ("eve@example.org",)]

    @pytest.mark.parametrize("answer", [Answer.BUSY, Answer.MAILBOX_FULL, Answer.UNKNOWN_RECIPIENT])
    async def test_refuses_one_recipient_and_serves_the_other(
        self, mail_server: ScriptedMailServer, answer: Answer
    ) -> None:
        mail_server.answers("ann@example.org", answer)
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(mail_server, "ann@example.org")
        assert refused.value.recipients[0].code == int(answer[:3])
        await send(mail_server, "bob@example.org")
        assert [mail.to for mail in mail_server.mails] == [("bob@example.org",)]

    async def test_recovers_after_a_while(self, mail_server: ScriptedMailServer) -> None:
        mail_server.answers("ann@example.org", Answer.BUSY, stage=Stage.MAIL, times=1)
        with pytest.raises(aiosmtplib.SMTPDataError):
            await send(mail_server, "ann@example.org")
        await send(mail_server, "ann@example.org")
        assert len(mail_server.mails) == 1

    async def test_can_keep_a_mail_and_never_say_so(self, mail_server: ScriptedMailServer) -> None:
        mail_server.answers("ann@example.org", Answer.HANG, stage=Stage.AFTER_KEEPING)
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await send(mail_server, "ann@example.org")
        assert len(mail_server.mails) == 1


async def send(server: MailCatcher, *recipients: str) -> None:
    mail = EmailMessage()
    mail["From"] = "inloop@example.org"
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = "Größer, später"
    mail["Message-ID"] = "<1@inloop.example>"
    mail["Date"] = "Sat, 01 Mar 2025 10:00:00 +0100"
    mail.set_content("The launch moved.")
    mail.add_alternative("<p>The launch moved.</p>", subtype="html")
    await aiosmtplib.send(mail, hostname=server.host, port=server.port, timeout=0.5, start_tls=False)


def _command_line(pid: int) -> bytes:
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return b""
