"""Launches as the API shows them. Nothing is asked of the database here."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch, tier_of
from services.launch.domain.questions.explain import Answer
from services.launch.domain.rules.lead import Lead
from services.launch.domain.tiers import Flip, assess_all, flips, is_locked, rests_until
from services.launch.handlers.seen import write_seen
from services.launch.store.reading import ToldRevision


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
        "trains_missed": launch.trains_missed,
        "conflicts": [one.model_dump(mode="json") for one in launch.conflicts],
    }


def show_told(told: ToldRevision) -> dict[str, Any]:
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


def show_answer(launch: Launch, answer: Answer) -> dict[str, Any]:
    """What decides the launch's date, and what speaks against a day."""
    return {
        "launch": launch.id,
        "date": launch.snapshot.date,
        "asked": answer.asked,
        "answer": answer.sentences,
        "tier": launch.snapshot.tier_reason,
        "earliest": answer.earliest.date,
        "waits_for": answer.earliest.waits_for,
        "pin": launch.snapshot.pin and launch.snapshot.pin.model_dump(mode="json"),
        "bounds": [asdict(one) for one in answer.bounds],
        "steps": [asdict(one) for one in answer.earliest.steps],
        "against": [
            {
                "day": broken.day or answer.asked,
                "constraint": broken.constraint,
                "feature": broken.feature,
                "detail": broken.detail,
            }
            for broken in answer.against
        ],
        "between": [
            {"constraint": broken.constraint, "detail": broken.detail, "by": broken.by} for broken in answer.between
        ],
        "taken": [asdict(one) for one in answer.taken],
    }


def show_tier(launch: Launch, known: Sequence[KnownFeature], context: Context) -> dict[str, Any]:
    """Why a launch is as loud as it is."""
    one, policy = launch.snapshot, context.policy
    active = [feature.snapshot for feature in known if not feature.is_cancelled]
    computed = assess_all(active, policy, one.market_tier) if active else None
    first = next((feature for feature in active if computed and feature.ref == computed.feature), None)
    rise, fall = flips(active, policy, one.market_tier)
    tier = tier_of(one)
    return {
        "launch": launch.id,
        "market_tier": one.market_tier,
        "internal_tier": one.internal_tier,
        "why": one.tier_reason,
        "score": computed and computed.score,
        "computed": computed and {"market_tier": computed.market, "internal_tier": computed.internal},
        "provisional": bool(computed and computed.provisional),
        "gates": computed.gates if computed else (),
        "feature": first and first.ref,
        "inputs": [
            {
                "input": name,
                "weight": weight,
                "value": first.impact[name].value if first and name in first.impact else 0,
                "evidence": first.impact[name].evidence if first and name in first.impact else None,
                "source": first.impact[name].source if first and name in first.impact else None,
            }
            for name, weight in policy.weights.items()
        ],
        "louder_if": _flip(rise) if rise else None,
        "quieter_if": _flip(fall) if fall else None,
        "locked": is_locked(one, tier, context.calendar, context.today),
        "rests_until": rests_until(launch, context.calendar),
        "asked": launch.asked and launch.asked.model_dump(mode="json"),
        "override": one.override and one.override.model_dump(mode="json"),
        "policy": policy.digest(),
    }


def _flip(flip: Flip) -> dict[str, Any]:
    return {"tier": flip.tier, "input": flip.input, "to": flip.to, "detail": str(flip)}


def show_lead(lead: Lead) -> dict[str, Any]:
    """One activity of the lead-time contract."""
    return {
        "activity": lead.activity.id,
        "name": lead.activity.name,
        "team": lead.activity.team,
        "working_days": lead.days,
        "begin_by": lead.begin_by,
        "state": lead.state,
        "anchor": lead.activity.anchor,
        "room": lead.room,
        "completed": lead.completed and lead.completed.model_dump(mode="json"),
        "waiver": lead.waiver and lead.waiver.model_dump(mode="json"),
    }
