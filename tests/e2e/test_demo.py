"""The demo as a newcomer runs it: a process of its own, its pages over HTTP, Ctrl-C, and a second start."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx2
import pytest

WEEK = 34
STOP_SECONDS = 5  # two on an idle machine; this one is shared
HEADS = "/roadmap/api/v1/portfolios/default/heads"


class Demo:
    """A running `inloop demo`."""

    def __init__(self, state: Path, errors: Path) -> None:
        self._errors = errors.open("w+")
        self._state = state
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "deploy.cli.main", "demo", "--port", "0", "--pace", "0.05", "--state", str(state)],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.told = self._read_what_to_open()
        self.url = self.told[1].split("/roadmap/")[0].strip()

    def _read_what_to_open(self) -> list[str]:
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in range(5)]
        assert all(lines), self.errors()
        return lines

    def errors(self) -> str:
        self._errors.flush()
        return Path(self._errors.name).read_text()

    def done(self) -> int:
        kept = self._state / "demo.json"
        return int(json.loads(kept.read_text())["done"]) if kept.exists() else 0

    def wait_for_step(self, number: int) -> None:
        deadline = monotonic() + 120
        while self.done() < number:
            assert self.process.poll() is None, self.errors()
            assert monotonic() < deadline, self.errors()
            sleep(0.1)

    def stop(self) -> float:
        """Ctrl-C; how long it took."""
        began = monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()
        return monotonic() - began


@contextmanager
def running(state: Path, errors: Path) -> Iterator[Demo]:
    demo = Demo(state, errors)
    try:
        yield demo
    finally:
        demo.stop()


@pytest.mark.timeout(400)
def test_the_demo_shows_its_week_stops_on_ctrl_c_and_goes_on_where_it_stopped(
    server_folder: Path, tmp_path: Path
) -> None:
    state = server_folder / "state"
    with running(state, tmp_path / "first.log") as demo:
        assert [line.split()[0].removeprefix(demo.url) for line in demo.told[1:4]] == [
            "/roadmap/",
            "/launch/",
            "/notify/",
        ]
        demo.wait_for_step(3)
        assert demo.stop() < STOP_SECONDS
        stopped_at = demo.done()
        assert 3 <= stopped_at < WEEK
        assert "Traceback" not in demo_log(tmp_path / "first.log")
    with running(state, tmp_path / "second.log") as demo:
        demo.wait_for_step(WEEK)
        for page in ("/", "/roadmap/", "/launch/", "/notify/"):
            shown = httpx2.get(demo.url + page, follow_redirects=True, trust_env=False, timeout=30)
            assert (shown.status_code, "<h1" in shown.text) == (200, True), page
        assert httpx2.get(demo.url + "/elsewhere", trust_env=False).status_code == 404
        sums = httpx2.get(demo.url + "/roadmap/api/v1/portfolios/default/conservation", trust_env=False).json()
        assert (sums["refused"], sums["stale"]) == (0, 1)
        # The story has one duplicate; the step that Ctrl-C came into is told again, and then is one more.
        assert sums["duplicates"] in {1, 2}
        assert sums["causes"] == httpx2.get(demo.url + HEADS, trust_env=False).json()["revision"]
        assert demo.stop() < STOP_SECONDS
    assert "Instalments slip by three weeks" not in demo_log(tmp_path / "second.log")


def demo_log(file: Path) -> str:
    return file.read_text()


@pytest.mark.timeout(300)
def test_the_demo_once_runs_through_and_ends_with_its_report(tmp_path: Path) -> None:
    errors = tmp_path / "errors.log"
    with errors.open("w") as log:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "demo", "--once"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
    assert done.returncode == 0, errors.read_text()
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["accepted"], report["refused"], report["duplicates"], report["stale"]) == (65, 0, 1, 1)
    assert report["kinds"]["added"] == 40
    assert report["conservation"]["ok"]
    assert report["coverage"]["unreachable"] > 0, "Greta has no address, and that must show"
    assert report["acknowledged"] > 0
    assert report["parked"] == 0
