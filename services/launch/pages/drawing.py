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
    drawable = [launch for launch in ahead.launches if launch.is_open and _is_ahead(launch, ahead.known, reader.today)]
    lane = LANES.get(ahead.lanes, _line)
    shown = sorted(drawable[:MOST_BARS], key=lambda launch: (lane(launch), launch.snapshot.date or date.max, launch.id))
    bars = [_bar(launch, lane(launch), ahead, context) for launch in shown]
    first, last = reader.today - timedelta(days=31), reader.today + YEAR
    calendar = context.calendar
    trains = list(_trains(calendar, first, last)) if any(launch.snapshot.train for launch in shown) else []
    freezes = [Span(begin, end, _name(freeze)) for begin, end, freeze in calendar.freezes(first, last)]
    picture = timeline("ahead", title, bars, reader, Backdrop(freezes, trains, ahead.loads))
    return picture, len(bars)


def find_proposed(waiting: Sequence[Kept]) -> dict[str, date]:
    """The day that each launch would get if somebody said yes."""
    moves = [move for kept in waiting for move in kept.proposal.moves]
    return {move.launch: move.later_date for move in moves if move.later_date}


def draw_moves(
    name: str, moves: Sequence[ProposedMove], known: Mapping[str, LaunchSnapshot], title: str, reader: Reader
) -> Markup:
    """What would move: the new dates, the present ones as ghosts; nothing without moves."""
    if not moves:
        return Markup()
    bars = [
        LaunchBar(
            name=known[move.launch].name,
            tier=known[move.launch].market_tier,
            href=f"/launch/launches/{quote(move.launch)}",
            state=known[move.launch].state,
            day=move.later_date,
            before=move.earlier_date,
        )
        for move in moves[:MOST_BARS]
        if move.launch in known
    ]
    return timeline(f"moves-{name}", title, bars, reader)


def earlier_date(launch: Launch) -> date | None:
    """The date that the launch had before its last move, for the ghost."""
    return launch.moves[-1].earlier if launch.moves and launch.snapshot.date else None


def _bar(launch: Launch, lane: str, ahead: Ahead, context: Context) -> LaunchBar:
    snapshot = launch.snapshot
    begins = (lead.begin_by for lead in contract(snapshot, context.calendar, context.today) if lead.days > 0)
    return LaunchBar(
        name=snapshot.name,
        tier=snapshot.market_tier,
        href=f"/launch/launches/{quote(snapshot.id)}",
        lane=lane,
        state="conflict" if launch.conflicts else snapshot.state,
        day=snapshot.date,
        before=earlier_date(launch),
        proposed=ahead.proposed.get(snapshot.id),
        starts=next((day for day in begins if day), None),
        slack=ahead.slack.get(snapshot.id) or 0,
        window=None if snapshot.date else _window(launch, ahead.known),
        waits_for=snapshot.waits_for or "",
    )


def _is_ahead(launch: Launch, known: Mapping[str, KnownFeature], today: date) -> bool:
    """A window that is over would only press the days ahead together."""
    window = None if launch.snapshot.date else _window(launch, known)
    return launch.snapshot.date is not None or (window is not None and window[1] >= today)


def _window(launch: Launch, known: Mapping[str, KnownFeature]) -> tuple[date, date] | None:
    """Where a launch without a date could come to lie: the windows of its features."""
    targets = [known[feature.id].snapshot.target for feature in launch.snapshot.features if feature.id in known]
    windows = [(target.earliest, target.latest) for target in targets if target and target.earliest and target.latest]
    return (min(window[0] for window in windows), max(window[1] for window in windows)) if windows else None


def _line(launch: Launch) -> str:
    snapshot = launch.snapshot
    return (
        snapshot.product_line
        or next((feature.owner_team for feature in snapshot.features if feature.owner_team), "")
        or ""
    )


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
