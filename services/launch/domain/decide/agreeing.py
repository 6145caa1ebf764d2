"""What persons agree on for a launch: another loudness or less lead for a time, work that is done, days it must keep.

Checks and writes it down; what follows for tier and date is decided by the callers.
"""

from dataclasses import dataclass

from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.leads import AFTER_READY, Lead, contract
from shared.contracts.launch import Completed, LaunchSnapshot, Tier, TierOverride, Waiver
from shared.contracts.words import Day, Word


class Overriding(Word):
    """A loudness that a person wants; `internal` None: as outside, or louder if it was."""

    market: Tier
    internal: Tier | None = None
    reason: str
    approved_by: str | None = None
    until: Day


class Waiving(Word):
    """Lead of one activity that shall be given up to keep the launch's date."""

    activity: str
    reason: str
    approved_by: str
    until: Day


class Bounding(Word):
    """Days between which a person wants a launch. A None stays as it is, unless `lifted` names the bound."""

    not_before: Day | None = None
    not_after: Day | None = None
    lifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What of an act is agreed on; each part may be missing."""

    override: Overriding | None = None
    end_override: bool = False
    complete: tuple[str, ...] = ()
    waive: Waiving | None = None
    bounds: Bounding | None = None
    ready: Day | None = None
    """When the features are ready, from which lead counts that waits for them."""


def agree(one: LaunchSnapshot, by: str, wish: Agreement, scene: Scene) -> dict[str, object]:
    """The snapshot's fields that change.

    Raises:
        RefusedError: a name is missing, a day is not ahead, days contradict each other, there is no such activity or
            nothing to end.
    """
    changed: dict[str, object] = {}
    if wish.override:
        changed["override"] = _override(one, by, wish.override, scene)
    elif wish.end_override:
        _check_override(one)
        changed["override"] = None
    if wish.waive:
        kept = tuple(waiver for waiver in one.waivers if waiver.activity != wish.waive.activity)
        changed["waivers"] = (*kept, _waive(one, by, wish.waive, scene, wish.ready))
    if wish.bounds:
        changed |= _bound(one, wish.bounds, scene)
    if wish.complete:
        changed["completed"] = (*one.completed, *_complete(one, by, wish.complete, scene))
    return changed


def _override(one: LaunchSnapshot, by: str, wish: Overriding, scene: Scene) -> TierOverride:
    internal = wish.internal or min(wish.market, one.internal_tier)
    _check_until(wish.until, scene)
    guarded = set(scene.policy.retiering.second_approver)
    touched = guarded & {one.market_tier, one.internal_tier, wish.market, internal}
    if touched:
        _check_second(by, wish.approved_by, f"a change to or from {' or '.join(sorted(touched))}")
    return TierOverride(
        market=wish.market,
        internal=internal,
        reason=wish.reason,
        by=by,
        approved_by=wish.approved_by,
        on=scene.today,
        until=wish.until,
    )


def _check_override(one: LaunchSnapshot) -> None:
    if one.override is None:
        raise RefusedError(f"nobody has decided how loud {one.name} is; there is nothing to end", missing=True)


def _waive(one: LaunchSnapshot, by: str, wish: Waiving, scene: Scene, ready: Day | None) -> Waiver:
    lead = _find(one, wish.activity, scene, "$.activity")
    if one.date is None:
        raise RefusedError(f"{one.name} has no date that less lead could keep")
    if lead.completed:
        raise RefusedError(f"{lead.activity.name} is done; there is nothing to waive", "$.activity")
    if lead.days <= 0:
        raise RefusedError(f"{lead.activity.name} needs no lead before the launch", "$.activity")
    _check_until(wish.until, scene)
    _check_second(by, wish.approved_by, "giving up a team's lead")
    since = ready if lead.activity.anchor == AFTER_READY and ready else scene.today
    left = scene.calendar.count_working_days(since, one.date, one.regions)
    return Waiver(
        activity=lead.activity.id,
        team=lead.activity.team,
        lead=lead.days,
        kept=min(lead.days, left),
        date=one.date,
        reason=wish.reason,
        by=by,
        approved_by=wish.approved_by,
        on=scene.today,
        until=wish.until,
    )


def _bound(one: LaunchSnapshot, wish: Bounding, scene: Scene) -> dict[str, Day | None]:
    first = None if "not_before" in wish.lifted else wish.not_before or one.not_before
    last = None if "not_after" in wish.lifted else wish.not_after or one.not_after
    for name, day in (("not_before", wish.not_before), ("not_after", wish.not_after)):
        if day and day <= scene.today and day != getattr(one, name):
            raise RefusedError(f"{day} is not ahead; the earliest day is tomorrow", f"$.{name}")
        if day and (day - scene.today).days > scene.policy.horizon_days:
            raise RefusedError(f"{day} is beyond the horizon of {scene.policy.horizon_days} days", f"$.{name}")
    if first and last and first > last:
        where = "$.not_before" if wish.not_before else "$.not_after"
        raise RefusedError(f"no day is on or after {first} and on or before {last}", where)
    return {"not_before": first, "not_after": last}


def check_last_day(one: LaunchSnapshot) -> None:
    """Raises RefusedError if the launch has a date after its last day: by itself it does not come earlier."""
    if one.date and one.not_after and one.date > one.not_after and not one.pin:
        told = f"{one.name} is on {one.date}; give it a date up to {one.not_after} in the same request"
        raise RefusedError(told, "$.not_after")


def _complete(one: LaunchSnapshot, by: str, names: tuple[str, ...], scene: Scene) -> list[Completed]:
    found = [_find(one, name, scene, "$.complete") for name in dict.fromkeys(names)]
    return [
        Completed(activity=lead.activity.id, planned=lead.begin_by, by=by, on=scene.today)
        for lead in found
        if lead.completed is None
    ]


def _find(one: LaunchSnapshot, name: str, scene: Scene, where: str) -> Lead:
    leads = contract(one, scene.calendar, scene.today)
    found = next((lead for lead in leads if lead.activity.id == name), None)
    if found is None:
        known = ", ".join(sorted(lead.activity.id for lead in leads)) or "none"
        raise RefusedError(f"{one.name} has no activity {name!r:.80}; it has: {known}", where, missing=True)
    return found


def _check_until(until: Day, scene: Scene) -> None:
    if until <= scene.today:
        raise RefusedError(f"{until} is not ahead; what is agreed holds until a later day", "$.until")


def _check_second(by: str, other: str | None, what: str) -> None:
    if not other or other.casefold() == by.casefold():
        raise RefusedError(f"{what} needs a second name: somebody else who approves it", "$.approved_by")
