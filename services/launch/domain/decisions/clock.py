"""What the clock does: a launch's day comes, or another instant it waits for.

On its day a launch whose features are all live is launched; another is held, without a date unless that is pinned.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from services.launch.domain.calendar import Context
from services.launch.domain.decisions.message import DecisionContext, LaunchDecision, explain
from services.launch.domain.decisions.pipeline import LaunchRequest, decide, reshape
from services.launch.domain.feature import features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import WAKE, Due, State, waits_for_train
from services.launch.domain.rules.lead import last_days
from services.launch.domain.rules.train import settles_on
from services.launch.domain.scheduling.request import request_date
from services.launch.domain.scheduling.single import date_alone
from services.launch.domain.tiers import settle, settle_by_person
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import Conflict, LaunchesChanged, LaunchSnapshot, Link
from shared.contracts.words import CauseId, LaunchId, PortfolioId, format_instant


def derive_clock_cause_id(portfolio: PortfolioId, timer: str, subject: str, due_at: datetime | None = None) -> CauseId:
    """The clock's cause: the same timer always has the same id. `due_at` None: its subject happens once."""
    text = "\n".join((portfolio, timer, subject, format_instant(due_at) if due_at else "once"))
    return CauseId(f"launch:clock:{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def on_due(state: State, due: Due, context: Context, revision: int) -> LaunchesChanged:
    """A launch's day has come, or another instant it waited for."""
    launch = state.launches[due.launch]
    before, calls = launch.snapshot, due.timer == WAKE
    summary = describe(launch, context) if calls else f"The day of {before.name} has come"
    cause = _cause(state.portfolio, due, summary, launch.dated_by)
    about = DecisionContext(state, context, revision, state.features, cause)
    if calls:
        return _on_reminder(launch, about)
    features = [feature for feature in features_of(before, state.features) if not feature.is_cancelled]
    late = [feature.snapshot.ref for feature in features if not feature.is_shipped]
    links = tuple(
        Link(feature=feature.id, constraint="ready", detail=f"{feature.snapshot.ref} has not shipped")
        for feature in features
        if not feature.is_shipped
    )
    waits, conflicts = f"{', '.join(late)} had not shipped on {due.day}", tuple[Conflict, ...]()
    if not late:
        after = before.model_copy(update={"state": "launched", "waits_for": None})
    elif before.pin:
        after = before.model_copy(update={"state": "held", "waits_for": waits})
        conflicts = date_alone(request_date(before, features, launch, context), context).conflicts
    else:
        after = before.model_copy(update={"state": "held", "waits_for": waits, "date": None, "train": None})
    decision = LaunchDecision(launch, after, explain(cause, (), before, after, links), conflicts)
    itself = frozenset([launch.id])
    return decide(about, about.plan_request(frozenset() if after.date else itself, itself, itself), decided=[decision])


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


def _on_reminder(launch: Launch, about: DecisionContext) -> LaunchesChanged:
    """What was agreed for a time has ended, its tier may change again, work must begin, or its train is settled."""
    state, context, old = about.state, about.context, launch.snapshot
    features = features_of(old, state.features)
    ended = tuple(_ended(old, context))
    lapsed = old.override is not None and old.override.until <= context.today
    shape, settled = old, None
    if ended:
        waivers = tuple(waiver for waiver in old.waivers if waiver.until > context.today)
        shape = old.model_copy(update={"waivers": waivers, "override": None if lapsed else old.override})
    active = [feature.snapshot for feature in features if not feature.is_cancelled]
    if active and lapsed:  # no change by itself: nothing holds it back, not even the band of the tier chosen
        settled = settle_by_person(shape, active, context.calendar, None)
    elif active:
        settled = settle(launch, active, active, context.calendar, context.now)
    if settled:
        shape = reshape(shape, features, launch.by_hand, context, settled)
    tiers = (old.market_tier, old.internal_tier) != (shape.market_tier, shape.internal_tier)
    moved = tiers or old.waivers != shape.waivers  # what decides a date has changed
    dates = moved or _is_settled(launch, context)
    request = LaunchRequest(
        launch,
        shape,
        features,
        request_date(shape, features, launch, context) if dates else None,
        settled=settled,
        links=ended,
        anew=moved,
        reminds=True,
    )
    plan = about.plan_request(left_alone=frozenset(_woken_too(state, context)) if dates else frozenset())
    return decide(about, plan, [request], woken=_fellows(launch, state, context))


def _is_settled(launch: Launch, context: Context) -> bool:
    """Whether it is now that the clock decides whether the launch leaves with its train."""
    return settles_on(launch, context.calendar) == context.today and launch.wakes_at == context.now


def _fellows(launch: Launch, state: State, context: Context) -> list[Launch]:
    """Others on the same train: one cause settles all of it, for those who have nothing else to be woken for."""
    train = launch.snapshot.train
    if train is None or not _is_settled(launch, context):
        return []
    riders = (state.launches[name] for name in sorted(state.riders.get(train, set()) - {launch.id}))
    return [rider for rider in riders if waits_for_train(rider, state.features, context.calendar, context.now)]


def _woken_too(state: State, context: Context) -> Iterator[LaunchId]:
    """Launches that are to be woken now for a thing of their own: nobody moves them before that."""
    now = context.now
    for at, name in state.wakes:
        launch = state.launches[name]
        if at == now == launch.wakes_at and not waits_for_train(launch, state.features, context.calendar, now):
            yield name


def describe(launch: Launch, context: Context) -> str:
    """What the instant is about, as the cause's sentence."""
    snapshot = launch.snapshot
    begins = [link.detail for link in last_days(snapshot, context.calendar, context.today)]
    ended = [link.detail for link in _ended(snapshot, context)]
    settled = [f"who rides on the train of {snapshot.train} is settled"] if _is_settled(launch, context) else []
    told = [*ended, *settled, *(begins if len(begins) <= 1 else [f"{begins[0]}, and of {len(begins) - 1} more"])]
    sentence = "; ".join(told) or f"The tier of {snapshot.name} may change again"
    return sentence[0].upper() + sentence[1:]


def _ended(launch: LaunchSnapshot, context: Context) -> Iterator[Link]:
    if launch.override and launch.override.until <= context.today:
        detail = f"what {launch.override.by} decided has ended: {launch.name}"
        yield Link(launch=launch.id, constraint="tier", detail=detail)
    for waiver in launch.waivers:
        if waiver.until <= context.today:
            detail = f"the waiver of {waiver.activity} for {launch.name} has ended: {waiver.lead} working days are due"
            yield Link(launch=launch.id, constraint="lead", detail=detail)
