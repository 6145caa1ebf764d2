"""What persons do to one launch: edit its fields, choose or pin its date, agree on its loudness, lead, work and bounds.

Checks an act and says what it asks for; what follows for date and tier is decided in pipeline.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.message import DecisionContext
from services.launch.domain.decisions.pipeline import PIN_HOLDS, LaunchRequest, blank, decide, reshape
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import HAPPENED_STATES, Launch, derive_launch_id
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import violations
from services.launch.domain.rules.lead import AFTER_READY, Lead, contract, ready_on
from services.launch.domain.scheduling.request import DateRequest, request_date
from services.launch.domain.scheduling.single import date_alone
from services.launch.domain.tiers import Settled, settle_by_person
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import (
    Completed,
    LaunchesChanged,
    LaunchKind,
    LaunchSnapshot,
    Owner,
    Pin,
    Tier,
    TierOverride,
    Waiver,
)
from shared.contracts.words import CauseId, Day, LaunchId, Word


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


AFTERWARDS = frozenset({"name", "owners", "complete"})
"""What may still be changed when a launch has happened."""


class Edit(Word):
    """A person's act on one launch (None: a new one). A field that is None stays as it is."""

    launch: LaunchId | None
    by: str
    request: str
    name: str | None = None
    features: tuple[str, ...] | None = None
    date: Day | None = None
    pin: str | None = None
    """The reason for which the date may no longer move by itself."""
    unpin: bool = False
    owners: tuple[Owner, ...] | None = None
    segments: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    cancel: bool | None = None
    override: Overriding | None = None
    end_override: bool = False
    complete: tuple[str, ...] = ()
    """Activities that are done."""
    waive: Waiving | None = None
    bounds: Bounding | None = None

    def fields(self) -> dict[str, object]:
        """The snapshot's fields that the person gave."""
        names = ("name", "owners", "segments", "regions")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def acts(self) -> tuple[str, ...]:
        """What the person does, as field names."""
        texts = ("name", "features", "date", "pin", "owners", "segments", "regions", "cancel")
        names = (*texts, "override", "waive", "bounds")
        flags = ("unpin", "end_override", "complete")
        return (
            *(name for name in names if getattr(self, name) is not None),
            *(name for name in flags if getattr(self, name)),
        )


VERBS: Mapping[str, str] = {
    "name": "renamed",
    "features": "chose the features of",
    "date": "re-dated",
    "pin": "pinned",
    "unpin": "unpinned",
    "owners": "named the owners of",
    "segments": "chose the segments of",
    "regions": "chose the regions of",
    "cancel": "called off or took up again",
    "override": "decided how loud to make",
    "end_override": "let the policy decide again how loud to make",
    "complete": "completed work on",
    "waive": "gave up lead for",
    "bounds": "set or lifted the first or last day of",
}


def derive_person_cause_id(request: str) -> CauseId:
    """A person's cause: the request's own id makes a repeated request the same act."""
    return CauseId(f"launch:person:{request}")


def edit(state: State, command: Edit, context: Context, revision: int) -> LaunchesChanged:
    """Decide a person's act.

    Raises:
        RefusedError: it cannot be done; says why, and where in the command.
    """
    launch = _find(state, command)
    features = _features(state, command, launch)
    base = launch.snapshot if launch else blank(_name(state, features))
    agreed = _agree(base, command, ready_on(features), context)
    shape = base.model_copy(update={**command.fields(), **agreed, "pin": _pin(base, command, context)})
    acts = set(command.acts())
    plans = bool(acts - AFTERWARDS) or launch is None or bool(command.complete and launch.conflicts)
    if plans:
        by_hand = {*(launch.by_hand if launch else ()), *command.fields()}
        shape = reshape(shape, features, by_hand, context, _settle(command, shape, features, context))
    about = DecisionContext(state, context, revision, state.features, _cause(command, shape, context))
    request = LaunchRequest(
        launch,
        shape,
        features,
        kinds=(LaunchKind.LEAD_TIME_WAIVED,) if command.waive else (),
        insists=command.date is not None,
        off=bool(command.cancel),
        anew=plans,
    )
    if not plans:
        return decide(about, about.plan_request(), [request])
    wanted = request_date(shape, features, launch, context)
    if command.date:
        _check_date(command.date, wanted, context)
    elif command.bounds:
        check_last_day(shape)
    wanted = replace(wanted, date=command.date or wanted.date, launch=None)
    if command.cancel:
        request = replace(request, placement=date_alone(wanted, context))
        return decide(about, about.plan_request(gone=frozenset([shape.id])), [request])
    return decide(about, about.plan_request(), [replace(request, date=wanted)])


