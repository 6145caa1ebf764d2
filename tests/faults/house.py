"""The three services as processes of their own, on real Kafka and PostgreSQL: each can be killed like a machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
SERVICES = ("roadmap", "launch", "notify")
READY_SECONDS = 40


@dataclass
class ServiceProcess:
    """One service; `kill` is SIGKILL, `start` brings it back on the same port and database."""

    name: str
    environment: Mapping[str, str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    failpoints: str = ""

    def start(self) -> None:
        """Start it; armed failpoints hold for this start only."""
        environment = {**os.environ, **self.environment, "INLOOP_FAILPOINTS": self.failpoints}
        self.failpoints = ""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", f"services.{self.name}"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """As a power cut."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if not self.process:
            return 0
        self.process.terminate()
        return self.process.wait(timeout=30)

    @property
    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def wait_until_ready(self) -> None:
        """Until it is ready, or has died at a failpoint first; raise with the end of its log if it is neither."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.died:
                return
            try:
                if httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"{self.name} is not ready:\n{self.log.read_text()[-3000:]}")


@dataclass
class House:
    """All three, and how to talk to them."""

    services: dict[str, ServiceProcess]
    portfolio: str = "default"
    restarts: int = 0
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30, trust_env=False))

    def url(self, service: str, path: str) -> str:
        """`path` below `/<service>/api/v1/portfolios/<p>`."""
        port = self.services[service].port
        return f"http://127.0.0.1:{port}/{service}/api/v1/portfolios/{self.portfolio}{path}"

    def post_observations(self, lines: list[str]) -> None:
        """Send until answered: the sender's part of at least once."""
        body = "\n".join(lines).encode()
        headers = {"content-type": "application/x-ndjson"}
        for _ in range(200):
            try:
                answer = self.client.post(self.url("roadmap", "/observations"), content=body, headers=headers)
                if answer.status_code == 200:
                    assert '"refused"' not in answer.text
                    return
            except httpx2.TransportError:
                pass
            self.revive()
            time.sleep(0.1)
        raise TimeoutError("roadmap does not accept observations")

    def revive(self) -> None:
        """Start again whoever died at a failpoint."""
        for service in self.services.values():
            if service.died:
                self.restarts += 1
                service.start()
                service.wait_until_ready()

    def wait_until_quiet(self, seconds: float = 90) -> None:
        """Until everything told was heard, by everybody, and nothing is on its way."""
        deadline = time.monotonic() + seconds
        seen: object = None
        while time.monotonic() < deadline:
            self.revive()
            try:
                heads = {name: self.client.get(self.url(name, "/heads")).json() for name in SERVICES}
                sums = self.client.get(self.url("roadmap", "/conservation")).json()
            except httpx2.TransportError:
                continue
            if _is_quiet(heads) and seen == (heads, sums):
                return
            seen = (heads, sums)
            time.sleep(0.3)
        raise TimeoutError(f"not quiet: {seen}")

    def decisions(self) -> list[dict[str, Any]]:
        """The data of every LaunchesChanged, in order."""
        items: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.client.get(self.url("launch", f"/changes?after={after}&limit=200")).json()
            if not page["items"]:
                return items
            items += page["items"]
            after = page["next"]


def _is_quiet(heads: dict[str, dict[str, object]]) -> bool:
    told = {
        "roadmap.changes": ("roadmap", ("launch",)),
        "launch.changes": ("launch", ("notify", "roadmap")),
        "notify.receipts": ("notify", ("launch", "roadmap")),
    }
    for topic, (teller, readers) in told.items():
        revision = heads[teller]["revision"]
        for reader in readers:
            heard = heads[reader]["heard"]
            assert isinstance(heard, dict)
            if revision and heard.get(topic, 0) != revision:
                return False
    return not any(head["unpublished"] for head in heads.values())


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running_house(environments: Mapping[str, Mapping[str, str]], logs: Path) -> Iterator[House]:
    """All three started and ready; killed at the end of the block, whatever happened in it."""
    ports = {name: free_port() for name in SERVICES}
    urls = {f"INLOOP_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    house = House(
        {
            name: ServiceProcess(
                name, {**urls, **environments[name], "INLOOP_PORT": str(ports[name])}, ports[name], logs / f"{name}.log"
            )
            for name in SERVICES
        }
    )
    try:
        for service in house.services.values():
            service.start()
        for service in house.services.values():
            service.wait_until_ready()
        yield house
    finally:
        house.client.close()
        for service in house.services.values():
            service.kill()
