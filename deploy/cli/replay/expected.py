"""What must follow from a history, worked out by somebody else, compared with what did follow.

The file: one JSON object a line, `{"id": …, "changes": [[ref, kind], …]}`; observations not listed changed nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.cli.replay.feeding import Fed
from deploy.client import CannotError

ChangesByObservation = dict[str, list[list[str]]]


def read_expected(path: Path) -> ChangesByObservation:
    """By observation id, sorted.

    Raises:
        CannotError: the file cannot be read, or a line is not of the form; says which.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotError(f"{path}: cannot be read: {error}") from None
    return dict(_entry(path, number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _entry(path: Path, number: int, line: str) -> tuple[str, list[list[str]]]:
    try:
        entry: Any = json.loads(line)
        return str(entry["id"]), sorted([str(ref), str(kind)] for ref, kind in entry["changes"])
    except (ValueError, KeyError, TypeError, RecursionError):
        form = '{"id": "…", "changes": [["REF", "kind"], …]}'
        raise CannotError(f"{path}, line {number}: expected {form}") from None


def find_differences(expected: ChangesByObservation, followed: ChangesByObservation, fed: Fed) -> Iterator[str]:
    """One sentence for each observation that led to something else than expected; duplicates are not compared."""
    told_before = set(fed.duplicates) - set(fed.accepted)
    for name in sorted((expected.keys() | followed.keys()) - told_before):
        due, got = expected.get(name, []), followed.get(name, [])
        if due != got:
            yield f"{name}: expected {_say(due)}; followed: {_say(got)}"


def _say(changes: list[list[str]]) -> str:
    return ", ".join(f"{ref} {kind}" for ref, kind in changes) or "no change"