def _settle(command: Edit, shape: LaunchSnapshot, features: Sequence[KnownFeature], context: Context) -> Settled | None:
    """After the end of an override the tier follows the score alone, not the band of what was chosen."""
    active = [feature.snapshot for feature in features if not feature.is_cancelled]
    return settle_by_person(shape, active, context.calendar, None) if command.end_override and active else None


def _find(state: State, command: Edit) -> Launch | None:
    if command.launch is None:
        return None
    launch = state.launches.get(command.launch)
    if launch is None:
        raise RefusedError(f"there is no launch {command.launch}", missing=True)
    if launch.snapshot.state in HAPPENED_STATES and set(command.acts()) - AFTERWARDS:
        raise RefusedError(f"{launch.snapshot.name} has happened; only its name and owners can still change")
    if launch.snapshot.state == "cancelled" and command.cancel is None and set(command.acts()) - AFTERWARDS:
        raise RefusedError(f'{launch.snapshot.name} is called off; take it up again first with {{"cancel": false}}')
    return launch


def _features(state: State, command: Edit, launch: Launch | None) -> list[KnownFeature]:
    if command.features is None:
        if launch is None:
            raise RefusedError("a launch tells of at least one feature", "$.features")
        return features_of(launch.snapshot, state.features)
    if not command.features:
        raise RefusedError("a launch tells of at least one feature", "$.features")
    unknown = sorted(set(command.features) - state.features.keys())
    if unknown:
        raise RefusedError(f"no such feature: {', '.join(unknown)}", "$.features")
    return [state.features[name] for name in dict.fromkeys(command.features)]


def _name(state: State, features: Sequence[KnownFeature]) -> LaunchId:
    first = features[0].snapshot
    return derive_launch_id(state.portfolio, first.ref, first.stage, state.launches)


def _pin(base: LaunchSnapshot, command: Edit, context: Context) -> Pin | None:
    if command.pin is None:
        return None if command.unpin else base.pin
    if command.date is None and base.date is None:
        raise RefusedError("a launch without a date needs one to be pinned to", "$.date")
    return Pin(reason=command.pin, by=command.by, on=context.today)


def _check_date(day: Day, wanted: DateRequest, context: Context) -> None:
    """A person may choose any day that breaks no rule of the launch's own, and with a pin any day ahead.

    What others have against the day is found when all are planned (`insists` in pipeline.py).
    """
    if day <= context.today:
        raise RefusedError(f"{day} is not ahead; the earliest day is tomorrow", "$.date")
    if (day - context.today).days > context.policy.horizon_days:
        raise RefusedError(f"{day} is beyond the horizon of {context.policy.horizon_days} days", "$.date")
    against = [] if wanted.pinned else violations(wanted.situation, day, context.calendar)
    if against:
        sentences = "; ".join(dict.fromkeys(rule.detail for rule in against))
        raise RefusedError(f"{sentences}. {PIN_HOLDS}", "$.date")


def _cause(command: Edit, after: LaunchSnapshot, context: Context) -> Cause:
    return Cause(
        id=derive_person_cause_id(command.request),
        kind="person",
        summary=f"{command.by} {' and '.join(_verbs(command))} {after.name}",
        source=Source(
            tool="launch",
            source_id="launch",
            ref=after.id,
            actor=command.by,
            occurred_at=context.now,
            observed_at=context.now,
        ),
    )


def _verbs(command: Edit) -> Iterator[str]:
    if command.launch is None:
        yield "created"
    else:
        yield from (VERBS[act] for act in command.acts())


# ---- what persons agree on: another loudness or less lead for a time, work that is done, days it must keep


def _agree(launch: LaunchSnapshot, command: Edit, ready: Day | None, context: Context) -> dict[str, object]:
    """The snapshot's fields that change; `ready` is when the features are, from which lead counts that waits for them.

    Raises:
        RefusedError: a name is missing, a day is not ahead, days contradict each other, there is no such activity or
            nothing to end.
    """
    changed: dict[str, object] = {}
    if command.override:
        changed["override"] = _override(launch, command.by, command.override, context)
    elif command.end_override:
        _check_override(launch)
        changed["override"] = None
    if command.waive:
        kept = tuple(waiver for waiver in launch.waivers if waiver.activity != command.waive.activity)
        changed["waivers"] = (*kept, _waive(launch, command.by, command.waive, context, ready))
    if command.bounds:
        changed |= _bound(launch, command.bounds, context)
    if command.complete:
        changed["completed"] = (*launch.completed, *_complete(launch, command.by, command.complete, context))
    return changed


