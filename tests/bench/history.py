"""An invented history for the benchmarks: features that slip, ship and change, about 1 KB each, the same every time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEP = timedelta(minutes=7)
STAGES = ("alpha", "beta", "ga")
TEAMS = ("payments", "identity", "search", "mobile")
FEATURES = 40
SUMMARY = "Customers can do in one step what took them four, and support no longer has to do it for them. " * 5


def build_observations(count: int, portfolios: int) -> Iterator[tuple[str, bytes]]:
    """(portfolio, line) of native observations, each of which changes something; portfolios take turns."""
    for number in range(count):
        turn, portfolio = divmod(number, portfolios)
        generation, feature = divmod(turn, FEATURES)
        yield f"p{portfolio}", json.dumps(_observation(number, generation, feature)).encode()


def _observation(number: int, generation: int, feature: int) -> dict[str, Any]:
    planned_on = START.date() + timedelta(days=40 + feature + 5 * generation)
    return {
        "id": f"o{number}",
        "at": (START + STEP * number).isoformat(),
        "feature": {
            "ref": f"F-{feature}",
            "title": f"Feature number {feature}",
            "summary": SUMMARY,
            "owner_team": TEAMS[feature % len(TEAMS)],
            "status": "planned",
            "stage": STAGES[feature % len(STAGES)],
            "target": {"on": planned_on.isoformat()},
        },
    }


def build_directory() -> str:
    """A directory as CSV: a product marketer, a salesperson and a customer success manager for each team."""
    header = "id,name,email,team,roles,regions,product_lines,segments,zone,locale,manager,backup"
    people = [
        f"{role}-{team},{role} of {team},{role}-{team}@example.org,{team},{role},,,,,,,"
        for team in TEAMS
        for role in ("pmm", "sales", "cs")
    ]
    return "\n".join([header, *people]) + "\n"
