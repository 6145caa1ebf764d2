"""Blast radius: what each feature's slip by some days would move, and telling it when a person asked for it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from services.launch.domain.approval.approving import cause_of
from services.launch.domain.approval.whatif import Slip, Step, simulate
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.decide.telling import tell
from services.launch.domain.launch import Launch
from services.launch.domain.state import State
from shared.contracts.launch import BlastRadius, LaunchesChanged
from shared.contracts.words import Word

SLIPS = (7, 21, 60)
"""Calendar days, where nobody asks for others."""


class Asked(Word):
    """A person's question, with its answer: what was found on the plan from revision `since` on."""

    by: str
    request: str
    since: int
    found: tuple[BlastRadius, ...]


def sweep(state: State, feature: str, slips: Sequence[int], scene: Scene) -> list[BlastRadius]:
    """How many launches each slip of a feature would move, and at what cost; nothing for one without a day.

    A slip counts from the day that the launch counts with: the likely one, and today where that is over.
    """
    known = state.features.get(feature)
    if known is None or known.ready_on is None or known.is_shipped or known.is_cancelled:
        return []
    day = max(known.ready_on, scene.today)
    found = []
    for days in slips:
        outcome = simulate(state, [Step(Slip(feature=feature, ready_on=day + timedelta(days=days)))], scene)
        found.append(BlastRadius(feature=feature, slip_days=days, launches=len(outcome.moves), cost=outcome.cost))
    return found


def features_ahead(state: State) -> list[str]:
    """The features of launches ahead that have a date, those of the soonest launch first."""
    ahead = [one for one in state.launches.values() if one.is_open and one.snapshot.date]
    return list(dict.fromkeys(one.id for launch in sorted(ahead, key=_place) for one in launch.snapshot.features))


def _place(launch: Launch) -> tuple[str, str]:
    return str(launch.snapshot.date), launch.id


def tell_radius(state: State, asked: Asked, scene: Scene, revision: int) -> LaunchesChanged:
    """What was found, told as an act of its own: no launch changes.

    Raises:
        RefusedError: there is nothing to tell.
    """
    if not asked.found:
        raise RefusedError("no feature that was asked for has a day and is still ahead, so no slip can be tried out")
    features = len({one.feature for one in asked.found})
    which = "1 feature" if features == 1 else f"{features} features"
    cause = cause_of(
        asked.by, asked.request, f"asked what a slip of {which} would move, {_when(asked, revision - 1)}", None, scene
    )
    return tell(state.portfolio, revision, cause, (), ()).model_copy(update={"blast_radius": asked.found})


def _when(asked: Asked, last: int) -> str:
    """The plan may have changed between two features: then the answer is of no single moment, and says so."""
    if last == asked.since:
        return f"as of revision {last}"
    return f"while the plan went from revision {asked.since} to {last}"


def rank(found: Sequence[BlastRadius]) -> Iterator[Mapping[str, object]]:
    """By what hurts most: features by their greatest cost, each with its slips."""
    by_feature: dict[str, list[BlastRadius]] = {}
    for one in found:
        by_feature.setdefault(one.feature, []).append(one)
    for feature, listed in sorted(by_feature.items(), key=lambda pair: (-max(one.cost for one in pair[1]), pair[0])):
        yield {"feature": feature, "slips": [one.model_dump() for one in listed]}
