"""All three services in one process on one event loop, with PostgreSQL, a broker and a mail catcher inside.

What `make demo`, `inloop replay` and the end-to-end tests run: the same apps as in containers, wired to embedded
servers. With a folder for its state a second start goes on where the first one stopped; without one everything is
deleted at the end. What is fed in, and what is shown of it, is not here.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SpanExporter

from deploy.local.databases import prepare_databases
from deploy.local.front import Front, alive
from deploy.local.host import LOOPBACK
from deploy.local.kafka import EmbeddedKafka
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.smtp import MailCatcher
from services.launch.app import create_app as create_launch
from services.launch.settings import LaunchSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import NotifySettings
from services.roadmap.app import create_app as create_roadmap
from services.roadmap.settings import RoadmapSettings
from shared.runtime.broker import Progress
from shared.runtime.clock import Clock, system_clock
from shared.runtime.foundation import TOPICS, Runtime
from shared.web.live import close_streams

SERVICES = ("roadmap", "launch", "notify")
FETCH_WAIT_MS = 20  # the mock broker makes every fetch wait this long (docs/explanation/traps.md)
STOP_SECONDS = 1
HOME = "/roadmap/"

SettingValues = Mapping[str, Any]
"""Settings by their names in lower case, as the `settings` module of a service has them."""


class _Server(Protocol):
    def start(self) -> object: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """How a house is wanted.

    Attributes:
        state: the folder kept between starts; None: a temporary one, deleted at the end.
        port: of the one front door; 0 takes a free one.
        every, roadmap, launch, notify: settings for all services, and for one; each goes before the house's own.
        clock: what doors and timers read.
        exporter: gets the spans of all three services.
    """

    state: Path | None = None
    port: int = 0
    every: SettingValues = field(default_factory=dict)
    roadmap: SettingValues = field(default_factory=dict)
    launch: SettingValues = field(default_factory=dict)
    notify: SettingValues = field(default_factory=dict)
    clock: Clock = system_clock
    exporter: SpanExporter | None = None


@dataclass(frozen=True, slots=True)
class House:
    """A running house: where its front door is, each service's database, and the mails that left it."""

    url: str
    dsns: Mapping[str, str]
    mails: MailCatcher


class PortTakenError(OSError):
    """Another program listens on the port that the front door was to have."""


@asynccontextmanager
async def open_house(order: Order) -> AsyncIterator[House]:
    """Start everything, in order; when the block ends everything stops in the opposite order, within two seconds.

    Raises:
        PortTakenError: choose another port.
        EmbeddedPostgresError: another process uses the state folder, or PostgreSQL does not start.
    """
    async with AsyncExitStack() as stack:
        door = stack.enter_context(_listening(order.port))
        # What nobody keeps need not survive a power cut either.
        postgres = EmbeddedPostgres(order.state and order.state / "postgres", fsync=order.state is not None)
        kafka = EmbeddedKafka()
        await asyncio.gather(_start(stack, postgres), _start(stack, kafka))
        mails = await stack.enter_async_context(MailCatcher().on_this_loop())
        await asyncio.to_thread(_create_topics, kafka)
        url = f"http://{LOOPBACK}:{door.getsockname()[1]}"
        house = House(url, await prepare_databases(postgres, SERVICES), mails)
        rooms = _rooms(order, house, kafka.bootstrap)
        await stack.enter_async_context(alive(list(rooms.values())))
        await stack.enter_async_context(_serving(Front(rooms, HOME), door))
        stack.callback(close_streams, rooms.values())  # pages that listen never leave by themselves
        yield house


def _rooms(order: Order, house: House, bootstrap: str) -> dict[str, FastAPI]:
    runtime = Runtime(clock=order.clock, progress=Progress(), exporter=order.exporter)
    common = {
        "kafka_bootstrap": bootstrap,
        "topic_prefix": "",
        "embedded": True,
        "fetch_wait_ms": FETCH_WAIT_MS,
        "host": LOOPBACK,
        **dict.fromkeys(("roadmap_url", "launch_url", "notify_url", "public_url"), house.url),
    }
    smtp = {"smtp_url": f"smtp://{house.mails.host}:{house.mails.port}"}
    given: dict[str, dict[str, Any]] = {
        "roadmap": {**common, "database_url": house.dsns["roadmap"], **order.every, **order.roadmap},
        "launch": {**common, "database_url": house.dsns["launch"], **order.every, **order.launch},
        "notify": {**common, "database_url": house.dsns["notify"], **smtp, **order.every, **order.notify},
    }
    return {
        "roadmap": create_roadmap(RoadmapSettings(**given["roadmap"]), runtime),
        "launch": create_launch(LaunchSettings(**given["launch"]), runtime),
        "notify": create_notify(NotifySettings(**given["notify"]), runtime),
    }


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Bind before anything else starts: a taken port is told at once, and services know their own address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(f"port {port} of {LOOPBACK} is taken ({error.strerror}); choose another") from None
        yield door


async def _start(stack: AsyncExitStack, server: _Server) -> None:
    """In a thread, because these start-ups block; registered first, so that half a start is undone too."""
    stack.push_async_callback(asyncio.to_thread, server.stop)
    await asyncio.to_thread(server.start)


def _create_topics(kafka: EmbeddedKafka) -> None:
    for topic in TOPICS:
        kafka.create_topic(topic)


class _Uvicorn(uvicorn.Server):
    """Without signal handlers: Ctrl-C cancels whoever opened the house, and that stops everything in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(app: Front, door: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _Uvicorn(config)
    serving = asyncio.create_task(server.serve(sockets=[door]), name="front door")
    try:
        await server.answering.wait()
        yield
    finally:
        server.should_exit = True
        await serving
