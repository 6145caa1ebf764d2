"""Models of the code as Markdown tables: their fields, what each may hold, and what each means.

What a field means is a line of sentences.yaml or its docstring in the code. Which models are shown is in blocks.py.
"""

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

SENTENCES = Path(__file__).parent / "sentences.yaml"

PLAIN: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    date: "day",
    datetime: "instant",
    Path: "path of a file",
    SecretStr: "secret text",
    object: "anything",
}
ABOUT = "about"
"""What sentences.yaml calls the line on the class itself."""

MANY = frozenset({"text", "day", "tier", "whole number"})
"""Kinds of values whose plural takes an s."""

NOTHING = "-"
TIER_VALUES = ("T1", "T2", "T3", "T4")


class UndescribedError(KeyError):
    """A field says nothing of itself: give it a docstring in the code, or a line in sentences.yaml."""


@cache
def read_sentences() -> dict[str, dict[str, str]]:
    """By class (or another group of names) and field: what it means."""
    found: dict[str, dict[str, str]] = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
    return found


def find_sentence(group: str, name: str) -> str:
    """The line of sentences.yaml.

    Raises:
        UndescribedError: there is none.
    """
    try:
        return " ".join(read_sentences()[group][name].split())
    except KeyError:
        raise UndescribedError(f"{group}.{name}") from None


def describe_field(model: type[BaseModel], name: str) -> str:
    """What a field means, from the class that declares it."""
    for declaring in model.__mro__:
        if name in inspect.get_annotations(declaring):
            if name in read_sentences().get(declaring.__name__, {}):
                return find_sentence(declaring.__name__, name)
            if name in read_docstrings(declaring):
                return read_docstrings(declaring)[name]
    raise UndescribedError(f"{model.__name__}.{name}")


@cache
def read_docstrings(declaring: type) -> dict[str, str]:
    """The docstrings below the fields of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(declaring))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: " ".join(said.value.value.split())
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
    }


def describe_class(model: type) -> str:
    """A line of sentences.yaml, or what a class says it is, up to the first blank line."""
    if ABOUT in read_sentences().get(model.__name__, {}):
        return find_sentence(model.__name__, ABOUT)
    return " ".join((inspect.getdoc(model) or "").partition("\n\n")[0].split())


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def write_fields(model: type[BaseModel], *, skip: Iterable[str] = ()) -> str:
    """The fields of a model: name, meaning, what it may hold, what counts without it."""
    left_out = set(skip)
    rows = [
        (f"`{field.alias or name}`", describe_field(model, name), say_type(field), say_default(field))
        for name, field in model.model_fields.items()
        if name not in left_out
    ]
    return write_table(("field", "meaning", "holds", "without it"), rows)


def say_default(field: FieldInfo) -> str:
    """What counts where the field is not given."""
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return NOTHING
    if isinstance(value, BaseModel):
        return "as below"
    if isinstance(value, (tuple, list, dict)) and not value:
        return "none"
    if isinstance(value, Path):
        return f"`{value.name}`"
    return f"`{json.dumps(value, default=_plainly, ensure_ascii=False)}`"


def _plainly(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def say_type(field: FieldInfo) -> str:
    """What the field may hold, in words."""
    return _limited(_say(field.annotation), field.metadata)


def _limited(said: str, metadata: Iterable[Any]) -> str:
    for limit in metadata:
        if isinstance(limit, FieldInfo):
            said = _limited(said, limit.metadata)
        said += "".join(_limits(limit))
    return said


def _limits(limit: Any) -> Iterator[str]:
    if (least := getattr(limit, "ge", None)) is not None:
        yield f", at least {least}"
    if (most := getattr(limit, "le", None)) is not None:
        yield f", at most {most}"


def _say(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, NewType):
        return _say(annotation.__supertype__)
    if origin is Annotated:
        return _limited(_say(arguments[0]), arguments[1:])
    if origin is Literal:
        return "tier" if arguments == TIER_VALUES else ", ".join(f"`{one}`" for one in arguments)
    if origin in {Union, types.UnionType}:
        said = [_say(one) for one in arguments if one is not type(None)]
        return " or ".join(said) + (" or null" if len(said) < len(arguments) else "")
    if origin in {tuple, list, dict}:
        said = [_say(one) for one in arguments]
        return f"by {said[0]}: {said[1]}" if origin is dict else f"list of {said[0]}{'s' * (said[0] in MANY)}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    return PLAIN.get(annotation, "anything")


def find_parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Every model that the fields of this one hold, at any depth, in the order in which they are first met."""
    found: dict[type[BaseModel], None] = {}

    def walk(annotation: Any) -> None:
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            if annotation not in found:
                found[annotation] = None
                for field in annotation.model_fields.values():
                    walk(field.annotation)
            return
        for argument in get_args(annotation):
            walk(argument)

    for field in model.model_fields.values():
        walk(field.annotation)
    return list(found)
