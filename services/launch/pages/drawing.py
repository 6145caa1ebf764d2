"""The launches ahead as a picture: values for shared.web.drawing, nothing drawn here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch
from services.launch.domain.policy import TIERS, Freeze
from services.launch.domain.rules.lead import contract
from services.launch.store.proposals import Kept
from shared.contracts.launch import LaunchSnapshot, ProposedMove
from shared.web.drawing import Backdrop, LaunchBar, LoadBand, Span, timeline
from shared.web.reader import Reader

MOST_BARS: Final = 40
YEAR: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the calendar shows.

    Attributes:
        launches: soonest first; those of which no day can be said are left to the list.
        known: their features.
        slack: days by which a launch's features may slip.
        proposed: the day that waits for a person's yes.
        loads: how full each team is.
        lanes: `tier`, `none`, or anything else for product lines and teams.
    """

    launches: Sequence[Launch]
    known: Mapping[str, KnownFeature]
    slack: Mapping[str, int | None]
    proposed: Mapping[str, date]
    loads: Sequence[LoadBand]
    lanes: str = ""


def draw(title: str, ahead: Ahead, context: Context, reader: Reader) -> tuple[Markup, int]:
    """The calendar, and how many launches are on it: lanes, old dates as ghosts, freezes hatched, trains as rails."""
    drawable = [one for one in ahead.launches if one.is_open and _is_ahead(one, ahead.known, reader.today)]
    lane = LANES.get(ahead.lanes, _line)
    shown = sorted(drawable[:MOST_BARS], key=lambda one: (lane(one), one.snapshot.date or date.max, one.id))
    bars = [_bar(one, lane(one), ahead, context) for one in shown]
    first, last = reader.today - timedelta(days=31), reader.today + YEAR
    calendar = context.calendar
    trains = list(_trains(calendar, first, last)) if any(one.snapshot.train for one in shown) else []
    freezes = [Span(one, other, _name(freeze)) for one, other, freeze in calendar.freezes(first, last)]
    picture = timeline("ahead", title, bars, reader, Backdrop(freezes, trains, ahead.loads))
    return picture, len(bars)


def find_proposed(waiting: Sequence[Kept]) -> dict[str, date]:
    """The day that each launch would get if somebody said yes."""
    moves = [move for one in waiting for move in one.proposal.moves]
    return {one.launch: one.later_date for one in moves if one.later_date}


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


def _bar(launch: Launch, lane: str, ahead: Ahead, context: Context) -> LaunchBar:
    one = launch.snapshot
    begins = (lead.begin_by for lead in contract(one, context.calendar, context.today) if lead.days > 0)
    return LaunchBar(
        name=one.name,
        tier=one.market_tier,
        href=f"/launch/launches/{quote(one.id)}",
        lane=lane,
        state="conflict" if launch.conflicts else one.state,
        day=one.date,
        before=earlier_date(launch),
        proposed=ahead.proposed.get(one.id),
        starts=next((day for day in begins if day), None),
        slack=ahead.slack.get(one.id) or 0,
        window=None if one.date else _window(launch, ahead.known),
        waits_for=one.waits_for or "",
    )


def _is_ahead(launch: Launch, known: Mapping[str, KnownFeature], today: date) -> bool:
    """A window that is over would only press the days ahead together."""
    window = None if launch.snapshot.date else _window(launch, known)
    return launch.snapshot.date is not None or (window is not None and window[1] >= today)


def _window(launch: Launch, known: Mapping[str, KnownFeature]) -> tuple[date, date] | None:
    """Where a launch without a date could come to lie: the windows of its features."""
    targets = [known[one.id].snapshot.target for one in launch.snapshot.features if one.id in known]
    windows = [(one.earliest, one.latest) for one in targets if one and one.earliest and one.latest]
    return (min(one[0] for one in windows), max(one[1] for one in windows)) if windows else None


def _line(launch: Launch) -> str:
    one = launch.snapshot
    return one.product_line or next((feature.owner_team for feature in one.features if feature.owner_team), "") or ""


def _tier(launch: Launch) -> str:
    return launch.snapshot.market_tier


LANES: Final[Mapping[str, Callable[[Launch], str]]] = {"tier": _tier, "none": lambda _: ""}


def _name(freeze: Freeze) -> str:
    return freeze.reason if freeze.tiers == TIERS else f"{freeze.reason} ({', '.join(freeze.tiers)})"


def _trains(calendar: Calendar, first: date, last: date) -> Iterator[date]:
    day = calendar.next_train(first)
    while day <= last:
        yield day
        day = calendar.next_train(day + timedelta(days=1))
