"""What plans cannot hold is told as a conflict with ways out: who crowds a segment, who has missed too many trains.

Of launches that crowd each other one says so, for all. Changes no date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

from services.launch.domain.calendar import ONE_DAY
from services.launch.domain.context import Context
from services.launch.domain.decisions.message import DecisionContext, Draft
from services.launch.domain.feature import features_of
from services.launch.domain.launch import OPEN_STATES
from services.launch.domain.policy import louder
from services.launch.domain.reasons import explain
from services.launch.domain.rules.audience import CROWDING, REST, Crowd
from services.launch.domain.rules.earliest import bounds, situation_of
from services.launch.domain.rules.train import Act, count_missed
from shared.contracts.launch import Conflict, LaunchKind, LaunchSnapshot, Link, Option
from shared.contracts.words import LaunchId

MISSED = "missed_trains"

"""The constraint of the flag that a launch has missed too many trains in a row."""

OURS = CROWDING | {MISSED}

Known = Mapping[str, Conflict]

"""What a launch has been told of already, by its rule: it stays as it was told, whatever ways out would cost today."""

MOST_OTHERS = 3

"""Launches in the way for which it is said where else they could be."""


def apply_audience_conflicts(drafts: Sequence[Draft], decision: DecisionContext) -> list[Draft]:
    """The drafts with what trains and audiences leave open, and those of others who crowd somebody now, or nobody."""
    shapes = {draft.after.id: draft.after for draft in drafts}
    audiences, launches = decision.state.audiences, decision.state.launches
    with audiences.tried() as put:
        for name, shape in shapes.items():
            put(name, shape)
        names = sorted((audiences.declared | _heirs(drafts, decision)) - shapes.keys())
        beside = [Draft(launches[name], launches[name].snapshot, (), launches[name].conflicts) for name in names]
        found = _Flags(decision, shapes).of((*drafts, *beside))
    flagged = [_with(draft, found[draft.after.id]) for draft in drafts]
    others = [_beside(draft, found[draft.after.id], decision) for draft in beside]
    return sorted((*flagged, *(one for one in others if one)), key=lambda draft: draft.after.id)


def _heirs(drafts: Sequence[Draft], decision: DecisionContext) -> set[LaunchId]:
    """Whom those crowd that have said so until their day: from now on the others say it."""
    audiences, context = decision.state.audiences, decision.context
    past = (one.after for one in drafts if one.after.id in audiences.declared)
    return {
        name
        for one in past
        if one.date and one.date <= context.today
        for crowd in audiences.against(one, one.date, context.calendar)
        for name in crowd.by
    }


@dataclass(frozen=True, slots=True)
class _Flags:
    """The launches as they will be, with what stands against each."""

    decision: DecisionContext
    shapes: Mapping[LaunchId, LaunchSnapshot]

    def of(self, drafts: Sequence[Draft]) -> dict[LaunchId, tuple[Conflict, ...]]:
        """The conflicts of each; those that are known already are looked at first and stay as they were told."""
        said = set(self.decision.state.audiences.declared)
        found: dict[LaunchId, tuple[Conflict, ...]] = {}
        for draft in sorted(drafts, key=lambda one: (one.after.id not in said, one.after.pin is None, one.after.id)):
            crowds = [one for one in self._crowds(draft.after) if not _is_said(one, said - {draft.after.id})]
            said = said | {draft.after.id} if crowds else said - {draft.after.id}
            known = {one.constraint: one for one in (draft.launch.conflicts if draft.launch else ())}
            found[draft.after.id] = (*self._crowded(draft.after, crowds, known), *self._missed(draft, known))
        return found

    # ---- audiences

    def _crowds(self, one: LaunchSnapshot) -> list[Crowd]:
        context = self.decision.context
        ahead = one.state in OPEN_STATES and one.date and one.date > context.today
        return self.decision.state.audiences.against(one, one.date, context.calendar) if ahead and one.date else []

    def _crowded(self, one: LaunchSnapshot, crowds: Sequence[Crowd], known: Known) -> Iterator[Conflict]:
        for rule in sorted({crowd.constraint for crowd in crowds}):
            some = [crowd for crowd in crowds if crowd.constraint == rule]
            detail = "; ".join(crowd.detail for crowd in some)
            if rule in known and known[rule].detail == detail:
                yield known[rule]
                continue
            by = sorted({launch for crowd in some for launch in crowd.by})
            yield Conflict(launch=one.id, constraint=rule, detail=detail, options=tuple(self._ways_out(one, by)))

    def _ways_out(self, one: LaunchSnapshot, by: Sequence[LaunchId]) -> Iterator[Option]:
        known = {name: self.shapes.get(name) or self.decision.state.launches[name].snapshot for name in by}
        movable = (each for each in known.values() if each.pin is None and each.state in OPEN_STATES)
        for action, each in (
            ("move_pin" if one.pin else "move", one),
            *(("move_other", each) for each in islice(movable, MOST_OTHERS)),
        ):
            day = self._free(each)
            if day:
                cost = _price(each, day, self.decision.context)
                yield Option(action=action, detail=f"Move {each.name} from {each.date} to {day}.", cost=cost)
        yield Option(action="accept", detail="Let the segment hear both all the same.", cost=0)

    def _free(self, one: LaunchSnapshot) -> date | None:
        context = self.decision.context
        last = context.today + timedelta(days=context.policy.horizon_days)
        first = (one.date or context.today) + ONE_DAY
        return self.decision.state.audiences.first_free(one, first, last, context.calendar)

    # ---- trains

    def _missed(self, draft: Draft, known: Known) -> Iterator[Conflict]:
        """A flag for a launch that has missed too many trains in a row, until it leaves or its row ends."""
        context, after = self.decision.context, draft.after
        if draft.launch is None or not context.calendar.boards(louder(after.market_tier, after.internal_tier)):
            return
        kinds = (*draft.kinds, LaunchKind.UNDONE) if draft.undone else draft.kinds
        times = count_missed(draft.launch, after, Act(self.decision.cause.id, kinds), context.calendar)
        if times < context.policy.trains.misses:
            return
        if MISSED in known:
            yield known[MISSED]
            return
        leaves = f"leaves with that of {after.train}, however weak it is" if after.train else "has no date"
        detail = f"{after.name} has missed {times} trains in a row, and {leaves}"
        yield Conflict(launch=after.id, constraint=MISSED, detail=detail, options=tuple(self._instead(after)))

    def _instead(self, one: LaunchSnapshot) -> Iterator[Option]:
        day = self._alone(one)
        if day:
            cost = _price(one, day, self.decision.context)
            yield Option(action="announce_alone", detail=f"Announce it on its own: pin it to {day}.", cost=cost)
        yield Option(action="accept", detail="Let it go with its next train.", cost=0)

    def _alone(self, one: LaunchSnapshot) -> date | None:
        """The first day before its train on which it could be announced on its own."""
        context, tier = self.decision.context, louder(one.market_tier, one.internal_tier)
        features = features_of(one, self.decision.view)
        found = [
            each.day
            for each in bounds(situation_of(one, features, context), context.calendar)
            if each.constraint != "train"
        ]
        day = max(found)
        while one.date and day < one.date:
            if all(each.constraint == "train" for each in context.calendar.broken(day, tier, one.regions)):
                return day
            day += ONE_DAY
        return None


def _price(one: LaunchSnapshot, day: date, context: Context) -> int:
    return context.policy.objective.price(one, day, context.today)


def _is_said(crowd: Crowd, said: set[LaunchId]) -> bool:
    """Whether others have said it: of a week one of them, of days of rest each of them."""
    return set(crowd.by) <= said if crowd.constraint == REST else not said.isdisjoint(crowd.by)


def _with(draft: Draft, found: Sequence[Conflict]) -> Draft:
    known = draft.launch.conflicts if draft.launch else ()
    links = tuple(_link(one) for one in found if one not in known)
    why = (*draft.why[:-1], *links, *draft.why[-1:]) if links else draft.why
    return replace(draft, why=why, conflicts=_joined(draft, found))


def _beside(draft: Draft, found: Sequence[Conflict], decision: DecisionContext) -> Draft | None:
    """A launch that nothing else happened to; None if it says what it said."""
    conflicts, one = _joined(draft, found), draft.after
    if conflicts == draft.conflicts:
        return None
    links = tuple(_link(each) for each in found if each not in draft.conflicts)
    links = links or (Link(launch=one.id, constraint=REST, detail=f"{one.name} no longer crowds a segment"),)
    return Draft(draft.launch, one, explain(decision.cause, (), one, one, links), conflicts)


def _joined(draft: Draft, found: Sequence[Conflict]) -> tuple[Conflict, ...]:
    return (*(one for one in draft.conflicts if one.constraint not in OURS), *found)


def _link(conflict: Conflict) -> Link:
    return Link(launch=conflict.launch, constraint=conflict.constraint, detail=conflict.detail)
