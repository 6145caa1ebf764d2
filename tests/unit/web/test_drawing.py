"""Drawings are well-formed whatever they are given, escaped, and say in words what they show."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from shared.web.drawing import (
    Backdrop,
    Cell,
    GridColumn,
    GridRow,
    LaunchBar,
    LoadBand,
    MeterPart,
    Ripple,
    RippleLaunch,
    RippleNode,
    RipplePerson,
    Span,
    coverage_grid,
    meter,
    ripple,
    sparkline,
    timeline,
)
from shared.web.drawing.badge import BADGE_WIDTH
from shared.web.reader import Reader

SVG = "{http://www.w3.org/2000/svg}"
READER = Reader("en", Locale.parse("en_GB"), ZoneInfo("UTC"), datetime(2026, 5, 4, tzinfo=UTC))
HEADS = ("Act", "Features", "Launches", "Teams", "People")

days = st.dates(date(2020, 1, 1), date(2032, 12, 31))
texts = st.text(max_size=60)
bars = st.builds(
    LaunchBar,
    name=texts,
    tier=st.sampled_from(["T1", "T2", "T3", "T4"]),
    href=st.sampled_from(["", "/launch/launches/L-1"]),
    lane=st.sampled_from(["", "Payments", "Data"]),
    day=st.none() | days,
    before=st.none() | days,
    proposed=st.none() | days,
    starts=st.none() | days,
    slack=st.integers(0, 400),
    window=st.none() | st.tuples(days, days),
    waits_for=texts,
)


def parsed(drawn: Markup) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314 - our own drawing


def numbers(root: ET.Element) -> list[float]:
    names = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height")
    return [float(one.attrib[name]) for one in root.iter() for name in names if name in one.attrib]


@settings(deadline=None, max_examples=60)
@given(st.lists(bars, min_size=1, max_size=8), st.lists(days, max_size=3))
def test_every_timeline_is_a_picture_inside_its_frame(some: list[LaunchBar], trains: list[date]) -> None:
    freezes = [Span(day, day + timedelta(days=9), "<freeze>") for day in trains]
    loads = (
        [LoadBand("docs", {day: share / 2 for share, day in enumerate(trains)}, "docs: 1 full week")] if trains else []
    )
    root = parsed(timeline("t", "Launches", some, READER, Backdrop(freezes, trains, loads)))
    assert [one.attrib["class"] for one in root.iter(f"{SVG}svg")] == ["dw-wide", "dw-narrow"]
    for svg in root.iter(f"{SVG}svg"):
        width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
        assert all(-15 <= number <= max(width, height) + 60 for number in numbers(svg))
        assert len(svg.findall(f".//{SVG}text[@class='dw-tier']")) == len(some)


def test_a_moved_launch_shows_its_old_day_as_a_ghost_and_its_new_one_in_words() -> None:
    moved = LaunchBar("Payouts", "T1", day=date(2026, 6, 23), before=date(2026, 6, 9))
    drawn = timeline("t", "Launches", [moved], READER)
    assert drawn.count('class="dw-ghost"') == 2  # once in each of the two drawings
    assert f"Payouts, T1, {READER.full_day(date(2026, 6, 9))} → {READER.full_day(date(2026, 6, 23))}" in drawn
    still = LaunchBar("Payouts", "T1", day=date(2026, 6, 23), before=date(2026, 6, 23))
    assert "dw-ghost" not in timeline("t", "Launches", [still], READER)


def test_a_proposal_is_an_arrow_to_a_dashed_ring_and_a_question_in_words() -> None:
    asked = LaunchBar("Payouts", "T1", day=date(2026, 6, 9), proposed=date(2026, 9, 8))
    drawn = timeline("t", "Launches", [asked], READER)
    assert drawn.count('class="dw-arrow dw-wish"') == 2
    assert "Tue 9 Jun → Tue 8 Sept?" in drawn
    assert f"Payouts, T1, {READER.full_day(date(2026, 6, 9))} (→ {READER.full_day(date(2026, 9, 8))}?)" in drawn


def test_slack_begins_on_the_day_to_which_the_launch_could_go_back() -> None:
    bars = [LaunchBar("Payouts", "T1", day=date(2026, 6, 30), slack=20), LaunchBar("Two", "T1", day=date(2026, 6, 10))]
    drawn = timeline("t", "Launches", bars, READER)
    (begins,) = re.findall(r'd="M([0-9.]+) [0-9.]+v5H[0-9.]+" class="dw-slack"', drawn)[:1]
    badges = re.findall(r'class="dw-badge"[^>]* x="([0-9.]+)"|<rect x="([0-9.]+)"[^>]*class="dw-badge"', drawn)
    assert abs(float(begins) - (float("".join(badges[1])) + BADGE_WIDTH / 2)) < 1
    assert drawn.count("dw-slack") == 2


def test_a_fuller_week_is_taller_as_well_as_darker_and_too_full_is_another_colour() -> None:
    mondays = [date(2026, 5, 4) + timedelta(weeks=week) for week in range(4)]
    load = LoadBand("docs", dict(zip(mondays, (0.25, 0.5, 1, 1.5), strict=True)), "docs: 2 full weeks")
    drawn = timeline("t", "Launches", [LaunchBar("One", "T1", day=date(2026, 6, 9))], READER, Backdrop(loads=[load]))
    heights = re.findall(r"M[0-9.]+ [0-9.]+v-([0-9.]+)h", drawn)[:4]
    assert [float(one) for one in heights] == [2.5, 5, 10, 10]
    assert re.findall(r'class="(dw-load[^"]*)" fill-opacity="([^"]*)"', drawn)[:4] == [
        ("dw-load", "0.25"),
        ("dw-load", "0.5"),
        ("dw-load", "1.0"),
        ("dw-load dw-over", "1.0"),
    ]
    assert "docs: 2 full weeks" in drawn


def test_a_quarter_is_soft_and_never_a_badge_on_a_day() -> None:
    fuzzy = LaunchBar("Forecasts", "T1", window=(date(2026, 7, 1), date(2026, 9, 30)), waits_for="some time in Q3")
    drawn = timeline("t", "Launches", [fuzzy], READER)
    assert "url(#t-wide-soft)" in drawn
    assert "dw-badge" not in drawn
    assert "some time in Q3" in drawn


def test_nothing_to_draw_is_nothing() -> None:
    assert timeline("t", "Launches", [], READER) == ""
    assert coverage_grid("Who", [], [], {}) == ""
    assert sparkline("s", []) == ""


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, min_size=1, max_size=6), st.lists(texts, min_size=1, max_size=4), st.data())
def test_the_grid_has_a_mark_and_a_word_for_each_person_concerned(
    people: list[str], launches: list[str], data: st.DataObject
) -> None:
    rows = [GridRow(f"p{index}", name) for index, name in enumerate(people)]
    columns = [GridColumn(f"l{index}", name, href="/x") for index, name in enumerate(launches)]
    states = st.none() | st.sampled_from(["acknowledged", "seen", "open", "unreachable", "waived", "unheard of"])
    cells = {
        (row.id, column.id): Cell(state, f"word of {state}")
        for row in rows
        for column in columns
        if (state := data.draw(states))
    }
    root = parsed(coverage_grid("Who knows", rows, columns, cells))
    marks = [one for one in root.iter("svg") if one.attrib.get("role") == "img"]
    assert len(marks) == len(cells)
    assert all(one.attrib["aria-label"].startswith("word of") for one in marks)
    defined = {one.attrib["id"] for one in root.iter("symbol")}
    assert {one.attrib["href"].removeprefix("#") for one in root.iter("use")} <= defined


def test_a_grid_of_forty_people_and_fifteen_launches_stays_under_the_page_s_weight() -> None:
    rows = [GridRow(f"p{index}", f"Person {index}", "team", "/x") for index in range(40)]
    columns = [GridColumn(f"l{index}", f"Launch {index}", "", "/x") for index in range(15)]
    cells = {(row.id, column.id): Cell("acknowledged", "knows") for row in rows for column in columns}
    assert len(coverage_grid("Who knows", rows, columns, cells)) < 110_000


@settings(deadline=None, max_examples=50)
@given(
    st.lists(texts, min_size=1, max_size=4),
    st.lists(st.tuples(texts, st.none() | days, st.none() | days), max_size=4),
    st.lists(st.tuples(texts, st.sampled_from(["Sales", "Docs", "<CS>"]), st.sampled_from(list("aosu"))), max_size=30),
)
def test_every_ripple_has_one_dot_for_each_person(
    features: list[str],
    launches: list[tuple[str, date | None, date | None]],
    people: list[tuple[str, str, str]],
) -> None:
    states = {"a": "acknowledged", "o": "open", "s": "seen", "u": "unreachable"}
    what = Ripple(
        RippleNode("act", "It slips", "in Jira"),
        [RippleNode(f"f{index}", name) for index, name in enumerate(features)],
        [
            RippleLaunch(f"l{index}", name, "T2", ("f0", "gone"), before, day)
            for index, (name, before, day) in enumerate(launches)
        ],
        [RipplePerson(f"p{i}", name, team, states[s], "word", ("l0",)) for i, (name, team, s) in enumerate(people)],
        HEADS,
    )
    root = parsed(ripple("Ripple", "What followed", what, READER))
    assert len(root.findall(f".//{SVG}circle[@class='dw-target']")) == len(people)
    height = float(next(root.iter(f"{SVG}svg")).attrib["height"])
    assert all(0 <= number <= max(height, 1040) for number in numbers(root))


def test_who_cannot_be_reached_has_another_shape_and_not_only_another_colour() -> None:
    def shape(state: str) -> list[str]:
        person = RipplePerson("p", "Ana", "Sales", state, state)
        root = parsed(
            ripple("R", "", Ripple(RippleNode("a", "x"), [RippleNode("f", "x")], [], [person], HEADS), READER)
        )
        dot = next(one for one in root.iter() if one.attrib.get("aria-label") == f"Ana: {state}")
        return [f"{one.tag}{one.attrib.get('r', '')}" for one in dot if one.attrib.get("class") != "dw-target"]

    shapes = [tuple(shape(state)) for state in ("acknowledged", "unreachable", "told", "open")]
    assert len(set(shapes)) == 4


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=7))
def test_the_parts_of_a_meter_fill_it_and_even_one_of_thousands_is_seen(counts: list[int]) -> None:
    root = parsed(meter("Coverage", [MeterPart(count, "done", str(count)) for count in counts]))
    widths = [float(one.attrib["width"]) for one in root.iter() if one.tag.endswith("rect")]
    shown = [count for count in counts if count]
    assert len(widths) == len(shown)
    assert all(width >= 5.9 for width in widths)
    if shown:
        assert abs(sum(widths) + 2 * (len(shown) - 1) - 400) < 1


def test_text_from_outside_is_only_text_in_a_drawing() -> None:
    evil = '"><script>alert(1)</script>\x00\x1b\ud800'
    drawn = timeline("t", evil, [LaunchBar(evil, "T1", day=date(2026, 6, 1))], READER)
    assert "<script" not in drawn
    parsed(drawn)
    drawn.encode()
