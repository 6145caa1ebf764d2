"""An invented company for the style page. No route and no markup here, except drawings."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.web.drawing import (
    Cell,
    GridColumn,
    GridRow,
    LaunchBar,
    Ripple,
    RippleLaunch,
    RippleNode,
    RipplePerson,
    Span,
)

NOW = datetime(2026, 5, 4, 8, 12, tzinfo=UTC)


def _d(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


LAUNCHES: list[dict[str, Any]] = [
    {
        "id": "L-PAY-204",
        "name": "Instant payouts",
        "tier": "T1",
        "state": "planned",
        "before": _d(6, 9),
        "day": _d(6, 23),
        "who": "12 of 14",
        "team": "Payments",
    },
    {
        "id": "L-PAY-311",
        "name": "Refunds in two clicks",
        "tier": "T3",
        "state": "planned",
        "before": None,
        "day": _d(5, 19),
        "who": "5 of 5",
        "team": "Payments",
    },
    {
        "id": "L-ID-77",
        "name": "Passkeys for every account",
        "tier": "T2",
        "state": "held",
        "before": _d(5, 12),
        "day": None,
        "who": "8 of 11",
        "team": "Identity",
    },
    {
        "id": "L-ID-90",
        "name": "Single sign-on for partners with a rather long name",
        "tier": "T2",
        "state": "planned",
        "before": _d(8, 4),
        "day": _d(7, 14),
        "who": "3 of 9",
        "team": "Identity",
    },
    {
        "id": "L-DAT-12",
        "name": "Exports to your warehouse",
        "tier": "T3",
        "state": "launched",
        "before": None,
        "day": _d(4, 21),
        "who": "6 of 6",
        "team": "Data",
    },
    {
        "id": "L-DAT-30",
        "name": "Forecasts",
        "tier": "T1",
        "state": "draft",
        "before": None,
        "day": None,
        "who": "0 of 0",
        "team": "Data",
    },
]

BARS = [
    LaunchBar("Instant payouts", "T1", "#a", "Payments", day=_d(6, 23), before=_d(6, 9), starts=_d(5, 5)),
    LaunchBar("Refunds in two clicks", "T3", "#b", "Payments", day=_d(5, 19), starts=_d(5, 6)),
    LaunchBar(
        "Passkeys for every account", "T2", "#c", "Identity", "held", waits_for="waits for a new date of Passkeys"
    ),
    LaunchBar("Single sign-on for partners", "T2", "#d", "Identity", day=_d(7, 14), before=_d(8, 4), starts=_d(6, 10)),
    LaunchBar("Exports to your warehouse", "T3", "#e", "Data", "launched", day=_d(4, 21)),
    LaunchBar("Forecasts", "T1", "#f", "Data", "draft", window=(_d(7, 1), _d(9, 30)), waits_for="some time in Q3"),
]
FREEZES = [Span(_d(7, 27), _d(8, 7), "Summer freeze")]
TRAINS = [_d(4, 21), _d(5, 19), _d(6, 16), _d(7, 14), _d(8, 11)]

CELLS = {
    "a": Cell("acknowledged", "knows"),
    "o": Cell("open", "needs their OK"),
    "s": Cell("seen", "told, no reply needed"),
    "w": Cell("waived", "excused"),
    "u": Cell("unreachable", "cannot be reached"),
}
PEOPLE = [
    "Ana Ribeiro",
    "Bo Lindqvist",
    "Chidi Okafor",
    "Dora Weiss",
    "Emre Yilmaz",
    "Fatou Diop",
    "Goran Petrov",
    "Hana Sato",
]
ROLES = ["pmm", "pm", "cs lead", "sales enablement", "support", "docs", "champion", "lead"]
MARKS = ["aa o a", "aasoa ", "a uo  ", "oa a w", "aaaaa ", "  so  ", "uuuu u", "s s s "]
GRID_ROWS = [GridRow(f"p{index}", name, ROLES[index], f"#p{index}") for index, name in enumerate(PEOPLE)]
GRID_COLUMNS = [GridColumn(one["id"], one["name"], "", f"#{one['id']}") for one in LAUNCHES]
GRID_CELLS = {
    (row.id, column.id): CELLS[mark]
    for row, marks in zip(GRID_ROWS, MARKS, strict=True)
    for column, mark in zip(GRID_COLUMNS, marks, strict=True)
    if mark != " "
}

_STATES = [
    ("acknowledged", "knows since 10:05"),
    ("told", "told at 10:02"),
    ("open", "not told yet"),
    ("unreachable", "cannot be reached"),
]
RIPPLE = Ripple(
    act=RippleNode("act", "PAY-204 slips", "by Marta in Jira", "#act"),
    features=[
        RippleNode("PAY-204", "Instant payouts", "10 working days later", "#f1"),
        RippleNode("PAY-207", "Payout webhooks", "blocked by PAY-204", "#f2"),
    ],
    launches=[
        RippleLaunch("L1", "Instant payouts", "T1", ("PAY-204", "PAY-207"), _d(6, 9), _d(6, 23), "#l1"),
        RippleLaunch("L2", "Developer week", "T2", ("PAY-207",), _d(6, 16), _d(6, 30), "#l2"),
        RippleLaunch("L3", "May train", "T3", ("PAY-207",), None, _d(6, 16), "#l3"),
    ],
    people=[
        RipplePerson(
            f"p{n}",
            f"Person {n}",
            team,
            *_STATES[(n * 7) % 11 % 4 if n % 3 else 0],
            launches=(f"L{1 + n % 3}",),
            href=f"#p{n}",
        )
        for n, team in enumerate(["Payments"] * 5 + ["Sales"] * 11 + ["Customer success"] * 9 + ["Docs"] * 2)
    ],
    heads=("What happened", "Features", "Launches", "Teams", "People"),
    times=("10:02:03", "+0.1 s", "replanned +1.2 s", "", "first told +2.9 s"),
)

NOTICES: list[dict[str, Any]] = [
    {
        "id": "n1",
        "tier": "T1",
        "state": "open",
        "headline": "Instant payouts moves to June 23",
        "before": _d(6, 9),
        "day": _d(6, 23),
        "at": NOW - timedelta(minutes=4),
        "kinds": ["delayed", "rescheduled"],
        "why": [
            "PAY-204 Instant payouts slipped by 10 working days in Jira.",
            "It is ready on June 16; five working days of soak follow.",
            "June 23 is the first free Tuesday.",
        ],
    },
    {
        "id": "n2",
        "tier": "T2",
        "state": "open",
        "headline": "Passkeys is on hold",
        "before": _d(5, 12),
        "day": None,
        "at": NOW - timedelta(hours=3),
        "kinds": ["paused", "held"],
        "why": ["ID-77 Passkeys was paused.", "The launch waits until it goes on."],
    },
    {
        "id": "n3",
        "tier": "T3",
        "state": "acknowledged",
        "headline": "Refunds in two clicks boards the train of May 19",
        "before": None,
        "day": _d(5, 19),
        "at": NOW - timedelta(days=2),
        "kinds": ["boarded"],
        "why": ["PAY-311 got a date.", "Small launches travel with the next train."],
    },
]


def launches_called(text: str) -> list[dict[str, Any]]:
    """The launches whose name holds the text."""
    return [one for one in LAUNCHES if text.lower() in one["name"].lower()]


def bars_of(launches: list[dict[str, Any]]) -> list[LaunchBar]:
    """Their bars in the timeline."""
    names = [one["name"] for one in launches]
    return [bar for bar in BARS if any(name.startswith(bar.name) for name in names)]
