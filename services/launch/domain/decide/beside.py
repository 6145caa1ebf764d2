"""The launches that an act did not speak of but that a plan moved, and the proposals that it opened or closed.

Turns what was planned into drafts; plans nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.audiences.flagging import flag
from services.launch.domain.decide.budgeting import Telling, weigh
from services.launch.domain.decide.placing import place, want
from services.launch.domain.decide.scene import Scene
from services.launch.domain.decide.shape import features_of
from services.launch.domain.decide.telling import Draft
from services.launch.domain.decide.why import explain
from services.launch.domain.launch import Launch
from services.launch.domain.planning.relief import relieve
from services.launch.domain.planning.words import Dated, Planned, Wanted
from services.launch.domain.readiness import Known
from shared.contracts.launch import Link, Proposal
from shared.contracts.words import LaunchId


def revive(launch: Launch, view: Mapping[str, Known], scene: Scene) -> Wanted | None:
    """How a launch is asked for that nobody spoke of; None if it has no date to plan."""
    features = [one for one in features_of(launch.snapshot, view) if not one.is_cancelled]
    if not launch.is_open or not features or launch.snapshot.date is None:
        return None
    return want(launch.snapshot, features, launch, scene)


def complete(drafts: Sequence[Draft], planned: Planned, telling: Telling) -> list[Draft]:
    """All drafts of a decision: those given, those of launches that moved with them, each with its proposals."""
    state = telling.state
    found = {draft.after.id: draft for draft in drafts}
    extra = {
        **{one: _as_it_is(state.launches[one]) for one in planned.kinds if one in state.launches},
        **planned.others,
    }
    for launch, dated in extra.items():
        if launch not in found:
            found[launch] = _draft(state.launches[launch], dated, telling)
    for opening in planned.openings:
        known = state.launches[opening.launch]
        as_it_is = Draft(known, known.snapshot, (), known.conflicts)
        found[known.id] = replace(found.get(known.id, as_it_is), opportunity=opening)
    listed = [_with_kinds(found[one], planned) for one in sorted(found)]
    first = next((at for at, draft in enumerate(listed) if draft.after.id in planned.kinds), None)
    if first is not None:
        listed[first] = replace(listed[first], proposals=(*listed[first].proposals, *planned.proposals))
    return flag(weigh([*listed, *_relieved(listed, telling)], telling), telling)


def _relieved(drafts: Sequence[Draft], telling: Telling) -> Iterator[Draft]:
    """Launches for which there is room again where they stand."""
    shapes = {draft.after.id: draft.after for draft in drafts}
    for name, left in relieve(telling.state, shapes, telling.scene).items():
        launch = telling.state.launches[name]
        one = launch.snapshot
        gone = next(each.constraint for each in launch.conflicts if each not in left)
        link = Link(launch=name, constraint=gone, detail=f"there is room for {one.name} again")
        yield Draft(launch, one, explain(telling.cause, telling.named, one, one, (link,)), left)


def _as_it_is(launch: Launch) -> Dated:
    return Dated(launch.snapshot.date, launch.snapshot.waits_for, conflicts=launch.conflicts)


def _draft(launch: Launch, dated: Dated, telling: Telling) -> Draft:
    before = launch.snapshot
    after = before
    if before.date != dated.date:
        after = place(before, features_of(before, telling.view), dated, telling.scene)
    why = explain(telling.cause, telling.named, before, after, dated.links)
    return Draft(launch, after, why, dated.conflicts, dated.undone)


def _with_kinds(draft: Draft, planned: Planned) -> Draft:
    kinds = planned.kinds.get(draft.after.id, ())
    if not kinds:
        return draft
    links = tuple(_links(draft.after.id, planned.proposals))
    return replace(draft, kinds=(*draft.kinds, *kinds), why=(*draft.why[:-1], *links, *draft.why[-1:]))


def _links(launch: LaunchId, proposals: Sequence[Proposal]) -> Iterator[Link]:
    for one in proposals:
        if any(move.launch == launch for move in one.moves):
            told = {"open": f"waits for a person: {', '.join(one.because)}"}.get(one.state, f"is {one.state}")
            yield Link(launch=launch, constraint="approval", detail=f"{one.summary} ({one.id}) {told}")
