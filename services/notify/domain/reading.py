"""Reading a directory file, YAML or CSV, strictly: every problem with its line, its path and what would be right.

Nothing is taken from a file with a problem. Addresses are checked here, so that none can break out of a mail header.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from services.notify.domain.directory import ROLES, DirectoryFile, build_directory

LISTS: Final = ("roles", "regions", "product_lines", "segments")
SINGLES: Final = ("id", "name", "email", "team", "zone", "locale", "manager", "backup")
FIELDS: Final = ("id", "name", "email", "team", *LISTS, "zone", "locale", "manager", "backup")
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_TEXT: Final = 200

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~@:+-]{0,127}")
EMAIL_PATTERN: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)
LOCALE_PATTERN: Final = re.compile(r"[a-z]{2}(?:[-_][A-Z]{2})?")
CONTROL_PATTERN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file: where, and what would be right."""

    line: int
    path: str
    expected: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.expected}"


class DirectoryError(ValueError):
    """The directory file has problems; all of them are listed and nothing was taken from it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems[:20])))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    path: str
    values: dict[str, Any]


def read_directory(body: bytes, *, is_csv: bool) -> DirectoryFile:
    """Read a whole file.

    Raises:
        DirectoryError: with every problem found.
    """
    problems: list[Problem] = []
    try:
        text = _text(body)
        entries = list((_csv_entries if is_csv else _yaml_entries)(text, problems))
    except (yaml.YAMLError, csv.Error, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise DirectoryError([Problem(line, "$", f"{getattr(error, 'problem', None) or error}")]) from None
    checked = [_checked(entry, problems) for entry in entries]
    _check_together(entries, problems)
    if problems:
        raise DirectoryError(sorted(problems, key=lambda problem: problem.line))
    return build_directory(checked)


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise DirectoryError([Problem(1, "$", f"expected at most {MAX_BYTES} bytes, got {len(body)}")])
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise DirectoryError([Problem(line, "$", "expected UTF-8")]) from None
    if "\x00" in text:
        raise DirectoryError([Problem(text[: text.index("\x00")].count("\n") + 1, "$", "expected no NUL character")])
    return text


def _csv_entries(text: str, problems: list[Problem]) -> Iterator[_Entry]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(rows, [])
    if found := _header_problems(header):
        problems += found
        return
    for number, row in enumerate(rows):
        if len(row) != len(header):
            if row:
                problems.append(Problem(rows.line_num, f"$[{number}]", f"expected {len(header)} cells, got {len(row)}"))
            continue
        cells = {name: _cell(name, cell) for name, cell in zip(header, row, strict=True) if cell.strip()}
        yield _Entry(rows.line_num, f"$[{number}]", cells)


def _header_problems(header: list[str]) -> list[Problem]:
    expected = f"expected each of these columns at most once: {', '.join(FIELDS)}"
    odd = [name for number, name in enumerate(header) if name not in FIELDS or name in header[:number]]
    problems = [Problem(1, f"$.{name[:40]}", expected) for name in odd]
    if not {"id", "name"} <= set(header):
        problems.append(Problem(1, "$", "expected a header line with at least the columns id and name"))
    return problems


def _cell(name: str, cell: str) -> Any:
    if name in LISTS:
        return [part.strip() for part in cell.split(";") if part.strip()]
    return cell.strip()


def _yaml_entries(text: str, problems: list[Problem]) -> Iterator[_Entry]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise DirectoryError([Problem(_line(event), "$", "expected no aliases")])
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.SequenceNode):
        line = 1 if root is None else _line(root)
        problems.append(Problem(line, "$", "expected a list of people"))
        return
    for number, node in enumerate(root.value):
        path, line = f"$[{number}]", _line(node)
        if isinstance(node, yaml.MappingNode):
            yield _Entry(line, path, _mapping(node, path, problems))
        else:
            problems.append(Problem(line, path, f"expected a person: {', '.join(FIELDS)}"))


def _mapping(node: yaml.MappingNode, path: str, problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        line, name = _line(key), str(key.value)
        if name not in FIELDS:
            problems.append(Problem(line, f"{path}.{name[:40]}", f"unknown field; expected one of {', '.join(FIELDS)}"))
        elif name in values:
            problems.append(Problem(line, f"{path}.{name}", "given twice"))
        else:
            values[name] = _plain(value)
    return {name: value for name, value in values.items() if value is not None}


def _line(marked: yaml.Node | yaml.Event) -> int:
    return 1 if marked.start_mark is None else marked.start_mark.line + 1


def _plain(node: yaml.Node) -> Any:
    """Text as it was written (`no` and `0123` stay text), null as None; anything deeper is kept odd, to be refused."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    return {}


def _checked(entry: _Entry, problems: list[Problem]) -> dict[str, Any]:
    missing = [name for name in ("id", "name") if not entry.values.get(name)]
    problems += [Problem(entry.line, f"{entry.path}.{name}", "required") for name in missing]
    values: dict[str, Any] = {}
    for name, value in entry.values.items():
        expected = _list_problem(name, value) if name in LISTS else _single_problem(name, value)
        if expected:
            problems.append(Problem(entry.line, f"{entry.path}.{name}", expected))
        values[name] = tuple(dict.fromkeys(value)) if name in LISTS and not expected else value
    return values


def _list_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        return "expected a list of texts"
    for item in value:
        if problem := _text_problem(item):
            return problem
        if name == "roles" and item not in ROLES:
            return f"unknown role {item[:40]!r}; expected one of {', '.join(ROLES)}"
    return None


def _single_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return "expected a text"
    return _text_problem(value) or CHECKS.get(name, _text_problem)(value)


def _text_problem(value: str) -> str | None:
    if len(value) > MAX_TEXT:
        return f"expected at most {MAX_TEXT} characters, got {len(value)}"
    return "expected no control characters" if CONTROL_PATTERN.search(value) else None


def _id_problem(value: str) -> str | None:
    return None if ID_PATTERN.fullmatch(value) else f"expected letters, digits and ._~@:+- only, got {value[:40]!r}"


def _email_problem(value: str) -> str | None:
    well_formed = EMAIL_PATTERN.fullmatch(value) and ".." not in value
    return None if well_formed else f"expected one ASCII mail address such as ana@example.com, got {value[:60]!r}"


def _zone_problem(value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # an absolute path, a folder, an unknown key
        return f"expected an IANA zone such as Europe/Paris, got {value[:40]!r}"
    return None


def _locale_problem(value: str) -> str | None:
    return None if LOCALE_PATTERN.fullmatch(value) else f"expected a locale such as en or fr-FR, got {value[:40]!r}"


CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "id": _id_problem,
    "email": _email_problem,
    "zone": _zone_problem,
    "locale": _locale_problem,
}


def _check_together(entries: list[_Entry], problems: list[Problem]) -> None:
    """What only the whole file shows: ids given twice, managers and backups who are nobody."""
    seen: dict[Any, int] = {}
    for entry in entries:
        one = str(entry.values.get("id"))
        if one in seen:
            problems.append(Problem(entry.line, f"{entry.path}.id", f"{one[:40]!r} is also in line {seen[one]}"))
        seen.setdefault(one, entry.line)
    for entry in entries:
        for name in ("manager", "backup"):
            other = entry.values.get(name)
            if isinstance(other, str) and (other not in seen or other == entry.values.get("id")):
                expected = f"expected the id of another person of this file, got {other[:40]!r}"
                problems.append(Problem(entry.line, f"{entry.path}.{name}", expected))
