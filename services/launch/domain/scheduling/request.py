"""What is asked of a plan and what it answers: launches that want a date, their dates, and what else is to be told.

No dates are found here; schedule.py is the door behind which they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.launch.domain.context import Context
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.rules.earliest import Situation, situation_of
from services.launch.domain.scheduling.engine_state import EngineState, engine_state_of
from services.launch.domain.scheduling.parts import PlanPart
from services.launch.domain.scheduling.run_engine import EngineResult, FoundDates, Means
from shared.contracts.launch import Conflict, LaunchKind, LaunchSnapshot, Link, Opportunity, Proposal
from shared.contracts.words import Day, LaunchId

CHECKER = "checker"

"""The constraint of a conflict that says that a plan was refused by the checker, a fault of ours."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A day before which trains or audiences do not want a launch, and why."""

    day: Day
    because: tuple[Link, ...]
    by_itself: bool = False
    """It goes to a later train without a person, however near it is."""


@dataclass(frozen=True, slots=True)
class DateRequest:
    """A launch that needs a date: its shape and situation, the date it has or has lost, whether only a person moves it.

    `date` is the one that it has, or that a person gives it.
    """

    id: LaunchId
    situation: Situation
    date: Day | None = None
    last_date: Day | None = None
    pinned: bool = False
    launch: Launch | None = None
    snapshot: LaunchSnapshot | None = None
    """What it will be but for its date; None where launches are not weighed against each other."""
    floor: Floor | None = None

    @property
    def shape(self) -> LaunchSnapshot:
        """What it will be but for its date."""
        if self.snapshot is None:
            raise ValueError(f"{self.id} was asked for without its shape")
        return self.snapshot


@dataclass(frozen=True, slots=True)
class Placement:
    """The date found or what it waits for, the steps that led there, and what speaks against a pinned date."""

    date: Day | None
    waits_for: str | None = None
    links: tuple[Link, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    earliest: Day | None = None
    undone: bool = False
    stays: bool = False
    """It keeps its date although that no longer holds: every other day is after the last one it may have."""


@dataclass(slots=True)
class Placements:
    """Dates of those who asked and of others that moved with them; what becomes of proposals, by launch."""

    asked: dict[LaunchId, Placement] = field(default_factory=dict)
    others: dict[LaunchId, Placement] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)
    kinds: dict[LaunchId, tuple[LaunchKind, ...]] = field(default_factory=dict)
    openings: list[Opportunity] = field(default_factory=list)
    """What others could do with the room that somebody made."""
    awaited: dict[LaunchId, Day] = field(default_factory=dict)
    """Dates that launches get once a person says so."""

    def say(self, proposal: Proposal, kind: LaunchKind) -> None:
        """Tell of a proposal, at each launch it would move."""
        self.proposals.append(proposal)
        for move in proposal.moves:
            known = self.kinds.get(move.launch, ())
            self.kinds[move.launch] = known if kind in known else (*known, kind)


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is made on: the state as it was, what else is asked, and as which revision it is told."""

    state: State
    context: Context
    revision: int
    view: Mapping[str, KnownFeature]
    """What is known of features now."""
    gone: frozenset[LaunchId] = frozenset()
    """Launches that make room: they have no date any more."""
    touched: frozenset[LaunchId] = frozenset()
    """Launches whose proposals are out of date."""
    left_alone: frozenset[LaunchId] = frozenset()
    """Launches that are decided on elsewhere: nobody asks for them again, whatever proposals speak of them."""
    instead_of: str | None = None
    """A proposal for which a better one is looked for: then everything waits for a person."""
    found: FoundDates | None = None
    """The plan, where it was found off the road."""

    @property
    def engine(self) -> EngineState:
        """The planner's state on the day of the decision."""
        return engine_state_of(self.state, self.context)

    @property
    def means(self) -> Means:
        """How its plan is come to."""
        return Means(self.context.reached, self.context.solver, self.found)

    def ask_again(self, launch: Launch) -> DateRequest | None:
        """How a launch is asked for that nobody spoke of; None if it has no date to plan, or is to be left alone."""
        if launch.id in self.left_alone:
            return None
        features = [feature for feature in features_of(launch.snapshot, self.view) if not feature.is_cancelled]
        if not launch.is_open or not features or launch.snapshot.date is None:
            return None
        return request_date(launch.snapshot, features, launch, self.context)


def request_date(
    shape: LaunchSnapshot, features: Sequence[KnownFeature], launch: Launch | None, context: Context
) -> DateRequest:
    """What a launch of this shape asks for. Nobody counts on the date of one that was called off, unless pinned."""
    stands = shape.state != "cancelled" or shape.pin is not None
    return DateRequest(
        id=shape.id,
        situation=situation_of(shape, features, context),
        date=shape.date if stands else None,
        last_date=shape.date or (launch.last_date if launch else None),
        pinned=shape.pin is not None,
        launch=launch,
        snapshot=shape,
    )


@dataclass(slots=True)
class PlanDraft:
    """One attempt: what each launch wants, what it gets alone, and what the planner makes of it."""

    wanted: dict[LaunchId, DateRequest]
    alone: dict[LaunchId, Placement]
    arranged: EngineResult = field(default_factory=EngineResult)
    parts: list[PlanPart] = field(default_factory=list)
    days: dict[LaunchId, Day | None] = field(default_factory=dict)
    steps: dict[LaunchId, tuple[Link, ...]] = field(default_factory=dict)
    conflicts: dict[LaunchId, list[Conflict]] = field(default_factory=dict)
    earliest: dict[LaunchId, Day | None] = field(default_factory=dict)
    taken_back: set[LaunchId] = field(default_factory=set)
    openings: list[Opportunity] = field(default_factory=list)


class Shapes(dict[LaunchId, LaunchSnapshot]):
    """Every launch as it will be, but for its date."""

    def __init__(self, state: State, wanted: Mapping[LaunchId, DateRequest]) -> None:
        super().__init__({name: one.shape for name, one in wanted.items()})
        self._state = state

    def __missing__(self, name: LaunchId) -> LaunchSnapshot:
        return self._state.launches[name].snapshot

    def name(self, word: str) -> str:
        """The name of the launch, if the word is its id; else the word."""
        launch = LaunchId(word)
        known = launch in self or launch in self._state.launches
        return self[launch].name if known else word
