"""The words of the planning engine: a portfolio, an event, a plan, as plain values.

Dates are proleptic ordinals (`date.toordinal`), weeks are whole numbers of ISO weeks, counts are whole numbers.
No rule and no search here, and nothing that knows JSON.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

TIERS = ("T1", "T2", "T3")

DAYS_A_WEEK = 7


class Work(NamedTuple):
    """Units a team gives in the launch's week plus `offset` weeks."""

    team: str
    offset: int
    units: int


@dataclass(frozen=True, slots=True, eq=False)
class WorkingDays:
    """A lag of at least one working day: `day + lag` is the first day behind it, `day - lag` the last one before it."""

    count: int
    days: tuple[int, ...]  # all working days there are, sorted, and one day after the horizon

    def __radd__(self, day: int) -> int:
        return self.days[min(bisect_right(self.days, day) + self.count, len(self.days)) - 1]

    def __rsub__(self, day: int) -> int:
        at = bisect_right(self.days, day) - self.count
        return self.days[at] - 1 if at >= 0 else 0

    def __str__(self) -> str:
        return f"{self.count} working"


Lag = int | WorkingDays  # an int counts calendar days


REST = "rest"
"""The rule of lines in which all that ride on one train are one announcement."""


class Line(NamedTuple):
    """Where launches keep apart, by which rule: a product line (`name`), at a tier (`of`); a segment."""

    constraint: str
    name: str
    of: str


Scope = tuple[Line, int]  # with the days that must lie between two launches there


class After(NamedTuple):
    """A launch that must come at least the lag before."""

    launch: str
    lag: Lag


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    tier: str
    date: int
    regions: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    pinned: bool = False
    announced: bool = False
    work: tuple[Work, ...] = ()
    after: tuple[After, ...] = ()
    together: str | None = None
    scopes: tuple["Scope", ...] = ()
    audience: tuple[str, ...] = ()  # segments that hear only so many announcements a week
    rides: bool = False  # whether it is announced with all others on a day of a train
    not_after: int | None = None


@dataclass(frozen=True, slots=True)
class RegionDays:
    id: str
    weekend: frozenset[int]  # 1 Monday to 7 Sunday
    holidays: frozenset[int]


@dataclass(frozen=True, slots=True)
class FrozenSpan:
    first: int
    last: int
    tiers: frozenset[str]
    regions: frozenset[str] | None  # None: everywhere


@dataclass(frozen=True, slots=True)
class TeamWeeks:
    id: str
    first_week: int
    capacity: tuple[int, ...]  # zero outside the list
    constraint: str = "capacity"  # the rule that it stands for
    name: str = ""  # as people call it; empty: as its id


@dataclass(frozen=True, slots=True)
class EntryFeature:
    id: str
    ready_on: int
    confident_since: int


@dataclass(frozen=True, slots=True)
class Costs:
    soak: dict[str, int]
    lead: dict[str, int]
    weight: dict[str, int]
    proximity: tuple[tuple[int | None, int], ...]  # (within days, factor), the last one without a limit
    announced_factor: int = 1
    fixed_days: int = 10


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    today: int
    horizon: int
    policy: Costs
    regions: tuple[RegionDays, ...]
    freezes: tuple[FrozenSpan, ...]
    trains: dict[str, frozenset[int]]
    teams: tuple[TeamWeeks, ...]
    features: tuple[EntryFeature, ...]
    launches: tuple[Entry, ...]
    touches: int = 0  # announcements that a segment of an `audience` hears in a week
    train_days: frozenset[int] = frozenset()  # on which all that ride are one announcement


@dataclass(frozen=True, slots=True)
class Event:
    """A feature has these dates now; None keeps the one it had."""

    id: str
    feature: str
    ready_on: int | None = None
    confident_since: int | None = None


class ChainStep(NamedTuple):
    """One step of a chain: the launch could not stay on its old date because of this."""

    launch: str
    constraint: str
    detail: str


class EntryMove(NamedTuple):
    launch: str
    before: int
    after: int
    why: tuple[ChainStep, ...]


class EntryConflict(NamedTuple):
    launch: str
    constraint: str
    detail: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What should happen after an event; nothing has happened yet. `stage` is the last one that ran."""

    event: Event
    stage: str
    moves: tuple[EntryMove, ...]
    conflicts: tuple[EntryConflict, ...]
    cost: int
    lower_bound: int


class CycleError(ValueError):
    """The order of the launches goes in a circle; `launches` names it, the first one again at the end."""

    def __init__(self, launches: tuple[str, ...]) -> None:
        super().__init__("cycle: " + " -> ".join(launches))
        self.launches = launches


def week_of(day: int) -> int:
    """Number of the ISO week (Monday to Sunday) that holds the day."""
    return (day - 1) // DAYS_A_WEEK


def next_monday(day: int) -> int:
    """First day of the week after the day's."""
    return (week_of(day) + 1) * DAYS_A_WEEK + 1


def iso_day(day: int) -> str:
    return date.fromordinal(day).isoformat()


def iso_week(week: int) -> str:
    year, number, _ = date.fromordinal(week * DAYS_A_WEEK + 1).isocalendar()
    return f"{year:04d}-W{number:02d}"


def next_day(days: tuple[int, ...], first: int) -> int | None:
    """Return the earliest of the sorted days from `first` on."""
    at = bisect_left(days, first)
    return days[at] if at < len(days) else None


def last_day(days: tuple[int, ...], last: int) -> int:
    """Return the latest of the sorted days up to `last`, or a day before all of them."""
    at = bisect_left(days, last + 1)
    return days[at - 1] if at else 0
