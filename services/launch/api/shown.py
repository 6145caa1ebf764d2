"""Launches as the API shows them. Nothing is asked of the database here."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.launch.domain.dates import bounds, find_earliest, violations
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of, situation_of
from services.launch.domain.launch import Launch
from services.launch.domain.readiness import Known
from services.launch.handlers.seen import write_seen
from services.launch.store.reading import Told


def etag(launch: Launch) -> str:
    """Revision and version: the version also counts changes that are not material."""
    return f'"{write_seen(launch)}"'


def show(launch: Launch) -> dict[str, Any]:
    """A launch as the API shows it: the snapshot, and what is known besides."""
    return {
        **launch.snapshot.model_dump(mode="json"),
        "version": launch.version,
        "changed_at": launch.changed_at,
        "by_hand": launch.by_hand,
        "happened_on": launch.happened_on,
        "dated_by": launch.dated_by,
        "conflicts": [one.model_dump(mode="json") for one in launch.conflicts],
    }


def show_told(told: Told) -> dict[str, Any]:
    """One entry of the history."""
    before = told.change.before
    return {
        "at": told.at,
        "version": told.version,
        "revision": told.change.launch.revision,
        "told_revision": told.told_revision,
        "kinds": told.change.kinds,
        "material": told.change.material,
        "date": told.change.launch.date,
        "before": before.date if before else None,
        "cause": told.cause.model_dump(mode="json"),
        "why": [one.model_dump(mode="json", exclude_none=True) for one in told.change.why],
    }


def explain_date(launch: Launch, known: Mapping[str, Known], day: date | None, scene: Scene) -> dict[str, Any]:
    """What decides the launch's date, and what speaks against a day."""
    features = features_of(launch.snapshot, known)
    situation = situation_of(launch.snapshot, features, scene)
    asked = day or launch.snapshot.date
    earliest = find_earliest(situation, scene.calendar)
    return {
        "launch": launch.id,
        "date": launch.snapshot.date,
        "asked": asked,
        "tier": launch.snapshot.tier_reason,
        "earliest": earliest.date,
        "waits_for": earliest.waits_for,
        "bounds": [
            {"day": one.day, "constraint": one.constraint, "feature": one.feature, "detail": one.detail}
            for one in sorted(bounds(situation, scene.calendar), key=lambda one: one.day, reverse=True)
        ],
        "steps": [{"constraint": one.constraint, "detail": one.detail} for one in earliest.steps],
        "against": [
            {"constraint": one.constraint, "feature": one.feature, "detail": one.detail}
            for one in (violations(situation, asked, scene.calendar) if asked else ())
        ],
    }
