"""Run one server program so that it cannot outlive us, however we end.

Between us and the server stands a small process (this same file, run as a script) that reads a pipe from us. The
pipe closes when we stop the server and also when we are killed: both ways end in the same orderly stop. Linux's
PR_SET_PDEATHSIG is not used: it fires when the *thread* that started the child ends, and macOS has no such thing.
Only the standard library here, because the script runs without our packages. Nothing here knows which server it is.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

PARENT_CHECK_SECONDS = 1.0
START_SECONDS = 10.0


class Orders(NamedTuple):
    """How to run and how to stop; `uid` and `gid` are -1 when the server runs as we do."""

    stop_signal: int
    grace_seconds: float
    uid: int = -1
    gid: int = -1


class Guarded:
    """A running server. Its own output goes to `log`, which is emptied first."""

    def __init__(self, command: Sequence[str], orders: Orders, log: Path) -> None:
        self._grace_seconds = orders.grace_seconds
        words = [str(word) for word in (os.getpid(), *orders)]
        with log.open("wb") as output:
            self._guard = subprocess.Popen(  # noqa: S603 - this file, with orders of our own
                [sys.executable, "-I", "-S", __file__, *words, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                # Ctrl-C goes to everything in the terminal's group; the server must stop after us, not with us.
                start_new_session=True,
                cwd="/",
            )
        self.pid = self._read_pid()

    def _read_pid(self) -> int:
        answer = self._guard.stdout.readline() if self._guard.stdout else b""
        if not answer.strip().isdigit():
            self.stop()
            raise OSError(f"could not run {self._guard.args!r}: see its log")
        return int(answer)

    def is_running(self) -> bool:
        return self._guard.poll() is None

    def stop(self) -> None:
        """Stop in order; killed when it takes longer than its grace."""
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
        self._guard.wait(self._grace_seconds + START_SECONDS)

    def kill(self) -> None:
        """Kill the server itself as `kill -9` does, to see what a crash leaves behind."""
        if self.is_running():
            os.kill(self.pid, signal.SIGKILL)
        self.stop()


def main(words: Sequence[str]) -> int:
    parent, stop_signal, grace, uid, gid, *command = words
    orders = Orders(int(stop_signal), float(grace), int(uid), int(gid))
    with _woken_by(signal.SIGCHLD, signal.SIGTERM) as wake:
        child = _start(command, orders)
        sys.stdout.write(f"{child.pid}\n")
        sys.stdout.flush()
        sys.stdout.close()
        while child.poll() is None:
            ready, _, _ = select.select([0, wake], [], [], PARENT_CHECK_SECONDS)
            # A forked sibling can hold our pipe open after the parent died, so the parent is looked at as well.
            if 0 in ready or os.getppid() != int(parent) or _asked_to_end(ready, wake):
                _stop(child, orders)
    return child.returncode or 0


def _start(command: Sequence[str], orders: Orders) -> subprocess.Popen[bytes]:
    if orders.uid < 0:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: S603 - our parent's choice
    return subprocess.Popen(  # noqa: S603 - the same
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, user=orders.uid, group=orders.gid, extra_groups=[]
    )


def _stop(child: subprocess.Popen[bytes], orders: Orders) -> None:
    child.send_signal(orders.stop_signal)
    try:
        child.wait(orders.grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.contextmanager
def _woken_by(*signals: signal.Signals) -> Iterator[int]:
    """Give a file descriptor that gets one byte, the signal's number, for each of the signals."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in signals:
        signal.signal(number, lambda *_: None)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(-1)


def _asked_to_end(ready: Sequence[int], wake: int) -> bool:
    return wake in ready and signal.SIGTERM in os.read(wake, 64)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
