"""What launch tells: `LaunchesChanged`, exactly one for every cause heard, even when nothing moved."""

from enum import StrEnum
from typing import ClassVar, Literal

from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
from shared.contracts.words import Day, LaunchId, PersonId, PortfolioId, Word

Tier = Literal["T1", "T2", "T3", "T4"]
LaunchState = Literal["draft", "planned", "held", "announced", "launched", "closed", "cancelled"]


class LaunchKind(StrEnum):
    """What can happen to a launch (docs/reference/messages.md)."""

    PLANNED = "planned"
    RESCHEDULED = "rescheduled"
    RETIERED = "retiered"
    HELD = "held"
    RELEASED_HOLD = "released_hold"
    BOARDED = "boarded"
    LEFT_TRAIN = "left_train"
    ANNOUNCED = "announced"
    LAUNCHED = "launched"
    RELAUNCHED = "relaunched"
    CANCELLED = "cancelled"
    REVIVED = "revived"
    LEAD_TIME_AT_RISK = "lead_time_at_risk"
    LEAD_TIME_WAIVED = "lead_time_waived"
    PROPOSAL_OPENED = "proposal_opened"
    PROPOSAL_APPROVED = "proposal_approved"
    PROPOSAL_REJECTED = "proposal_rejected"
    PROPOSAL_SUPERSEDED = "proposal_superseded"
    CONFLICT_OPENED = "conflict_opened"
    CONFLICT_CLOSED = "conflict_closed"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    RENAMED = "renamed"
    RESCOPED = "rescoped"
    UNDONE = "undone"
    CLOSED = "closed"


class Pin(Word):
    """A date that only a person may move."""

    reason: str
    by: str
    on: Day


class LaunchFeature(Word):
    """A feature as a launch carries it."""

    id: str
    title: str
    owner_team: str | None
    contributors: tuple[str, ...]
    stage: str | None
    status: str


class Owner(Word):
    """Who does what for a launch."""

    role: str
    person: PersonId


class TierOverride(Word):
    """A loudness that a person has chosen; the clock ends it when `until` begins."""

    market: Tier
    internal: Tier
    reason: str
    by: str
    approved_by: str | None = None
    on: Day
    until: Day


class Waiver(Word):
    """Lead that a team gives up, by name, to keep `date`; the clock ends it when `until` begins."""

    activity: str
    team: str
    lead: int
    """Working days that the policy asks for."""
    kept: int
    """Working days that are left."""
    date: Day
    reason: str
    by: str
    approved_by: str
    on: Day
    until: Day


class Completed(Word):
    """An activity that is done: neither it nor the day it was planned for moves any more."""

    activity: str
    planned: Day | None
    by: str
    on: Day


class LaunchSnapshot(Word):
    """Everything known of a launch now. `date` is None while it waits; `waits_for` then says for what.

    `not_before` and `not_after` are the days between which a person wants it.
    """

    id: LaunchId
    name: str
    market_tier: Tier
    internal_tier: Tier
    tier_reason: str
    state: LaunchState
    date: Day | None
    waits_for: str | None = None
    not_before: Day | None = None
    not_after: Day | None = None
    pin: Pin | None = None
    train: Day | None = None
    features: tuple[LaunchFeature, ...]
    owners: tuple[Owner, ...] = ()
    segments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    product_line: str | None = None
    override: TierOverride | None = None
    waivers: tuple[Waiver, ...] = ()
    completed: tuple[Completed, ...] = ()
    revision: int


class Link(Word):
    """One step of a why: an event, a feature or a launch, the constraint it met, and the sentence for people."""

    detail: str
    event: str | None = None
    feature: str | None = None
    launch: str | None = None
    constraint: str | None = None


class LaunchChange(Word):
    """What one cause did to one launch, with the chain from the cause to it. `kinds` holds LaunchKind values."""

    kinds: tuple[str, ...]
    launch: LaunchSnapshot
    before: LaunchSnapshot | None
    material: bool
    why: tuple[Link, ...]


class Option(Word):
    """A way out of a conflict, with what it costs."""

    action: str
    detail: str
    cost: int | None = None


class Conflict(Word):
    """A pinned launch that cannot hold its date, and what a person could do."""

    launch: LaunchId
    constraint: str
    detail: str
    options: tuple[Option, ...] = ()


class ProposedMove(Word):
    """A date that a launch would get."""

    launch: LaunchId
    earlier_date: Day | None
    later_date: Day | None
    detail: str


class Proposal(Word):
    """A part of a plan that waits for a person, or what became of it. Approval binds to `hash`."""

    id: str
    kind: str
    summary: str
    moves: tuple[ProposedMove, ...] = ()
    cost: int | None = None
    state: str = "open"
    """`open`, `approved`, `rejected` or `superseded`."""
    because: tuple[str, ...] = ()
    """Why it needs a person."""
    lower_bound: int | None = None
    stage: str | None = None
    hash: str | None = None
    base_version: int | None = None
    """The revision of the portfolio for which it was made."""
    reason: str | None = None
    """What the person who rejected it said, or what superseded it."""


class Opportunity(Word):
    """What a pull-in would allow; nothing moves by itself."""

    launch: LaunchId
    earliest: Day
    detail: str


class BlastRadius(Word):
    """How many launches a slip of a feature would move, and at what cost."""

    feature: str
    slip_days: int
    launches: int
    cost: int


class LaunchesChanged(Word):
    """One cause was decided on: what it did to the launches of a portfolio, possibly nothing."""

    TYPE: ClassVar[str] = "inloop.launches.changed.v1"
    LISTS: ClassVar[tuple[str, ...]] = (
        "features",
        "changes",
        "proposals",
        "conflicts",
        "opportunities",
        "untouched",
        "blast_radius",
    )

    portfolio: PortfolioId
    revision: int
    part: int = 1
    parts: int = 1
    cause: Cause
    features: tuple[FeatureChange, ...] = ()
    changes: tuple[LaunchChange, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    opportunities: tuple[Opportunity, ...] = ()
    untouched: tuple[str, ...] = ()
    blast_radius: tuple[BlastRadius, ...] = ()
