"""Topics and groups of one test, apart from those of every other test on the same broker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 6


class TopicsRefusedError(Exception):
    """The broker did not create some topics; the admin client itself says nothing then."""


@dataclass
class KafkaRoom:
    """Names in a test's own room: `topic("roadmap.events")` is `t1a2b3c4.roadmap.events`."""

    bootstrap: str
    prefix: str
    created: list[str] = field(default_factory=list)

    def topic(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def group(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    async def create(
        self, *names: str, partitions: int = PARTITIONS, settings: Mapping[str, str] | None = None
    ) -> list[str]:
        """Create them all in one call and give their full names, in the order asked for."""
        topics = [self.topic(name) for name in names]
        await create_topics(self.bootstrap, topics, partitions=partitions, settings=settings)
        self.created.extend(topics)
        return topics

    async def clear(self) -> None:
        """Delete what was created: a broker with thousands of idle partitions grows slow."""
        if self.created:
            async with _admin(self.bootstrap) as admin:
                await admin.delete_topics(self.created)
            self.created.clear()


async def create_topics(
    bootstrap: str, topics: list[str], *, partitions: int = PARTITIONS, settings: Mapping[str, str] | None = None
) -> None:
    """Create the topics under exactly these names, in one call; raise TopicsRefusedError unless all are there."""
    wanted = [NewTopic(topic, partitions, 1, topic_configs=dict(settings or {})) for topic in topics]
    async with _admin(bootstrap) as admin:
        answer = await admin.create_topics(wanted)
    refused = [f"{topic}: {code} {reason or ''}".strip() for topic, code, reason in answer.topic_errors if code]
    if refused:
        raise TopicsRefusedError("; ".join(refused))


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
