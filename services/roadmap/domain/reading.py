"""From the bytes of one line to an observation, or to the problem with them: never an exception.

Nothing here knows what the portfolio looks like; that one is stale or changes nothing is roadmap.py's to say.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from services.roadmap.domain.observation import (
    NativeFeature,
    NativeImpact,
    NativeImpacts,
    NativeRelease,
    NativeTarget,
    Observation,
)
from services.roadmap.domain.strict_json import LineProblem, MalformedLineError, read_json, show_key

MAX_AHEAD_FOR: Final = timedelta(minutes=10)

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
