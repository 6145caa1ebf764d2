r"""One line of JSON, stricter than JSON itself: no duplicate keys, NaN, `\u0000`, half surrogates, endless nesting.

No word of the business here; what the value means is reading.py's.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn

MAX_LINE_BYTES: Final = 64 * 1024
MAX_NESTING: Final = 32
MAX_KEY_SHOWN: Final = 80

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{\]}]', re.DOTALL)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class LineProblem(NamedTuple):
    """Why bytes are refused: where (a JSON path), what is wrong there, what would be right."""

    path: str
    what: str
    due: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; expected {self.due}"


class MalformedLineError(Exception):
    """These bytes are not taken; `problem` says why."""

    def __init__(self, path: str, what: str, due: str) -> None:
        self.problem = LineProblem(path, what, due)
        super().__init__(str(self.problem))


class _Twice(dict[str, Any]):
    """An object in which `key` was given twice."""

    key: str


def read_json(line: bytes) -> Any:
    """The value of one line.

    Raises:
        MalformedLineError: and nothing else, whatever the bytes.
    """
    if len(line) > MAX_LINE_BYTES:
        raise MalformedLineError("$", f"{len(line)} bytes", f"at most {MAX_LINE_BYTES} bytes a line")
    if line.count(b"{") + line.count(b"[") > MAX_NESTING and _nesting(line) > MAX_NESTING:
        raise MalformedLineError("$", "nested too deeply", f"at most {MAX_NESTING} levels")
    value, repeated = _parse(line)
    if b"\\u" in line:
        _check_texts(value)
    if repeated:
        path, node = next((path, node) for path, node in _walk(value, "$") if isinstance(node, _Twice))
        raise MalformedLineError(f"{path}.{show_key(node.key)}", "given twice", "each key once")
    return value


def show_key(key: str) -> str:
    """A key of the sender's as it may stand in a JSON path: printable, short."""
    plain = key if key.isidentifier() else json.dumps(key)
    return plain if len(plain) <= MAX_KEY_SHOWN else f"{plain[: MAX_KEY_SHOWN - 3]}..."


def _parse(line: bytes) -> tuple[Any, bool]:
    """The value, and whether some object in it has a key twice."""
    twice: list[_Twice] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        twice.append(_mark_twice(pairs))
        return twice[-1]

    try:
        return json.loads(line.decode(), object_pairs_hook=build, parse_constant=_refuse_constant), bool(twice)
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are kinds of it
        raise _explain(error) from None
    except RecursionError:
        raise MalformedLineError("$", "nested too deeply", f"at most {MAX_NESTING} levels") from None


def _explain(error: ValueError) -> MalformedLineError:
    if isinstance(error, UnicodeDecodeError):
        return MalformedLineError("$", f"not UTF-8 at byte {error.start}", "UTF-8")
    if isinstance(error, json.JSONDecodeError):
        return MalformedLineError("$", f"not JSON at character {error.pos}: {error.msg}", "one JSON object")
    return MalformedLineError("$", "a number with thousands of digits", "numbers of a sensible size")


def _mark_twice(pairs: list[tuple[str, Any]]) -> _Twice:
    found = _Twice()
    for key, value in pairs:
        if key in found:
            found.key = key
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedLineError("$", f"{name} is not JSON", "a number or null")


def _nesting(line: bytes) -> int:
    """How deep brackets stand in each other, those inside strings apart."""
    depth = deepest = 0
    for token in _TOKENS.finditer(line):
        first = token[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        deepest = max(deepest, depth)
    return deepest


def _check_texts(value: Any) -> None:
    for path, node in _walk(value, "$"):
        texts = [node] if isinstance(node, str) else list(node) if isinstance(node, dict) else []
        if any(_UNSTORABLE.search(text) for text in texts):
            raise MalformedLineError(path, "holds \\u0000 or half of a surrogate pair", "text that can be stored")


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every node with its JSON path, outer ones first; the nesting is bounded by now."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{show_key(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{index}]")
