"""What a feature's change means for the launches: `hear`. A fact from roadmap is never refused, only absorbed."""

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.launch.domain.context import Context
from services.launch.domain.decisions.message import DecisionContext, Draft, build_message
from services.launch.domain.decisions.shape import blank, hands, is_worth_telling, place, reshape
from services.launch.domain.decisions.side_effects import collect_lead_warnings, collect_side_effects
from services.launch.domain.feature import KnownFeature, features_of, learn
from services.launch.domain.launch import HAPPENED_STATES, Launch, carry, derive_launch_id
from services.launch.domain.policy import louder
from services.launch.domain.portfolio import State
from services.launch.domain.reasons import explain
from services.launch.domain.rules.lead import out_of_reach, ready_on
from services.launch.domain.scheduling.request import Placement, PlanRequest, request_date
from services.launch.domain.scheduling.schedule import schedule
from services.launch.domain.tiers.retiering import Settled, settle
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange, FeatureKind
from shared.contracts.launch import LaunchesChanged, LaunchSnapshot, Link, Opportunity
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


@dataclass(frozen=True, slots=True)
class _Plan:
    """A launch in the middle of a decision: its new shape, without a date yet."""

    launch: Launch | None
    shape: LaunchSnapshot
    features: Sequence[KnownFeature]
    heard: Sequence[FeatureChange]
    settled: Settled | None = None
    before: Sequence[KnownFeature] = ()
    """The features as they were."""


def on_feature_changed(
    state: State, cause: Cause, changes: Sequence[FeatureChange], context: Context, revision: int
) -> LaunchesChanged:
    """Decide what one cause of roadmap does to the launches of a portfolio. Pure: the state stays as it is."""
    view = _learn(state, changes, context)
    settled: list[Draft] = []
    plans: list[_Plan] = []
    for launch, heard in sorted(_touched(state, changes).items()):
        known = state.launches[launch]
        if known.snapshot.state in HAPPENED_STATES:
            settled += _correct(known, heard, view, cause)
        elif not known.is_over:
            plans.append(_reshape(known, heard, view, state.features, context))
    plans += _open(state, changes, view, context)
    request = PlanRequest(state, context, revision, view, _gone(plans, settled))
    placements = schedule(
        [request_date(one.shape, one.features, one.launch, context) for one in plans if _needs_date(one)], request
    )
    drafts = [_draft(one, placements.asked.get(one.shape.id), cause, context) for one in plans]
    drafts = collect_side_effects(
        (*settled, *drafts), placements, DecisionContext(state, cause, changes, context, view)
    )
    return build_message(state.portfolio, revision, cause, changes, drafts)


def _gone(plans: Sequence[_Plan], settled: Sequence[Draft]) -> frozenset[LaunchId]:
    """Launches that no longer have a date, and make room."""
    off = (one.shape.id for one in plans if one.launch and not _is_told(one))
    return frozenset((*off, *(one.after.id for one in settled if one.after.date is None or _is_off(one.after))))


def _is_told(plan: _Plan) -> bool:
    return is_worth_telling(plan.shape, plan.features, hands(plan.launch))


def _is_off(snapshot: LaunchSnapshot) -> bool:
    return snapshot.state == "cancelled"


def _learn(state: State, changes: Sequence[FeatureChange], context: Context) -> Mapping[str, KnownFeature]:
    news = learn(state.features, changes, state.slips, context.calendar, context.today)
    return ChainMap(news, state.features)


def _touched(state: State, changes: Sequence[FeatureChange]) -> dict[LaunchId, list[FeatureChange]]:
    touched: dict[LaunchId, list[FeatureChange]] = {}
    for change in changes:
        for launch in sorted(state.of_feature.get(change.feature.id, ())):
            touched.setdefault(launch, []).append(change)
    return touched


def _reshape(
    launch: Launch,
    heard: Sequence[FeatureChange],
    view: Mapping[str, KnownFeature],
    old: Mapping[str, KnownFeature],
    context: Context,
) -> _Plan:
    features, before = features_of(launch.snapshot, view), features_of(launch.snapshot, old)
    active, were = (tuple(one.snapshot for one in some if not one.is_cancelled) for some in (features, before))
    settled = settle(launch, active, were, context.calendar, context.now) if active else None
    shape = reshape(launch.snapshot, features, launch.by_hand, context, settled)
    return _Plan(launch, shape, features, heard, settled, before)


