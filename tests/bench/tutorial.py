"""The peer: the pipeline as tutorials write it.

A FastStream subscriber per message, an ORM session per message with a commit, and a publish inside the handler (which
loses or repeats messages at any crash, the dual write).

Kept only to be measured against; nothing of the product imports it.
"""

import asyncio
from datetime import UTC, datetime

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from pydantic import BaseModel
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Entities(DeclarativeBase):
    """The tutorial's tables."""


class FeatureRow(Entities):
    """One feature, as an ORM entity."""

    __tablename__ = "tutorial_feature"
    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str]
    title: Mapped[str]
    status: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class FeatureSeen(BaseModel):
    """What comes in, and what goes out again."""

    ref: str
    title: str
    status: str


async def run(bootstrap: str, database_url: str, topic_in: str, topic_out: str, count: int) -> None:
    """Handle `count` messages of `topic_in`; returns when the last is published."""
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(Entities.metadata.create_all)
    sessions = async_sessionmaker(engine)
    broker = KafkaBroker(bootstrap, logger=None, allow_auto_create_topics=False)
    handled = 0
    done = asyncio.Event()

    @broker.subscriber(
        topic_in,
        group_id=f"tutorial.{topic_in}",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        no_reply=True,
    )
    async def on_feature(seen: FeatureSeen) -> None:
        nonlocal handled
        async with sessions() as session:
            session.add(FeatureRow(**seen.model_dump(), received_at=datetime.now(UTC)))  # noqa: TID251 - as tutorials do
            await session.commit()
        await broker.publish(seen, topic_out)
        handled += 1
        if handled == count:
            done.set()

    await broker.start()
    await done.wait()
    await broker.stop()
    await engine.dispose()
