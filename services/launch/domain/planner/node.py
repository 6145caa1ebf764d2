"""A JSON value that knows its path, so that every complaint can name it.

Only the shapes of single values; what a portfolio consists of is in interchange.py.
"""

import re
from collections.abc import Container, Iterator
from datetime import date
from typing import Any, NoReturn

from services.launch.domain.planner.model import week_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d\d)", re.ASCII)


class FormatError(ValueError):
    """Input that does not follow the format: where (JSON path), then why."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")


class Node:
    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = value, path

    def fail(self, why: str) -> NoReturn:
        raise FormatError(self.path or "(top)", why)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.fail("must be an object")
        return self.value

    def _under(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        return self._object().get(key) is not None

    def __getitem__(self, key: str) -> "Node":
        if key not in self._object():
            raise FormatError(self._under(key), "is missing")
        return Node(self.value[key], self._under(key))

    def fields(self) -> Iterator[tuple[str, "Node"]]:
        return ((key, Node(value, self._under(key))) for key, value in self._object().items())

    def items(self) -> Iterator["Node"]:
        if not isinstance(self.value, list):
            self.fail("must be a list")
        return (Node(value, f"{self.path}[{at}]") for at, value in enumerate(self.value))

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            self.fail("must be a non-empty string")
        return self.value

    def whole(self, low: int | None = None, high: int | None = None) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail(f"must be a whole number, is {self.value!r}")
        if low is not None and self.value < low:
            self.fail(f"must be a whole number from {low}, is {self.value!r}")
        if high is not None and self.value > high:
            self.fail(f"must be a whole number up to {high}, is {self.value!r}")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail("must be true or false")
        return self.value

    def one_of(self, names: Container[str], what: str) -> str:
        if not isinstance(self.value, str):
            self.fail(f"must be the name of a {what}, is {self.value!r}")
        if self.value not in names:
            self.fail(f"no such {what} {self.value!r}")
        return self.value

    def day(self) -> int:
        try:
            if not _DAY.fullmatch(self.value):
                raise ValueError  # noqa: TRY301 - one place says what a date looks like
            return date.fromisoformat(self.value).toordinal()
        except (TypeError, ValueError):
            self.fail(f"must be a date like 2027-01-31, is {self.value!r}")

    def week(self) -> int:
        match = _WEEK.fullmatch(self.value) if isinstance(self.value, str) else None
        try:
            if match is None:
                raise ValueError  # noqa: TRY301 - one place says what a week looks like
            return week_of(date.fromisocalendar(int(match[1]), int(match[2]), 1).toordinal())
        except ValueError:
            self.fail(f"must be an ISO week like 2027-W01, is {self.value!r}")
