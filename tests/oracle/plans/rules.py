"""The rules, each as one generator over one portfolio with one date for each launch.

Nothing is indexed cleverly and nothing is kept up to date: a World is built, asked and thrown away.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations
from typing import Any, NamedTuple

Json = dict[str, Any]
Features = dict[str, tuple[date, date]]
WEEK = timedelta(days=7)


class Violation(NamedTuple):
    """A broken rule: its name, the launches that break it together, and what is wrong."""

    rule: str
    launches: tuple[str, ...]
    detail: str


def monday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def group_of(launch: Json) -> str:
    """Name what shares one date: the group, or the launch alone."""
    return f"group {launch['together']}" if launch.get("together") is not None else f"launch {launch['id']}"


def features_after(portfolio: Json, event: Json | None = None) -> Features:
    """Ready and confident-since dates, after the event."""
    found = {
        f["id"]: (date.fromisoformat(f["ready_on"]), date.fromisoformat(f["confident_since"]))
        for f in portfolio["features"]
    }
    if event is not None:
        ready, confident = found[event["feature"]]
        if event.get("ready_on") is not None:
            ready = date.fromisoformat(event["ready_on"])
        if event.get("confident_since") is not None:
            confident = date.fromisoformat(event["confident_since"])
        found[event["feature"]] = (ready, confident)
    return found


class Book:
    """What a portfolio says of days, weeks and teams, launches and features apart; read once for many worlds."""

    def __init__(self, portfolio: Json) -> None:
        self.horizon = date.fromisoformat(portfolio["horizon"])
        self.regions = {
            r["id"]: (set(r["weekend"]), {date.fromisoformat(h) for h in r["holidays"]}) for r in portfolio["regions"]
        }
        self.freezes = [
            (date.fromisoformat(f["from"]), date.fromisoformat(f["to"]), f["tiers"], f.get("regions"))
            for f in portfolio["freezes"]
        ]
        self.trains = {tier: {date.fromisoformat(d) for d in days} for tier, days in portfolio["trains"].items()}
        self.capacity = {team["id"]: self._capacity(team) for team in portfolio["teams"]}

    def _capacity(self, team: Json) -> dict[date, int]:
        year, week = team["first_week"].split("-W")
        first = date.fromisocalendar(int(year), int(week), 1)
        return {first + at * WEEK: units for at, units in enumerate(team["capacity"])}


class World:
    def __init__(
        self,
        portfolio: Json,
        event: Json | None = None,
        moved: dict[str, date] | None = None,
        book: Book | None = None,
    ) -> None:
        self.portfolio = portfolio
        self.book = book or Book(portfolio)
        self.policy: Json = portfolio["policy"]
        self.launches: dict[str, Json] = {launch["id"]: launch for launch in portfolio["launches"]}
        self.old = {name: date.fromisoformat(launch["date"]) for name, launch in self.launches.items()}
        self.dates = self.old | (moved or {})
        self.features = features_after(portfolio, event)
        self.today = date.fromisoformat(portfolio["today"])

    def violations(self) -> Iterator[Violation]:
        for name, launch in self.launches.items():
            yield from self.calendar(launch, self.dates[name])
            yield from self.bounds(launch, self.dates[name])
        yield from self.together()
        yield from self.crowded()
        yield from self.spacing()
        yield from self.apart()

    # ---- one launch and one day

    def calendar(self, launch: Json, day: date) -> Iterator[Violation]:
        who = (launch["id"],)
        if day < self.today:
            yield Violation("today", who, f"{day} is before today")
        if day > self.book.horizon:
            yield Violation("horizon", who, f"{day} is after the horizon")
        yield from self._idle(launch, day)
        yield from self._frozen(launch, day)
        if launch["tier"] in self.book.trains and day not in self.book.trains[launch["tier"]]:
            yield Violation("train", who, f"{day} is no train")

    def _idle(self, launch: Json, day: date) -> Iterator[Violation]:
        for region in launch["regions"]:
            weekend, holidays = self.book.regions[region]
            if day.isoweekday() in weekend or day in holidays:
                yield Violation("workday", (launch["id"],), f"{day} is no working day in {region}")

    def _frozen(self, launch: Json, day: date) -> Iterator[Violation]:
        for first, last, tiers, regions in self.book.freezes:
            inside = first <= day <= last and launch["tier"] in tiers
            if inside and (regions is None or set(regions) & set(launch["regions"])):
                yield Violation("freeze", (launch["id"],), f"{day} is frozen")

    def bounds(self, launch: Json, day: date) -> Iterator[Violation]:
        """Earliest-date rules; the second of the launches is the predecessor, the detail starts with the culprit."""
        soak, lead = self.policy["soak_days"][launch["tier"]], self.policy["lead_days"][launch["tier"]]
        for feature in launch["features"]:
            ready, confident = self.features[feature]
            if (day - ready).days < soak:
                yield Violation("ready", (launch["id"],), f"{feature} is ready on {ready}, {soak} days are needed")
            if (day - confident).days < lead:
                yield Violation("notice", (launch["id"],), f"{feature} sure since {confident}, {lead} days are needed")
        for after in launch["after"]:
            other = after["launch"]
            if (day - self.dates[other]).days < after["lag_days"]:
                yield Violation("after", (launch["id"], other), f"{other} is on {self.dates[other]}")

    # ---- launches among each other

    def together(self) -> Iterator[Violation]:
        groups = defaultdict(set)
        for name, launch in self.launches.items():
            groups[group_of(launch)].add(name)
        for names in groups.values():
            if len({self.dates[name] for name in names}) > 1:
                yield Violation("together", tuple(sorted(names)), "not on one date")

    def needs(self) -> dict[tuple[str, date], dict[str, int]]:
        """Units by team and week, from this week on, and by launch."""
        found: dict[tuple[str, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for name, launch in self.launches.items():
            for work in launch["work"]:
                weeks_ahead = (monday(self.dates[name]) - monday(self.today)).days // 7 + work["offset_weeks"]
                if weeks_ahead >= 0:
                    found[work["team"], monday(self.today) + weeks_ahead * WEEK][name] += work["units"]
        return found

    def crowded(self) -> Iterator[Violation]:
        for (team, week), users in self.needs().items():
            used, capacity = sum(users.values()), self.book.capacity[team].get(week, 0)
            if used > capacity:
                yield Violation("capacity", tuple(sorted(users)), f"{team}, week of {week}: {used} of {capacity}")

    def spacing(self) -> Iterator[Violation]:
        heard = defaultdict(set)
        for name, launch in self.launches.items():
            for segment in launch["segments"]:
                heard[segment, monday(self.dates[name])].add(name)
        for (segment, week), names in heard.items():
            if len({group_of(self.launches[name]) for name in names}) > 1:
                yield Violation("spacing", tuple(sorted(names)), f"all to {segment} in the week of {week}")

    def apart(self) -> Iterator[Violation]:
        lines = defaultdict(list)
        for name, launch in self.launches.items():
            lines[launch["line"], launch["tier"]].append(name)
        for (line, tier), names in lines.items():
            least = self.policy["apart_days"].get(tier, 0)
            for one, other in combinations(sorted(names), 2) if least else ():
                apart = abs((self.dates[one] - self.dates[other]).days)
                if apart < least and group_of(self.launches[one]) != group_of(self.launches[other]):
                    yield Violation("apart", (one, other), f"{apart} of {least} days apart in {line}")
