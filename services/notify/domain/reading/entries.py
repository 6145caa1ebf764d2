"""A directory file taken apart into entries, CSV or YAML, with line and path. What a field may hold: fields.py."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from services.notify.domain.reading.fields import FIELDS, LISTS

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 3
# The C one is ten times faster, but not every wheel has it.
LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class DirectoryProblem:
    """One thing that is wrong in a file: where, and what would be right."""

    line: int
    path: str
    expected: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.expected}"


class DirectoryError(ValueError):
    """The directory file has problems; all of them are listed and nothing was taken from it."""

    def __init__(self, problems: list[DirectoryProblem]) -> None:
        super().__init__("; ".join(map(str, problems[:20])))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One person as written; `values` holds texts and lists of texts, or what else was there, to be refused."""

    line: int
    path: str
    values: dict[str, Any]


def read_text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise DirectoryError([DirectoryProblem(1, "$", f"expected at most {MAX_BYTES} bytes, got {len(body)}")])
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise DirectoryError([DirectoryProblem(line, "$", "expected UTF-8")]) from None
    if "\x00" in text:
        raise DirectoryError(
            [DirectoryProblem(text[: text.index("\x00")].count("\n") + 1, "$", "expected no NUL character")]
        )
    return text


def csv_entries(text: str, problems: list[DirectoryProblem]) -> Iterator[DirectoryEntry]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(rows, [])
    if found := _header_problems(header):
        problems += found
        return
    for number, row in enumerate(rows):
        if len(row) != len(header):
            if row:
                problems.append(
                    DirectoryProblem(rows.line_num, f"$[{number}]", f"expected {len(header)} cells, got {len(row)}")
                )
            continue
        cells = {name: _cell(name, cell) for name, cell in zip(header, row, strict=True) if cell.strip()}
        yield DirectoryEntry(rows.line_num, f"$[{number}]", cells)


def _header_problems(header: list[str]) -> list[DirectoryProblem]:
    expected = f"expected each of these columns at most once: {', '.join(FIELDS)}"
    odd = [name for number, name in enumerate(header) if name not in FIELDS or name in header[:number]]
    problems = [DirectoryProblem(1, f"$.{name[:40]}", expected) for name in odd]
    if not {"id", "name"} <= set(header):
        problems.append(DirectoryProblem(1, "$", "expected a header line with at least the columns id and name"))
    return problems


def _cell(name: str, cell: str) -> Any:
    if name in LISTS:
        return [part.strip() for part in cell.split(";") if part.strip()]
    return cell.strip()


def yaml_entries(text: str, problems: list[DirectoryProblem]) -> Iterator[DirectoryEntry]:
    _check_shape(text)
    root = yaml.compose(text, Loader=LOADER)
    if not isinstance(root, yaml.SequenceNode):
        line = 1 if root is None else _line(root)
        problems.append(DirectoryProblem(line, "$", "expected a list of people"))
        return
    for number, node in enumerate(root.value):
        path, line = f"$[{number}]", _line(node)
        if isinstance(node, yaml.MappingNode):
            yield DirectoryEntry(line, path, _mapping(node, path, problems))
        else:
            problems.append(DirectoryProblem(line, path, f"expected a person: {', '.join(FIELDS)}"))


def _check_shape(text: str) -> None:
    """Before anything is built: no aliases (they multiply), and nothing deeper than a list of people with lists."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise DirectoryError([DirectoryProblem(_line(event), "$", "expected no aliases")])
        if depth > MAX_DEPTH:
            raise DirectoryError(
                [DirectoryProblem(_line(event), "$", "expected people whose fields are texts or lists")]
            )


def _mapping(node: yaml.MappingNode, path: str, problems: list[DirectoryProblem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        line, name = _line(key), str(key.value)
        if name not in FIELDS:
            problems.append(
                DirectoryProblem(line, f"{path}.{name[:40]}", f"unknown field; expected one of {', '.join(FIELDS)}")
            )
        elif name in values:
            problems.append(DirectoryProblem(line, f"{path}.{name}", "given twice"))
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
