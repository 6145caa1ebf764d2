"""What the clock does: on its day a launch whose features are all live is launched, another is held without a date."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.launch.domain.calendar import Calendar
from services.launch.domain.context import Context
from services.launch.domain.decisions.message import DecisionContext, Draft, build_message
from services.launch.domain.decisions.shape import hands, place, reshape
from services.launch.domain.decisions.side_effects import collect_lead_warnings, collect_side_effects
from services.launch.domain.evolution import waits_for_train
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.reasons import explain
from services.launch.domain.rules.lead import last_days, ready_on
from services.launch.domain.rules.train import settles_on
from services.launch.domain.scheduling.request import Placement, Placements, PlanRequest, request_date
from services.launch.domain.scheduling.schedule import schedule
from services.launch.domain.scheduling.single import date_alone
from services.launch.domain.tiers.retiering import Settled, settle, settle_by_person
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchesChanged, LaunchKind, LaunchSnapshot, Link
from shared.contracts.words import CauseId, LaunchId, PortfolioId, format_instant

LAUNCH_DAY = "launch-day"

WAKE = "wake"


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that has run out."""

    due_at: datetime
    day: date
    launch: LaunchId
    timer: str = LAUNCH_DAY


def next_due(state: State, now: datetime, calendar: Calendar) -> Due | None:
    """The first timer that is due at `now`, by (due_at, id); None if none is."""
    return min(_soonest(state, now, calendar), key=lambda due: (due.due_at, due.launch, due.timer), default=None)


def _soonest(state: State, now: datetime, calendar: Calendar) -> Iterator[Due]:
    soonest = state.next_day()
    if soonest and soonest[0] <= calendar.day_of(now):
        yield Due(calendar.start_of(soonest[0]), *soonest)
    wakes = state.next_wake()
    if wakes and wakes[0] <= now:
        yield Due(wakes[0], calendar.day_of(wakes[0]), wakes[1], WAKE)


def derive_clock_cause_id(portfolio: PortfolioId, timer: str, subject: str, due_at: datetime | None = None) -> CauseId:
    """The clock's cause: the same timer always has the same id. `due_at` None: its subject happens once."""
    text = "\n".join((portfolio, timer, subject, format_instant(due_at) if due_at else "once"))
    return CauseId(f"launch:clock:{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def on_due(state: State, due: Due, context: Context, revision: int) -> LaunchesChanged:
    """A launch's day has come, or another instant it waited for."""
    launch = state.launches[due.launch]
    if due.timer == WAKE:
        told = _cause(state.portfolio, due, describe(launch, context), launch.dated_by)
        return on_reminder(state, launch.id, told, context, revision)
    before = launch.snapshot
    cause = _cause(state.portfolio, due, f"The day of {before.name} has come", launch.dated_by)
    features = [one for one in features_of(before, state.features) if not one.is_cancelled]
    late = [one for one in features if not one.is_shipped]
    if not late:
        after = before.model_copy(update={"state": "launched", "waits_for": None})
        return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, ())), context)
    waits = f"{', '.join(one.snapshot.ref for one in late)} had not shipped on {due.day}"
    links = tuple(
        Link(feature=one.id, constraint="ready", detail=f"{one.snapshot.ref} has not shipped") for one in late
    )
    if before.pin:
        after = before.model_copy(update={"state": "held", "waits_for": waits})
        conflicts = date_alone(request_date(before, features, launch, context), context).conflicts
        why = explain(cause, (), before, after, links)
        return _told(state, revision, cause, Draft(launch, after, why, conflicts), context)
    after = before.model_copy(update={"state": "held", "waits_for": waits, "date": None, "train": None})
    return _told(state, revision, cause, Draft(launch, after, explain(cause, (), before, after, links)), context)


def _told(state: State, revision: int, cause: Cause, draft: Draft, context: Context) -> LaunchesChanged:
    launch = frozenset([draft.after.id])
    request = PlanRequest(
        state,
        context,
        revision,
        state.features,
        gone=frozenset() if draft.after.date else launch,
        touched=launch,
        left_alone=launch,
    )
    drafts = collect_side_effects(
        [draft], schedule([], request), DecisionContext(state, cause, (), context, state.features)
    )
    return build_message(state.portfolio, revision, cause, (), drafts)


def _cause(portfolio: PortfolioId, due: Due, summary: str, caused_by: CauseId | None) -> Cause:
    return Cause(
        id=derive_clock_cause_id(portfolio, due.timer, due.launch, due.due_at),
        kind="clock",
        summary=summary,
        source=Source(
            tool="launch", source_id="launch", ref=due.launch, occurred_at=due.due_at, observed_at=due.due_at
        ),
        caused_by=caused_by,
    )


@dataclass(frozen=True, slots=True)
class _Woken:
    """A launch without what has ended, and the sentences about it."""

    launch: Launch
    base: LaunchSnapshot
    ended: tuple[Link, ...]
    features: Sequence[KnownFeature]


