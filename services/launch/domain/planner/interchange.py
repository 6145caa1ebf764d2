"""The format of `inloop plan`, strictly: JSON to a portfolio and events, a plan to JSON (planner-interchange.md).

Every complaint names the JSON path. No files and no text here, only decoded values; no rule of planning either,
except that the order of the launches must not go in a circle.
"""

from services.launch.domain.planner.blocks import named_once, order_launches
from services.launch.domain.planner.model import (
    TIERS,
    After,
    CycleError,
    Event,
    Feature,
    Freeze,
    Launch,
    Plan,
    Policy,
    Portfolio,
    Region,
    Team,
    Work,
    iso_day,
)
from services.launch.domain.planner.node import FormatError, Node

FORMAT = "inloop-portfolio/1"
SUNDAY = 7


def read_portfolio(value: object) -> Portfolio:
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
    return Portfolio(
        today=today,
        horizon=horizon,
        policy=_read_policy(top["policy"]),
        regions=tuple(_read_region(name, node) for name, node in regions.items()),
        freezes=tuple(_read_freeze(node, regions) for node in top["freezes"].items()),
        trains={tier: frozenset(d.day() for d in days.items()) for tier, days in top["trains"].fields()},
        teams=tuple(_read_team(name, node) for name, node in teams.items()),
        features=tuple(
            Feature(name, node["ready_on"].day(), node["confident_since"].day()) for name, node in features.items()
        ),
        launches=_read_launches(top["launches"], (regions, teams, features)),
    )


def read_event(value: object, line: int, portfolio: Portfolio) -> Event:
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


def _read_policy(node: Node) -> Policy:
    proximity = tuple(
        (p["within_days"].whole() if p.has("within_days") else None, p["factor"].whole(1))
        for p in node["proximity"].items()
    )
    if not proximity or proximity[-1][0] is not None:
        node["proximity"].fail("the last entry must have within_days null")
    return Policy(
        soak={tier: node["soak_days"][tier].whole(0) for tier in TIERS},
        lead={tier: node["lead_days"][tier].whole(0) for tier in TIERS},
        weight={tier: node["weight"][tier].whole(1) for tier in TIERS},
        apart={tier: days.whole(1) for tier, days in node["apart_days"].fields()},
        proximity=proximity,
        announced_factor=node["announced_factor"].whole(1),
        fixed_days=node["fixed_days"].whole(0),
    )


def _read_region(name: str, node: Node) -> Region:
    weekend = frozenset(w.whole(1, SUNDAY) for w in node["weekend"].items())
    return Region(name, weekend, frozenset(h.day() for h in node["holidays"].items()))


def _read_freeze(node: Node, regions: dict[str, Node]) -> Freeze:
    first, last = node["from"].day(), node["to"].day()
    if last < first:
        node["to"].fail("is before from")
    where = frozenset(r.one_of(regions, "region") for r in node["regions"].items()) if node.has("regions") else None
    return Freeze(first, last, frozenset(t.one_of(TIERS, "tier") for t in node["tiers"].items()), where)


def _read_team(name: str, node: Node) -> Team:
    return Team(name, node["first_week"].week(), tuple(c.whole(0) for c in node["capacity"].items()))


def _read_launches(nodes: Node, known: tuple[dict[str, Node], dict[str, Node], dict[str, Node]]) -> tuple[Launch, ...]:
    named = _by_id(nodes, "launch")
    launches = tuple(_read_launch(name, node, named, known) for name, node in named.items())
    first_of: dict[str, Launch] = {}
    for launch in launches:
        first = first_of.setdefault(launch.together, launch) if launch.together is not None else launch
        if launch.date != first.date:
            named[launch.id]["date"].fail(f"differs from {first.id}, of the same together group")
    try:
        order_launches(named_once(launches))
    except CycleError as error:
        raise FormatError(named[error.launches[0]]["after"].path, str(error)) from None
    return launches


def _read_launch(
    name: str, node: Node, launches: dict[str, Node], known: tuple[dict[str, Node], dict[str, Node], dict[str, Node]]
) -> Launch:
    regions, teams, features = known
    return Launch(
        id=name,
        line=node["line"].text(),
        tier=node["tier"].one_of(TIERS, "tier"),
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
