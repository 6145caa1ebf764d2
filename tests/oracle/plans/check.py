"""Judging one plan against its portfolio and event: rules, pins, conflicts, cost, bound, and every chain of causes.

Says what is wrong and never what would be better.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from tests.oracle.plans.rules import Json, Violation, World, group_of

EVENT = "the event"
BOUNDS = ("ready", "notice", "after")


def check_plan(portfolio: Json, event: Json, plan: Json) -> list[Violation]:
    """Everything that is wrong with the plan (decoded JSON, `elapsed_ms` not needed); empty when it holds."""
    moved = {move["launch"]: date.fromisoformat(move["to"]) for move in plan["moves"]}
    world = World(portfolio, event, moved)
    return [
        *_check_moves(world, plan),
        *_check_conflicts(world, event, plan),
        *_check_cost(world, plan),
        *(v for move in plan["moves"] for v in Chains(world, event, set(moved)).check(move)),
    ]


def _check_moves(world: World, plan: Json) -> Iterator[Violation]:
    pinned = {group_of(one) for one in world.launches.values() if one["pinned"]}
    for move in plan["moves"]:
        name, start, end = move["launch"], date.fromisoformat(move["from"]), date.fromisoformat(move["to"])
        if start != world.old[name] or start == end:
            yield Violation("from", (name,), f"its date was {world.old[name]}")
        if end < start:
            yield Violation("right-only", (name,), f"{end} is before {start}")
        if group_of(world.launches[name]) in pinned:
            yield Violation("pin", (name,), "is pinned and moved")


def _check_conflicts(world: World, event: Json, plan: Json) -> Iterator[Violation]:
    """Only what is declared may be broken, and only what is broken may be declared."""
    pinned = {group_of(one) for one in world.launches.values() if one["pinned"]}
    declared = {(one["launch"], one["constraint"]) for one in plan["conflicts"]}
    stuck = {group_of(world.launches[name]) for name, rule in declared if rule == "horizon"}
    needed = set()
    for violation in world.violations():
        name = violation.launches[0]
        group = group_of(world.launches[name])
        if violation.rule in BOUNDS and group in pinned:
            needed.add((name, violation.rule))
        elif violation.rule not in BOUNDS or group not in stuck:
            yield violation
    for name, rule in sorted(needed ^ {one for one in declared if one[1] != "horizon"}):
        yield Violation(
            "conflict",
            (name,),
            f"{rule} is {'broken and not' if (name, rule) in needed else 'not broken but'} declared",
        )
    yield from _check_stuck(world, event, stuck)


def _check_stuck(world: World, event: Json, stuck: set[str]) -> Iterator[Violation]:
    for group in sorted(stuck):
        name = next(name for name, one in world.launches.items() if group_of(one) == group)
        first, last = world.old[name].toordinal(), world.book.horizon.toordinal()
        days = (date.fromordinal(day) for day in range(first, last + 1))
        possible = (day for day in days if not any(True for _ in _alone(world, group, day)))
        free = next((day for day in possible if not blockers(world, event, name, day)), None)
        if free is not None:
            yield Violation("horizon", (name,), f"{free} is free")


def _alone(world: World, group: str, day: date) -> Iterator[Violation]:
    """Rules that keep the group from the day whatever room there is: quick to tell, so asked first."""
    for one in world.launches.values():
        if group_of(one) == group:
            yield from world.bounds(one, day)
            yield from world.calendar(one, day)


def price(world: World, group: list[Json], day: date) -> int:
    """What it costs to have the group on the day."""
    old = world.old[group[0]["id"]]
    if day == old:
        return 0
    policy = world.policy
    weight = max(policy["weight"][one["tier"]] for one in group)
    if any(one["announced"] for one in group):
        weight *= policy["announced_factor"]
    ahead = (old - world.today).days
    near = next(p["factor"] for p in policy["proximity"] if p["within_days"] is None or ahead <= p["within_days"])
    return int(weight * near * (policy["fixed_days"] + abs((day - old).days)))


def _check_cost(world: World, plan: Json) -> Iterator[Violation]:
    groups = defaultdict(list)
    for launch in world.launches.values():
        groups[group_of(launch)].append(launch)
    cost = sum(price(world, group, world.dates[group[0]["id"]]) for group in groups.values())
    if plan["cost"] != cost:
        yield Violation("cost", (), f"{plan['cost']} is stated, {cost} is right")
    if not 0 <= plan["lower_bound"] <= cost:
        yield Violation("lower_bound", (), f"{plan['lower_bound']} with a cost of {cost}")


def blockers(world: World, event: Json, name: str, day: date) -> list[tuple[str, set[str]]]:
    """Rules broken with the launch's group on the day, all others as they are: (rule, who is to blame)."""
    mine = {one for one, launch in world.launches.items() if group_of(launch) == group_of(world.launches[name])}
    there = World(world.portfolio, event, world.dates | dict.fromkeys(mine, day))
    found = []
    for violation in there.violations():
        others = set(violation.launches) - mine
        if violation.rule in ("ready", "notice"):
            others = {EVENT} if violation.detail.startswith(f"{event['feature']} ") else set()
        if set(violation.launches) & mine and (violation.rule != "after" or violation.launches[0] in mine):
            found.append((violation.rule, others))
    return found


class Chains:
    """Chains of causes, link by link."""

    def __init__(self, world: World, event: Json, moved: set[str]) -> None:
        self.world, self.event, self.moved = world, event, moved

    def check(self, move: Json) -> Iterator[Violation]:
        why = move["why"]
        if len(why) < 2 or why[0] != {"event": self.event["id"]} or why[-1].get("launch") != move["launch"]:
            yield Violation("why", (move["launch"],), "must lead from the event to the launch")
            return
        before = EVENT
        for link in why[1:]:
            if link["launch"] not in self.moved or not self._holds(link, before):
                yield Violation(
                    "why", (move["launch"],), f"{before} does not keep {link['launch']} by {link['constraint']}"
                )
                return
            before = link["launch"]

    def _holds(self, link: Json, before: str) -> bool:
        name = link["launch"]
        mates = {one for one in self.world.launches if self._mates(one, before)}
        if link["constraint"] == "together":
            return name in mates
        return any(
            rule == link["constraint"] and blamed & (mates | {before})
            for rule, blamed in blockers(self.world, self.event, name, self.world.old[name])
        )

    def _mates(self, one: str, other: str) -> bool:
        launches = self.world.launches
        return other in launches and group_of(launches[one]) == group_of(launches[other])
