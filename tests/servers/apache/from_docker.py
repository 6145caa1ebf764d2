"""Apache Kafka from its official image, through testcontainers. Needs a Docker on this machine.

testcontainers' own KafkaContainer knows Confluent's images only. The port is chosen by us before the start: then the
advertised address is known in time, and it stays the same when the container is killed and started again. Which
broker the tests use is decided elsewhere.
"""

import time

import docker  # type: ignore[import-untyped] # it has no types, and its stubs are a package more
from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from deploy.local.host import LOOPBACK, free_port
from tests.servers.apache.broker import READY_LINE, SETTINGS, NoBrokerError

IMAGE = "apache/kafka:4.1.1"
START_SECONDS = 60.0
STOP_SECONDS = 10
CONTROLLER = "localhost:9093"


class DockerBroker:
    """One container."""

    description = f"{IMAGE} in Docker, KRaft"

    def __init__(self) -> None:
        _need_docker()
        port = free_port()
        self.bootstrap = f"{LOOPBACK}:{port}"
        self._container = DockerContainer(IMAGE).with_envs(**_environment(self.bootstrap))
        self._container.ports["9092/tcp"] = (LOOPBACK, port)  # type: ignore[assignment] # docker takes an address too
        self._starts = 1
        try:
            self._container.start()
            self._wait_until_ready()
        except (DockerException, NoBrokerError) as trouble:
            self.stop()
            raise NoBrokerError(f"{IMAGE}: {trouble}") from trouble

    def start(self) -> None:
        self._starts += 1
        self._container.get_wrapped_container().start()
        self._wait_until_ready()

    def kill(self) -> None:
        container = self._container.get_wrapped_container()
        container.kill()
        container.wait()

    def restart(self, *, hard: bool = False) -> None:
        if hard:
            self.kill()
        else:
            self._container.get_wrapped_container().stop(timeout=STOP_SECONDS)
        self.start()

    def stop(self) -> None:
        self._container.stop()
        self._container.get_docker_client().client.close()

    def _wait_until_ready(self) -> None:
        """Docker opens the port before there is a broker behind it, so only the log tells."""
        deadline = time.monotonic() + START_SECONDS
        while (log := self._container.get_wrapped_container().logs()).count(READY_LINE.encode()) < self._starts:
            if time.monotonic() > deadline:
                raise NoBrokerError(f"did not start:\n{log[-2000:].decode(errors='replace')}")
            time.sleep(0.1)


def _need_docker() -> None:
    try:
        client = docker.from_env(timeout=5)
    except DockerException as trouble:
        raise NoBrokerError("no Docker") from trouble
    client.close()


def _environment(bootstrap: str) -> dict[str, str]:
    """One KAFKA_ variable switches the image's default configuration off, so all are given."""
    settings = SETTINGS | {
        "controller.quorum.voters": f"1@{CONTROLLER}",
        "listeners": f"PLAINTEXT://:9092,CONTROLLER://{CONTROLLER}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
    }
    named = {f"KAFKA_{name.upper().replace('.', '_')}": setting for name, setting in settings.items()}
    return named | {"KAFKA_HEAP_OPTS": "-Xmx512m"}
