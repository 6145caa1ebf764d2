"""What the clock does besides a launch's day.

It says what must begin today, ends what a person allowed for a time, tries a tier again that had to rest, and settles
who rides on a train.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.launch.domain.audiences.boarding import settles_on
from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import plan
from services.launch.domain.decide.noting import note
from services.launch.domain.decide.placing import place, want
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of, hands, reshape
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain
from services.launch.domain.launch import Launch
from services.launch.domain.leads import last_days, ready_on
from services.launch.domain.planning.words import Dated, Planned, Table, Wanted
from services.launch.domain.readiness import Known
from services.launch.domain.state import State
from services.launch.domain.tiers.retiering import Settled, settle, settle_by_person
from services.launch.domain.wakes import waits_for_train
from shared.contracts.cause import Cause
from shared.contracts.launch import LaunchesChanged, LaunchKind, LaunchSnapshot, Link
from shared.contracts.words import LaunchId


@dataclass(frozen=True, slots=True)
class _Woken:
    """A launch without what has ended, and the sentences about it."""

    launch: Launch
    base: LaunchSnapshot
    ended: tuple[Link, ...]
    features: Sequence[Known]


def wake(state: State, launch: LaunchId, cause: Cause, scene: Scene, revision: int) -> LaunchesChanged:
    """Decide what an instant that a launch waited for brings."""
    known = state.launches[launch]
    woken = _end(known, features_of(known.snapshot, state.features), scene)
    settled = _settle(woken, scene)
    before = known.snapshot
    shape = reshape(woken.base, woken.features, hands(known), scene, settled) if settled else woken.base
    planned = _plan(woken, shape, Table(state, scene, revision, lambda one: _revive(one, state, scene)))
    dated = planned.dated[shape.id]
    same = dated.date == shape.date and not _is_moved(known, shape)
    after = shape if same else place(shape, woken.features, dated, scene)
    ready = ready_on(woken.features)
    extra = note(known, after, settled, (ready, ready), scene)
    begins = tuple(last_days(after, scene.calendar, scene.today))
    kinds = dict.fromkeys((*((LaunchKind.LEAD_TIME_AT_RISK,) if begins else ()), *extra.kinds))
    links = (*woken.ended, *dated.links, *extra.links, *begins)
    why = explain(cause, (), before, after, links)
    draft = Draft(
        known, after, why, dated.conflicts, dated.undone, kinds=tuple(kinds), proposals=extra.proposals, always=True
    )
    drafts = [draft, *(_stay(one, cause) for one in _fellows(known, state, scene) if one.id not in planned.others)]
    telling = Telling(state, cause, (), scene, state.features)
    return tell(state.portfolio, revision, cause, (), complete(drafts, planned, telling))


def _is_settled(launch: Launch, scene: Scene) -> bool:
    """Whether it is now that the clock decides whether the launch leaves with its train."""
    return settles_on(launch, scene.calendar) == scene.today and launch.wakes_at == scene.now


def _fellows(launch: Launch, state: State, scene: Scene) -> list[Launch]:
    """Others on the same train: one cause settles all of it, for those who have nothing else to be woken for."""
    train = launch.snapshot.train
    if train is None or not _is_settled(launch, scene):
        return []
    riders = (state.launches[one] for one in sorted(state.audiences.riders(train) - {launch.id}))
    return [one for one in riders if waits_for_train(one, state.features, scene.calendar, scene.now)]


def _revive(launch: Launch, state: State, scene: Scene) -> Wanted | None:
    """Nobody who is to be woken now for a thing of its own is moved before that."""
    own = launch.wakes_at == scene.now and not waits_for_train(launch, state.features, scene.calendar, scene.now)
    return None if own else revive(launch, state.features, scene)


def _stay(launch: Launch, cause: Cause) -> Draft:
    one = launch.snapshot
    return Draft(launch, one, explain(cause, (), one, one, ()), launch.conflicts, always=True)


def describe(launch: Launch, scene: Scene) -> str:
    """What the instant is about, as the cause's sentence."""
    one = launch.snapshot
    begins = [link.detail for link in last_days(one, scene.calendar, scene.today)]
    ended = [link.detail for link in _ended(one, scene)]
    settled = [f"who rides on the train of {one.train} is settled"] if _is_settled(launch, scene) else []
    told = [*ended, *settled, *(begins if len(begins) <= 1 else [f"{begins[0]}, and of {len(begins) - 1} more"])]
    sentence = "; ".join(told) or f"The tier of {one.name} may change again"
    return sentence[0].upper() + sentence[1:]


def _end(launch: Launch, features: Sequence[Known], scene: Scene) -> _Woken:
    one, ended = launch.snapshot, tuple(_ended(launch.snapshot, scene))
    lapsed = one.override and one.override.until <= scene.today
    waivers = tuple(waiver for waiver in one.waivers if waiver.until > scene.today)
    base = one.model_copy(update={"waivers": waivers, "override": None if lapsed else one.override}) if ended else one
    return _Woken(launch, base, ended, features)


def _ended(one: LaunchSnapshot, scene: Scene) -> Iterator[Link]:
    if one.override and one.override.until <= scene.today:
        yield Link(launch=one.id, constraint="tier", detail=f"what {one.override.by} decided has ended: {one.name}")
    for waiver in one.waivers:
        if waiver.until <= scene.today:
            detail = f"the waiver of {waiver.activity} for {one.name} has ended: {waiver.lead} working days are due"
            yield Link(launch=one.id, constraint="lead", detail=detail)


def _settle(woken: _Woken, scene: Scene) -> Settled | None:
    """The end of an override is no change by itself: nothing holds it back, not even the band of the tier chosen."""
    active = [one.snapshot for one in woken.features if not one.is_cancelled]
    if not active:
        return None
    if woken.launch.snapshot.override and not woken.base.override:
        return settle_by_person(woken.base, active, scene.calendar, None)
    return settle(woken.launch, active, active, scene.calendar, scene.now)


def _is_moved(launch: Launch, shape: LaunchSnapshot) -> bool:
    """Whether what decides a date has changed."""
    old = launch.snapshot
    tiers = (old.market_tier, old.internal_tier) != (shape.market_tier, shape.internal_tier)
    return tiers or old.waivers != shape.waivers


def _plan(woken: _Woken, shape: LaunchSnapshot, table: Table) -> Planned:
    launch = woken.launch
    if not (_is_moved(launch, shape) or _is_settled(launch, table.scene)):
        return Planned({shape.id: Dated(shape.date, shape.waits_for, conflicts=launch.conflicts)})
    return plan([want(shape, woken.features, launch, table.scene)], table)
