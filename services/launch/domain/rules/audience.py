"""What each segment hears on which day, and who rides on which train, kept with every told message.

An announcement is a launch on its own, a group that launches together, or all that ride on one train. Launches that
name no segment bind nobody, and nor do those that are not told outside (market T4).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.launch import HAPPENED_STATES, OPEN_STATES, Launch, tier_of
from services.launch.domain.rules.rule import Board, Rule, Spot, Violation, monday_of
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId

REST, TOUCHES = "rest", "touches"

CROWDING = frozenset({REST, TOUCHES})

"""The constraints by which an audience keeps a launch from a day."""

DAYS_A_WEEK = 7

EVERYBODY = "everybody"

"""The segment of launches that name none; it needs no rest."""

TRAIN = "train"

"""The announcement of all that ride on one day's train."""

Touch = tuple[int, str]

"""A day (its ordinal) and an announcement on it."""

Put = Callable[[LaunchId, LaunchSnapshot | None], None]

NOBODY: Mapping[str, set[LaunchId]] = {}


@dataclass(frozen=True, slots=True)
class Crowd:
    """A rule by which one segment keeps a launch from a day, its sentence, and whom the segment hears instead."""

    constraint: str
    segment: str
    detail: str
    by: tuple[LaunchId, ...]


@dataclass(slots=True)
class Audiences:
    """By segment and day what is announced, by train who rides. Others are as they are; nothing is decided here."""

    _said: dict[str, dict[int, dict[str, set[LaunchId]]]] = field(default_factory=dict)
    _riders: dict[date, set[LaunchId]] = field(default_factory=dict)
    _known: dict[LaunchId, LaunchSnapshot] = field(default_factory=dict)
    declared: set[LaunchId] = field(default_factory=set)
    """Launches of which it is told that they crowd a segment."""

    def keep(self, launch: Launch) -> None:
        """Take in what a launch is now, for good."""
        self.put(launch.id, launch.snapshot)
        if any(one.constraint in CROWDING for one in launch.conflicts):
            self.declared.add(launch.id)
        else:
            self.declared.discard(launch.id)

    def put(self, launch: LaunchId, snapshot: LaunchSnapshot | None) -> None:
        """Take in what a launch is now; None: it is nowhere."""
        before = self._known.pop(launch, None)
        if before:
            self._take(before)
        counts = snapshot and snapshot.date and snapshot.state in OPEN_STATES | HAPPENED_STATES
        if snapshot and counts:
            self._known[launch] = snapshot
            self._add(snapshot)

    @contextmanager
    def tried(self) -> Iterator[Put]:
        """Put launches elsewhere for a while; leaving takes it back."""
        before: dict[LaunchId, LaunchSnapshot | None] = {}

        def put(launch: LaunchId, snapshot: LaunchSnapshot | None) -> None:
            before.setdefault(launch, self._known.get(launch))
            self.put(launch, snapshot)

        try:
            yield put
        finally:
            for launch, snapshot in before.items():
                self.put(launch, snapshot)

    def riders(self, train: date) -> frozenset[LaunchId]:
        """The launches ahead that ride on the train."""
        return frozenset(self._riders.get(train, ()))

    def against(self, one: LaunchSnapshot, day: date, calendar: Calendar) -> list[Crowd]:
        """Every rule of its audiences that the launch would break on the day, all others as they are."""
        rules, found, at = calendar.policy.audience, [], day.toordinal()
        monday = at - day.weekday()
        for segment in _named(one):
            near = self._others(one, day, segment, calendar)
            week = {touch: by for touch, by in near.items() if monday <= touch[0] < monday + DAYS_A_WEEK}
            if len(week) >= rules.touches_per_week:
                told = f"that makes {len(week) + 1} announcements to {segment} in the week of {day}"
                found.append(_crowd(TOUCHES, segment, f"{told}; {rules.touches_per_week} are allowed", week))
            close = {
                touch: by for touch, by in near.items() if rules.rest_days and abs(touch[0] - at) <= rules.rest_days
            }
            if close:
                days = ", ".join(sorted({str(date.fromordinal(heard)) for heard, _ in close}))
                detail = f"{segment} hears something else on {days}; {rules.rest_days} days of rest are due between"
                found.append(_crowd(REST, segment, detail, close))
        return found

    def against_all(self, moved: Iterable[LaunchSnapshot], calendar: Calendar) -> list[str]:
        """What audiences would have against these launches on their dates, all of them moved at once."""
        listed = list(moved)
        with self.tried() as put:
            for one in listed:
                put(one.id, one)
            crowds = [crowd for one in listed if one.date for crowd in self.against(one, one.date, calendar)]
        return [crowd.detail for crowd in crowds]

    def _others(
        self, one: LaunchSnapshot, day: date, segment: str, calendar: Calendar
    ) -> dict[Touch, frozenset[LaunchId]]:
        """Other announcements that the segment hears near the day: in its week, or too soon before or after it."""
        said = self._said.get(segment)
        if not said:
            return {}
        policy, at = calendar.policy, day.toordinal()
        rides = calendar.rides(tier_of(one), day)
        own = (at, TRAIN if rides else _touch(one.id, calendar))
        reach = max(policy.audience.rest_days, DAYS_A_WEEK - 1)
        found: dict[Touch, frozenset[LaunchId]] = {}
        for heard in range(at - reach, at + reach + 1):
            for name, launches in said.get(heard, NOBODY).items():
                touch = (heard, _touch(name, calendar))
                others = frozenset(launches - {one.id})
                if others and touch != own:
                    found[touch] = found.get(touch, frozenset()) | others
        return found

    def _add(self, one: LaunchSnapshot) -> None:
        for segment, day, name in _places(one):
            self._said.setdefault(segment, {}).setdefault(day, {}).setdefault(name, set()).add(one.id)
        if one.train and one.state in OPEN_STATES:
            self._riders.setdefault(one.train, set()).add(one.id)

    def _take(self, one: LaunchSnapshot) -> None:
        for segment, day, name in _places(one):
            self._said[segment][day][name].discard(one.id)
            if not self._said[segment][day][name]:
                del self._said[segment][day][name]
                self._forget(segment, day)
        if one.train and one.state in OPEN_STATES:
            self._riders[one.train].discard(one.id)
            if not self._riders[one.train]:
                del self._riders[one.train]

    def _forget(self, segment: str, day: int) -> None:
        if not self._said[segment][day]:
            del self._said[segment][day]
        if not self._said[segment]:
            del self._said[segment]


