"""A feature as every service sees it: the snapshot and the change, with the names of what can happen to it."""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.contracts.words import Word

Status = Literal["proposed", "planned", "in_progress", "paused", "shipped", "cancelled"]
Health = Literal["on_track", "at_risk", "off_track"]
Resolution = Literal["day", "month", "quarter", "half", "year", "release"]

IMPACT_INPUTS = ("customer_value", "reach", "revenue", "differentiation", "narrative", "novelty", "disruption")
"""The inputs of the tier score (docs/explanation/tiers.md), each 0-3."""


class FeatureKind(StrEnum):
    """What can happen to a feature; docs/reference/observations.md says exactly when each applies."""

    ADDED = "added"
    SHIPPED = "shipped"
    UNSHIPPED = "unshipped"
    CANCELLED = "cancelled"
    REVIVED = "revived"
    PAUSED = "paused"
    RESUMED = "resumed"
    PROGRESSED = "progressed"
    STAGE_CHANGED = "stage_changed"
    SCHEDULED = "scheduled"
    UNSCHEDULED = "unscheduled"
    RETARGETED = "retargeted"
    NARROWED = "narrowed"
    WIDENED = "widened"
    DELAYED = "delayed"
    PULLED_IN = "pulled_in"
    RENAMED = "renamed"
    REASSIGNED = "reassigned"
    CONTRIBUTORS_CHANGED = "contributors_changed"
    RESCOPED = "rescoped"
    HEALTH_CHANGED = "health_changed"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"


class Target(Word):
    """The window of days in which a feature is promised; both days None while nobody knows it."""

    as_written: dict[str, str]
    earliest: date | None
    latest: date | None
    resolution: Resolution


class Impact(Word):
    """One input of the tier score with what speaks for it."""

    value: int = Field(ge=0, le=3)
    evidence: str | None = None
    source: str | None = None


class FeatureSnapshot(Word):
    """Everything known of a feature now. `id` is its `ref`; `version` rises by one with each change."""

    id: str
    ref: str
    title: str
    status: Status
    version: int
    summary: str | None = None
    owner_team: str | None = None
    contributors: tuple[str, ...] = ()
    product_line: str | None = None
    stage: str | None = None
    target: Target | None = None
    release: str | None = None
    confidence: float | None = None
    health: Health | None = None
    blocked_by: tuple[str, ...] = ()
    impact: dict[str, Impact] = Field(default_factory=dict)
    labels: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    url: str | None = None


class FeatureChange(Word):
    """The difference one cause made to one feature. `kinds` holds FeatureKind values; readers survive unknown ones."""

    kinds: tuple[str, ...]
    feature: FeatureSnapshot
    before: FeatureSnapshot | None
    by_working_days: int | None = None
    reason: str | None = None
