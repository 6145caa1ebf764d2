"""What a person may do with a launch: create, share, rename, pin, re-date, own, scope, call off. May be refused.

One request is one cause, whatever it changes at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.launch.domain.dates import violations
from services.launch.domain.decide.agreeing import Agreement, Bounding, Overriding, Waiving, agree, check_last_day
from services.launch.domain.decide.beside import complete, revive
from services.launch.domain.decide.budgeting import Telling
from services.launch.domain.decide.dating import date_alone, plan
from services.launch.domain.decide.noting import note
from services.launch.domain.decide.placing import place, want
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.decide.shape import blank, features_of, hands, reshape, situation_of
from services.launch.domain.decide.telling import Draft, tell
from services.launch.domain.decide.why import explain
from services.launch.domain.launch import HAPPENED_STATES, Launch, derive_launch_id
from services.launch.domain.leads import ready_on
from services.launch.domain.planning.words import Dated, Planned, Table
from services.launch.domain.readiness import Known
from services.launch.domain.state import State
from services.launch.domain.tiers.retiering import Settled, settle_by_person
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchesChanged, LaunchKind, LaunchSnapshot, Owner, Pin
from shared.contracts.words import CauseId, Day, LaunchId, Word

PIN_HOLDS = "A pin holds the date all the same, as a conflict that everybody sees"
AFTERWARDS = frozenset({"name", "owners", "complete"})
"""What may still be changed when a launch has happened."""


class Edit(Word):
    """A person's act on one launch (None: a new one). A field that is None stays as it is."""

    launch: LaunchId | None
    by: str
    request: str
    name: str | None = None
    features: tuple[str, ...] | None = None
    date: Day | None = None
    pin: str | None = None
    """The reason for which the date may no longer move by itself."""
    unpin: bool = False
    owners: tuple[Owner, ...] | None = None
    segments: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    cancel: bool | None = None
    override: Overriding | None = None
    end_override: bool = False
    complete: tuple[str, ...] = ()
    """Activities that are done."""
    waive: Waiving | None = None
    bounds: Bounding | None = None

    def fields(self) -> dict[str, object]:
        """The snapshot's fields that the person gave."""
        names = ("name", "owners", "segments", "regions")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def acts(self) -> tuple[str, ...]:
        """What the person does, as field names."""
        texts = ("name", "features", "date", "pin", "owners", "segments", "regions", "cancel")
        names = (*texts, "override", "waive", "bounds")
        flags = ("unpin", "end_override", "complete")
        return (
            *(name for name in names if getattr(self, name) is not None),
            *(name for name in flags if getattr(self, name)),
        )


VERBS: Mapping[str, str] = {
    "name": "renamed",
    "features": "chose the features of",
    "date": "re-dated",
    "pin": "pinned",
    "unpin": "unpinned",
    "owners": "named the owners of",
    "segments": "chose the segments of",
    "regions": "chose the regions of",
    "cancel": "called off or took up again",
    "override": "decided how loud to make",
    "end_override": "let the policy decide again how loud to make",
    "complete": "completed work on",
    "waive": "gave up lead for",
    "bounds": "set or lifted the first or last day of",
}


def derive_person_cause_id(request: str) -> CauseId:
    """A person's cause: the request's own id makes a repeated request the same act."""
    return CauseId(f"launch:person:{request}")


def edit(state: State, command: Edit, scene: Scene, revision: int) -> LaunchesChanged:
    """Decide a person's act.

    Raises:
        RefusedError: it cannot be done; says why, and where in the command.
    """
    launch = _find(state, command)
    features = _features(state, command, launch)
    base = launch.snapshot if launch else blank(_name(state, features))
    by_hand = {*hands(launch), *command.fields()}
    shape = _shape(base, command, scene, ready_on(features))
    dated = Dated(shape.date, shape.waits_for, conflicts=launch.conflicts if launch else ())
    planned, after = Planned(), shape
    if set(command.acts()) - AFTERWARDS or launch is None or (command.complete and launch.conflicts):
        shape = reshape(shape, features, by_hand, scene, _settle(command, shape, features, scene))
        table = Table(state, scene, revision, lambda one: revive(one, state.features, scene))
        planned = _plan(command, launch, shape, features, table)
        dated = planned.dated[shape.id]
        after = _called_off(command, place(shape, features, dated, scene))
    cause = _cause(command, after, scene)
    telling = Telling(state, cause, (), scene, state.features)
    draft = _draft(command, launch, after, dated, telling)
    return tell(state.portfolio, revision, cause, (), complete([draft], planned, telling))


def _shape(base: LaunchSnapshot, command: Edit, scene: Scene, ready: Day | None) -> LaunchSnapshot:
    wish = Agreement(command.override, command.end_override, command.complete, command.waive, command.bounds, ready)
    agreed = agree(base, command.by, wish, scene)
    return base.model_copy(update={**command.fields(), **agreed, "pin": _pin(base, command, scene)})


