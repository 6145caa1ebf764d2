"""What must be said with a decision besides the new date: lead that got lost, a change of tier that a person decides.

Adds sentences, kinds and proposals to a decision; changes no date and no tier.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.launch.domain.decide.scene import Scene
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.leads import compressed, days_of
from services.launch.domain.tiers.retiering import RETIER, Settled, derive_proposal_id
from shared.contracts.launch import LaunchKind, LaunchSnapshot, Link, Proposal, ProposedMove


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be added to a decision about one launch."""

    links: tuple[Link, ...] = ()
    kinds: tuple[LaunchKind, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def note(
    launch: Launch | None,
    after: LaunchSnapshot,
    settled: Settled | None,
    ready: tuple[date | None, date | None],
    scene: Scene,
) -> Note:
    """What to add; `ready` is when the launch's features were and are ready."""
    before = launch.snapshot if launch and launch.snapshot.state in OPEN_STATES else None
    links = tuple(compressed(before, after, ready, scene.calendar, scene.today))
    kinds = (LaunchKind.LEAD_TIME_AT_RISK,) if links else ()
    if launch is None:
        return Note(links, kinds)
    asked = _propose_tier(launch, settled, scene) if settled and settled.ask else None
    if asked and not _is_asked_already(launch, asked):
        link = Link(launch=launch.id, constraint="tier", detail=asked.summary)
        return Note((*links, link), (*kinds, LaunchKind.PROPOSAL_OPENED), (asked,))
    if launch.asked and launch.asked.state == "open" and not asked and (settled or after.override):
        closed = launch.asked.model_copy(update={"state": "superseded", "reason": after.tier_reason})
        return Note(links, (*kinds, LaunchKind.PROPOSAL_SUPERSEDED), (closed,))
    return Note(links, kinds)


def _propose_tier(launch: Launch, settled: Settled, scene: Scene) -> Proposal:
    """A change of tier for a person to decide: why, what of the started work stays, which date the leads allow."""
    one, computed = launch.snapshot, settled.computed
    target = one.model_copy(update={"market_tier": computed.market, "internal_tier": computed.internal})
    parts = (
        f"{one.name}: {one.market_tier} would become {computed.market}, inside {one.internal_tier} {computed.internal}",
        settled.kept,
        *_effects(one, target, scene),
        computed.reason.rstrip("."),
    )
    feasible = _feasible(target, scene)
    detail = f"{one.market_tier} to {computed.market}"
    move = ProposedMove(launch=launch.id, earlier_date=one.date, later_date=feasible, detail=detail)
    return Proposal(
        id=derive_proposal_id(launch, settled),
        kind=RETIER,
        summary="; ".join(parts) + ".",
        moves=(move,),
        because=(settled.kept,),
        hash=f"{computed.market}/{computed.internal}",
    )


def _effects(one: LaunchSnapshot, target: LaunchSnapshot, scene: Scene) -> Iterator[str]:
    activities = {activity.id: activity for activity in scene.policy.activities}
    spare = [
        activities[done.activity].name
        for done in one.completed
        if done.activity in activities and days_of(activities[done.activity], target) is None
    ]
    if spare:
        yield f"done already and no longer asked for: {', '.join(spare)}; say what to keep"
    feasible = _feasible(target, scene)
    if feasible and one.date and feasible > one.date:
        yield f"with the lead times of {target.market_tier} the earliest day is {feasible}, not {one.date}"


def _feasible(target: LaunchSnapshot, scene: Scene) -> date | None:
    """The launch's date, or the first day on which every activity that is not done can still be begun in time."""
    if target.date is None:
        return None
    done = {one.activity for one in target.completed}
    asked = {one.id: days_of(one, target) or 0 for one in scene.policy.activities}
    longest = max((days for name, days in asked.items() if name not in done), default=0)
    return max(target.date, scene.calendar.after_working_days(scene.today, max(0, longest), target.regions))


def _is_asked_already(launch: Launch, asked: Proposal) -> bool:
    """Whether the same change waits already; another day or other words do not make it another one."""
    return launch.asked is not None and launch.asked.hash == asked.hash
