"""The part of the policy that weighs launches against each other, and what of a plan needs a person. Data only.

All of it is optional: without rules between launches (`Constraints`) each launch is dated on its own (S0).
"""

import hashlib
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import Day, LaunchId, Word, canonical_json

TIERS: tuple[Tier, ...] = ("T1", "T2", "T3", "T4")
"""Loudest first."""

IsoWeek = Annotated[str, StringConstraints(pattern=r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$")]


class PolicySection(Word):
    """Unknown keys are refused, so that a typing error cannot pass for a rule."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class TeamCapacity(PolicySection):
    """Units of work a team can give to launches each ISO week, and weeks in which that is another number."""

    weekly: int = Field(ge=0)
    weeks: dict[IsoWeek, int] = Field(default_factory=dict)


class TeamLoad(PolicySection):
    """Units that a launch needs of a team in each week from `from_week` to `to_week`, counted from its own."""

    team: str
    from_week: int = Field(0, ge=-26, le=26)
    to_week: int = Field(0, ge=-26, le=26)
    units: int = Field(1, ge=1)


class Slot(PolicySection):
    """At most so many launches of a tier in one ISO week, said in the name of a team."""

    team: str
    tier: Tier
    most: int = Field(1, ge=0)


class Follows(PolicySection):
    """A launch that must come at least so long after another: calendar days, or working days of its own regions."""

    launch: LaunchId
    after: LaunchId
    lag_days: int = Field(0, ge=0)
    lag_working_days: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _has_one_lag(self) -> "Follows":
        if self.lag_days and self.lag_working_days:
            raise ValueError("give lag_days or lag_working_days, not both")
        return self


class Proximity(PolicySection):
    """A launch that is at most so many days ahead weighs this many times as much; None: any other."""

    within_days: int | None
    factor: int = Field(ge=1)


def _weights() -> dict[Tier, int]:
    return {"T1": 8, "T2": 3, "T3": 1, "T4": 1}


class Objective(PolicySection):
    """What a move costs: weight · announced · proximity · (fixed_days + days)."""

    weight: dict[Tier, int] = Field(default_factory=_weights)
    announced_factor: int = 2
    fixed_days: int = Field(10, ge=0)
    proximity: tuple[Proximity, ...] = (
        Proximity(within_days=14, factor=4),
        Proximity(within_days=42, factor=3),
        Proximity(within_days=90, factor=2),
        Proximity(within_days=None, factor=1),
    )
    stage: Literal["S1", "S2"] = "S1"
    frozen_working_days: int = Field(5, ge=0)
    """A launch this near is never moved to make room for another."""

    def price(self, launch: LaunchSnapshot, after: date | None, today: date, before: date | None = None) -> int:
        """Of moving the launch from its date, or from `before`; nothing where there is no day to count from or to."""
        before = before or launch.date
        if before is None or after is None or before == after:
            return 0
        return self.price_of_day(launch, before, today) * (self.fixed_days + abs((after - before).days))

    def price_of_day(self, launch: LaunchSnapshot, day: date, today: date) -> int:
        """What each day costs by which the launch, or a part of it, comes later than this one."""
        weight = self.weight.get(louder(launch.market_tier, launch.internal_tier), 1)
        weight *= self.announced_factor if launch.state == "announced" else 1
        ahead = (day - today).days
        near = (step.factor for step in self.proximity if step.within_days is None or ahead <= step.within_days)
        return weight * next(near, 1)


class AutoApply(PolicySection):
    """What a move of a tier may be at most to be applied without a person; None: any."""

    most_days: int | None = None
    ahead_days: int | None = None
    """The old date must be more than so many days ahead."""


class Approval(PolicySection):
    """What needs a person. Tiers that `alone` does not name always do, and so do announced launches and conflicts."""

    alone: dict[Tier, AutoApply]
    most_moves: int = 2
    """More automatic moves of one launch than this within `moves_days` need a person."""
    moves_days: int = 30
    budget: int | None = None
    """A part of a plan that costs more needs a person."""
    most_gap_percent: int | None = Field(None, ge=0)
    """A part that only the first stage has planned and that costs so much more than its lower bound needs a person."""


class Constraints(PolicySection):
    """The rules between launches, as sections of the policy."""

    teams: dict[str, TeamCapacity] = Field(default_factory=dict)
    load: dict[Tier, tuple[TeamLoad, ...]] = Field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    spacing: tuple[Tier, ...] = ()
    """Tiers of which a segment hears once in an ISO week."""
    apart_days: dict[Tier, int] = Field(default_factory=dict)
    """By tier: days between two launches of one product line."""
    after: tuple[Follows, ...] = ()
    together: dict[str, tuple[LaunchId, ...]] = Field(default_factory=dict)
    """Groups of launches that share one date."""
    objective: Objective = Objective()
    approval: Approval | None = None
    """None: every move is applied at once."""

    @model_validator(mode="after")
    def _goes_in_no_circle(self) -> "Constraints":
        """Raises ValueError for a pair named twice, and for a circle in which launches follow, through groups too."""
        pairs = [(rule.launch, rule.after) for rule in self.after]
        twice = sorted({pair for pair in pairs if pairs.count(pair) > 1})
        if twice:
            raise ValueError(f"{twice[0][0]} is said to come after {twice[0][1]} more than once")
        group_of = {launch: name for name, ids in self.together.items() for launch in ids}
        order = TopologicalSorter[str]()
        for rule in self.after:
            order.add(group_of.get(rule.launch, rule.launch), group_of.get(rule.after, rule.after))
        try:
            order.prepare()
        except CycleError as error:
            raise ValueError(f"cycle: {' -> '.join(error.args[1])}") from None
        return self


class TierRule(PolicySection):
    """One tier: the lowest score that gives it, days a feature must have been ready, working days of notice."""

    from_score: int = Field(ge=0, le=100)
    soak_days: int = Field(ge=0)
    lead_working_days: int = Field(ge=0)
    boards_train: bool = False


class Proof(PolicySection):
    """What shows that there is something to tell: a label, or a stage that cannot be reached without it."""

    labels: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    loudest_without: Tier = "T1"
    """How loud a launch may be outside as long as nothing is shown."""


class Budget(PolicySection):
    """How many launches of the loudest tier a company can carry: in a quarter, and within `days` of each other."""

    tier: Tier = "T1"
    per_quarter: int = Field(ge=1)
    at_once: int = Field(ge=1)
    days: int = Field(ge=1)


class Retiering(PolicySection):
    """When a launch may become louder or quieter by itself; what may not is proposed to a person."""

    rest_hours: int = Field(0, ge=0)
    """Hours after an automatic change in which there is no other one."""
    lock_working_days: dict[Tier, int] = Field(default_factory=dict)
    """Working days before the launch from which on a change is proposed; of the louder tier of both counts."""
    most_steps: int = Field(3, ge=1)
    """A change over more tiers than this is proposed."""
    ask_when_started: bool = False
    """Whether a change is proposed as soon as an activity is completed."""
    second_approver: tuple[Tier, ...] = ()
    """An override that touches one of these tiers needs a second name."""


class Activity(PolicySection):
    """Something a team must have begun so many working days before the launch, by tier; negative: after it."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: str
    team: str
    days: dict[Tier, int]
    axis: Literal["market", "internal"] = "internal"
    """Whether the noise outside or the readiness inside asks for it."""
    anchor: str | None = None
    """What it waits for: another activity's id, `ready` (the features), or words for people."""


class Gate(PolicySection):
    """A launch is at least this loud when the feature has the stage, the label, or the impact input at 3."""

    stage: str | None = None
    label: str | None = None
    input: str | None = None
    market: Tier | None = None
    internal: Tier | None = None


class Region(PolicySection):
    """Working days of one region: ISO weekdays off (1 Monday to 7 Sunday) and holidays."""

    weekend: tuple[int, ...] = (6, 7)
    holidays: tuple[Day, ...] = ()


MonthDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class Freeze(PolicySection):
    """No launch of these tiers: between two days, each year between two `MM-DD`, or at a quarter's end."""

    reason: str
    tiers: tuple[Tier, ...] = TIERS
    regions: tuple[str, ...] | None = None
    """None: everywhere."""
    teams: tuple[str, ...] | None = None
    """Only launches that need work of one of these teams; None: all."""
    soft: bool = False
    """No date falls into it by itself, but a person may choose one."""
    first: Day | None = None
    last: Day | None = None
    each_year_from: MonthDay | None = None
    each_year_to: MonthDay | None = None
    last_working_days_of_quarter: int = 0


class Trains(PolicySection):
    """Dates on which small launches leave together; a feature must be ready `cutoff_days` before."""

    anchor: Day
    every_weeks: int = Field(ge=1)
    cutoff_days: int = Field(ge=0)
    least_strength: int = Field(0, ge=0)
    """Sum of the scores on a train for one segment below which it is called weak."""
    misses: int = Field(2, ge=1)
    """After so many missed trains a launch is flagged."""


class AudienceRule(PolicySection):
    """How much one segment is told: announcements in a week, and days of rest between two of them."""

    touches_per_week: int = Field(2, ge=1)
    rest_days: int = Field(0, ge=0)


class Targets(PolicySection):
    """What day counts of a target that names none but a month, a quarter, a half or a whole year."""

    fuzzy: Literal["latest", "percentile"] = "latest"
    """Its last day, or that and the working days within which the team has shipped in `percentile` of 100 cases."""
    percentile: int = Field(80, ge=1, le=100)
    least_history: int = Field(8, ge=1)
    """As long as the team has shipped less often, the last day counts."""


class Policy(Constraints):
    """Everything a decision reads besides the state and the message."""

    anchor_zone: str = "UTC"
    """The IANA zone in which a launch's day begins."""
    horizon_days: int = Field(ge=1)
    undo_within_days: int = Field(ge=0)
    confident_from: float = Field(ge=0, le=1)
    targets: Targets = Targets()
    hysteresis_points: int = Field(ge=0)
    launch_first_seen_shipped: bool = False
    """Whether a feature that was live before we heard of it gets a launch."""
    weights: dict[str, int]
    proof: Proof = Proof()
    budget: Budget | None = None
    retiering: Retiering = Retiering()
    activities: tuple[Activity, ...] = ()
    tiers: dict[Tier, TierRule]
    gates: tuple[Gate, ...]
    regions: dict[str, Region]
    default_region: Region = Region()
    """For launches without regions, and for regions that the policy does not know."""
    freezes: tuple[Freeze, ...]
    trains: Trains
    audience: AudienceRule = AudienceRule()

    def digest(self) -> str:
        """The policy's identity: `sha256:…` of its canonical JSON."""
        return "sha256:" + hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()


def louder(one: Tier, other: Tier) -> Tier:
    """The louder of two tiers (T1 is the loudest)."""
    return min(one, other)
