"""The versioned policy that decisions read: tiers, gates, soak, lead, freezes, regions, trains. Data only.

Every number is configuration (tiers.md, planning.md 5.2); the default ones are in default_policy.yaml. No file is read
here.
"""

import hashlib
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.launch.domain.constraints import Constraints
from shared.contracts.launch import Tier
from shared.contracts.words import Day, Word, canonical_json

TIERS: tuple[Tier, ...] = ("T1", "T2", "T3", "T4")
"""Loudest first."""


class Rule(Word):
    """A part of the policy; unknown keys are refused, so that a typing error cannot pass for a rule."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class TierRule(Rule):
    """One tier: the lowest score that gives it, days a feature must have been ready, working days of notice."""

    from_score: int = Field(ge=0, le=100)
    soak_days: int = Field(ge=0)
    lead_working_days: int = Field(ge=0)
    boards_train: bool = False


class Proof(Rule):
    """What shows that there is something to tell: a label, or a stage that cannot be reached without it."""

    labels: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    loudest_without: Tier = "T1"
    """How loud a launch may be outside as long as nothing is shown."""


class Budget(Rule):
    """How many launches of the loudest tier a company can carry: in a quarter, and within `days` of each other."""

    tier: Tier = "T1"
    per_quarter: int = Field(ge=1)
    at_once: int = Field(ge=1)
    days: int = Field(ge=1)


class Retiering(Rule):
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


class Activity(Rule):
    """Something a team must have begun so many working days before the launch, by tier; negative: after it."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: str
    team: str
    days: dict[Tier, int]
    axis: Literal["market", "internal"] = "internal"
    """Whether the noise outside or the readiness inside asks for it."""
    anchor: str | None = None
    """What it waits for: another activity's id, `ready` (the features), or words for people."""


class Gate(Rule):
    """A launch is at least this loud when the feature has the stage, the label, or the impact input at 3."""

    stage: str | None = None
    label: str | None = None
    input: str | None = None
    market: Tier | None = None
    internal: Tier | None = None


class Region(Rule):
    """Working days of one region: ISO weekdays off (1 Monday to 7 Sunday) and holidays."""

    weekend: tuple[int, ...] = (6, 7)
    holidays: tuple[Day, ...] = ()


MonthDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class Freeze(Rule):
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


class Trains(Rule):
    """Dates on which small launches leave together; a feature must be ready `cutoff_days` before."""

    anchor: Day
    every_weeks: int = Field(ge=1)
    cutoff_days: int = Field(ge=0)
    least_strength: int = Field(0, ge=0)
    """Sum of the scores on a train for one segment below which it is called weak."""
    misses: int = Field(2, ge=1)
    """After so many missed trains a launch is flagged."""


class Audience(Rule):
    """How much one segment is told: announcements in a week, and days of rest between two of them."""

    touches_per_week: int = Field(2, ge=1)
    rest_days: int = Field(0, ge=0)


class Targets(Rule):
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
    audience: Audience = Audience()

    def digest(self) -> str:
        """The policy's identity: `sha256:…` of its canonical JSON."""
        return "sha256:" + hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()


def louder(one: Tier, other: Tier) -> Tier:
    """The louder of two tiers (T1 is the loudest)."""
    return min(one, other)
