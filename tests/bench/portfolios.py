"""Portfolios of any size for tests and measurements, in the format of `inloop plan`, from a seed.

Resembles LaunchBench in numbers and shapes: a year of launches, each on its first free date, and events of every kind.
No engine code is used here, so that a fault of the engine cannot hide in its own test material.
"""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

Json = dict[str, Any]
TODAY = date(2027, 1, 4)
HALF_YEAR = TODAY + timedelta(days=182)
HORIZON = TODAY + timedelta(days=895)
WEEKS = 138
CAPACITY = {"marketing": (8, 2), "sales": (5, 2), "docs": (6, 0), "support": (5, 2)}  # of it a quarter less every third
WORK = {
    "T1": {"marketing": {-5: 1, -4: 1, -3: 1, -2: 1, -1: 1, 0: 4}, "sales": {-2: 2, -1: 2, 0: 2},
           "docs": {-3: 2, -2: 2, -1: 2}, "support": {-1: 2, 0: 2, 1: 2}},
    "T2": {"marketing": {-2: 1, -1: 1, 0: 2}, "sales": {-1: 1, 0: 1}, "docs": {-2: 1, -1: 1}, "support": {0: 1}},
}  # fmt: skip
SOAK, LEAD = {"T1": 10, "T2": 5, "T3": 0}, {"T1": 42, "T2": 21, "T3": 7}
WEEKEND = {"us": [6, 7], "eu": [6, 7], "mea": [5, 6]}
SLIPS = (7, 21, 60)
RECENT = 12  # launches of a line that the next one may follow
PAIRED = 8  # percent of T1 and T2 that share the date of the one before


