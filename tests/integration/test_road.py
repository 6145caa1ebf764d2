"""The road of a message over real PostgreSQL and real Kafka: exactly once, in order, whole, whatever happens."""

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.contracts.envelope import Envelope
from shared.contracts.words import CauseId, PortfolioId
from shared.runtime.broker import Record
from shared.runtime.database import Database
from shared.runtime.failpoints import arm
from shared.runtime.inbox import list_parked, show_parked
from shared.runtime.outbox import count_unpublished, republish
from tests.integration import toy
from tests.servers.topics import KafkaRoom

ALPHA = PortfolioId("alpha")


def record(portfolio: str, revision: int, body: bytes | None = None, *, part: int = 1, parts: int = 1) -> Record:
    envelope = Envelope(
        id=f"{portfolio}{revision}.{part}",
        type=toy.Said.TYPE,
        source="/toy",
        subject=PortfolioId(portfolio),
        time=toy.NOON,
        cause_id=CauseId(f"c{revision}"),
        revision=revision,
    )
    message = toy.Said(
        portfolio=PortfolioId(portfolio),
        revision=revision,
        part=part,
        parts=parts,
        cause=toy.cause(f"c{revision}"),
        words=("hello",),
    )
    value = message.model_dump_json().encode() if body is None else body
    return Record(toy.TOPIC, 0, revision, portfolio.encode(), tuple(envelope.headers()), value)


async def test_everything_told_is_heard_once_and_in_order(toy_database: Database, kafka_room: KafkaRoom) -> None:
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, toy_database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(toy_database)
    async with toy.reading(settings, hearer), toy.relaying(settings):
        for start in range(10):
            for number in range(20):
                await toy.say(toy_database, f"p{number}", *[["word"]] * (5 + start % 2))
        await toy.until(lambda: _count(hearer, 20 * 55))
    assert all(revisions == list(range(1, 56)) for revisions in (await hearer.heard()).values())


async def test_a_backlog_larger_than_one_batch_of_kafka_is_told_in_several(
    toy_database: Database, kafka_room: KafkaRoom
) -> None:
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, toy_database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(toy_database)
    await toy.say(toy_database, "alpha", *[["x" * 2000]] * 1500)
    await toy.say(toy_database, "alpha", *[["x" * 200_000]] * 6)
    async with toy.reading(settings, hearer), toy.relaying(settings):
        await toy.until(lambda: _count(hearer, 1506))
    assert (await hearer.heard())["alpha"] == list(range(1, 1507))


async def test_a_relay_that_dies_between_sending_and_marking_sends_again_and_nobody_notices(
    toy_database: Database, kafka_room: KafkaRoom
) -> None:
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, toy_database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(toy_database)
    await toy.say(toy_database, "alpha", *[["word"]] * 50)
    arm("relay.after_produce=raise:1")
    async with toy.reading(settings, hearer), toy.relaying(settings):
        await toy.until(lambda: _count(hearer, 50))
        await toy.until(lambda: _all_published(toy_database))
    assert await _sent(kafka_room) == 100
    assert (await hearer.heard())["alpha"] == list(range(1, 51))


