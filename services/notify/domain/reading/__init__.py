"""Reading a directory file, YAML or CSV, strictly: every problem with its line, its path and what would be right.

Nothing is taken from a file with a problem. Addresses are checked here, so that none can break out of a mail header.
"""

import csv
from typing import Any

import yaml

from services.notify.domain.directory import DirectoryFile, build_directory
from services.notify.domain.reading.entries import (
    DirectoryEntry,
    DirectoryError,
    DirectoryProblem,
    csv_entries,
    read_text,
    yaml_entries,
)
from services.notify.domain.reading.fields import LISTS, list_problem, single_problem

__all__ = ["DirectoryError", "DirectoryProblem", "read_directory"]


def read_directory(body: bytes, *, is_csv: bool) -> DirectoryFile:
    """Read a whole file.

    Raises:
        DirectoryError: with every problem found.
    """
    problems: list[DirectoryProblem] = []
    try:
        text = read_text(body)
        entries = list((csv_entries if is_csv else yaml_entries)(text, problems))
    except (yaml.YAMLError, csv.Error, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise DirectoryError([DirectoryProblem(line, "$", f"{getattr(error, 'problem', None) or error}")]) from None
    checked = [_checked(entry, problems) for entry in entries]
    _check_together(entries, problems)
    if problems:
        raise DirectoryError(sorted(problems, key=lambda problem: problem.line))
    return build_directory(checked)


def _checked(entry: DirectoryEntry, problems: list[DirectoryProblem]) -> dict[str, Any]:
    missing = [name for name in ("id", "name") if not entry.values.get(name)]
    problems += [DirectoryProblem(entry.line, f"{entry.path}.{name}", "required") for name in missing]
    values: dict[str, Any] = {}
    for name, value in entry.values.items():
        expected = list_problem(name, value) if name in LISTS else single_problem(name, value)
        if expected:
            problems.append(DirectoryProblem(entry.line, f"{entry.path}.{name}", expected))
        values[name] = tuple(dict.fromkeys(value)) if name in LISTS and not expected else value
    return values


def _check_together(entries: list[DirectoryEntry], problems: list[DirectoryProblem]) -> None:
    """What only the whole file shows: ids given twice, managers and backups who are nobody."""
    seen: dict[Any, int] = {}
    for entry in entries:
        one = str(entry.values.get("id"))
        if one in seen:
            problems.append(
                DirectoryProblem(entry.line, f"{entry.path}.id", f"{one[:40]!r} is also in line {seen[one]}")
            )
        seen.setdefault(one, entry.line)
    for entry in entries:
        for name in ("manager", "backup"):
            other = entry.values.get(name)
            if isinstance(other, str) and (other not in seen or other == entry.values.get("id")):
                expected = f"expected the id of another person of this file, got {other[:40]!r}"
                problems.append(DirectoryProblem(entry.line, f"{entry.path}.{name}", expected))
