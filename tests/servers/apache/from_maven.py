"""Apache Kafka from its jars, in KRaft mode: real, needs Maven once and Java 17, no Docker.

Jars, a formatted data folder and a class archive (start in 0.9 s instead of 2) are cached per version. Which broker
the tests use is decided elsewhere.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from deploy.local.guard import Guarded, Orders
from deploy.local.host import LOOPBACK, cache_folder, free_port, settle
from tests.servers.apache.broker import READY_LINE, SETTINGS, NoBrokerError

VERSIONS = ("4.3.1", "4.1.1")
HERE = Path(__file__).parent
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
DOWNLOAD_SECONDS = 150.0
START_SECONDS = 30.0
STOP_SECONDS = 15.0  # the first stop also writes the class archive
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}")


class MavenBroker:
    """The newest version that can be had."""

    def __init__(self) -> None:
        self._cache, version = _jars()
        self.description = f"Apache Kafka {version} from Maven, KRaft"
        self.bootstrap = f"{LOOPBACK}:{free_port()}"
        self._folder = Path(tempfile.mkdtemp(prefix="inloop-kafka-"))
        self._properties = self._folder / "server.properties"
        self._archive = self._cache / "classes.jsa"
        self._fresh_archive = self._folder / "classes.jsa"
        shutil.copytree(self._cache / "formatted", self._folder / "logs")
        _write_properties(self._properties, self.bootstrap, self._folder / "logs")
        self._server: Guarded | None = None
        try:
            self.start()
        except NoBrokerError:
            self.stop()
            raise

    def start(self) -> None:
        archive = (
            f"-XX:SharedArchiveFile={self._archive}"
            if self._archive.exists()
            else f"-XX:ArchiveClassesAtExit={self._fresh_archive}"
        )
        command = _java(self._cache, "kafka.Kafka", str(self._properties), options=("-Xmx512m", archive))
        log = self._folder / "server.log"
        self._server = Guarded(command, Orders(signal.SIGTERM, STOP_SECONDS), log)
        deadline = time.monotonic() + START_SECONDS
        while READY_LINE not in log.read_text(errors="replace"):
            if time.monotonic() > deadline or not self._server.is_running():
                self._server.stop()
                raise NoBrokerError(f"{self.description} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()

    def restart(self, *, hard: bool = False) -> None:
        if self._server is not None:
            self._server.kill() if hard else self._server.stop()
        self.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._fresh_archive.exists():
            _keep(self._fresh_archive, self._archive)
        shutil.rmtree(self._folder, ignore_errors=True)


def _jars() -> tuple[Path, str]:
    if shutil.which("java") is None:
        raise NoBrokerError("no Java")
    for version in VERSIONS:
        if (cache := cache_folder(f"kafka-{version}")).exists():
            return cache, version
    return _download()


def _download() -> tuple[Path, str]:
    if shutil.which("mvn") is None:
        raise NoBrokerError("no Maven")
    troubles = []
    for version in VERSIONS:
        cache = cache_folder(f"kafka-{version}")
        cache.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix="half-", dir=cache.parent))
        try:
            _run(
                ["mvn", "-B", "-q", "-f", str(HERE / "pom.xml"), f"-Dkafka.version={version}", *_copy_to(half / "lib")]
            )
            _format(half)
        except NoBrokerError as trouble:
            shutil.rmtree(half)
            troubles.append(str(trouble))
        else:
            settle(half, cache)
            return cache, version
    raise NoBrokerError("; ".join(troubles))


def _copy_to(folder: Path) -> list[str]:
    return ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]


def _format(cache: Path) -> None:
    """Make the data folder all brokers start from. The ports in it do not matter: a broker corrects its own."""
    properties = cache / "format.properties"
    _write_properties(properties, f"{LOOPBACK}:9092", cache / "formatted")
    arguments = ("format", "--standalone", "-t", CLUSTER, "-c", str(properties))
    _run(_java(cache, "kafka.tools.StorageTool", *arguments, options=("-Xmx128m",)))


def _java(cache: Path, program: str, *arguments: str, options: tuple[str, ...]) -> list[str]:
    return ["java", *options, *JVM, "-cp", f"{cache / 'lib'}/*", program, *arguments]


def _write_properties(path: Path, bootstrap: str, logs: Path) -> None:
    controller = f"{LOOPBACK}:{free_port()}"
    settings = SETTINGS | {
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"PLAINTEXT://{bootstrap},CONTROLLER://{controller}",
        "log.dirs": str(logs),
    }
    path.write_text("".join(f"{name}={setting}\n" for name, setting in settings.items()))


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_SECONDS)  # noqa: S603 - our own words
    except subprocess.TimeoutExpired as late:
        raise NoBrokerError(f"{command[0]} took more than {DOWNLOAD_SECONDS:.0f} s") from late
    if done.returncode:
        raise NoBrokerError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _keep(archive: Path, place: Path) -> None:
    """Move over file systems in two steps, so that a half-copied archive is never used."""
    half = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.copy(archive, half)
    half.rename(place)
