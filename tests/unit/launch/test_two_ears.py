"""What a segment hears is asked in two ways, of the board and of what was told: both hear the same."""

from datetime import date, timedelta

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import Launch
from services.launch.domain.rules.audience import EVERYBODY, Audiences, Crowding, on_day
from services.launch.domain.rules.rule import Board, LaunchDates, Spot
from shared.contracts.launch import Conflict, LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.random_portfolios import FIRST, TODAY, draw
from tests.unit.launch.story import CALENDAR, POLICY, START, on
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


# ---- what was told, kept


def told(name: LaunchId, day: str, tier: Tier = "T3", **fields: object) -> LaunchSnapshot:
    return on_day(shape(name, tier, **{"segments": ("smb",), **fields}), on(day), CALENDAR)


def stored(snapshot: LaunchSnapshot, *constraints: str) -> Launch:
    conflicts = tuple(Conflict(launch=snapshot.id, constraint=one, detail="") for one in constraints)
    return Launch(snapshot=snapshot, version=1, changed_at=START, conflicts=conflicts)


A, B, C = (LaunchId(name) for name in ("L-A", "L-B", "L-C"))
TRAIN = CALENDAR.next_train(on("2026-06-01"))


def heard(audiences: Audiences, day: str = "2026-06-03") -> list[tuple[str, tuple[LaunchId, ...]]]:
    """What is against one more T2 on the day."""
    return [(one.constraint, one.by) for one in audiences.against(told(C, day, "T2"), on(day), CALENDAR)]


def test_who_crowds_a_segment_is_declared_as_long_as_it_is_told() -> None:
    audiences = Audiences()
    for constraint in ("rest", "touches"):
        audiences.keep(stored(told(A, "2026-06-02", "T2"), constraint, "notice"))
        assert audiences.declared == {A}
        audiences.keep(stored(told(A, "2026-06-02", "T2"), "notice"))
        assert audiences.declared == set()


def test_what_was_tried_is_taken_back_to_where_it_was() -> None:
    audiences = Audiences()
    audiences.put(A, told(A, "2026-06-02", "T2"))
    with audiences.tried() as put:
        put(A, told(A, "2026-06-09", "T2"))
        put(A, None)
        put(B, told(B, "2026-06-04", "T2"))
        assert heard(audiences) == [("rest", (B,))]
    assert heard(audiences) == [("rest", (A,))]
    assert audiences == _of(told(A, "2026-06-02", "T2"))


def _of(*snapshots: LaunchSnapshot) -> Audiences:
    audiences = Audiences()
    for snapshot in snapshots:
        audiences.put(snapshot.id, snapshot)
    return audiences


def test_who_is_put_elsewhere_leaves_nothing_behind() -> None:
    audiences = _of(told(A, str(TRAIN)), told(B, str(TRAIN)))
    assert audiences.riders(TRAIN) == {A, B}
    audiences.put(A, told(A, "2026-07-01", "T2"))
    assert (audiences.riders(TRAIN), audiences) == ({B}, _of(told(B, str(TRAIN)), told(A, "2026-07-01", "T2")))
    audiences.put(A, None)
    audiences.put(B, None)
    assert (audiences.riders(TRAIN), audiences) == (frozenset(), Audiences())


@pytest.mark.parametrize(
    ("state", "is_heard", "rides"),
    [("planned", True, True), ("launched", True, False), ("cancelled", False, False), ("held", True, True)],
)
def test_what_was_called_off_is_not_heard_and_what_happened_rides_no_more(
    state: str, *, is_heard: bool, rides: bool
) -> None:
    one = told(A, str(TRAIN)).model_copy(update={"state": state})
    audiences = _of(one)
    assert bool(heard(audiences, str(TRAIN))) is is_heard
    assert audiences.riders(TRAIN) == ({A} if rides else set())
    audiences.put(A, None)
    assert audiences == Audiences()


def test_who_has_no_date_is_nowhere() -> None:
    assert _of(shape(A, segments=("smb",))) == Audiences()


def test_launches_moved_at_once_crowd_each_other_where_they_go_and_not_where_they_were() -> None:
    audiences = _of(told(A, "2026-06-02", "T2"), told(B, "2026-06-09", "T2"))
    moved = [told(A, "2026-06-16", "T2"), told(B, "2026-06-17", "T2")]
    due = "2 days of rest are due between"
    assert audiences.against_all(moved, CALENDAR) == [
        f"smb hears something else on 2026-06-17; {due}",
        f"smb hears something else on 2026-06-16; {due}",
    ]
    assert audiences.against_all([told(A, "2026-06-09", "T2"), told(B, "2026-06-02", "T2")], CALENDAR) == []
    assert audiences.against_all([shape(A, segments=("smb",))], CALENDAR) == []  # to no day
    assert audiences == _of(told(A, "2026-06-02", "T2"), told(B, "2026-06-09", "T2"))


def test_a_date_makes_a_rider_only_of_whom_the_tier_sends_by_train() -> None:
    day = str(TRAIN)
    assert (told(A, day).train, told(A, day, "T2").train) == (TRAIN, None)
    assert told(A, str(TRAIN + timedelta(days=1))).train is None
