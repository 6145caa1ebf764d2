"""What a rule is asked, and what it may answer. No rule here: catalogue.py lists them.

A rule says the first day that is not too early for a launch (`bounds`), what it has against a day for the launch by
itself (`against`), and what it has against it because of other launches (`between`). Rules between launches come in
two kinds that the engine knows how to keep, so that one written as such is kept by plans too: so much of something in
a week (`WeeklyLimit`), and so many days from each other (`Distance`).
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import ClassVar, NamedTuple

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, tier_of
from services.launch.domain.policy import Activity, Policy
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId

WEEK = timedelta(weeks=1)
COUNTED = OPEN_STATES | HAPPENED_STATES
"""Launches in these states are in the way of others."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides a launch's dates: how loud, where, and the state of its features (none of them cancelled)."""

    tier: Tier
    regions: tuple[str, ...]
    features: tuple[KnownFeature, ...]
    today: date
    notice: int | None = None
    """Working days of notice still asked for after some were waived; None: what the tier asks for."""
    after_ready: tuple[tuple[Activity, int], ...] = ()
    """What teams can begin only when the features are ready, and is neither done nor waived; with its working days."""
    not_before: date | None = None
    not_after: date | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A day before which the launch cannot be, the rule, the feature behind it, and the sentence."""

    day: date
    constraint: str
    feature: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a day breaks, with its sentence: the feature behind it, or the other launches to blame (`by`).

    `subject` tells apart what one rule has against one day: the team and week, the segment, the other launch. `day` is
    the first one that would not be too early, where that is what is wrong.
    """

    constraint: str
    detail: str
    feature: str | None = None
    by: tuple[LaunchId, ...] = ()
    together: tuple[LaunchId, ...] = ()
    """Those of its group, itself among them, that break it; none: the launch alone."""
    subject: str = ""
    day: date | None = None
    each: bool = False
    """Whether each of `by` is enough; otherwise they break it all together."""


# ---- who is where


class LaunchDates(Mapping[LaunchId, date]):
    """By launch its date; `near` finds launches by week without a look at the others."""

    def __init__(self, days: Mapping[LaunchId, date] | None = None) -> None:
        self._days: dict[LaunchId, date] = {}
        self._weeks: dict[date, set[LaunchId]] = {}
        for launch, day in (days or {}).items():
            self.put(launch, day)

    def put(self, launch: LaunchId, day: date | None) -> None:
        """Take in where a launch is now; None: nowhere."""
        before = self._days.pop(launch, None)
        if before:
            week = self._weeks[monday_of(before)]
            week.discard(launch)
            if not week:
                del self._weeks[monday_of(before)]
        if day:
            self._days[launch] = day
            self._weeks.setdefault(monday_of(day), set()).add(launch)

    def near(self, mondays: Collection[date]) -> Iterator[LaunchId]:
        """The launches in the weeks that begin on these days, in no order."""
        for monday in mondays:
            yield from self._weeks.get(monday, ())

    def __getitem__(self, launch: LaunchId) -> date:
        return self._days[launch]

    def __iter__(self) -> Iterator[LaunchId]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)


def monday_of(day: date) -> date:
    """The first day of the day's ISO week."""
    return day - timedelta(days=day.weekday())


class Spot(NamedTuple):
    """A launch on a day."""

    shape: LaunchSnapshot
    day: date

    @property
    def tier(self) -> Tier:
        """What its dates follow: the louder of its two tiers."""
        return tier_of(self.shape)


