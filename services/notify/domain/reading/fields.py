"""What each field of a directory entry may hold: in words what is expected, or None when all is well."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.notify.domain.directory import ROLES

LISTS: Final = ("roles", "regions", "product_lines", "segments")
SINGLES: Final = ("id", "name", "email", "team", "zone", "locale", "manager", "backup")
FIELDS: Final = ("id", "name", "email", "team", *LISTS, "zone", "locale", "manager", "backup")
MAX_TEXT: Final = 200

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~@:+-]{0,127}")
EMAIL_PATTERN: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)
LOCALE_PATTERN: Final = re.compile(r"[a-z]{2}(?:[-_][A-Z]{2})?")
CONTROL_PATTERN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def list_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        return "expected a list of texts"
    for item in value:
        if problem := _text_problem(item):
            return problem
        if name == "roles" and item not in ROLES:
            return f"unknown role {item[:40]!r}; expected one of {', '.join(ROLES)}"
    return None


def single_problem(name: str, value: Any) -> str | None:
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
