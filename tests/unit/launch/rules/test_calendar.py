"""Working days, freezes and trains, with their first and last days, and each counted again day by day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.launch.domain.calendar import FAR, SOFT, Calendar
from services.launch.domain.policy import Freeze, Region, TeamLoad
from services.launch.domain.rules.catalogue import next_allowed, of_day, violations
from services.launch.domain.rules.rule import Situation
from shared.contracts.launch import Tier
from tests.unit.launch.story import POLICY, on

DAY = timedelta(days=1)
REGIONS = {
    "eu": Region(holidays=(on("2026-05-14"), on("2026-05-25"))),
    "gulf": Region(weekend=(5, 6), holidays=(on("2026-05-26"),)),
}
DAYS = st.dates(on("2026-05-01"), on("2026-06-30"))
WHERE = st.sampled_from([(), ("eu",), ("gulf",), ("eu", "gulf"), ("nowhere-we-know",)])


def calendar(**policy: Any) -> Calendar:
    given = {"regions": REGIONS, "freezes": (), "trains": POLICY.trains.model_copy(update={"anchor": on("2026-06-02")})}
    return Calendar(POLICY.model_copy(update=given | policy))


HERE = calendar()


def works(day: date, regions: tuple[str, ...]) -> bool:
    """Counted anew: whether everybody works."""
    known = [REGIONS.get(name, Region()) for name in regions or ("",)]
    return not any(day.isoweekday() in one.weekend or day in one.holidays for one in known)


@given(DAYS, st.integers(0, 30), WHERE)
@settings(deadline=None, max_examples=100)
def test_so_many_working_days_later_or_earlier_there_are_so_many_between(
    day: date, count: int, regions: tuple[str, ...]
) -> None:
    later, earlier = HERE.after_working_days(day, count, regions), HERE.before_working_days(day, count, regions)
    assert sum(works(day + DAY * at, regions) for at in range(1, (later - day).days + 1)) == count
    assert sum(works(day - DAY * at, regions) for at in range(1, (day - earlier).days + 1)) == count
    assert count == 0 or (works(later, regions) and works(earlier, regions))
    assert HERE.count_working_days(day, later, regions) == count
    assert HERE.count_working_days(later, day, regions) == 0
    assert HERE.is_workday(day, regions) is works(day, regions)


def test_whoever_names_no_region_keeps_the_weekend_and_each_idle_region_is_named() -> None:
    sunday, holiday = on("2026-05-24"), on("2026-05-25")
    assert list(HERE.idle_regions(sunday, ())) == [""]
    assert list(HERE.idle_regions(sunday, ("eu", "gulf", "elsewhere"))) == ["eu", "elsewhere"]
    assert list(HERE.idle_regions(holiday, ("eu", "gulf"))) == ["eu"]
    assert list(HERE.idle_regions(holiday, ())) == []
    here = Calendar(POLICY.model_copy(update={"default_region": Region(holidays=(holiday,))}))
    assert list(here.idle_regions(holiday, ())) == [""]
    assert list(here.idle_regions(holiday, ("elsewhere",))) == ["elsewhere"]


def test_a_day_begins_where_the_company_is_and_no_day_is_beyond_the_calendar() -> None:
    here = calendar(anchor_zone="America/New_York")
    assert here.day_of(datetime(2026, 6, 2, 3, 59, tzinfo=UTC)) == on("2026-06-01")
    assert here.day_of(datetime(2026, 6, 2, 4, 0, tzinfo=UTC)) == on("2026-06-02")
    assert here.start_of(on("2026-06-02")) == datetime(2026, 6, 2, 4, tzinfo=UTC)
    assert here.day_of(datetime(9999, 6, 2, tzinfo=UTC)) == FAR == date(9000, 1, 1)
    assert here.day_of(datetime(9000, 1, 1, 12, tzinfo=UTC)) == FAR


@pytest.mark.parametrize(
    ("day", "train"),
    [("2026-06-02", "2026-06-02"), ("2026-06-03", "2026-06-30"), ("2026-05-06", "2026-06-02"), ("2026-05-05",) * 2],
)
def test_the_next_train_may_be_today_s_and_trains_left_before_the_first_one(day: str, train: str) -> None:
    assert HERE.next_train(on(day)) == on(train)
    assert HERE.rides("T3", on(day)) is (day == train)
    assert not HERE.rides("T2", on(day))
    assert HERE.cutoff_of(on(train)) == on(train) - timedelta(days=POLICY.trains.cutoff_days)
    told = [broken.detail for broken in of_day(on(day), "T3", (), HERE) if broken.constraint == "train"]
    assert told == ([] if day == train else [f"{day} is no train; the next one leaves on {train}"])


# ---- freezes


def frozen(day: str, tier: Tier = "T2", places: tuple[str, ...] = (), **freeze: Any) -> bool:
    load = {"T2": (TeamLoad(team="docs", units=1),)}
    here = calendar(freezes=(Freeze(reason="fair", **freeze),), load=load)
    return [one.reason for one in here.freezes_on(on(day), tier, places)] == ["fair"]


SPAN: dict[str, Any] = {"first": on("2026-06-03"), "last": on("2026-06-04")}


@pytest.mark.parametrize(
    ("day", "held"), [("2026-06-02", False), ("2026-06-03", True), ("2026-06-04", True), ("2026-06-05", False)]
)
def test_a_freeze_holds_its_first_and_its_last_day(day: str, *, held: bool) -> None:
    assert frozen(day, **SPAN) is held
    assert frozen(day, each_year_from="06-03", each_year_to="06-04") is held
    assert frozen(day.replace("2026", "2031"), each_year_from="06-03", each_year_to="06-04") is held


@pytest.mark.parametrize(
    ("day", "held"),
    [
        ("2026-12-19", False),
        ("2026-12-20", True),
        ("2026-12-31", True),
        ("2027-01-01", True),
        ("2027-01-02", True),
        ("2027-01-03", False),
    ],
)
def test_a_freeze_may_reach_over_the_new_year(day: str, *, held: bool) -> None:
    assert frozen(day, each_year_from="12-20", each_year_to="01-02") is held


def test_a_freeze_of_one_day_a_year_is_that_day() -> None:
    days = [f"2026-06-{day:02}" for day in range(1, 31)]
    assert [day for day in days if frozen(day, each_year_from="06-24", each_year_to="06-24")] == ["2026-06-24"]


@pytest.mark.parametrize(
    ("count", "begin"),
    [(1, "2026-06-30"), (2, "2026-06-29"), (3, "2026-06-26"), (65, "2026-04-01"), (400, "2026-04-01")],
)
def test_the_end_of_a_quarter_is_its_last_working_days_and_the_weekends_between(count: int, begin: str) -> None:
    before = on(begin) - DAY
    assert frozen(begin, last_working_days_of_quarter=count)
    assert frozen("2026-06-30", last_working_days_of_quarter=count)
    if count < 65:
        assert not frozen(str(before), last_working_days_of_quarter=count)
        assert not frozen("2026-07-01", last_working_days_of_quarter=count)


@pytest.mark.parametrize(
    ("day", "before"), [("2026-03-31", "2026-03-30"), ("2026-09-30", "2026-09-29"), ("2026-12-31", "2026-12-30")]
)
def test_every_quarter_has_an_end(day: str, before: str) -> None:
    assert frozen(day, last_working_days_of_quarter=1)
    assert not frozen(before, last_working_days_of_quarter=1)


def test_the_end_of_a_quarter_follows_the_house_s_own_weekend() -> None:
    gulf = Region(weekend=(5, 6))
    here = calendar(default_region=gulf, freezes=(Freeze(reason="end", last_working_days_of_quarter=3),))
    begin = on("2026-06-28")  # a Sunday; Friday and Saturday before it are off
    assert list(here.freezes_on(begin, "T2", ()))
    assert not list(here.freezes_on(begin - DAY, "T2", ()))


@pytest.mark.parametrize(
    ("tier", "regions", "freeze", "held"),
    [
        ("T2", (), {"tiers": ("T1", "T2")}, True),
        ("T3", (), {"tiers": ("T1", "T2")}, False),
        ("T2", ("eu", "us"), {"regions": ("eu",)}, True),
        ("T2", ("us",), {"regions": ("eu",)}, False),
        ("T2", (), {"regions": ("eu",)}, False),
        ("T2", (), {"teams": ("docs", "web")}, True),
        ("T2", (), {"teams": ("web",)}, False),
        ("T1", (), {"teams": ("docs",)}, False),
        ("T2", ("us",), {"regions": ("eu",), "teams": ("docs",)}, False),
        ("T2", ("eu",), {"regions": ("eu",), "teams": ("web",)}, False),
    ],
)
def test_a_freeze_holds_whom_it_names(
    tier: Tier, regions: tuple[str, ...], freeze: dict[str, Any], *, held: bool
) -> None:
    assert frozen("2026-06-03", tier, regions, **SPAN, **freeze) is held


def test_freezes_are_listed_with_their_first_and_last_day_within_what_is_asked() -> None:
    two = (Freeze(reason="fair", **SPAN), Freeze(reason="end", last_working_days_of_quarter=1))
    here = calendar(freezes=two)
    listed = [(str(first), str(last), freeze.reason) for first, last, freeze in here.freezes(*_half_a_year())]
    assert listed == [
        ("2026-06-03", "2026-06-04", "fair"),
        ("2026-03-31", "2026-03-31", "end"),
        ("2026-06-30", "2026-06-30", "end"),
    ]
    assert [(str(first), str(last)) for first, last, _ in here.freezes(on("2026-06-04"), on("2026-06-05"))] == [
        ("2026-06-04", "2026-06-04")
    ]
    assert [str(first) for first, _, _ in here.freezes(on("2026-06-02"), on("2026-06-03"))] == ["2026-06-03"]


def _half_a_year() -> tuple[date, date]:
    return on("2026-01-01"), on("2026-06-30")


def test_a_soft_freeze_keeps_dates_away_and_lets_a_person_s_stand() -> None:
    here = calendar(freezes=(Freeze(reason="fair", soft=True, **SPAN),))
    assert [one.constraint for one in of_day(on("2026-06-03"), "T2", (), here)] == [SOFT]
    assert next_allowed(on("2026-06-03"), "T2", (), on("2026-06-30"), here)[0] == on("2026-06-05")
    assert violations(Situation("T2", (), (), on("2026-01-05")), on("2026-06-03"), here) == []


# ---- the days a person wants, and where the calendar ends


def test_the_first_and_the_last_day_that_a_person_gives_are_allowed() -> None:
    given = Situation("T2", (), (), on("2026-01-05"), not_before=on("2026-06-03"), not_after=on("2026-06-04"))
    found = {day: [one.constraint for one in violations(given, on(day), HERE)] for day in _four_days()}
    assert list(found.values()) == [["not_before"], [], [], ["not_after"]]


def _four_days() -> list[str]:
    return ["2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"]


def test_tomorrow_is_the_first_day_there_is_and_the_year_9000_the_last() -> None:
    today = on("2026-06-02")
    own = Situation("T2", (), (), today)
    assert [one.constraint for one in violations(own, today, HERE)] == ["today"]
    assert violations(own, today + DAY, HERE) == []
    assert "horizon" not in {one.constraint for one in of_day(FAR, "T2", (), HERE)}
    assert "horizon" in {one.constraint for one in of_day(FAR + DAY, "T2", (), HERE)}