def _open(
    state: State, changes: Sequence[FeatureChange], view: Mapping[str, KnownFeature], context: Context
) -> Iterator[_Plan]:
    """New launches: for features worth decision that no launch tells at their stage."""
    taken: set[str] = set()
    for change in changes:
        known = view[change.feature.id]
        if not _is_untold(state, change, known, context):
            continue
        name = derive_launch_id(
            state.portfolio, known.snapshot.ref, known.snapshot.stage, _Either(state.launches, taken)
        )
        shape = reshape(blank(name), [known], (), context)
        if is_worth_telling(shape, [known], ()):
            taken.add(name)
            yield _Plan(None, shape, [known], [change])


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


def _is_untold(state: State, change: FeatureChange, known: KnownFeature, context: Context) -> bool:
    first_seen_shipped = change.before is None and known.is_shipped and not context.policy.launch_first_seen_shipped
    launches = [state.launches[one] for one in state.of_feature.get(known.id, ())]
    told = any(not one.is_over or one.stage_of(known.id) == known.snapshot.stage for one in launches)
    return not (first_seen_shipped or known.is_cancelled or told)


def _needs_date(plan: _Plan) -> bool:
    """Whether the change can matter for the date; one without a date is always tried again."""
    if not _is_told(plan):
        return False
    before = plan.launch.snapshot if plan.launch else None
    if before is None or before.date is None or before.state == "cancelled":
        return True
    loud = louder(plan.shape.market_tier, plan.shape.internal_tier) != louder(before.market_tier, before.internal_tier)
    return loud or before.regions != plan.shape.regions or any(set(one.kinds) - QUIET for one in plan.heard)


def _draft(plan: _Plan, placement: Placement | None, cause: Cause, context: Context) -> Draft:
    before = plan.launch.snapshot if plan.launch else None
    if not _is_told(plan):
        after = plan.shape.model_copy(update={"state": "cancelled", "waits_for": None, "train": None})
        return Draft(plan.launch, after, explain(cause, plan.heard, before, after, ()))
    placement = placement or Placement(
        plan.shape.date, plan.shape.waits_for, conflicts=plan.launch.conflicts if plan.launch else ()
    )
    after = place(plan.shape, plan.features, placement, context)
    ready = (ready_on(plan.before), ready_on(plan.features))
    extra = collect_lead_warnings(plan.launch, after, plan.settled, ready, context)
    why = explain(cause, plan.heard, before, after, (*placement.links, *extra.links))
    opportunity = _opportunity(plan, after, placement, context)
    return Draft(
        plan.launch, after, why, placement.conflicts, placement.undone, opportunity, extra.kinds, extra.proposals
    )


def _opportunity(plan: _Plan, after: LaunchSnapshot, placement: Placement, context: Context) -> Opportunity | None:
    """What an earlier target would allow, and for which team's work it is too late then; nothing moves by itself."""
    possible = plan.launch and any(EARLIER & set(one.kinds) for one in plan.heard)
    if not (possible and placement.earliest and after.date and placement.earliest < after.date):
        return None
    days = (after.date - placement.earliest).days
    detail = f"{after.name} could launch on {placement.earliest}, {days} days earlier than {after.date}."
    lost = out_of_reach(after, placement.earliest, context.calendar, context.today)
    if lost:
        detail += f" Too late to begin then: {', '.join(f'{one.name} ({one.team})' for one in lost)}."
    return Opportunity(launch=after.id, earliest=placement.earliest, detail=detail)


def _correct(
    launch: Launch, heard: Sequence[FeatureChange], view: Mapping[str, KnownFeature], cause: Cause
) -> Iterator[Draft]:
    """A launch that has happened changes only when something it told is taken back, at the stage it told of."""
    back = {FeatureKind.UNSHIPPED, FeatureKind.CANCELLED}
    same = [one for one in heard if back & set(one.kinds) and launch.stage_of(one.feature.id) == one.feature.stage]
    if not same:
        return
    changed = {one.feature.id for one in same}
    before = launch.snapshot
    features = tuple(carry(view[one.id]) if one.id in changed else one for one in before.features)
    names = ", ".join(sorted(one.feature.ref for one in same))
    waits = f"{names} was taken back after the launch: what was told must be corrected"
    if all(one.status == "cancelled" for one in features):
        after = before.model_copy(update={"features": features, "state": "cancelled"})
    elif any(FeatureKind.UNSHIPPED in one.kinds for one in same):
        update = {"features": features, "state": "held", "date": None, "train": None, "waits_for": waits}
        after = before.model_copy(update=update)
    else:
        after = before.model_copy(update={"features": features})
    link = Link(launch=launch.id, constraint="ready", detail=waits)
    yield Draft(launch, after, explain(cause, same, before, after, (link,)))
