"""The part of the policy that weighs launches against each other, and what of a plan needs a person. Data only.

All of it is optional: without teams, spacing, apart, slots, after and together each launch is dated on its own (S0).
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from services.launch.domain.planner.blocks import named_once, order_launches
from services.launch.domain.planner.model import After
from services.launch.domain.planner.model import Launch as Entry
from shared.contracts.launch import Tier
from shared.contracts.words import LaunchId, Word

BETWEEN = frozenset({"after", "capacity", "spacing", "apart"})
"""The rules by which launches keep each other from a day, as chains and conflicts name them."""

IsoWeek = Annotated[str, StringConstraints(pattern=r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$")]


class Part(Word):
    """Unknown keys are refused, so that a typing error cannot pass for a rule."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Team(Part):
    """Units of work a team can give to launches each ISO week, and weeks in which that is another number."""

    weekly: int = Field(ge=0)
    weeks: dict[IsoWeek, int] = Field(default_factory=dict)


class Load(Part):
    """Units that a launch needs of a team in each week from `from_week` to `to_week`, counted from its own."""

    team: str
    from_week: int = Field(0, ge=-26, le=26)
    to_week: int = Field(0, ge=-26, le=26)
    units: int = Field(1, ge=1)


class Slot(Part):
    """At most so many launches of a tier in one ISO week, said in the name of a team."""

    team: str
    tier: Tier
    most: int = Field(1, ge=0)


class Follows(Part):
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


class Proximity(Part):
    """A launch that is at most so many days ahead weighs this many times as much; None: any other."""

    within_days: int | None
    factor: int = Field(ge=1)


def _weights() -> dict[Tier, int]:
    return {"T1": 8, "T2": 3, "T3": 1, "T4": 1}


class Objective(Part):
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


class Alone(Part):
    """What a move of a tier may be at most to be applied without a person; None: any."""

    most_days: int | None = None
    ahead_days: int | None = None
    """The old date must be more than so many days ahead."""


class Approval(Part):
    """What needs a person. Tiers that `alone` does not name always do, and so do announced launches and conflicts."""

    alone: dict[Tier, Alone]
    most_moves: int = 2
    """More automatic moves of one launch than this within `moves_days` need a person."""
    moves_days: int = 30
    budget: int | None = None
    """A part of a plan that costs more needs a person."""
    most_gap_percent: int | None = Field(None, ge=0)
    """A part that only the first stage has planned and that costs so much more than its lower bound needs a person."""


class Constraints(Part):
    """The rules between launches, as sections of the policy."""

    teams: dict[str, Team] = Field(default_factory=dict)
    load: dict[Tier, tuple[Load, ...]] = Field(default_factory=dict)
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
        pairs = [(one.launch, one.after) for one in self.after]
        twice = sorted({pair for pair in pairs if pairs.count(pair) > 1})
        if twice:
            raise ValueError(f"{twice[0][0]} is said to come after {twice[0][1]} more than once")
        group_of = {launch: name for name, ids in self.together.items() for launch in ids}
        names = {one.launch for one in self.after} | {one.after for one in self.after} | group_of.keys()
        order_launches(
            named_once(
                Entry(
                    id=name,
                    line="",
                    tier="T1",
                    date=1,
                    after=tuple(After(one.after, one.lag_days) for one in self.after if one.launch == name),
                    together=group_of.get(name),
                )
                for name in names
            )
        )
        return self

    @property
    def binds(self) -> bool:
        """Whether launches are planned together: there is a rule between them, or moves that a person decides."""
        rules = (self.teams, self.slots, self.spacing, self.apart_days, self.after, self.together, self.approval)
        return any(bool(one) for one in rules)
