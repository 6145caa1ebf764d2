"""The launches ahead as a picture: values for shared.web.drawing, nothing drawn here."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import Launch
from services.launch.domain.policy import Freeze
from services.launch.domain.readiness import Known
from shared.contracts.launch import LaunchSnapshot, ProposedMove
from shared.web.drawing import LaunchBar, Span, timeline
from shared.web.reader import Reader

MOST_BARS: Final = 30
YEAR: Final = timedelta(days=366)


def draw(
    title: str, launches: Sequence[Launch], known: Mapping[str, Known], calendar: Calendar, reader: Reader
) -> Markup:
    """Lanes by product line or team, old dates as ghosts, freezes hatched, trains as rails."""
    shown = sorted(launches[:MOST_BARS], key=lambda one: (_lane(one), one.snapshot.date or date.max, one.id))
    bars = [_bar(one, known) for one in shown]
    first, last = reader.today - timedelta(days=31), reader.today + YEAR
    trains = list(_trains(calendar, first, last)) if any(one.snapshot.train for one in shown) else []
    return timeline("ahead", title, bars, reader, freezes=list(_freezes(calendar, first, last)), trains=trains)


def draw_moves(
    name: str, moves: Sequence[ProposedMove], known: Mapping[str, LaunchSnapshot], title: str, reader: Reader
) -> Markup:
    """What would move: the new dates, the present ones as ghosts; nothing without moves."""
    if not moves:
        return Markup()
    bars = [
        LaunchBar(
            name=known[one.launch].name,
            tier=known[one.launch].market_tier,
            href=f"/launch/launches/{quote(one.launch)}",
            state=known[one.launch].state,
            day=one.later_date,
            before=one.earlier_date,
        )
        for one in moves[:MOST_BARS]
        if one.launch in known
    ]
    return timeline(f"moves-{name}", title, bars, reader)


def earlier_date(launch: Launch) -> date | None:
    """The date that the launch had before its last move, for the ghost."""
    return launch.moves[-1].earlier if launch.moves and launch.snapshot.date else None


def _bar(launch: Launch, known: Mapping[str, Known]) -> LaunchBar:
    one = launch.snapshot
    return LaunchBar(
        name=one.name,
        tier=one.market_tier,
        href=f"/launch/launches/{quote(one.id)}",
        lane=_lane(launch),
        state="conflict" if launch.conflicts else one.state,
        day=one.date,
        before=earlier_date(launch),
        window=None if one.date else _window(launch, known),
        waits_for=one.waits_for or "",
    )


def _window(launch: Launch, known: Mapping[str, Known]) -> tuple[date, date] | None:
    """Where a launch without a date could come to lie: the windows of its features."""
    targets = [known[one.id].snapshot.target for one in launch.snapshot.features if one.id in known]
    windows = [(one.earliest, one.latest) for one in targets if one and one.earliest and one.latest]
    return (min(one[0] for one in windows), max(one[1] for one in windows)) if windows else None


def _lane(launch: Launch) -> str:
    one = launch.snapshot
    return one.product_line or next((feature.owner_team for feature in one.features if feature.owner_team), "") or ""


def _trains(calendar: Calendar, first: date, last: date) -> Iterator[date]:
    day = calendar.next_train(first)
    while day <= last:
        yield day
        day = calendar.next_train(day + timedelta(days=1))


def _freezes(calendar: Calendar, first: date, last: date) -> Iterator[Span]:
    for freeze in calendar.policy.freezes:
        for start, end in _spans(freeze, first.year, last.year):
            if end >= first and start <= last:
                yield Span(start, end, freeze.reason)


def _spans(freeze: Freeze, first_year: int, last_year: int) -> Iterator[tuple[date, date]]:
    if freeze.first and freeze.last:
        yield freeze.first, freeze.last
    if freeze.each_year_from and freeze.each_year_to:
        wraps = freeze.each_year_from > freeze.each_year_to
        for year in range(first_year - 1, last_year + 1):
            start = date.fromisoformat(f"{year}-{freeze.each_year_from}")
            yield start, date.fromisoformat(f"{year + wraps}-{freeze.each_year_to}")
