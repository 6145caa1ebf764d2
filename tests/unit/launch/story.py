"""Tells launch what happens to features, and remembers what launch said: the domain alone, no database, no Kafka."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.launch.domain.calendar import Calendar, Context
from services.launch.domain.decisions.clock import on_due
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.decisions.person import Edit, edit
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State, evolve
from services.launch.settings import DEFAULT_POLICY, load_policy
from shared.contracts.cause import Cause, Source
from shared.contracts.feature import FeatureChange, FeatureSnapshot, Impact, Target
from shared.contracts.launch import LaunchChange, LaunchesChanged, LaunchSnapshot
from shared.contracts.words import CauseId, LaunchId, PortfolioId

POLICIES = DEFAULT_POLICY.parent / "policies"
BY_ITSELF = load_policy(POLICIES / "by_itself.yaml")
POLICY = BY_ITSELF.model_copy(
    update={"activities": tuple(one.model_copy(update={"anchor": None}) for one in BY_ITSELF.activities)}
)
"""Nobody is asked, and only soak, notice and the calendar keep a launch from a day."""
CALENDAR = Calendar(POLICY)
ASKING = Calendar(load_policy())
"""The default: what is loud or near moves only once a person has said so."""
START = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday
DEFAULT = PortfolioId("default")

LOUD = {"customer_value": 3, "reach": 3, "revenue": 3, "differentiation": 3, "narrative": 3}
MEDIUM = {"customer_value": 3, "reach": 3, "revenue": 3}
SMALL = {"customer_value": 3, "reach": 2}


def on(text: str) -> date:
    return date.fromisoformat(text)


def target(day: str | date | None, release: str | None = None) -> Target:
    latest = on(day) if isinstance(day, str) else day
    written = {"release": release} if release else {"on": str(latest)}
    return Target(as_written=written, earliest=latest, latest=latest, resolution="release" if release else "day")


def snapshot(ref: str = "F-1", **fields: Any) -> FeatureSnapshot:
    day, release = fields.pop("day", None), fields.pop("release", None)
    impact = {name: Impact(value=value) for name, value in fields.pop("impact", {}).items()}
    if (day or release) and "target" not in fields:
        fields["target"] = target(day, release)
    given: dict[str, Any] = {"title": f"Feature {ref}", "status": "planned", "version": 1, "owner_team": "team-a"}
    return FeatureSnapshot(id=ref, ref=ref, impact=impact, release=release, **(given | fields))


def cause(name: str, at: datetime, kind: str = "observation") -> Cause:
    source = Source(tool="native", source_id="native", occurred_at=at, observed_at=at)
    return Cause(id=CauseId(f"native:{name}"), kind=kind, summary=f"Somebody said {name}", source=source)


@dataclass
class Story:
    """One portfolio from its first day on. `now` moves on by an hour with each thing said, or by `days`."""

    now: datetime = START
    state: State = field(default_factory=lambda: State(DEFAULT))
    told: list[tuple[LaunchesChanged, datetime]] = field(default_factory=list)
    features: dict[str, FeatureSnapshot] = field(default_factory=dict)
    calendar: Calendar = CALENDAR

    def add(self, ref: str = "F-1", **fields: Any) -> LaunchesChanged:
        feature = snapshot(ref, **fields)
        return self.hear(FeatureChange(kinds=("added",), feature=feature, before=None))

    def change(self, kinds: str, ref: str = "F-1", **fields: Any) -> LaunchesChanged:
        return self.hear(self.changed(kinds, ref, **fields))

    def changed(self, kinds: str, ref: str = "F-1", **fields: Any) -> FeatureChange:
        before = self.features[ref]
        if "day" in fields:
            fields["target"] = target(fields.pop("day"), before.release)
        if "impact" in fields:
            fields["impact"] = {name: Impact(value=value) for name, value in fields["impact"].items()}
        after = before.model_copy(update={**fields, "version": before.version + 1})
        return FeatureChange(kinds=tuple(kinds.split()), feature=after, before=before)

    def hear(self, *changes: FeatureChange, kind: str = "observation") -> LaunchesChanged:
        self.now += timedelta(hours=1)
        self.pass_time(self.now)
        for one in changes:
            self.features[one.feature.id] = one.feature
        said = cause(f"{len(self.told)}", self.now, kind)
        message = on_feature_changed(self.state, said, changes, Context(self.calendar, self.now), len(self.told) + 1)
        return self.apply(message, self.now)

    def wait_until(self, day: str, hour: int = 9) -> list[LaunchesChanged]:
        """What the clock said until then, reminders that something must begin apart."""
        self.now = datetime.combine(on(day), START.time(), UTC).replace(hour=hour)
        return [one for one in self.pass_time(self.now) if not is_reminder(one)]

    def wait(self, **for_: int) -> None:
        self.now += timedelta(**for_)
        self.pass_time(self.now)

    def pass_time(self, until: datetime) -> list[LaunchesChanged]:
        told = []
        while due := self.state.next_due(until, self.calendar):
            context = Context(self.calendar, due.due_at)
            told.append(self.apply(on_due(self.state, due, context, len(self.told) + 1), due.due_at))
        return told

    def person(self, launch: str | None = "L-F-1", **fields: Any) -> LaunchesChanged:
        self.now += timedelta(hours=1)
        self.pass_time(self.now)
        target_launch = None if launch is None else LaunchId(launch)
        command = Edit(launch=target_launch, by="ana", request=f"r{len(self.told)}", **fields)
        return self.apply(edit(self.state, command, Context(self.calendar, self.now), len(self.told) + 1), self.now)

    def launch(self, name: str = "L-F-1") -> LaunchSnapshot:
        return self.state.launches[LaunchId(name)].snapshot

    def stored(self, name: str = "L-F-1") -> Launch:
        return self.state.launches[LaunchId(name)]

    def replayed(self) -> State:
        """The state that somebody gets who only reads what was told."""
        state = State(self.state.portfolio)
        for message, now in self.told:
            evolve(state, LaunchesChanged.model_validate_json(message.model_dump_json()), now, self.calendar)
        return state

    def apply(self, message: LaunchesChanged, now: datetime) -> LaunchesChanged:
        evolve(self.state, message, now, self.calendar)
        self.told.append((message, now))
        return message


def is_reminder(message: LaunchesChanged) -> bool:
    """Whether it only says that today is the last day to start something."""
    return message.cause.kind == "clock" and [one.kinds for one in message.changes] == [("lead_time_at_risk",)]


def only(message: LaunchesChanged) -> LaunchChange:
    """The one change of a message."""
    (change,) = message.changes
    return change
