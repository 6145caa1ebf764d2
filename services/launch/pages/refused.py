"""A form that was not carried out: which one, what was typed, and what is wrong with which field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from services.launch.domain.calendar import RefusedError
from shared.web.pages import Pages


class MissingError(Exception):
    """A field was left empty; its name is a key of the phrases `missing.*`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the page says of it.

    Attributes:
        form: tells the forms of a page apart.
        text: what is wrong, in words.
        at: the field that is wrong; empty when it is none of them.
        typed: what was sent, by field; it stays in the form.
        differences: what has changed since the person looked.
    """

    form: str
    text: str
    at: str = ""
    typed: Mapping[str, Any] = field(default_factory=dict)
    differences: Sequence[Mapping[str, object]] = ()


def refuse(
    pages: Pages, request: Request, form: str, typed: Mapping[str, Any], error: RefusedError | MissingError
) -> Refusal:
    """The refusal of a form for what a person typed, or did not type."""
    if isinstance(error, MissingError):
        name = str(error)
        return Refusal(form, pages.say(request, f"missing.{name}"), name, typed)
    return Refusal(form, str(error), error.where.removeprefix("$").removeprefix("."), typed)
