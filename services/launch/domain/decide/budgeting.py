"""The budget of the loudest tier over what is decided: an excess opens a conflict, its end closes it.

Changes no tier and no date: persons choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.telling import Draft
from services.launch.domain.decide.why import explain
from services.launch.domain.launch import OPEN_STATES, Launch
from services.launch.domain.policy import Budget
from services.launch.domain.readiness import Known
from services.launch.domain.state import State
from services.launch.domain.tiers.budget import BUDGET, Candidate, is_same_choice, over_budget
from services.launch.domain.tiers.scoring import score, values_of
from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange
from shared.contracts.launch import Conflict, LaunchSnapshot, Link

MOST_HEARD = 3
"""Features named in the chain of a launch that they do not belong to."""


@dataclass(frozen=True, slots=True)
class Telling:
    """The act of which a plan is told: its cause, what was heard, and what is known of features now."""

    state: State
    cause: Cause
    heard: Sequence[FeatureChange]
    scene: Scene
    view: Mapping[str, Known]

    @property
    def named(self) -> Sequence[FeatureChange]:
        """What of it is named in the chain of a launch that it does not concern."""
        return self.heard[:MOST_HEARD]


def weigh(drafts: Sequence[Draft], telling: Telling) -> list[Draft]:
    """The drafts with what the budget says, and those of launches that only the budget concerns."""
    budget = telling.scene.policy.budget
    if budget is None or not any(_concerns(draft, budget) for draft in drafts):
        return list(drafts)
    shapes = {draft.after.id: draft.after for draft in drafts}
    others = [telling.state.launches[name] for name in sorted(telling.state.ahead[budget.tier] - shapes.keys())]
    candidates = [_candidate(one, telling, budget) for one in (*shapes.values(), *(one.snapshot for one in others))]
    over = over_budget([one for one in candidates if one], budget)
    weighed = [_with(draft, over.get(draft.after.id)) for draft in drafts]
    weighed += [draft for launch in others if (draft := _beside(launch, over.get(launch.id), telling))]
    return sorted(weighed, key=lambda draft: draft.after.id)


def _concerns(draft: Draft, budget: Budget) -> bool:
    before = draft.launch.snapshot if draft.launch else None
    return draft.after.market_tier == budget.tier or (before is not None and before.market_tier == budget.tier)


def _candidate(one: LaunchSnapshot, telling: Telling, budget: Budget) -> Candidate | None:
    if one.date is None or one.market_tier != budget.tier or one.state not in OPEN_STATES:
        return None
    features = [telling.view[part.id].snapshot for part in one.features if part.id in telling.view]
    points = max((score(values_of(feature), telling.scene.policy) for feature in features), default=0)
    return Candidate(one.id, one.name, one.date, points)


def _with(draft: Draft, over: Conflict | None) -> Draft:
    known = draft.launch.conflicts if draft.launch else ()
    conflicts = _merge(draft.conflicts, known, over)
    if conflicts == draft.conflicts:
        return draft
    links = (_link(over),) if over and over in conflicts else ()
    return replace(draft, conflicts=conflicts, why=(*draft.why[:-1], *links, *draft.why[-1:]))


def _merge(conflicts: Sequence[Conflict], known: Sequence[Conflict], over: Conflict | None) -> tuple[Conflict, ...]:
    others = tuple(one for one in conflicts if one.constraint != BUDGET)
    if over is None:
        return others
    same = next((one for one in known if one.constraint == BUDGET and is_same_choice(one, over)), over)
    return (*others, same)


def _beside(launch: Launch, over: Conflict | None, telling: Telling) -> Draft | None:
    """A launch that nothing else happened to but that is over the budget now, or no longer."""
    conflicts = _merge(launch.conflicts, launch.conflicts, over)
    if set(conflicts) == set(launch.conflicts):
        return None
    links = (_link(over),) if over else (Link(launch=launch.id, constraint=BUDGET, detail="within the budget again"),)
    one = launch.snapshot
    return Draft(launch, one, explain(telling.cause, telling.named, one, one, links), conflicts)


def _link(over: Conflict) -> Link:
    return Link(launch=over.launch, constraint=BUDGET, detail=over.detail)
