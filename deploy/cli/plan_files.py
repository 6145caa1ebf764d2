"""A JSON value that knows its path, so that every complaint can name it.

Only the shapes of single values; what a portfolio consists of is in interchange.py.
"""

import re
from collections.abc import Container, Iterator
from datetime import date
from typing import Any, NoReturn

from services.launch.domain.scheduling.engine.blocks import named_once, order_launches
from services.launch.domain.scheduling.engine.model import (
    TIERS,
    After,
    Costs,
    CycleError,
    Entry,
    EntryFeature,
    Event,
    FrozenSpan,
    Line,
    Plan,
    PlanningProblem,
    RegionDays,
    TeamWeeks,
    Work,
    iso_day,
    week_of,
)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

_WEEK = re.compile(r"(\d{4})-W(\d\d)", re.ASCII)


class FormatError(ValueError):
    """Input that does not follow the format: where (JSON path), then why."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")


class Node:
    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = value, path

    def fail(self, why: str) -> NoReturn:
        raise FormatError(self.path or "(top)", why)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.fail("must be an object")
        return self.value

    def _under(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        return self._object().get(key) is not None

    def __getitem__(self, key: str) -> "Node":
        if key not in self._object():
            raise FormatError(self._under(key), "is missing")
        return Node(self.value[key], self._under(key))

    def fields(self) -> Iterator[tuple[str, "Node"]]:
        return ((key, Node(value, self._under(key))) for key, value in self._object().items())

    def items(self) -> Iterator["Node"]:
        if not isinstance(self.value, list):
            self.fail("must be a list")
        return (Node(value, f"{self.path}[{at}]") for at, value in enumerate(self.value))

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            self.fail("must be a non-empty string")
        return self.value

    def whole(self, low: int | None = None, high: int | None = None) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail(f"must be a whole number, is {self.value!r}")
        if low is not None and self.value < low:
            self.fail(f"must be a whole number from {low}, is {self.value!r}")
        if high is not None and self.value > high:
            self.fail(f"must be a whole number up to {high}, is {self.value!r}")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail("must be true or false")
        return self.value

    def one_of(self, names: Container[str], what: str) -> str:
        if not isinstance(self.value, str):
            self.fail(f"must be the name of a {what}, is {self.value!r}")
        if self.value not in names:
            self.fail(f"no such {what} {self.value!r}")
        return self.value

    def day(self) -> int:
        try:
            if not _DAY.fullmatch(self.value):
                raise ValueError  # noqa: TRY301 - one place says what a date looks like
            return date.fromisoformat(self.value).toordinal()
        except (TypeError, ValueError):
            self.fail(f"must be a date like 2027-01-31, is {self.value!r}")

    def week(self) -> int:
        match = _WEEK.fullmatch(self.value) if isinstance(self.value, str) else None
        try:
            if match is None:
                raise ValueError  # noqa: TRY301 - one place says what a week looks like
            return week_of(date.fromisocalendar(int(match[1]), int(match[2]), 1).toordinal())
        except ValueError:
            self.fail(f"must be an ISO week like 2027-W01, is {self.value!r}")


FORMAT = "inloop-portfolio/1"

SUNDAY = 7


Known = tuple[dict[str, Node], dict[str, Node], dict[str, Node]]
"""Regions, teams and features by id."""


def read_portfolio(value: object) -> PlanningProblem:
    """Build a portfolio from the decoded JSON. Raises FormatError."""
    top = Node(value, "")
    if top["format"].value != FORMAT:
        top["format"].fail(f"must be {FORMAT!r}, is {top['format'].value!r}")
    today, horizon = top["today"].day(), top["horizon"].day()
    if horizon < today:
        top["horizon"].fail("is before today")
    regions = _by_id(top["regions"], "region")
    teams = _by_id(top["teams"], "team")
    features = _by_id(top["features"], "feature")
    apart = {tier: days.whole(1) for tier, days in top["policy"]["apart_days"].fields()}
    return PlanningProblem(
        today=today,
        horizon=horizon,
        policy=_read_policy(top["policy"]),
        regions=tuple(_read_region(name, node) for name, node in regions.items()),
        freezes=tuple(_read_freeze(node, regions) for node in top["freezes"].items()),
        trains={tier: frozenset(d.day() for d in days.items()) for tier, days in top["trains"].fields()},
        teams=tuple(_read_team(name, node) for name, node in teams.items()),
        features=tuple(
            EntryFeature(name, node["ready_on"].day(), node["confident_since"].day()) for name, node in features.items()
        ),
        launches=_read_launches(top["launches"], (regions, teams, features), apart),
    )


def read_event(value: object, line: int, portfolio: PlanningProblem) -> Event:
    """Build the event of one line (counted from 1). Raises FormatError."""
    node = Node(value, f"events[line {line}]")
    known = {feature.id for feature in portfolio.features}
    return Event(
        id=node["id"].text(),
        feature=node["feature"].one_of(known, "feature"),
        ready_on=node["ready_on"].day() if node.has("ready_on") else None,
        confident_since=node["confident_since"].day() if node.has("confident_since") else None,
    )


def plan_to_json(plan: Plan) -> dict[str, object]:
    """Turn a plan into the object that is printed, without `elapsed_ms`: the engine has no clock."""
    return {
        "event": plan.event.id,
        "stage": plan.stage,
        "moves": [
            {
                "launch": move.launch,
                "from": iso_day(move.before),
                "to": iso_day(move.after),
                "why": [{"event": plan.event.id}, *(link._asdict() for link in move.why)],
            }
            for move in plan.moves
        ],
        "conflicts": [conflict._asdict() for conflict in plan.conflicts],
        "cost": plan.cost,
        "lower_bound": plan.lower_bound,
    }


def _by_id(nodes: Node, what: str) -> dict[str, Node]:
    seen: dict[str, Node] = {}
    for node in nodes.items():
        name = node["id"].text()
        if name in seen:
            node["id"].fail(f"{what} {name!r} is there twice")
        seen[name] = node
    return seen


def _read_policy(node: Node) -> Costs:
    proximity = tuple(
        (p["within_days"].whole() if p.has("within_days") else None, p["factor"].whole(1))
        for p in node["proximity"].items()
    )
    if not proximity or proximity[-1][0] is not None:
        node["proximity"].fail("the last entry must have within_days null")
    return Costs(
        soak={tier: node["soak_days"][tier].whole(0) for tier in TIERS},
        lead={tier: node["lead_days"][tier].whole(0) for tier in TIERS},
        weight={tier: node["weight"][tier].whole(1) for tier in TIERS},
        proximity=proximity,
        announced_factor=node["announced_factor"].whole(1),
        fixed_days=node["fixed_days"].whole(0),
    )


def _read_region(name: str, node: Node) -> RegionDays:
    weekend = frozenset(w.whole(1, SUNDAY) for w in node["weekend"].items())
    return RegionDays(name, weekend, frozenset(h.day() for h in node["holidays"].items()))


def _read_freeze(node: Node, regions: dict[str, Node]) -> FrozenSpan:
    first, last = node["from"].day(), node["to"].day()
    if last < first:
        node["to"].fail("is before from")
    where = frozenset(r.one_of(regions, "region") for r in node["regions"].items()) if node.has("regions") else None
    return FrozenSpan(first, last, frozenset(t.one_of(TIERS, "tier") for t in node["tiers"].items()), where)


def _read_team(name: str, node: Node) -> TeamWeeks:
    return TeamWeeks(name, node["first_week"].week(), tuple(c.whole(0) for c in node["capacity"].items()))


def _read_launches(nodes: Node, known: Known, apart: dict[str, int]) -> tuple[Entry, ...]:
    named = _by_id(nodes, "launch")
    launches = tuple(_read_launch(name, node, named, known, apart) for name, node in named.items())
    first_of: dict[str, Entry] = {}
    for launch in launches:
        first = first_of.setdefault(launch.together, launch) if launch.together is not None else launch
        if launch.date != first.date:
            named[launch.id]["date"].fail(f"differs from {first.id}, of the same together group")
    try:
        order_launches(named_once(launches))
    except CycleError as error:
        raise FormatError(named[error.launches[0]]["after"].path, str(error)) from None
    return launches


def _read_launch(name: str, node: Node, launches: dict[str, Node], known: Known, apart: dict[str, int]) -> Entry:
    regions, teams, features = known
    tier, line = node["tier"].one_of(TIERS, "tier"), node["line"].text()
    return Entry(
        id=name,
        tier=tier,
        scopes=((Line("apart", line, tier), apart[tier]),) if tier in apart else (),
        date=node["date"].day(),
        regions=tuple(r.one_of(regions, "region") for r in node["regions"].items()),
        segments=tuple(s.text() for s in node["segments"].items()),
        features=tuple(f.one_of(features, "feature") for f in node["features"].items()),
        pinned=node["pinned"].flag(),
        announced=node["announced"].flag(),
        work=tuple(
            Work(w["team"].one_of(teams, "team"), w["offset_weeks"].whole(), w["units"].whole(1))
            for w in node["work"].items()
        ),
        after=tuple(
            After(a["launch"].one_of(launches, "launch"), a["lag_days"].whole(0)) for a in node["after"].items()
        ),
        together=node["together"].text() if node.has("together") else None,
    )
