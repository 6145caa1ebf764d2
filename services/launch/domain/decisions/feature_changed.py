"""What a feature's change means for the launches. A fact from roadmap is never refused, only absorbed.

Says which launches a cause concerns, what they shall be, and which need a date; pipeline.py decides.
"""

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence

from services.launch.domain.calendar import Context
from services.launch.domain.decisions.message import DecisionContext, LaunchDecision, explain
from services.launch.domain.decisions.pipeline import (
    LaunchRequest,
    blank,
    call_off,
    decide,
    is_worth_telling,
    reshape,
)
from services.launch.domain.feature import KnownFeature, features_of, learn
from services.launch.domain.launch import HAPPENED_STATES, Launch, carry, derive_launch_id, tier_of
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.request import request_date
from services.launch.domain.tiers import settle
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange, FeatureKind
from shared.contracts.launch import LaunchesChanged, LaunchSnapshot, Link
from shared.contracts.words import LaunchId

QUIET = frozenset(
    {
        FeatureKind.RENAMED,
        FeatureKind.REASSIGNED,
        FeatureKind.CONTRIBUTORS_CHANGED,
        FeatureKind.PROGRESSED,
        FeatureKind.SHIPPED,
        FeatureKind.BLOCKED,
        FeatureKind.UNBLOCKED,
    }
)
"""Kinds that say nothing about dates: a launch that has one keeps it."""

EARLIER = frozenset(
    {
        FeatureKind.PULLED_IN,
        FeatureKind.NARROWED,
        FeatureKind.RETARGETED,
        FeatureKind.STAGE_CHANGED,
        FeatureKind.SCHEDULED,
    }
)
"""Kinds that can make an earlier date possible."""


def on_feature_changed(
    state: State, cause: Cause, changes: Sequence[FeatureChange], context: Context, revision: int
) -> LaunchesChanged:
    """Decide what one cause of roadmap does to the launches of a portfolio. Pure: the state stays as it is."""
    news = learn(state.features, changes, state.slips, context.calendar, context.today)
    about = DecisionContext(state, context, revision, ChainMap(news, state.features), cause, changes)
    concerned: dict[LaunchId, list[FeatureChange]] = {}
    for change in changes:
        for name in sorted(state.of_feature.get(change.feature.id, ())):
            concerned.setdefault(name, []).append(change)
    requests, decided, gone = [], list[LaunchDecision](), set[LaunchId]()
    for name, heard in sorted(concerned.items()):
        launch = state.launches[name]
        if launch.snapshot.state in HAPPENED_STATES:
            decided += _correct(launch, heard, about)
        elif not launch.is_over:
            request = _reshape(launch, heard, about)
            if is_worth_telling(request.shape, request.features, launch.by_hand):
                requests.append(request)
                continue
            after = call_off(request.shape)
            decided.append(LaunchDecision(launch, after, explain(cause, heard, launch.snapshot, after, ())))
            gone.add(name)
    requests += _open(changes, about)
    gone |= {decision.after.id for decision in decided if not decision.after.date or _is_off(decision.after)}
    return decide(about, about.plan_request(frozenset(gone)), requests, decided)


def _is_off(snapshot: LaunchSnapshot) -> bool:
    return snapshot.state == "cancelled"


def _reshape(launch: Launch, heard: Sequence[FeatureChange], about: DecisionContext) -> LaunchRequest:
    """What the launch shall be with its features as they are now, and whether that can matter for its date."""
    context, before = about.context, launch.snapshot
    features, were = features_of(before, about.view), features_of(before, about.state.features)
    active, were_active = (
        tuple(feature.snapshot for feature in listed if not feature.is_cancelled) for listed in (features, were)
    )
    settled = settle(launch, active, were_active, context.calendar, context.now) if active else None
    shape = reshape(before, features, launch.by_hand, context, settled)
    kinds = {kind for change in heard for kind in change.kinds}
    loud = tier_of(shape) != tier_of(before)
    undated = before.date is None or before.state == "cancelled"  # one without a date is always tried again
    matters = undated or loud or before.regions != shape.regions or bool(kinds - QUIET)
    return LaunchRequest(
        launch,
        shape,
        features,
        request_date(shape, features, launch, context) if matters else None,
        before=were,
        heard=heard,
        settled=settled,
        may_be_earlier=not EARLIER.isdisjoint(kinds),
    )


def _open(changes: Sequence[FeatureChange], about: DecisionContext) -> Iterator[LaunchRequest]:
    """New launches: for features worth one that no launch tells of at their stage."""
    state, context, taken = about.state, about.context, set[str]()
    for change in changes:
        known = about.view[change.feature.id]
        if not _is_untold(change, known, about):
            continue
        in_use = _Either(state.launches, taken)
        name = derive_launch_id(state.portfolio, known.snapshot.ref, known.snapshot.stage, in_use)
        shape = reshape(blank(name), [known], (), context)
        if is_worth_telling(shape, [known], ()):
            taken.add(name)
            wanted = request_date(shape, [known], None, context)
            yield LaunchRequest(None, shape, [known], wanted, before=(), heard=[change])


class _Either(Collection[str]):
    """The names in use already: those of the portfolio and those of this decision, without copying either."""

    def __init__(self, launches: Mapping[LaunchId, Launch], news: set[str]) -> None:
        self._launches, self._news = launches, news

    def __contains__(self, name: object) -> bool:
        return name in self._launches or name in self._news

    def __iter__(self) -> Iterator[str]:
        yield from (*self._launches, *self._news)

    def __len__(self) -> int:
        return len(self._launches) + len(self._news)


def _is_untold(change: FeatureChange, known: KnownFeature, about: DecisionContext) -> bool:
    policy, state = about.context.policy, about.state
    first_seen_shipped = change.before is None and known.is_shipped and not policy.launch_first_seen_shipped
    launches = [state.launches[name] for name in state.of_feature.get(known.id, ())]
    told = any(not launch.is_over or launch.stage_of(known.id) == known.snapshot.stage for launch in launches)
    return not (first_seen_shipped or known.is_cancelled or told)


def _correct(launch: Launch, heard: Sequence[FeatureChange], about: DecisionContext) -> Iterator[LaunchDecision]:
    """A launch that has happened changes only when something it told is taken back, at the stage it told of."""
    back = {FeatureKind.UNSHIPPED, FeatureKind.CANCELLED}
    same = [
        change
        for change in heard
        if back & set(change.kinds) and launch.stage_of(change.feature.id) == change.feature.stage
    ]
    if not same:
        return
    changed = {change.feature.id for change in same}
    before = launch.snapshot
    features = tuple(carry(about.view[feature.id]) if feature.id in changed else feature for feature in before.features)
    names = ", ".join(sorted(change.feature.ref for change in same))
    waits = f"{names} was taken back after the launch: what was told must be corrected"
    if all(feature.status == "cancelled" for feature in features):
        after = before.model_copy(update={"features": features, "state": "cancelled"})
    elif any(FeatureKind.UNSHIPPED in change.kinds for change in same):
        update = {"features": features, "state": "held", "date": None, "train": None, "waits_for": waits}
        after = before.model_copy(update=update)
    else:
        after = before.model_copy(update={"features": features})
    link = Link(launch=launch.id, constraint="ready", detail=waits)
    yield LaunchDecision(launch, after, explain(about.cause, same, before, after, (link,)))