async def test_a_poisoned_revision_parks_its_portfolio_and_no_other(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    await hearer.inbox.receive(
        [
            record("alpha", 1),
            record("alpha", 2, b"{}"),
            record("beta", 1),
            record("alpha", 3),
            record("beta", 2),
        ]
    )
    assert await hearer.heard() == {"alpha": [1], "beta": [1, 2]}
    [parked] = await list_parked(toy_database)
    assert (parked["portfolio"], parked["revision"], parked["behind"]) == ("alpha", 2, 1)
    assert "$.portfolio" in parked["problem"]
    shown = await show_parked(toy_database, toy.TOPIC, ALPHA)
    assert shown is not None
    assert shown["body"] == b"{}"


async def test_a_parked_revision_is_applied_on_retry_with_all_that_waited_behind_it(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    await toy.say(toy_database, "alpha", ["word"], ["poison"], ["word"])
    await hearer.inbox.receive(await _told(toy_database))
    assert await hearer.heard() == {"alpha": [1]}
    assert not await hearer.inbox.unpark(ALPHA)
    assert (await list_parked(toy_database))[0]["attempts"] == 2
    hearer.poisonous = False
    assert await hearer.inbox.unpark(ALPHA)
    assert await hearer.heard() == {"alpha": [1, 2, 3]}
    assert await list_parked(toy_database) == []


async def test_a_parked_revision_that_is_dropped_is_kept_aside_and_the_rest_goes_on(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    await toy.say(toy_database, "alpha", ["word"], ["poison"], ["word"])
    await hearer.inbox.receive(await _told(toy_database))
    assert await hearer.inbox.skip(ALPHA)
    assert await hearer.heard() == {"alpha": [1, 3]}
    assert await _refused(toy_database) == ["dropped: ValueError: cannot stand this word"]


async def test_a_record_without_a_readable_header_is_kept_and_holds_nobody_up(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    whole = record("alpha", 1)
    null = Record(toy.TOPIC, 0, 7, b"alpha", (*whole.headers, ("reply_to", None)), whole.value)
    strange = Record(toy.TOPIC, 0, 8, b"alpha", (*whole.headers, ("x", b"\xff")), whole.value)
    elsewhere = Record(toy.TOPIC, 0, 9, b"beta", whole.headers, whole.value)
    await hearer.inbox.receive([null, strange, elsewhere, whole])
    assert await hearer.heard() == {"alpha": [1]}
    assert len(await _refused(toy_database)) == 3


async def test_a_gap_waits_is_asked_for_and_is_closed_in_order(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    await hearer.inbox.receive([record("alpha", 1), record("alpha", 4), record("alpha", 3)])
    assert await hearer.heard() == {"alpha": [1]}
    await hearer.inbox.ask_for_gaps()
    assert hearer.asked == [("alpha", 2, 4)]
    await hearer.inbox.receive([record("alpha", 2)])
    assert await hearer.heard() == {"alpha": [1, 2, 3, 4]}
    await hearer.inbox.receive([record("alpha", 2), record("alpha", 4)])
    assert await hearer.heard() == {"alpha": [1, 2, 3, 4]}


async def test_parts_are_acted_on_together_whatever_their_order(toy_database: Database) -> None:
    hearer = toy.Hearer(toy_database)
    await hearer.inbox.receive([record("alpha", 1, part=2, parts=2)])
    assert await hearer.heard() == {}
    await hearer.inbox.receive([record("alpha", 1, part=1, parts=2)])
    assert await hearer.heard() == {"alpha": [1]}


async def test_what_kafka_lost_can_be_sent_again(toy_database: Database, kafka_room: KafkaRoom) -> None:
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, toy_database.url, prefix=f"{kafka_room.prefix}.")
    await toy.say(toy_database, "alpha", *[["word"]] * 5)
    async with toy_database.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE outbox SET published_at = now() WHERE revision < 5"))
    hearer = toy.Hearer(toy_database)
    async with toy.reading(settings, hearer), toy.relaying(settings):
        await toy.until(lambda: _waiting(toy_database))
        await hearer.inbox.ask_for_gaps()
        [(portfolio, first, last)] = hearer.asked
        assert await republish(toy_database, PortfolioId(portfolio), first, last) == 5
        await toy.until(lambda: _count(hearer, 5))
    assert await hearer.heard() == {"alpha": [1, 2, 3, 4, 5]}


async def test_a_reply_to_header_sends_nothing_anywhere(toy_database: Database, kafka_room: KafkaRoom) -> None:
    await kafka_room.create(toy.TOPIC)
    settings = toy.settings_for(kafka_room.bootstrap, toy_database.url, prefix=f"{kafka_room.prefix}.")
    hearer = toy.Hearer(toy_database)
    one = record("alpha", 1)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_room.bootstrap)
    await producer.start()
    try:
        headers = [*one.headers, ("reply_to", kafka_room.topic(toy.TOPIC).encode())]
        await producer.send_and_wait(kafka_room.topic(toy.TOPIC), one.value, key=one.key, headers=headers)
        async with toy.reading(settings, hearer):
            await toy.until(lambda: _count(hearer, 1))
    finally:
        await producer.stop()
    assert await _refused(toy_database) == []


async def _told(toy_database: Database) -> list[Record]:
    async with toy_database.reading() as connection:
        found = await connection.execute(sa.text("SELECT * FROM outbox ORDER BY seq"))
        return [
            Record(
                toy.TOPIC,
                0,
                row["seq"],
                row["portfolio"].encode(),
                tuple(toy.OUTBOX.envelope(dict(row)).headers()),
                row["body"],
            )
            for row in found.mappings()
        ]


async def _count(hearer: toy.Hearer, expected: int) -> bool:
    return sum(len(revisions) for revisions in (await hearer.heard()).values()) == expected


async def _all_published(toy_database: Database) -> bool:
    async with toy_database.reading() as connection:
        return await count_unpublished(connection) == 0


async def _sent(room: KafkaRoom) -> int:
    consumer = AIOKafkaConsumer(room.topic(toy.TOPIC), bootstrap_servers=room.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(consumer.assignment())).values())
    finally:
        await consumer.stop()


async def _waiting(toy_database: Database) -> bool:
    async with toy_database.reading() as connection:
        return bool((await connection.execute(sa.text("SELECT count(*) FROM inbox"))).scalar())


async def _refused(toy_database: Database) -> list[str]:
    async with toy_database.reading() as connection:
        found = await connection.execute(sa.text("SELECT problem FROM refused_record ORDER BY seq"))
        return [row.problem for row in found]
