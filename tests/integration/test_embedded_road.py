"""The embedded broker keeps 5 MiB a partition and forgets at restart; stop-and-wait makes it lose nothing."""

from functools import partial

import pytest
import sqlalchemy as sa

from deploy.local.kafka import EmbeddedKafka
from shared.runtime.broker import Progress
from shared.runtime.database import Database
from tests.integration import toy

KILOBYTE = "x" * 1024


async def test_ten_thousand_messages_in_one_burst_survive_a_slow_reader(
    toy_database: Database, embedded_kafka: EmbeddedKafka
) -> None:
    embedded_kafka.create_topic(toy.TOPIC)
    settings = toy.settings_for(embedded_kafka.bootstrap, toy_database.url, embedded=True)
    progress = Progress()
    hearer = toy.Hearer(toy_database)
    hearer.delay = 0.02
    for _ in range(10):  # 12 MiB into one partition that keeps 5
        await toy.say(toy_database, "alpha", *[[KILOBYTE]] * 1000)
    async with toy.reading(settings, hearer, progress), toy.relaying(settings, progress):
        await toy.until(lambda: _applied(toy_database, 10_000), seconds=60)
    assert (await hearer.heard())["alpha"] == list(range(1, 10_001))


async def test_after_a_restart_of_the_broker_what_was_not_heard_is_sent_again(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    for start in range(3):
        with EmbeddedKafka() as broker:
            broker.create_topic(toy.TOPIC)
            settings = toy.settings_for(broker.bootstrap, toy_database.url, embedded=True)
            progress = Progress()
            await toy.say(toy_database, "alpha", *[["word"]] * 50)
            async with toy.reading(settings, hearer, progress), toy.relaying(settings, progress):
                await toy.until(partial(_applied, toy_database, 50 * (start + 1)))
    assert (await hearer.heard())["alpha"] == list(range(1, 151))


async def test_without_waiting_for_readers_the_embedded_broker_drops_silently(
    toy_database: Database, embedded_kafka: EmbeddedKafka
) -> None:
    """The trap itself: the same burst, the relay not told of the readers."""
    embedded_kafka.create_topic(toy.TOPIC)
    settings = toy.settings_for(embedded_kafka.bootstrap, toy_database.url, embedded=True)
    for _ in range(10):
        await toy.say(toy_database, "alpha", *[[KILOBYTE]] * 1000)
    async with toy.relaying(settings):
        await toy.until(lambda: _published(toy_database), seconds=60)
    hearer = toy.Hearer(toy_database)
    async with toy.reading(settings, hearer):
        with pytest.raises(TimeoutError):
            await toy.until(lambda: _applied(toy_database, 10_000), seconds=3)
    await hearer.inbox.ask_for_gaps()
    assert hearer.asked, "the reader notices the gap, since revisions are contiguous"


async def _applied(toy_database: Database, revision: int) -> bool:
    async with toy_database.reading() as connection:
        return bool((await connection.execute(sa.text("SELECT max(revision) FROM reader"))).scalar() == revision)


async def _published(toy_database: Database) -> bool:
    async with toy_database.reading() as connection:
        found = await connection.execute(sa.text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
        return not found.scalar()