class Spacing(Rule):
    """Of the tiers in `spacing` a segment hears once in an ISO week; a group is one announcement."""

    names = ("spacing",)
    is_planned = True

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Each segment that hears of another such launch in the week."""
        tiers, group, monday = board.policy.spacing, board.group(spot.shape.id), monday_of(spot.day)
        if spot.tier not in tiers or not spot.shape.segments:
            return
        there = [other for other in board.near(spot.day, spot.day) if other.tier in tiers]
        there = [spot, *(other for other in there if other.shape.id != spot.shape.id)]
        for segment in sorted(set(spot.shape.segments)):
            heard = [other.shape for other in there if segment in other.shape.segments]
            others = [shape for shape in heard if shape.id not in group]
            if others:
                first = {board.calendar.group_of.get(shape.id, shape.id): shape.name for shape in reversed(others)}
                detail = f"{segment} hears of {' '.join(sorted(first.values()))} in the week of {monday}"
                yield Violation(
                    constraint="spacing",
                    detail=detail,
                    by=tuple(shape.id for shape in others),
                    together=tuple(shape.id for shape in heard if shape.id in group),
                    subject=f"{segment}, {monday}",
                )


class Crowding(Rule):
    """A named segment hears only so many announcements in an ISO week, and rests between two of them.

    All that ride on one train are one announcement, and so is a group. External T4 binds nobody.
    """

    names = (REST, TOUCHES)

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Each segment that would hear too much."""
        rules, segments = board.policy.audience, _named(spot.shape)
        if not segments:
            return
        reach = timedelta(days=rules.rest_days)
        own = _announcement(spot, board.calendar)
        others = [one for one in board.near(spot.day - reach, spot.day + reach) if one.shape.id != spot.shape.id]
        for segment in segments:
            heard: dict[tuple[date, str], list[LaunchId]] = {}
            for other in others:
                announcement = _announcement(other, board.calendar)
                if announcement != own and segment in _named(other.shape):
                    heard.setdefault(announcement, []).append(other.shape.id)
            yield from self._too_many(spot, segment, heard, rules.touches_per_week)
            yield from self._too_close(spot, segment, heard, rules.rest_days)

    def _too_many(
        self, spot: Spot, segment: str, heard: Mapping[tuple[date, str], list[LaunchId]], most: int
    ) -> Iterator[Violation]:
        week = [by for (day, _), by in heard.items() if monday_of(day) == monday_of(spot.day)]
        if len(week) >= most:
            told = f"that makes {len(week) + 1} announcements to {segment} in the week of {spot.day}"
            yield Violation(TOUCHES, f"{told}; {most} are allowed", by=_all(week), subject=segment)

    def _too_close(
        self, spot: Spot, segment: str, heard: Mapping[tuple[date, str], list[LaunchId]], rest: int
    ) -> Iterator[Violation]:
        close = {day: by for (day, _), by in heard.items() if rest and abs((day - spot.day).days) <= rest}
        if close:
            days = ", ".join(str(day) for day in sorted(close))
            detail = f"{segment} hears something else on {days}; {rest} days of rest are due between"
            by = _all(by for (day, _), by in heard.items() if day in close)
            yield Violation(REST, detail, by=by, subject=segment)


def _announcement(spot: Spot, calendar: Calendar) -> tuple[date, str]:
    """The day, and what is announced on it: what the train carries, what the group launches, or the launch."""
    rides = calendar.rides(spot.tier, spot.day)
    return spot.day, TRAIN if rides else _touch(spot.shape.id, calendar)


def _all(launches: Iterable[list[LaunchId]]) -> tuple[LaunchId, ...]:
    return tuple(sorted({launch for some in launches for launch in some}))


def _touch(name: str, calendar: Calendar) -> str:
    """The announcement that a launch is part of: its group's, or its own."""
    group = calendar.group_of.get(LaunchId(name))
    return name if group is None else f"group {group}"


def on_day(shape: LaunchSnapshot, day: date, calendar: Calendar) -> LaunchSnapshot:
    """The launch planned for the day, by train if it then leaves by train."""
    rides = calendar.rides(tier_of(shape), day)
    return shape.model_copy(update={"date": day, "train": day if rides else None, "state": "planned"})


def _places(one: LaunchSnapshot) -> Iterator[tuple[str, int, str]]:
    """Each segment, the day, and the announcement, as what is said is kept."""
    if one.date:
        day, name = one.date.toordinal(), TRAIN if one.train else one.id
        yield from ((segment, day, name) for segment in _named(one))


def _named(one: LaunchSnapshot) -> list[str]:
    """The segments that hear of it outside."""
    return [] if one.market_tier == "T4" else sorted({*one.segments} - {EVERYBODY})


def _crowd(rule: str, segment: str, detail: str, heard: Mapping[Touch, frozenset[LaunchId]]) -> Crowd:
    return Crowd(rule, segment, detail, tuple(sorted({launch for some in heard.values() for launch in some})))
