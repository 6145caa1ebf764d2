"""What of a launch somebody saw when they decided to change it, and what an edit that came too late is told."""

import re
from dataclasses import dataclass

from services.launch.domain.launch import Launch


class StaleEditError(Exception):
    """The launch was changed since the person saw it; `differences` says what, field by field."""

    def __init__(self, launch: Launch, changed: list[dict[str, object]]) -> None:
        super().__init__(f"{launch.snapshot.name} has changed since: it is at revision {launch.snapshot.revision} now")
        self.launch = launch
        self.differences = changed


@dataclass(frozen=True, slots=True)
class Seen:
    """A revision of a launch and, if known, its version, which also counts changes that are not material."""

    revision: int
    version: int | None = None

    def is_still(self, launch: Launch) -> bool:
        """Whether the launch is what was seen."""
        return launch.snapshot.revision == self.revision and self.version in {None, launch.version}


def write_seen(launch: Launch) -> str:
    """`3.7`: the third revision, the seventh version."""
    return f"{launch.snapshot.revision}.{launch.version}"


def read_seen(text: str) -> Seen:
    """Read `3` (a revision) or `3.7` (with the version), with or without an ETag's quotes.

    Raises:
        ValueError: it is neither.
    """
    match = re.fullmatch(r'(?:W/)?"?([0-9]{1,18})(?:\.([0-9]{1,18}))?"?', text.strip(), re.ASCII)
    if not match:
        raise ValueError("expected a launch's revision, such as 3, or its ETag")
    return Seen(int(match[1]), int(match[2]) if match[2] else None)
