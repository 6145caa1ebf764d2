"""Invented portfolios with every kind of rule, launches placed and moved at random, to compare two opinions on them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random  # noqa: TID251 - seeded, so that a number names a case
from typing import Any

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import Follows, Freeze, Policy, Region, Slot, TeamCapacity, TeamLoad
from services.launch.domain.rules.rule import LaunchDates
from shared.contracts.launch import LaunchSnapshot, Pin, Tier
from shared.contracts.words import LaunchId
from tests.unit.launch.story import POLICY, on, snapshot

TODAY = on("2026-06-03")
FIRST = on("2026-06-01")
SPAN_DAYS = 70
TIERS: tuple[Tier, ...] = ("T1", "T2", "T3")


@dataclass(frozen=True)
class Placed:
    """A portfolio and a change of it."""

    calendar: Calendar
    context: Context
    shapes: dict[LaunchId, LaunchSnapshot]
    features: dict[LaunchId, list[KnownFeature]]
    before: LaunchDates
    were: dict[LaunchId, LaunchSnapshot]
    changes: dict[LaunchId, date | None]
    asked: dict[LaunchId, date | None]
    declared: set[str]
    undone: set[LaunchId]


def draw(seed: int) -> Placed:
    """The portfolio and the change of this number."""
    dice = Random(seed)  # noqa: S311 - nothing secret
    names = [LaunchId(f"L-{at:02}") for at in range(dice.randint(2, 12))]
    calendar = Calendar(_policy(dice, names))
    were = {name: _shape(dice, name) for name in names}
    shapes = {
        name: shape.model_copy(update=_needs(dice)) if dice.random() < 0.15 else shape for name, shape in were.items()
    }
    days = {name: _day(dice) for name in names if dice.random() < 0.9}
    for group in calendar.policy.together.values():
        if dice.random() < 0.8:
            days |= dict.fromkeys(group, days.get(group[0], _day(dice)))
    before = LaunchDates(days)
    changes = {name: _change(dice, days.get(name)) for name in names if dice.random() < 0.4}
    asked: dict[LaunchId, date | None] = {name: days.get(name) for name in changes if dice.random() < 0.5}
    asked |= {name: days.get(name) for name in names if shapes[name] is not were[name]}
    return Placed(
        calendar=calendar,
        context=Context(calendar, datetime.combine(TODAY, time(9), UTC)),
        shapes=shapes,
        features={name: [_feature(dice, name)] for name in names if name in {*changes, *asked}},
        before=before,
        were={name: were[name] for name in asked},
        changes=changes,
        asked=asked,
        declared={name for name in names if dice.random() < 0.1},
        undone={name for name in changes if dice.random() < 0.1},
    )


def _policy(dice: Random, names: list[LaunchId]) -> Policy:
    def maybe(**section: Any) -> dict[str, Any]:
        return section if dice.random() < 0.6 else {}

    def load(team: str) -> TeamLoad:
        first = dice.randint(-3, 1)
        return TeamLoad(team=team, from_week=first, to_week=dice.randint(first, 1), units=dice.randint(1, 3))

    pairs = sorted({tuple(sorted(dice.sample(names, 2))) for _ in range(dice.randint(0, 3))})
    group = tuple(sorted(dice.sample(names, 2)))
    follows = tuple(
        Follows(launch=later, after=earlier, **{dice.choice(["lag_days", "lag_working_days"]): dice.randint(0, 9)})
        for earlier, later in pairs
        if not {earlier, later} <= set(group)
    )
    teams = {
        name: TeamCapacity(weekly=dice.randint(1, 6), weeks={"2026-W26": dice.randint(0, 3)})
        for name in ("docs", "web")
    }
    freeze = Freeze(reason="fair", first=on("2026-06-22"), last=on("2026-06-24"), teams=dice.choice([None, ("docs",)]))
    update = {
        "slots": (),
        "spacing": (),
        "apart_days": {},
        "after": (),
        "regions": {"eu": Region(holidays=(on("2026-06-11"),)), "us": Region(holidays=(on("2026-07-03"),))},
        **maybe(teams=teams, load={tier: (load("docs"), load("web")) for tier in TIERS}),
        **maybe(slots=(Slot(team="web", tier="T1", most=1), Slot(team="web", tier="T2", most=2))),
        **maybe(spacing=("T1", "T2")),
        **maybe(apart_days={"T1": 14, "T2": 3}),
        **maybe(after=follows),
        **maybe(together={"pair": group}),
        **maybe(freezes=(*POLICY.freezes, freeze)),
    }
    try:
        return POLICY.model_validate({**dict(POLICY), **update})
    except ValueError:  # a circle through the group
        return POLICY.model_validate({**dict(POLICY), **update, "after": ()})


def _shape(dice: Random, name: LaunchId) -> LaunchSnapshot:
    pin = Pin(reason="fair", by="ana", on=TODAY) if dice.random() < 0.1 else None
    return LaunchSnapshot(
        id=name,
        name=f"Launch {name}",
        tier_reason="",
        state="planned",
        date=None,
        features=(),
        revision=1,
        pin=pin,
        not_before=_day(dice) if dice.random() < 0.1 else None,
        not_after=_day(dice) if dice.random() < 0.1 else None,
        **_needs(dice),
    )


def _needs(dice: Random) -> dict[str, Any]:
    """What others and days have to do with."""
    tier = dice.choice(TIERS)
    return {
        "market_tier": tier,
        "internal_tier": dice.choice(TIERS) if dice.random() < 0.2 else tier,
        "product_line": dice.choice(["pay", "log", None]),
        "segments": tuple(sorted(dice.sample(["smb", "large"], dice.randint(0, 2)))),
        "regions": tuple(sorted(dice.sample(["eu", "us"], dice.randint(0, 2)))),
    }


def _feature(dice: Random, name: LaunchId) -> KnownFeature:
    ready = FIRST + timedelta(days=dice.randint(-20, 40)) if dice.random() < 0.9 else None
    return KnownFeature(
        snapshot=snapshot(f"F{name}", day=ready), confident_since=FIRST - timedelta(days=dice.randint(0, 90))
    )


def _day(dice: Random) -> date:
    return FIRST + timedelta(days=dice.randint(0, SPAN_DAYS))


def _change(dice: Random, day: date | None) -> date | None:
    if dice.random() < 0.1:
        return None
    return _day(dice) if dice.random() < 0.5 or day is None else day + timedelta(days=dice.randint(0, 14))
