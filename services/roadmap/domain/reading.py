r"""From the bytes of one line to an observation, or to the problem with them: never an exception.

Stricter than JSON itself: no duplicate keys, NaN, `\u0000`, half surrogates, endless nesting. Nothing here knows what
the portfolio looks like; that one is stale or changes nothing is roadmap.py's to say.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, NoReturn

from pydantic import BaseModel, ValidationError

from services.roadmap.domain.observation import (
    NativeFeature,
    NativeImpact,
    NativeImpacts,
    NativeRelease,
    NativeTarget,
    Observation,
)

MAX_LINE_BYTES: Final = 64 * 1024
MAX_NESTING: Final = 32
MAX_KEY_SHOWN: Final = 80
MAX_AHEAD_FOR: Final = timedelta(minutes=10)

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{\]}]', re.DOTALL)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_MODELS: Final[Mapping[tuple[int | str, ...], type[BaseModel]]] = {
    (): Observation,
    ("feature",): NativeFeature,
    ("feature", "target"): NativeTarget,
    ("feature", "impact"): NativeImpacts,
    ("release",): NativeRelease,
}
_TYPES: Final = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "model_type": "an object",
}


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


class Reading(NamedTuple):
    """What one line was found to be. `id` is also there for a refused line, if it can be told."""

    id: str | None
    observation: Observation | None
    problem: LineProblem | None


def read_line(line: bytes, now: datetime | None) -> Reading:
    """Read one line; `now` None means that time is the observations' own, so that none can be ahead of it."""
    try:
        value = read_json(line)
    except MalformedLineError as error:
        return Reading(None, None, error.problem)
    try:
        observation = Observation.model_validate(value)
    except ValidationError as error:
        return Reading(_find_id(value), None, _first_problem(error))
    problem = _find_ahead(observation, now) if now else None
    return Reading(observation.id, None if problem else observation, problem)


def check_names(observation: Observation, kind: str, ref: str) -> LineProblem | None:
    """The problem with an observation that speaks of another thing than the address it was put to."""
    if observation.kind != kind:
        return LineProblem("$", f"a {observation.kind} at the address of a {kind}", f"`{kind}`")
    if observation.ref != ref:
        field = "name" if kind == "release" else "ref"
        return LineProblem(f"$.{kind}.{field}", f"{observation.ref!r:.200} differs from the address", f"{ref!r:.200}")
    return None


def _find_ahead(observation: Observation, now: datetime) -> LineProblem | None:
    if observation.at - now > MAX_AHEAD_FOR:
        return LineProblem(
            "$.at", "more than 10 minutes ahead of now", f"at most {now + MAX_AHEAD_FOR:%Y-%m-%dT%H:%M:%SZ}"
        )
    return None


def _find_id(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found[:512] if isinstance(found, str) and found else None


def _first_problem(error: ValidationError) -> LineProblem:
    first = error.errors(include_url=False, include_input=False)[0]
    steps = first["loc"]
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{show_key(step)}" for step in steps)
    context = first.get("ctx", {})
    match first["type"]:
        case "wrong":
            return LineProblem(path, context["what"], context["due"])
        case "extra_forbidden":
            return LineProblem(
                path, "unknown field", f"one of {', '.join(_MODELS.get(steps[:-1], NativeImpact).model_fields)}"
            )
        case "missing":
            return LineProblem(path, "missing", "a value, since it is required")
        case "literal_error":
            return LineProblem(path, "not one of the words", f"one of {context['expected']}")
        case kind:
            return _typed(path, kind, first["msg"])


def _typed(path: str, kind: str, message: str) -> LineProblem:
    """A wrong type, or a limit; pydantic says the limit in words: "String should have at most 512 characters"."""
    if kind in _TYPES:
        return LineProblem(path, f"not {_TYPES[kind]}", _TYPES[kind])
    what, should, due = message.partition(" should ")
    if should:
        return LineProblem(path, f"{what.lower()} out of bounds", f"it to {due}")
    return LineProblem(path, message, "less")


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