@dataclass(slots=True)
class Board:
    """Who is where: launches that count on their dates, with some of them put elsewhere to see how that would be.

    `shape_of` gives every launch as it is, or will be, but for its date; `moved` the days of those put elsewhere (None:
    nowhere).
    """

    calendar: Calendar
    today: date
    dates: LaunchDates
    shape_of: Callable[[LaunchId], LaunchSnapshot]
    moved: Mapping[LaunchId, date | None] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """The policy that everybody on it follows."""
        return self.calendar.policy

    def day_of(self, launch: LaunchId) -> date | None:
        """Where a launch is; None: it has no date, or is none that counts."""
        return self.moved[launch] if launch in self.moved else self.dates.get(launch)

    def near(self, first: date, last: date) -> Iterator[Spot]:
        """The launches in the ISO weeks from one day's to another's, by id."""
        begin, end = monday_of(first), monday_of(last)
        weeks = [begin + at * WEEK for at in range((end - begin) // WEEK + 1)]
        there = {name for name in self.dates.near(weeks) if name not in self.moved}
        there |= {name for name, day in self.moved.items() if day and begin <= monday_of(day) <= end}
        for name in sorted(there):
            if day := self.day_of(name):
                yield Spot(self.shape_of(name), day)

    def reshaped(self, shapes: Mapping[LaunchId, LaunchSnapshot]) -> "Board":
        """The board with these launches as they will be, each on its date if it counts."""
        days = {name: shape.date if shape.state in COUNTED else None for name, shape in shapes.items()}
        known = self.shape_of
        return replace(self, shape_of=lambda name: shapes.get(name) or known(name), moved={**self.moved, **days})

    def group(self, launch: LaunchId) -> tuple[LaunchId, ...]:
        """All that share its date by the policy, itself among them, wherever persons have put them."""
        group = self.calendar.group_of.get(launch)
        return self.policy.together[group] if group else (launch,)

    def together(self, spot: Spot) -> list[Spot]:
        """The launch, and those of its group that are on the same day."""
        mates = (name for name in self.group(spot.shape.id) if name != spot.shape.id)
        there = (name for name in mates if self.day_of(name) == spot.day)
        return [spot, *(Spot(self.shape_of(name), spot.day) for name in there)]

    def put(self, launch: LaunchId, day: date | None) -> "Board":
        """The board with the launch on the day, and with it those that share its date as one group."""
        now = self.day_of(launch)
        mates = [name for name in self.group(launch) if now and self.day_of(name) == now]
        return replace(self, moved={**self.moved, **dict.fromkeys((*mates, launch), day)})


# ---- rules


class Rule:
    """One rule, or several that are one in people's minds. What is not overridden has nothing to say."""

    names: ClassVar[tuple[str, ...]]
    """The constraints that it names: in messages, chains, conflicts and explanations."""
    is_planned: ClassVar[bool] = False
    """Whether the engine keeps it, so that launches make room for each other."""

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """Days before which the launch cannot be, of every feature."""
        yield from ()

    def against(self, situation: Situation, day: date, calendar: Calendar) -> Iterator[Violation]:
        """What speaks against the day besides its being before a bound."""
        yield from ()

    def of_day(self, day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> Iterator[Violation]:
        """What speaks against the day for any launch of this tier in these regions; asked often, so remembered."""
        yield from ()

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """What speaks against the launch's being there as the others on the board are."""
        yield from ()


class Use(NamedTuple):
    """What a launch takes of something in its week plus `offset` weeks.

    The sentence begins with `resource` ("… in the week of"); the engine counts by it, so no two rules may share one.
    """

    resource: str
    offset: int
    units: int


class WeeklyLimit(Rule):
    """So much of a resource in an ISO week. Weeks that are over do not count.

    A group's launches add up: a group that needs more than the limit by itself finds no day. Who is in the way is in
    `by`, not in the sentence.
    """

    is_planned = True

    @abstractmethod
    def uses(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[Use]:
        """What the launch needs."""

    @abstractmethod
    def limit(self, resource: str, monday: date, policy: Policy) -> int:
        """Units of the resource in the week."""

    def resources(self, policy: Policy) -> Iterator[str]:
        """What is counted from the start; anything else is counted once a launch needs it."""
        yield from ()

    def reach(self, policy: Policy) -> tuple[int, int]:
        """The earliest and the latest week, counted from its own, in which a launch can need something."""
        return (0, 0)

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Each week of each resource that would be over its limit."""
        policy, together = board.policy, board.together(spot)
        needed = self._by_week(together, policy)
        needed = {key: units for key, units in needed.items() if key[1] >= monday_of(board.today)}
        if not needed:
            return
        first, last = self.reach(policy)
        begin, end = min(week for _, week in needed) - last * WEEK, max(week for _, week in needed) - first * WEEK
        mates = {mate.shape.id for mate in together}
        others = [other for other in board.near(begin, end) if other.shape.id not in mates]
        used: dict[tuple[str, date], dict[LaunchId, int]] = {}
        for other in others:
            for key, units in self._by_week([other], policy).items():
                if key in needed:
                    used.setdefault(key, {})[other.shape.id] = units
        for (resource, week), units in sorted(needed.items()):
            by = used.get((resource, week), {})
            total, most = sum(by.values()), self.limit(resource, week, policy)
            if total + units > most:
                detail = f"{resource} in the week of {week}: {total} of {most} used, {units} needed"
                users = (mate for mate in together if (resource, week) in self._by_week([mate], policy))
                yield Violation(
                    constraint=self.names[0],
                    detail=detail,
                    by=tuple(sorted(by)),
                    together=tuple(mate.shape.id for mate in users),
                    subject=f"{resource}, {week}",
                )

    def _by_week(self, spots: Iterable[Spot], policy: Policy) -> dict[tuple[str, date], int]:
        found: dict[tuple[str, date], int] = {}
        for spot in spots:
            own = monday_of(spot.day)
            for use in self.uses(spot.shape, spot.tier, policy):
                key = (use.resource, own + use.offset * WEEK)
                found[key] = found.get(key, 0) + use.units
        return found


ScopeKey = tuple[str, str]
"""Where launches keep apart: what people call it, and what of it (a product line, and a tier)."""


class Distance(Rule):
    """So many days between any two launches of one scope, unless they launch together."""

    is_planned = True

    @abstractmethod
    def scopes(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[tuple[ScopeKey, int]]:
        """The scopes that the launch is in, each with the days that must lie between it and the next one."""

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Each scope in which another launch is too close."""
        own = dict(self.scopes(spot.shape, spot.tier, board.policy))
        if not own:
            return
        reach = timedelta(days=max(own.values()))
        group = board.group(spot.shape.id)
        close: dict[ScopeKey, list[Spot]] = {}
        for other in board.near(spot.day - reach, spot.day + reach):
            if other.shape.id in group:
                continue
            for scope, _ in self.scopes(other.shape, other.tier, board.policy):
                if scope in own and abs((other.day - spot.day).days) < own[scope]:
                    close.setdefault(scope, []).append(other)
        for scope, others in sorted(close.items()):
            listed = " ".join(f"{other.shape.name} {other.day}" for other in others)
            by = tuple(other.shape.id for other in others)
            detail = f"{own[scope]} days from {listed} in {scope[0]}"
            yield Violation(self.names[0], detail, by=by, each=True)
