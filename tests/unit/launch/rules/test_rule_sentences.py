"""What rules say of a day, word by word, and whom they name, where more than one launch or feature is in play."""

from datetime import date

import pytest

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature, Likely
from services.launch.domain.rules.audience import SPACING, Crowding
from services.launch.domain.rules.own import NoticeGiven, say_ready
from services.launch.domain.rules.rule import Board, LaunchDates, Situation, Spot, Violation
from shared.contracts.feature import Target
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId
from tests.unit.launch.rules.test_catalogue import shape
from tests.unit.launch.story import POLICY, on, snapshot

TODAY, DAY = on("2026-01-05"), on("2026-06-02")
A, B, C, D = (LaunchId(f"L-{name}") for name in "ABCD")
SPACED = Calendar(POLICY.model_copy(update={"spacing": ("T1", "T2"), "together": {"pair": (A, B)}}))


def board(shapes: dict[LaunchId, LaunchSnapshot], days: dict[LaunchId, date]) -> Board:
    return Board(SPACED, TODAY, LaunchDates(days), shapes.__getitem__)


# ---- readiness


def test_a_day_is_told_with_how_it_is_known() -> None:
    ready = on("2026-05-04")
    planned = KnownFeature(snapshot=snapshot("F-1", day=ready))
    assert say_ready(planned, ready, ready) == "F-1 is ready on 2026-05-04"
    assert say_ready(planned, ready, DAY) == "F-1 is overdue since 2026-05-04 and can be ready today"
    shipped = KnownFeature(snapshot=snapshot("F-1", status="shipped"), shipped_on=ready)
    assert say_ready(shipped, ready, ready) == "F-1 shipped on 2026-05-04"


def test_a_likely_day_is_told_with_what_the_team_has_shown() -> None:
    likely = Likely(day=DAY, team="docs", percentile=80, days=8)
    quarter = Target(as_written={"on": "2026-Q2"}, earliest=TODAY, latest=on("2026-05-20"), resolution="quarter")
    fuzzy = KnownFeature(snapshot=snapshot("F-1", target=quarter), likely=likely)
    told = "F-1 is ready on 2026-06-02, as docs ships 80 of 100 within 8 working days of its quarter"
    assert say_ready(fuzzy, DAY, DAY) == told
    aimless = KnownFeature(snapshot=snapshot("F-1"), likely=likely)
    assert say_ready(aimless, DAY, DAY) == "F-1 is ready on 2026-06-02"


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (None, "F-1 is confident since 2026-01-05; 30 working days of notice: 2026-02-16"),
        (12, "F-1 is confident since 2026-01-05; 12 working days of notice (18 waived): 2026-01-21"),
        (30, "F-1 is confident since 2026-01-05; 30 working days of notice: 2026-02-16"),
        (31, "F-1 is confident since 2026-01-05; 30 working days of notice: 2026-02-16"),
    ],
)
def test_the_notice_is_told_with_what_was_waived_of_it(notice: int | None, told: str) -> None:
    known = KnownFeature(snapshot=snapshot("F-1", day=DAY), confident_since=TODAY)
    (bound,) = NoticeGiven().bounds(Situation("T2", (), (known,), TODAY, notice=notice), Calendar(POLICY))
    assert bound.detail == told


def test_who_is_not_confident_yet_has_notice_from_today_on() -> None:
    known = KnownFeature(snapshot=snapshot("F-1", day=DAY))
    (bound,) = NoticeGiven().bounds(Situation("T2", (), (known,), TODAY), Calendar(POLICY))
    assert bound.detail == "F-1 is not confident yet; 30 working days of notice: 2026-02-16"


# ---- spacing and crowding


def spaced(spot: Spot, there: Board) -> list[Violation]:
    return [broken for broken in Crowding().between(spot, there) if broken.constraint == SPACING]


def test_who_launches_together_is_told_apart_from_whom_they_crowd() -> None:
    shapes = {name: shape(name, segments=("smb",)) for name in (A, B, C)} | {D: shape(D, "T3", segments=("smb",))}
    there = board(shapes, dict.fromkeys((A, B, C, D), DAY))
    (broken,) = spaced(Spot(shapes[A], DAY), there)
    assert (broken.by, broken.together, broken.subject) == ((C,), (A, B), "smb, 2026-06-01")
    assert broken.detail == "smb hears of Launch L-C in the week of 2026-06-01"


def test_each_other_launch_is_named_once_and_only_to_segments_that_hear_both() -> None:
    shapes = {A: shape(A, segments=("smb", "large")), C: shape(C, segments=("large",)), D: shape(D, segments=("web",))}
    there = board(shapes, dict.fromkeys(shapes, DAY))
    assert [(one.by, one.subject) for one in spaced(Spot(shapes[A], DAY), there)] == [((C,), "large, 2026-06-01")]
    assert list(spaced(Spot(shape(A), DAY), there)) == []
    assert list(spaced(Spot(shape(A, "T3", segments=("large",)), DAY), there)) == []


def test_where_a_launch_is_now_does_not_crowd_where_it_would_be() -> None:
    shapes = {A: shape(A, segments=("smb",))}
    there = board(shapes, {A: DAY})
    next_day = Spot(shapes[A], on("2026-06-03"))
    assert list(Crowding().between(next_day, there)) == []
