"""What this machine lends to a server we start: a free port, a cache folder, an account that is not root.

Nothing here knows which server it is for.
"""

import os
import pwd
import shutil
import socket
from pathlib import Path
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
ROOTS_OWN_PLACE = Path("/var/lib/inloop")


def free_port() -> int:
    """Give a TCP port nobody listens on now; whoever binds it must be ready to lose the race and ask again."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def cache_folder(name: str) -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "inloop" / name


class Account(NamedTuple):
    """The user a server runs as when we are root, because PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        os.chown(folder, *self)
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(Path(parent, name), *self, follow_symlinks=False)


def unprivileged_account(owner_of: Path | None = None) -> Account | None:
    """None when we are not root. A folder that has an owner already keeps it: its files are 0600."""
    if os.geteuid() != 0:
        return None
    if owner_of is not None and owner_of.exists() and owner_of.stat().st_uid != 0:
        return Account(owner_of.stat().st_uid, owner_of.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(path: Path) -> bool:
    """Can another account walk down to this path? Not so under /root, where containers often keep their code."""
    path = path.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in path.parents) and bool(path.stat().st_mode & 0o005)


def copy_to_a_reachable_place(folders: list[Path], name: str) -> Path:
    """Copy side by side into root's own place, once; the rename makes a copy that was cut short invisible."""
    place = ROOTS_OWN_PLACE / name
    if not place.exists():
        half = place.with_name(f"{name}.{os.getpid()}")
        for folder in folders:
            shutil.copytree(folder, half / folder.parent.name / folder.name, symlinks=True)
        settle(half, place)
    return place


def settle(half: Path, place: Path) -> None:
    """Move a finished folder to its place, unless somebody was quicker: theirs is as good."""
    try:
        half.rename(place)
    except OSError:
        shutil.rmtree(half)
        if not place.exists():
            raise
