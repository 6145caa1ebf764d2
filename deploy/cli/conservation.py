"""The three services' sums at one cut, compared: nothing may be lost on the way, and nothing invented.

Each service adds up its own; only here are they put side by side (docs/explanation/obligations.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deploy.client import Api
from deploy.local.house import SERVICES
from shared.contracts.words import canonical_json

OWN = "launch:"
LISTED = 100


@dataclass(frozen=True, slots=True)
class Sums:
    """What each service answered, and every difference, by id."""

    until: int
    by_service: dict[str, dict[str, Any]]
    differences: list[str]


async def compare_sums(api: Api, portfolio: str, until: int | None = None) -> Sums:
    """Ask all three at the same roadmap revision (the newest, unless given) and compare.

    Raises:
        CannotError: a service does not answer.
    """
    if until is None:
        heads = await api.get(f"/roadmap/api/v1/portfolios/{portfolio}/heads")
        until = int(heads["revision"])
    answers = {
        service: await api.get(f"/{service}/api/v1/portfolios/{portfolio}/conservation", until=until)
        for service in SERVICES
    }
    return Sums(until, answers, find_differences(answers))


def find_differences(answers: dict[str, dict[str, Any]]) -> list[str]:
    """Every difference within a service and between two neighbours on the road, each with its id."""
    found = [f"{service}: {_say(one)}" for service in SERVICES for one in answers[service]["differences"]]
    causes = {service: _cause_ids(answers[service]) for service in SERVICES}
    found += _missing("roadmap", "launch", causes)
    found += _missing("launch", "notify", causes)
    return found


def _cause_ids(answer: dict[str, Any]) -> list[str]:
    """Without those that launch started itself: they have no place in roadmap's count."""
    listed = answer["cause_ids"] if "cause_ids" in answer else answer["causes"]
    return [one for one in listed if not one.startswith(OWN)]


def _say(difference: Any) -> str:
    return difference if isinstance(difference, str) else canonical_json(difference)


def _missing(teller: str, hearer: str, causes: dict[str, list[str]]) -> Iterable[str]:
    told, heard = causes[teller], causes[hearer]
    lost, invented = sorted(set(told) - set(heard)), sorted(set(heard) - set(told))
    for one in lost[:LISTED]:
        yield f"{one}: told by {teller}, unknown to {hearer}"
    for one in invented[:LISTED]:
        yield f"{one}: known to {hearer}, never told by {teller}"
    for name, listed in ((teller, told), (hearer, heard)):
        if len(listed) != len(set(listed)):
            yield f"{name} counts {len(listed) - len(set(listed))} causes more than once"
