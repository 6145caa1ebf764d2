"""What a segment hears is asked in two ways, of the board and of what was told: both hear the same."""

from datetime import date, timedelta

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.rules.audience import EVERYBODY, Audiences, Crowding, on_day
from services.launch.domain.rules.rule import Board, LaunchDates, Spot
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId
from tests.unit.launch.random_portfolios import FIRST, TODAY, draw
from tests.unit.launch.story import POLICY, on
from tests.unit.launch.test_catalogue import shape

Heard = tuple[str, str, str, tuple[LaunchId, ...]]
DAYS = 24
"""So near each other that segments are crowded."""


def invent(seed: int) -> tuple[dict[LaunchId, LaunchSnapshot], dict[LaunchId, date]]:
    """Launches of all tiers near each other; every fifth is told inside only, some name everybody as well."""
    case = draw(seed)
    shapes = {}
    for number, (name, one) in enumerate(sorted(case.shapes.items())):
        market = "T4" if (seed + number) % 5 == 0 else one.market_tier
        segments = (*one.segments, EVERYBODY) if number % 3 == 0 else one.segments
        shapes[name] = one.model_copy(update={"market_tier": market, "segments": segments})
    return shapes, {name: FIRST + (day - FIRST) % timedelta(days=DAYS) for name, day in case.before.items()}


def by_what_was_told(
    shapes: dict[LaunchId, LaunchSnapshot], days: dict[LaunchId, date], calendar: Calendar
) -> dict[LaunchId, list[Heard]]:
    audiences = Audiences()
    for name, day in days.items():
        audiences.put(name, on_day(shapes[name], day, calendar))
    return {
        name: [
            (crowd.constraint, crowd.segment, crowd.detail, crowd.by)
            for crowd in audiences.against(shapes[name], day, calendar)
        ]
        for name, day in days.items()
    }


def by_the_board(
    shapes: dict[LaunchId, LaunchSnapshot], days: dict[LaunchId, date], calendar: Calendar
) -> dict[LaunchId, list[Heard]]:
    board = Board(calendar, TODAY, LaunchDates(days), shapes.__getitem__)
    return {
        name: [
            (broken.constraint, broken.subject, broken.detail, broken.by)
            for broken in Crowding().between(Spot(shapes[name], day), board)
        ]
        for name, day in days.items()
    }


@pytest.mark.parametrize(("rest", "touches"), [(0, 1), (0, 2), (1, 9), (2, 2), (5, 3), (9, 1)])
def test_a_segment_hears_the_same_whoever_is_asked(rest: int, touches: int) -> None:
    heard = set()
    for seed in range(60):
        shapes, days = invent(seed)
        rules = POLICY.audience.model_copy(update={"rest_days": rest, "touches_per_week": touches})
        trains = POLICY.trains.model_copy(update={"anchor": FIRST, "every_weeks": 1})
        group = draw(seed).calendar.policy.together
        calendar = Calendar(POLICY.model_copy(update={"audience": rules, "trains": trains, "together": group}))
        told, seen = by_what_was_told(shapes, days, calendar), by_the_board(shapes, days, calendar)
        assert told == seen, seed
        heard |= {constraint for crowds in seen.values() for constraint, *_ in crowds}
    assert ("rest" in heard) is (rest > 0)
    assert "touches" in heard or touches == 9


CASES = [
    # a launch beside one on Tuesday, 2 June: its day, what it is, and by which rules it crowds the segment
    ("2026-06-02", {}, ["rest"]),
    ("2026-06-04", {}, ["rest"]),
    ("2026-06-05", {}, []),
    ("2026-05-31", {}, ["rest"]),
    ("2026-05-30", {}, []),
    ("2026-06-02", {"segments": ("large",)}, []),
    ("2026-06-02", {"segments": (EVERYBODY,)}, []),
    ("2026-06-02", {"segments": ()}, []),
    ("2026-06-02", {"market_tier": "T4"}, []),
]


@pytest.mark.parametrize(("day", "fields", "rules"), CASES)
def test_two_days_of_rest_are_two_days(day: str, fields: dict[str, object], rules: list[str]) -> None:
    there, calendar = on("2026-06-02"), Calendar(POLICY)
    here = shape("L-A", **{"segments": ("smb",), **fields})
    shapes = {LaunchId("L-A"): here, LaunchId("L-B"): shape("L-B", segments=("smb", EVERYBODY))}
    days = {LaunchId("L-A"): on(day), LaunchId("L-B"): there}
    for heard in (by_what_was_told(shapes, days, calendar), by_the_board(shapes, days, calendar)):
        assert [constraint for constraint, *_ in heard[LaunchId("L-A")]] == rules