def _draft(command: Edit, launch: Launch | None, after: LaunchSnapshot, dated: Dated, telling: Telling) -> Draft:
    ready = ready_on(features_of(after, telling.view))
    extra = note(launch, after, None, (ready, ready), telling.scene)
    kinds = (*((LaunchKind.LEAD_TIME_WAIVED,) if command.waive else ()), *extra.kinds)
    links = (*dated.links, *extra.links)
    why = explain(telling.cause, (), launch.snapshot if launch else None, after, links)
    conflicts = () if after.state == "cancelled" else dated.conflicts
    return Draft(launch, after, why, conflicts, kinds=kinds)


def _settle(command: Edit, shape: LaunchSnapshot, features: Sequence[Known], scene: Scene) -> Settled | None:
    """After the end of an override the tier follows the score alone, not the band of what was chosen."""
    active = [one.snapshot for one in features if not one.is_cancelled]
    return settle_by_person(shape, active, scene.calendar, None) if command.end_override and active else None


def _find(state: State, command: Edit) -> Launch | None:
    if command.launch is None:
        return None
    launch = state.launches.get(command.launch)
    if launch is None:
        raise RefusedError(f"there is no launch {command.launch}", missing=True)
    if launch.snapshot.state in HAPPENED_STATES and set(command.acts()) - AFTERWARDS:
        raise RefusedError(f"{launch.snapshot.name} has happened; only its name and owners can still change")
    if launch.snapshot.state == "cancelled" and command.cancel is None and set(command.acts()) - AFTERWARDS:
        raise RefusedError(f'{launch.snapshot.name} is called off; take it up again first with {{"cancel": false}}')
    return launch


def _features(state: State, command: Edit, launch: Launch | None) -> list[Known]:
    if command.features is None:
        if launch is None:
            raise RefusedError("a launch tells of at least one feature", "$.features")
        return features_of(launch.snapshot, state.features)
    if not command.features:
        raise RefusedError("a launch tells of at least one feature", "$.features")
    unknown = sorted(set(command.features) - state.features.keys())
    if unknown:
        raise RefusedError(f"no such feature: {', '.join(unknown)}", "$.features")
    return [state.features[one] for one in dict.fromkeys(command.features)]


def _name(state: State, features: Sequence[Known]) -> LaunchId:
    first = features[0].snapshot
    return derive_launch_id(state.portfolio, first.ref, first.stage, state.launches)


def _pin(base: LaunchSnapshot, command: Edit, scene: Scene) -> Pin | None:
    if command.pin is None:
        return None if command.unpin else base.pin
    if command.date is None and base.date is None:
        raise RefusedError("a launch without a date needs one to be pinned to", "$.date")
    return Pin(reason=command.pin, by=command.by, on=scene.today)


def _plan(
    command: Edit, launch: Launch | None, shape: LaunchSnapshot, features: Sequence[Known], table: Table
) -> Planned:
    scene = table.scene
    if command.date:
        _check_date(command.date, shape, features, scene)
    elif command.bounds:
        check_last_day(shape)
    asked = want(shape, features, launch, scene)
    wanted = replace(asked, date=command.date or asked.date, launch=None)
    if command.cancel:
        planned = plan([], replace(table, gone=frozenset([shape.id])))
        return replace(planned, dated={shape.id: date_alone(wanted, scene)})
    planned = plan([wanted], table)
    dated = planned.dated[shape.id]
    if command.date and dated.date != command.date:
        sentences = "; ".join(dict.fromkeys(one.detail for one in dated.links)) or "there is no room"
        raise RefusedError(f"{sentences}. {PIN_HOLDS}", "$.date")
    return planned


def _check_date(day: Day, shape: LaunchSnapshot, features: Sequence[Known], scene: Scene) -> None:
    """A person may choose any day that breaks no rule, and with a pin any day ahead."""
    if day <= scene.today:
        raise RefusedError(f"{day} is not ahead; the earliest day is tomorrow", "$.date")
    if (day - scene.today).days > scene.policy.horizon_days:
        raise RefusedError(f"{day} is beyond the horizon of {scene.policy.horizon_days} days", "$.date")
    against = [] if shape.pin else violations(situation_of(shape, features, scene), day, scene.calendar)
    if against:
        sentences = "; ".join(dict.fromkeys(one.detail for one in against))
        raise RefusedError(f"{sentences}. {PIN_HOLDS}", "$.date")


def _called_off(command: Edit, after: LaunchSnapshot) -> LaunchSnapshot:
    return (
        after.model_copy(update={"state": "cancelled", "waits_for": None, "train": None}) if command.cancel else after
    )


def _cause(command: Edit, after: LaunchSnapshot, scene: Scene) -> Cause:
    return Cause(
        id=derive_person_cause_id(command.request),
        kind="person",
        summary=f"{command.by} {' and '.join(_verbs(command))} {after.name}",
        source=Source(
            tool="launch",
            source_id="launch",
            ref=after.id,
            actor=command.by,
            occurred_at=scene.now,
            observed_at=scene.now,
        ),
    )


def _verbs(command: Edit) -> Iterator[str]:
    if command.launch is None:
        yield "created"
    else:
        yield from (VERBS[act] for act in command.acts())
