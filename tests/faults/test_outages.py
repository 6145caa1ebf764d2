"""Kafka and PostgreSQL go away under load and come back: nothing is lost, nothing is heard twice."""

import asyncio

import pytest

from deploy.local.postgres import EmbeddedPostgres
from shared.contracts.words import PortfolioId
from shared.runtime.database import Database, is_outage
from tests.integration import toy
from tests.servers.apache.broker import Broker
from tests.servers.fixtures import FreshDatabase
from tests.servers.topics import KafkaRoom

MESSAGES = 400


async def test_the_broker_is_killed_under_load(
    kafka: Broker, kafka_room: KafkaRoom, fresh_database: FreshDatabase
) -> None:
    database = toy.open_database(await fresh_database("toy", toy.prepare))
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka.bootstrap, database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(database)
    async with toy.reading(settings, hearer), toy.relaying(settings):
        saying = asyncio.create_task(_say_steadily(database))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(kafka.restart, hard=True)
        await saying
        await toy.until(lambda: _all_heard(hearer), seconds=40)
    await database.close()


async def test_the_database_is_killed_under_load(kafka_room: KafkaRoom, durable_postgres: EmbeddedPostgres) -> None:
    dsn = durable_postgres.ensure_database("toy")
    await toy.prepare(dsn)
    database = toy.open_database(dsn)
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(database)
    async with toy.reading(settings, hearer), toy.relaying(settings):
        saying = asyncio.create_task(_say_steadily(database))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(durable_postgres.restart, hard=True)
        await saying
        await toy.until(lambda: _all_heard(hearer), seconds=40)
    await database.close()


async def test_a_reader_that_is_stopped_in_mid_batch_goes_on_where_it_committed(
    kafka_room: KafkaRoom, fresh_database: FreshDatabase
) -> None:
    database = toy.open_database(await fresh_database("toy", toy.prepare))
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(database)
    hearer.delay = 0.05
    async with toy.relaying(settings):
        await toy.say(database, "alpha", *[["word"]] * MESSAGES)
        for _ in range(4):
            async with toy.reading(settings, hearer):
                await asyncio.sleep(0.3)
        async with toy.reading(settings, hearer):
            await toy.until(lambda: _all_heard(hearer))
    await database.close()


async def _say_steadily(database: Database) -> None:
    said = 0
    while said < MESSAGES:
        try:
            await toy.say(database, "alpha", ["word"])
        except Exception as error:
            if not is_outage(error):
                raise
            await asyncio.sleep(0.05)  # a door would answer 503 and the sender come again
            # An error at COMMIT means unknown, not failed: look before saying it again.
            said = await _said(database, said)
        else:
            said += 1
            await asyncio.sleep(0.002)


async def _said(database: Database, so_far: int) -> int:
    try:
        async with database.locked([PortfolioId("alpha")]) as batch:
            return batch.portfolios[PortfolioId("alpha")].revision
    except Exception as error:
        if not is_outage(error):
            raise
        return so_far


async def _all_heard(hearer: toy.Hearer) -> bool:
    try:
        heard = (await hearer.heard()).get("alpha", [])
    except Exception as error:
        if not is_outage(error):
            raise
        return False
    if len(heard) > MESSAGES or heard != sorted(set(heard)):
        pytest.fail(f"heard twice or out of order: {heard[-10:]}")
    return len(heard) == MESSAGES