def on_reminder(state: State, launch: LaunchId, cause: Cause, context: Context, revision: int) -> LaunchesChanged:
    """Decide what an instant that a launch waited for brings."""
    known = state.launches[launch]
    woken = _end(known, features_of(known.snapshot, state.features), context)
    settled = _settle(woken, context)
    before = known.snapshot
    shape = reshape(woken.base, woken.features, hands(known), context, settled) if settled else woken.base
    request = PlanRequest(state, context, revision, state.features)
    placements = _plan(woken, shape, request)
    placement = placements.asked[shape.id]
    same = placement.date == shape.date and not _is_moved(known, shape)
    after = shape if same else place(shape, woken.features, placement, context)
    ready = ready_on(woken.features)
    extra = collect_lead_warnings(known, after, settled, (ready, ready), context)
    begins = tuple(last_days(after, context.calendar, context.today))
    kinds = dict.fromkeys((*((LaunchKind.LEAD_TIME_AT_RISK,) if begins else ()), *extra.kinds))
    links = (*woken.ended, *placement.links, *extra.links, *begins)
    why = explain(cause, (), before, after, links)
    draft = Draft(
        known,
        after,
        why,
        placement.conflicts,
        placement.undone,
        kinds=tuple(kinds),
        proposals=extra.proposals,
        always=True,
    )
    drafts = [draft, *(_stay(one, cause) for one in _fellows(known, state, context) if one.id not in placements.others)]
    decision = DecisionContext(state, cause, (), context, state.features)
    return build_message(state.portfolio, revision, cause, (), collect_side_effects(drafts, placements, decision))


def _is_settled(launch: Launch, context: Context) -> bool:
    """Whether it is now that the clock decides whether the launch leaves with its train."""
    return settles_on(launch, context.calendar) == context.today and launch.wakes_at == context.now


def _fellows(launch: Launch, state: State, context: Context) -> list[Launch]:
    """Others on the same train: one cause settles all of it, for those who have nothing else to be woken for."""
    train = launch.snapshot.train
    if train is None or not _is_settled(launch, context):
        return []
    riders = (state.launches[one] for one in sorted(state.audiences.riders(train) - {launch.id}))
    return [one for one in riders if waits_for_train(one, state.features, context.calendar, context.now)]


def _woken_too(state: State, context: Context) -> Iterator[LaunchId]:
    """Launches that are to be woken now for a thing of their own: nobody moves them before that."""
    now = context.now
    for at, name in state.wakes:
        launch = state.launches[name]
        if at == now == launch.wakes_at and not waits_for_train(launch, state.features, context.calendar, now):
            yield name


def _stay(launch: Launch, cause: Cause) -> Draft:
    one = launch.snapshot
    return Draft(launch, one, explain(cause, (), one, one, ()), launch.conflicts, always=True)


def describe(launch: Launch, context: Context) -> str:
    """What the instant is about, as the cause's sentence."""
    one = launch.snapshot
    begins = [link.detail for link in last_days(one, context.calendar, context.today)]
    ended = [link.detail for link in _ended(one, context)]
    settled = [f"who rides on the train of {one.train} is settled"] if _is_settled(launch, context) else []
    told = [*ended, *settled, *(begins if len(begins) <= 1 else [f"{begins[0]}, and of {len(begins) - 1} more"])]
    sentence = "; ".join(told) or f"The tier of {one.name} may change again"
    return sentence[0].upper() + sentence[1:]


def _end(launch: Launch, features: Sequence[KnownFeature], context: Context) -> _Woken:
    one, ended = launch.snapshot, tuple(_ended(launch.snapshot, context))
    lapsed = one.override and one.override.until <= context.today
    waivers = tuple(waiver for waiver in one.waivers if waiver.until > context.today)
    base = one.model_copy(update={"waivers": waivers, "override": None if lapsed else one.override}) if ended else one
    return _Woken(launch, base, ended, features)


def _ended(one: LaunchSnapshot, context: Context) -> Iterator[Link]:
    if one.override and one.override.until <= context.today:
        yield Link(launch=one.id, constraint="tier", detail=f"what {one.override.by} decided has ended: {one.name}")
    for waiver in one.waivers:
        if waiver.until <= context.today:
            detail = f"the waiver of {waiver.activity} for {one.name} has ended: {waiver.lead} working days are due"
            yield Link(launch=one.id, constraint="lead", detail=detail)


def _settle(woken: _Woken, context: Context) -> Settled | None:
    """The end of an override is no change by itself: nothing holds it back, not even the band of the tier chosen."""
    active = [one.snapshot for one in woken.features if not one.is_cancelled]
    if not active:
        return None
    if woken.launch.snapshot.override and not woken.base.override:
        return settle_by_person(woken.base, active, context.calendar, None)
    return settle(woken.launch, active, active, context.calendar, context.now)


def _is_moved(launch: Launch, shape: LaunchSnapshot) -> bool:
    """Whether what decides a date has changed."""
    old = launch.snapshot
    tiers = (old.market_tier, old.internal_tier) != (shape.market_tier, shape.internal_tier)
    return tiers or old.waivers != shape.waivers


def _plan(woken: _Woken, shape: LaunchSnapshot, request: PlanRequest) -> Placements:
    launch = woken.launch
    if not (_is_moved(launch, shape) or _is_settled(launch, request.context)):
        return Placements({shape.id: Placement(shape.date, shape.waits_for, conflicts=launch.conflicts)})
    request = replace(request, left_alone=frozenset(_woken_too(request.state, request.context)))
    return schedule([request_date(shape, woken.features, launch, request.context)], request)