def _override(launch: LaunchSnapshot, by: str, wish: Overriding, context: Context) -> TierOverride:
    internal = wish.internal or min(wish.market, launch.internal_tier)
    _check_until(wish.until, context)
    guarded = set(context.policy.retiering.second_approver)
    touched = guarded & {launch.market_tier, launch.internal_tier, wish.market, internal}
    if touched:
        _check_second(by, wish.approved_by, f"a change to or from {' or '.join(sorted(touched))}")
    return TierOverride(
        market=wish.market,
        internal=internal,
        reason=wish.reason,
        by=by,
        approved_by=wish.approved_by,
        on=context.today,
        until=wish.until,
    )


def _check_override(launch: LaunchSnapshot) -> None:
    if launch.override is None:
        raise RefusedError(f"nobody has decided how loud {launch.name} is; there is nothing to end", missing=True)


def _waive(launch: LaunchSnapshot, by: str, wish: Waiving, context: Context, ready: Day | None) -> Waiver:
    lead = _find_activity(launch, wish.activity, context, "$.activity")
    if launch.date is None:
        raise RefusedError(f"{launch.name} has no date that less lead could keep")
    if lead.completed:
        raise RefusedError(f"{lead.activity.name} is done; there is nothing to waive", "$.activity")
    if lead.days <= 0:
        raise RefusedError(f"{lead.activity.name} needs no lead before the launch", "$.activity")
    _check_until(wish.until, context)
    _check_second(by, wish.approved_by, "giving up a team's lead")
    since = ready if lead.activity.anchor == AFTER_READY and ready else context.today
    left = context.calendar.count_working_days(since, launch.date, launch.regions)
    return Waiver(
        activity=lead.activity.id,
        team=lead.activity.team,
        lead=lead.days,
        kept=min(lead.days, left),
        date=launch.date,
        reason=wish.reason,
        by=by,
        approved_by=wish.approved_by,
        on=context.today,
        until=wish.until,
    )


def _bound(launch: LaunchSnapshot, wish: Bounding, context: Context) -> dict[str, Day | None]:
    first = None if "not_before" in wish.lifted else wish.not_before or launch.not_before
    last = None if "not_after" in wish.lifted else wish.not_after or launch.not_after
    for name, day in (("not_before", wish.not_before), ("not_after", wish.not_after)):
        if day and day <= context.today and day != getattr(launch, name):
            raise RefusedError(f"{day} is not ahead; the earliest day is tomorrow", f"$.{name}")
        if day and (day - context.today).days > context.policy.horizon_days:
            raise RefusedError(f"{day} is beyond the horizon of {context.policy.horizon_days} days", f"$.{name}")
    if first and last and first > last:
        where = "$.not_before" if wish.not_before else "$.not_after"
        raise RefusedError(f"no day is on or after {first} and on or before {last}", where)
    return {"not_before": first, "not_after": last}


def check_last_day(launch: LaunchSnapshot) -> None:
    """Raises RefusedError if the launch has a date after its last day: by itself it does not come earlier."""
    if launch.date and launch.not_after and launch.date > launch.not_after and not launch.pin:
        told = f"{launch.name} is on {launch.date}; give it a date up to {launch.not_after} in the same request"
        raise RefusedError(told, "$.not_after")


def _complete(launch: LaunchSnapshot, by: str, names: tuple[str, ...], context: Context) -> list[Completed]:
    found = [_find_activity(launch, name, context, "$.complete") for name in dict.fromkeys(names)]
    return [
        Completed(activity=lead.activity.id, planned=lead.begin_by, by=by, on=context.today)
        for lead in found
        if lead.completed is None
    ]


def _find_activity(launch: LaunchSnapshot, name: str, context: Context, where: str) -> Lead:
    leads = contract(launch, context.calendar, context.today)
    found = next((lead for lead in leads if lead.activity.id == name), None)
    if found is None:
        known = ", ".join(sorted(lead.activity.id for lead in leads)) or "none"
        raise RefusedError(f"{launch.name} has no activity {name!r:.80}; it has: {known}", where, missing=True)
    return found


def _check_until(until: Day, context: Context) -> None:
    if until <= context.today:
        raise RefusedError(f"{until} is not ahead; what is agreed holds until a later day", "$.until")


def _check_second(by: str, other: str | None, what: str) -> None:
    if not other or other.casefold() == by.casefold():
        raise RefusedError(f"{what} needs a second name: somebody else who approves it", "$.approved_by")
