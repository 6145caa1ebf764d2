"""The file of a history, and the people a replay invents for it when nobody gives a directory.

Only as much is read here as is needed for that; whether a line is right, roadmap says.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.client import CannotError

ROLES = {"pmm": "Product marketing", "sales": "Sales", "cs": "Customer success"}
MAIL_DOMAIN = "example.org"  # reserved: mail to it can reach nobody


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line that is not blank, and where it stands in the file (from 1)."""

    number: int
    body: bytes


def read_history(path: Path) -> list[HistoryLine]:
    """The lines of a file.

    Raises:
        CannotError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CannotError(f"{path}: cannot be read: {error.strerror}") from None
    return [HistoryLine(number, body) for number, body in enumerate(content.split(b"\n"), start=1) if body.strip()]


def find_teams(lines: Sequence[HistoryLine]) -> list[str]:
    """Every owner team seen in the file, sorted."""
    return sorted({team for line in lines if (team := _owner_team(line.body))})


def _owner_team(body: bytes) -> str | None:
    try:
        observation: Any = json.loads(body)
        team = observation["feature"]["owner_team"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return team if isinstance(team, str) and team else None


def invent_directory(teams: Sequence[str]) -> bytes:
    """One pmm, one sales and one cs per team, as a directory file; mail goes nowhere."""
    people = [
        {
            "id": f"{role}-{name}",
            "name": f"{title} of {team}",
            "email": f"{role}.{name}@{MAIL_DOMAIN}",
            "team": team,
            "roles": [role],
        }
        for team, name in _names(teams).items()
        for role, title in ROLES.items()
    ]
    return yaml.safe_dump(people, allow_unicode=True, sort_keys=False).encode()


def _names(teams: Sequence[str]) -> dict[str, str]:
    """A short name for each team that fits ids and addresses, no two the same."""
    names: dict[str, str] = {}
    for number, team in enumerate(teams, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", team.lower()).strip("-")[:40] or "team"
        names[team] = name if name not in names.values() else f"{name}-{number}"
    return names
