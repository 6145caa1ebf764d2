"""A Kafka broker inside this process, for `make demo` and `inloop replay`: no Docker, no Java.

It is librdkafka's own mock cluster, which the confluent-kafka wheel carries: the real protocol over loopback, kept in
memory. It is not a durable broker. It keeps 5 MiB a partition and drops the oldest silently, and a restart loses the
log and every offset; who uses it relays stop-and-wait. Nothing here publishes or consumes.
"""

import ctypes
import ctypes.util
import importlib.util
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PRODUCER = 0
ALREADY_EXISTS = 36
PARTITIONS = 6
ONLY_ERRORS = "3"
NUDGE_EVERY_SECONDS = 0.01
# Function -> type of its answer; `void *` would be cut to 32 bits without this.
ANSWERS = {
    "rd_kafka_conf_new": ctypes.c_void_p,
    "rd_kafka_new": ctypes.c_void_p,
    "rd_kafka_err2str": ctypes.c_char_p,
    "rd_kafka_mock_cluster_new": ctypes.c_void_p,
    "rd_kafka_mock_cluster_bootstraps": ctypes.c_char_p,
    "rd_kafka_mock_cluster_destroy": None,
    "rd_kafka_destroy": None,
}


class EmbeddedKafkaError(Exception):
    """The embedded broker could not do what was asked."""


class EmbeddedKafka:
    """One broker, without the three seconds that a group's first join takes by default."""

    def __init__(self) -> None:
        self._client: ctypes.c_void_p | None = None
        self._cluster: ctypes.c_void_p | None = None
        self._bootstrap = ""

    @property
    def bootstrap(self) -> str:
        """Give `127.0.0.1:port`; the port changes with each start."""
        if not self._bootstrap:
            raise EmbeddedKafkaError("the embedded broker is not running")
        return self._bootstrap

    def start(self) -> Self:
        if self._cluster is not None:
            return self
        library = _library()
        self._client = _new_client(library)
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._client, 1))
        if not self._cluster:
            raise EmbeddedKafkaError("librdkafka gave no mock cluster")
        address: bytes = library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self._bootstrap = address.decode()
        with _nudged(self._bootstrap):
            library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        return self

    def create_topic(self, name: str, partitions: int = PARTITIONS) -> None:
        """Create it; one that is there already stays as it is."""
        library = _library()
        with _nudged(self.bootstrap):
            code = library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code not in {0, ALREADY_EXISTS}:
            raise EmbeddedKafkaError(f"topic {name}: {library.rd_kafka_err2str(code).decode()}")

    def stop(self) -> None:
        """Everything in it is gone. Stop the clients first, they would go on trying to connect."""
        if self._cluster is None:
            return
        library = _library()
        with _nudged(self._bootstrap):
            library.rd_kafka_mock_cluster_destroy(self._cluster)
        library.rd_kafka_destroy(self._client)
        self._client = self._cluster = None
        self._bootstrap = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _new_client(library: Any) -> ctypes.c_void_p:
    """Make the client that hosts the cluster; librdkafka warns about a missing bootstrap server unless kept quiet."""
    reason = ctypes.create_string_buffer(512)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(configuration, b"log_level", ONLY_ERRORS.encode(), reason, len(reason))
    client = ctypes.c_void_p(library.rd_kafka_new(PRODUCER, configuration, reason, len(reason)))
    if not client:
        raise EmbeddedKafkaError(reason.value.decode())
    return client


@contextmanager
def _nudged(bootstrap: str) -> Iterator[None]:
    """Knock on the broker's port meanwhile: its thread looks at our calls only after a second of silence otherwise."""
    host, _, port = bootstrap.partition(":")
    done = threading.Event()

    def knock() -> None:
        while not done.wait(NUDGE_EVERY_SECONDS):
            try:
                socket.create_connection((host, int(port)), timeout=0.1).close()
            except OSError:  # while it stops there is nobody to open
                return

    knocker = threading.Thread(target=knock, name="embedded-kafka-knock", daemon=True)
    knocker.start()
    try:
        yield
    finally:
        done.set()
        knocker.join()


def _library() -> Any:
    library = ctypes.CDLL(str(_library_path()))
    for name, answer in ANSWERS.items():
        function: Callable[..., object] = getattr(library, name)
        function.restype = answer  # type: ignore[attr-defined]
    return library


def _library_path() -> Path | str:
    """Find it: Linux wheels keep it beside the package, macOS wheels within; else one that the system has."""
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        beside = sorted(package.with_name("confluent_kafka.libs").glob("librdkafka*.so*"))
        within = sorted((package / ".dylibs").glob("librdkafka*.dylib"))
        if found := [*beside, *within]:
            return found[0]
    if installed := ctypes.util.find_library("rdkafka"):
        return installed
    raise EmbeddedKafkaError("librdkafka is missing: install inloop[local]")
