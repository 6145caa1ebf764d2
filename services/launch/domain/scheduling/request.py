"""What is asked of a plan and what it answers: launches that want a date, their dates, and what else is to be told.

Also the plan while it is made. Only values; schedule.py is the door behind which dates are found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature, features_of
from services.launch.domain.launch import Launch
from services.launch.domain.portfolio import State
from services.launch.domain.rules.catalogue import situation_of
from services.launch.domain.rules.rule import Situation
from services.launch.domain.scheduling.engine.model import ChainStep, EntryConflict
from services.launch.domain.scheduling.engine_state import EngineState, Trial, engine_state_of
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
    """A launch that needs a date: what it will be but for that, and what decides its dates.

    `date` is the one that it has, or that a person gives it; `last_date` the one that it has or has lost.
    """

    shape: LaunchSnapshot
    situation: Situation
    date: Day | None = None
    last_date: Day | None = None
    launch: Launch | None = None
    floor: Floor | None = None

    @property
    def id(self) -> LaunchId:
        """The launch's id."""
        return self.shape.id

    @property
    def pinned(self) -> bool:
        """Whether only a person moves it."""
        return self.shape.pin is not None


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
    opportunities: list[Opportunity] = field(default_factory=list)
    """What others could do with the room that somebody made."""
    awaited: dict[LaunchId, Day] = field(default_factory=dict)
    """Dates that launches get once a person says so."""

    def say(self, proposal: Proposal, kind: LaunchKind) -> None:
        """Tell of a proposal, at each launch it would move."""
        self.proposals.append(proposal)
        for move in proposal.moves:
            known = self.kinds.get(move.launch, ())
            self.kinds[move.launch] = known if kind in known else (*known, kind)


class OutdatedError(Exception):
    """Dates were found for a portfolio that is another one now."""


@dataclass(frozen=True, slots=True)
class FoundDates:
    """The days of all launches that a plan moves, which need not be looked for again, and what was proved of it."""

    days: Mapping[LaunchId, date]
    lower_bound: int


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
        shape=shape,
        situation=situation_of(shape, features, context),
        date=shape.date if stands else None,
        last_date=shape.date or (launch.last_date if launch else None),
        launch=launch,
    )


class Shapes(dict[LaunchId, LaunchSnapshot]):
    """Every launch as it will be, but for its date."""

    def __init__(self, state: State, asked: Mapping[LaunchId, DateRequest]) -> None:
        super().__init__({launch: wanted.shape for launch, wanted in asked.items()})
        self._state = state

    def __missing__(self, launch: LaunchId) -> LaunchSnapshot:
        return self._state.launches[launch].snapshot

    def name(self, word: str) -> str:
        """The name of the launch, if the word is its id; else the word."""
        launch = LaunchId(word)
        known = launch in self or launch in self._state.launches
        return self[launch].name if known else word


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """A launch that had a date and gets a later one, with the chain of launches from the event to it."""

    launch: LaunchId
    before: date
    after: date
    chain: tuple[ChainStep, ...]
    price: int
    forced: int
    """What its own rules make it pay at least; 0 for one that only makes room."""


@dataclass(frozen=True, slots=True)
class PlanPart:
    """Moves of one component of the cause graph, and why they wait for a person; no reason: they do not."""

    moves: tuple[PlannedMove, ...]
    because: tuple[str, ...] = ()
    bound: int = 0
    """What the whole plan costs at least, where this is all of it."""

    @property
    def launches(self) -> frozenset[LaunchId]:
        """Whom it moves."""
        return frozenset(move.launch for move in self.moves)

    @property
    def days(self) -> dict[str, int]:
        """The new dates."""
        return {move.launch: move.after.toordinal() for move in self.moves}

    @property
    def cost(self) -> int:
        """What its moves cost."""
        return sum(move.price for move in self.moves)

    @property
    def lower_bound(self) -> int:
        """What it costs at least: by its launches' own rules, or as the planner has proved."""
        return min(self.cost, max(self.bound, sum(move.forced for move in self.moves)))


@dataclass(slots=True)
class PlanDraft:
    """What each launch asks for, what it gets alone and then among others, and what is to be told of that."""

    request: PlanRequest
    trial: Trial
    shapes: Shapes
    asked: Mapping[LaunchId, DateRequest]
    alone: dict[LaunchId, Placement]
    moves: list[PlannedMove] = field(default_factory=list)
    placed: dict[LaunchId, tuple[date | None, tuple[ChainStep, ...]]] = field(default_factory=dict)
    """First dates, each with what kept the launch from the day it asked for."""
    stuck: list[EntryConflict] = field(default_factory=list)
    cramped: frozenset[str] = frozenset()
    """Launches that were asked and had no room where they stand: they go, or others do."""
    lower_bound: int = 0
    stage: str = "S0"
    parts: list[PlanPart] = field(default_factory=list)
    days: dict[LaunchId, date | None] = field(default_factory=dict)
    steps: dict[LaunchId, tuple[Link, ...]] = field(default_factory=dict)
    conflicts: dict[LaunchId, list[Conflict]] = field(default_factory=dict)
    earliest: dict[LaunchId, date | None] = field(default_factory=dict)
    taken_back: set[LaunchId] = field(default_factory=set)
    opportunities: list[Opportunity] = field(default_factory=list)

    @property
    def engine(self) -> EngineState:
        """The schedule on which everything is tried out."""
        return self.trial.engine

    @property
    def moved(self) -> frozenset[LaunchId]:
        """Launches that its parts move."""
        return frozenset(launch for part in self.parts for launch in part.launches)

    @property
    def waiting(self) -> frozenset[LaunchId]:
        """Of these, those whose moves wait for a person."""
        return frozenset(launch for part in self.parts if part.because for launch in part.launches)

    def is_fixed(self, launch: LaunchId) -> bool:
        """Whether it is on its date whatever comes of it."""
        wanted = self.asked[launch]
        return (wanted.pinned or self.alone[launch].stays) and wanted.date is not None
