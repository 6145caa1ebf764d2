"""Who is where, put elsewhere to see how that would be, and a distance of a kind that no policy has yet."""

from collections.abc import Iterator
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.policy import Policy
from services.launch.domain.rules.rule import Board, Distance, LaunchDates, ScopeKey, Spot
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import POLICY, on

TODAY, DAY, LATER = on("2026-01-05"), on("2026-06-02"), on("2026-06-16")
A, B, C = (LaunchId(name) for name in ("L-A", "L-B", "L-C"))
TOGETHER = Calendar(POLICY.model_copy(update={"together": {"trio": (A, B, C)}}))


def board(days: dict[LaunchId, date], calendar: Calendar = TOGETHER) -> Board:
    return Board(calendar, TODAY, LaunchDates(days), shape)


def test_who_moves_takes_along_those_of_its_group_that_are_with_it() -> None:
    moved = board({A: DAY, B: DAY, C: LATER}).put(A, LATER + timedelta(days=7)).moved
    assert moved == dict.fromkeys((A, B), LATER + timedelta(days=7))


def test_who_gets_a_first_date_takes_nobody_along() -> None:
    assert board({C: LATER}).put(A, DAY).moved == {A: DAY}


def test_who_was_put_elsewhere_is_there_and_not_where_it_was() -> None:
    here = board({A: DAY, B: DAY, C: DAY}, Calendar(POLICY)).put(A, LATER).put(B, None)
    assert [here.day_of(name) for name in (A, B, C)] == [LATER, None, DAY]
    assert [(spot.shape.id, spot.day) for spot in here.near(DAY, DAY)] == [(C, DAY)]
    assert [(spot.shape.id, spot.day) for spot in here.near(DAY, LATER)] == [(A, LATER), (C, DAY)]


def test_launches_are_found_by_week_and_counted() -> None:
    dates = LaunchDates({A: DAY, B: DAY + timedelta(days=5), C: DAY + timedelta(days=6)})  # a Tuesday
    monday = DAY - timedelta(days=1)
    assert set(dates.near([monday])) == {A, B}
    assert set(dates.near([monday, monday + timedelta(days=7)])) == {A, B, C}
    assert (len(dates), set(dates)) == (3, {A, B, C})
    dates.put(A, None)
    dates.put(B, LATER)
    assert list(dates.near([monday])) == []
    assert (len(dates), dates.get(A), dates[B]) == (2, None, LATER)


class Neighbours(Distance):
    """A month between launches of one line, a week between any two."""

    names = ("neighbours", "near")

    def scopes(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[tuple[ScopeKey, int]]:  # noqa: ARG002 - every rule is asked the same
        """Everybody, and the line."""
        yield ("the house", ""), 7
        yield (shape.product_line or shape.id, ""), 28


def test_each_distance_counts_by_itself_and_up_to_its_last_day() -> None:
    shapes = {A: shape(A, product_line="pay"), B: shape(B, product_line="pay"), C: shape(C, product_line="log")}
    for days, other, broken in [
        (6, C, ["7 days from Launch L-C 2026-06-08 in the house"]),
        (7, C, []),
        (27, B, ["28 days from Launch L-B 2026-06-29 in pay"]),
        (28, B, []),
        (-27, B, ["28 days from Launch L-B 2026-05-06 in pay"]),
        (-28, B, []),
    ]:
        there = LaunchDates({other: DAY + timedelta(days=days)})
        around = Board(Calendar(POLICY), TODAY, there, shapes.__getitem__)
        found = list(Neighbours().between(Spot(shapes[A], DAY), around))
        assert [one.detail for one in found] == broken
        assert all((one.constraint, one.by) == ("neighbours", (other,)) for one in found)
