"""docker-compose.yml brought up under a name and on ports of its own. What is expected of it is in test_compose.py."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
UP_SECONDS = 900
DOORS = ("INLOOP_PORT", "INLOOP_MAIL_PORT", "INLOOP_ZIPKIN_PORT", "INLOOP_PROMETHEUS_PORT")
# A machine without a container registry has an older one than a user should get today.
OLDER = {"prom/prometheus:v3.5.0": "prom/prometheus:v2.42.0"}

T = TypeVar("T")


def find_compose() -> list[str] | None:
    """The command: the plugin, the old program, or None where Docker does not answer."""
    if not shutil.which("docker") or _quiet("docker", "version", "--format", "{{.Server.Version}}"):
        return None
    if not _quiet("docker", "compose", "version"):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def _quiet(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603 - our own command


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Composition:
    """The whole of docker-compose.yml with the profile `observe`, traces going to Zipkin."""

    def __init__(self, command: list[str]) -> None:
        self.project = f"inlooptest{secrets.token_hex(3)}"
        self._command = [*command, "--project-name", self.project, "--profile", "observe"]
        ports = dict(zip(DOORS, map(str, free_ports(len(DOORS))), strict=True))
        self.front, self.mail, self.zipkin, self.prometheus = (f"http://127.0.0.1:{ports[name]}" for name in DOORS)
        self._environment = os.environ | ports | {"INLOOP_PUBLIC_URL": self.front, "OTEL_TRACES_EXPORTER": "zipkin"}

    def compose(self, *arguments: str) -> str:
        """Run one compose command and return what it printed; AssertionError with its output when it fails."""
        done = subprocess.run(  # noqa: S603 - our own command
            [*self._command, *arguments],
            cwd=ROOT,
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout

    def up(self) -> None:
        """Build and start everything; returns when the front door is open, so every service is ready."""
        for wanted, older in OLDER.items():
            if _quiet("docker", "image", "inspect", wanted) and not _quiet("docker", "image", "inspect", older):
                _quiet("docker", "tag", older, wanted)
        self.compose("up", "-d", "--build")

    def down(self) -> None:
        """Stop everything and forget its data and its passwords."""
        self.compose("down", "--volumes", "--timeout", "30")

    def left_behind(self) -> str:
        """Containers and volumes that still carry this project's name."""
        label = f"label=com.docker.compose.project={self.project}"
        return self.docker("ps", "-aq", "--filter", label) + self.docker("volume", "ls", "-q", "--filter", label)

    def inspect(self, service: str) -> dict[str, Any]:
        """What Docker knows of a service's container."""
        container = self.compose("ps", "--all", "-q", service).split()[0]
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", container))
        return found[0]

    @staticmethod
    def docker(*arguments: str) -> str:
        """Run one docker command and return what it printed."""
        command = ["docker", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 60) -> T:
    """Look until there is something; AssertionError after a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