class Dice:
    """A fixed sequence of throws for each seed, the same on every machine and Python."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 7919 + 1
        for _ in range(3):
            self.roll(2)

    def roll(self, sides: int) -> int:
        self._state = self._state * 6364136223846793005 % 2**64 + 1442695040888963407
        return (self._state >> 33) % sides

    def chance(self, percent: int) -> bool:
        return self.roll(100) < percent

    def pick(self, values: list[Any]) -> Any:
        return values[self.roll(len(values))]

    def shuffled(self, values: list[Any]) -> list[Any]:
        keyed = [(self.roll(2**30), at) for at in range(len(values))]
        return [values[at] for _, at in sorted(keyed)]


def build_portfolio(size: int, seed: int, *, pooled: bool = False, lines: int = 0, window: int = 364) -> Json:
    """Build a feasible portfolio of so many launches; about a hundred of them share a line (and, not pooled, teams).

    Features become ready within the window (days): the narrower, the more launches are in each other's way.
    """
    dice = Dice(seed)
    lines = lines or max(1, size // 100)
    draft: Json = {
        "format": "inloop-portfolio/1",
        "id": f"{size}-{'pooled' if pooled else 'bu'}-{seed}",
        "today": TODAY.isoformat(),
        "horizon": HORIZON.isoformat(),
        "policy": _policy(),
        "regions": [_region(dice, name) for name in WEEKEND],
        "freezes": _freezes(),
        "trains": {"T3": [(TODAY + timedelta(days=15 + 28 * at)).isoformat() for at in range(32)]},
        "teams": _teams(lines, pooled=pooled),
        "features": [_feature(dice, at, window) for at in range(size + size // 10)],
        "launches": [],
    }
    launches = [_launch(dice, at, lines, size + size // 10, pooled) for at in range(size)]
    groups = _relate(dice, launches, lines, {f["id"]: f["ready_on"] for f in draft["features"]})
    draft["launches"] = [one for one in _Placing(draft, launches).place(groups) if one["date"]]
    known = {one["id"] for one in draft["launches"]}
    for one in draft["launches"]:
        one["after"] = [edge for edge in one["after"] if edge["launch"] in known]
    return draft


def _policy() -> Json:
    return {
        "soak_days": SOAK,
        "lead_days": LEAD,
        "apart_days": {"T1": 14},
        "weight": {"T1": 8, "T2": 3, "T3": 1},
        "announced_factor": 2,
        "fixed_days": 10,
        "proximity": [{"within_days": w, "factor": f} for w, f in ((14, 4), (42, 3), (90, 2), (None, 1))],
    }


def _region(dice: Dice, name: str) -> Json:
    days = {(TODAY + timedelta(days=dice.roll(890))).isoformat() for _ in range(28)}
    return {"id": name, "weekend": WEEKEND[name], "holidays": sorted(days)}


def _freezes() -> list[Json]:
    found: list[Json] = []
    for year in (2027, 2028, 2029):
        found.append(_freeze(date(year, 12, 20), 14, ["T1", "T2", "T3"], None))
        found += [_freeze(date(year, month, 27), 7, ["T1", "T2"], None) for month in (3, 6, 9)]
        found += [
            _freeze(date(year, 5, 4), 4, ["T1", "T2"], ["us"]),
            _freeze(date(year, 10, 30), 4, ["T1", "T2"], ["eu"]),
        ]
    return found


def _freeze(first: date, days: int, tiers: list[str], regions: list[str] | None) -> Json:
    last = first + timedelta(days=days - 1)
    return {"from": first.isoformat(), "to": last.isoformat(), "tiers": tiers, "regions": regions}


def _teams(lines: int, *, pooled: bool) -> list[Json]:
    def units(normal: int, scarce: int, at: int) -> int:
        quarters = 3 if at % 3 == scarce else 4
        units = normal * (lines if pooled else 1) * quarters // 4
        return units // 2 if at % 52 in (50, 51) else units

    return [
        {"id": f"{name}-{owner}", "first_week": "2027-W01", "capacity": [units(*c, at) for at in range(WEEKS)]}
        for name, c in CAPACITY.items()
        for owner in (["pool"] if pooled else range(lines))
    ]


def _feature(dice: Dice, at: int, window: int) -> Json:
    ready = TODAY + timedelta(days=dice.roll(window))
    confident = max(ready - timedelta(days=20 + dice.roll(100)), TODAY - timedelta(days=60))
    return {"id": f"F{at}", "ready_on": ready.isoformat(), "confident_since": confident.isoformat()}


def _launch(dice: Dice, at: int, lines: int, features: int, pooled: bool) -> Json:  # noqa: FBT001 - a private builder
    tier = dice.pick(["T1"] * 12 + ["T2"] * 38 + ["T3"] * 50)
    line = at % lines
    heard = 0 if tier == "T3" else dice.pick([1, 1, 2, 2, 3])
    return {
        "id": f"L{at}",
        "line": f"B{line}",
        "tier": tier,
        "date": "",
        "regions": sorted(dice.shuffled(list(WEEKEND))[: dice.pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 3])]),
        "segments": sorted(f"B{line}-S{s}" for s in dice.shuffled(list(range(6)))[:heard]),
        "features": sorted({_feature_of(dice, line, lines, features) for _ in range(dice.pick([1] * 7 + [2] * 3))}),
        "pinned": tier != "T3" and dice.chance(15),
        "announced": False,
        "work": _work(dice, tier, "pool" if pooled else line),
        "after": [],
        "together": None,
    }


def _work(dice: Dice, tier: str, owner: object) -> list[Json]:
    needs = WORK.get(tier) or {"docs": {-1 - dice.roll(3): 1}, **({"support": {0: 1}} if dice.chance(25) else {})}
    return [
        {"team": f"{team}-{owner}", "offset_weeks": offset, "units": units}
        for team, weeks in needs.items()
        for offset, units in weeks.items()
    ]


def _feature_of(dice: Dice, line: int, lines: int, features: int) -> str:
    """Name a feature of the line: every so many belongs to it, as with launches."""
    return f"F{line + lines * dice.roll((features - line + lines - 1) // lines)}"


def _relate(dice: Dice, launches: list[Json], lines: int, ready: dict[str, str]) -> list[list[Json]]:
    """Pair some launches, and let each follow others that were ready not long before it, mostly of its line.

    Returns the groups, predecessors first.
    """
    in_order = sorted(launches, key=lambda one: (max(ready[name] for name in one["features"]), one["id"]))
    groups: list[list[Json]] = []
    alone: dict[str, list[Json]] = {}  # the last group of the line whose launch has no mate
    recent: dict[str, list[Json]] = defaultdict(list)
    for one in in_order:
        one["announced"] = one["tier"] != "T3" and not one["pinned"] and dice.chance(15)
        mate = alone.get(one["line"], [])
        fits = one["tier"] != "T3" and mate and {one["tier"], mate[0]["tier"]} != {"T1"}
        if fits and dice.chance(PAIRED):
            one["together"] = mate[0]["together"] = f"G{one['id'][1:]}"
            one["pinned"], one["announced"] = mate[0]["pinned"], mate[0]["announced"]
            mate.append(one)
            del alone[one["line"]]
            continue
        groups.append([one])
        if one["tier"] != "T3":
            alone[one["line"]] = groups[-1]
    for group in groups:
        for one in group:
            for _ in range(dice.pick([0] * 60 + [1] * 32 + [2] * 8)):
                line = one["line"] if dice.chance(90) else f"B{dice.roll(lines)}"
                _follow(dice, one, recent[line][-RECENT:])
        for one in group:
            recent[one["line"]].append(one)
    return groups


def _follow(dice: Dice, one: Json, others: list[Json]) -> None:
    name = dice.pick(others)["id"] if others else None
    if name is not None and all(edge["launch"] != name for edge in one["after"]):
        one["after"].append({"launch": name, "lag_days": dice.pick([0, 7, 14, 28])})


class _Placing:
    """First-fit of every launch or group, in the order given."""

    def __init__(self, draft: Json, launches: list[Json]) -> None:
        self.launches = {one["id"]: one for one in launches}
        self.features = {f["id"]: (_day(f["ready_on"]), _day(f["confident_since"])) for f in draft["features"]}
        self.holidays = {r["id"]: {_day(h) for h in r["holidays"]} for r in draft["regions"]}
        self.trains = {_day(d) for d in draft["trains"]["T3"]}
        self.freezes = [(_day(f["from"]), _day(f["to"]), f["tiers"], f["regions"]) for f in draft["freezes"]]
        first = (TODAY.toordinal() - 1) // 7
        self.free = {(t["id"], first + at): units for t in draft["teams"] for at, units in enumerate(t["capacity"])}
        self.first_week = first
        self.heard: set[tuple[str, int]] = set()
        self.lines: dict[str, list[int]] = defaultdict(list)
        self.dates: dict[str, int] = {}

    def place(self, groups: list[list[Json]]) -> list[Json]:
        for members in groups:
            self._place(members)
        return list(self.launches.values())

    def _place(self, members: list[Json]) -> None:
        first = max(self._first(one) for one in members)
        day = next((d for d in range(first, HORIZON.toordinal() - 300) if self._fits(members, d)), 0)
        for one in members:
            self.dates[one["id"]] = day
            if day:
                one["date"] = date.fromordinal(day).isoformat()
                self._book(one, day)

    def _first(self, one: Json) -> int:
        tier = one["tier"]
        bounds = [max(r + SOAK[tier], c + LEAD[tier]) for r, c in (self.features[f] for f in one["features"])]
        first: int = max(
            [TODAY.toordinal() + 1, *bounds, *(self.dates[a["launch"]] + a["lag_days"] for a in one["after"])]
        )
        return first

    def _fits(self, members: list[Json], day: int) -> bool:
        return all(self._works(one, day) for one in members) and self._has_room(members, day)

    def _works(self, one: Json, day: int) -> bool:
        if one["tier"] == "T3" and day not in self.trains:
            return False
        if any((day - 1) % 7 + 1 in WEEKEND[r] or day in self.holidays[r] for r in one["regions"]):
            return False
        return not any(
            first <= day <= last and one["tier"] in tiers and (regions is None or set(regions) & set(one["regions"]))
            for first, last, tiers, regions in self.freezes
        )

    def _has_room(self, members: list[Json], day: int) -> bool:
        week = (day - 1) // 7
        needs: dict[tuple[str, int], int] = defaultdict(int)
        for one in members:
            if any((s, week) in self.heard for s in one["segments"]):
                return False
            if one["tier"] == "T1" and any(abs(day - other) < 14 for other in self.lines[one["line"]]):
                return False
            for w in one["work"]:
                needs[w["team"], week + w["offset_weeks"]] += w["units"]
        return all(self.free.get(at, 0) >= units for at, units in needs.items() if at[1] >= self.first_week)

    def _book(self, one: Json, day: int) -> None:
        week = (day - 1) // 7
        for w in one["work"]:
            at = (w["team"], week + w["offset_weeks"])
            self.free[at] = self.free.get(at, 0) - w["units"]
        self.heard.update((s, week) for s in one["segments"])
        if one["tier"] == "T1":
            self.lines[one["line"]].append(day)


def build_events(portfolio: Json, seed: int) -> list[Json]:
    """Nine events of the first half year: slips, ready earlier, confidence lost, a pin that breaks."""
    dice = Dice(seed + 1000)
    using = defaultdict(list)
    for one in portfolio["launches"]:
        for name in one["features"]:
            using[name].append(one)
    names = sorted(using)
    soon = [name for name in names if _first(using, name)["date"] <= HALF_YEAR.isoformat()] or names
    loose = [name for name in soon if not any(one["pinned"] for one in using[name])] or names
    pinned = [name for name in soon if _first(using, name)["pinned"]]
    behind = defaultdict(list)
    for one in portfolio["launches"]:
        for edge in one["after"]:
            behind[edge["launch"]].append(one["id"])
    worst = max(loose, key=lambda name: (_reach(behind, [one["id"] for one in using[name]]), name))
    found = [_slip(using, dice.pick(loose), days) for days in SLIPS]
    found += [_slip(using, worst, days) for days in SLIPS]
    name = dice.pick(names)
    ready = next(one["ready_on"] for one in portfolio["features"] if one["id"] == name)
    found.append({"feature": name, "ready_on": date.fromordinal(_day(ready) - 30).isoformat()})
    name = dice.pick(loose)
    since = _day(_first(using, name)["date"]) - LEAD[_first(using, name)["tier"]] + 14
    found.append({"feature": name, "confident_since": date.fromordinal(since).isoformat()})
    found.append(_slip(using, dice.pick(pinned), 21) if pinned else found[0] | {})
    return [{"id": f"E{at}", **event} for at, event in enumerate(found, 1)]


def _first(using: dict[str, list[Json]], name: str) -> Json:
    return min(using[name], key=lambda one: (one["date"], one["id"]))


def _slip(using: dict[str, list[Json]], name: str, days: int) -> Json:
    first = _first(using, name)
    ready = _day(first["date"]) - SOAK[first["tier"]] + days
    return {"feature": name, "ready_on": date.fromordinal(ready).isoformat()}


def _reach(behind: dict[str, list[str]], rest: list[str]) -> int:
    """Count the launches given and all that come behind them."""
    reached = set()
    while rest:
        name = rest.pop()
        if name not in reached:
            reached.add(name)
            rest += behind.get(name, ())
    return len(reached)


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()
