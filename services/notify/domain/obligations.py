"""The life of an obligation: one person must know one revision of one subject. Rules first, then what they mean.

An obligation never vanishes: every act moves it to a state that says what became of it, or leaves it as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from shared.contracts.notify import COVERAGE_CLASSES, ObligationState, Receipt, Subject
from shared.contracts.words import PersonId

Need = Literal["acknowledge", "see"]
"""What a person owes: to say so, or only to be told."""

SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Obligation:
    """`notice` is the one that told of it; `evidence` says how it was settled, such as `B:mail` or a waiver's words."""

    subject: Subject
    person: PersonId
    need: Need
    because: tuple[str, ...]
    notice: str
    due_at: datetime | None
    state: ObligationState
    at: datetime
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The person's own act; `evidence` is its grade and way, such as `A:page`."""

    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True)
class See:
    """The person marked it as read: enough where no acknowledgement is needed."""

    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True)
class Supersede:
    """A newer revision of the same subject is there."""

    at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Waive:
    """Somebody else closes the gap by name, with a reason and an end."""

    at: datetime
    by: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class LoseReach:
    """No push channel works for the person any more."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RegainReach:
    """A push channel works again."""

    at: datetime


Act = Acknowledge | See | Supersede | Waive | LoseReach | RegainReach

RULES: Final[Mapping[type, tuple[frozenset[str], ObligationState]]] = {
    Acknowledge: (frozenset({"open", "unreachable", "seen", "waived"}), "acknowledged"),
    See: (frozenset({"open", "unreachable"}), "seen"),
    Supersede: (frozenset({"open", "unreachable"}), "superseded"),
    Waive: (frozenset({"open", "unreachable"}), "waived"),
    LoseReach: (frozenset({"open"}), "unreachable"),
    RegainReach: (frozenset({"unreachable"}), "open"),
}
"""From which states an act moves an obligation, and to which. Everything else is absorbed: the first act is kept."""


@dataclass(frozen=True, slots=True)
class ObligationChanged:
    """What happened to an obligation."""

    state: ObligationState
    at: datetime
    evidence: str | None


def decide(obligation: Obligation, act: Act) -> ObligationChanged | None:
    """What the act does; None when it changes nothing."""
    sources, state = RULES[type(act)]
    if obligation.state not in sources:
        return None
    if isinstance(act, See) and obligation.need == "acknowledge":
        return None
    return ObligationChanged(state, act.at, _evidence(act))


def evolve(obligation: Obligation, event: ObligationChanged) -> Obligation:
    """The obligation after it."""
    return replace(obligation, state=event.state, at=event.at, evidence=event.evidence)


def apply(obligations: Iterable[Obligation], act: Act) -> list[Obligation]:
    """Those that the act changes, as they then are."""
    decided = [(obligation, decide(obligation, act)) for obligation in obligations]
    return [evolve(obligation, event) for obligation, event in decided if event is not None]


def _evidence(act: Act) -> str | None:
    match act:
        case Acknowledge() | See():
            return act.evidence
        case Supersede():
            return f"revision {act.revision}"
        case Waive():
            return f"waived by {act.by} until {act.until}: {act.reason}"
        case LoseReach():
            return act.reason
        case _:
            return None


def receipt(obligation: Obligation) -> Receipt:
    """What the others are told of it."""
    return Receipt(
        subject=obligation.subject,
        person=obligation.person,
        state=obligation.state,
        evidence=obligation.evidence,
        at=obligation.at,
    )


def count_classes(states: Iterable[str]) -> dict[str, int]:
    """How many stand in each class of the certificate; every class is named."""
    counts = dict.fromkeys(COVERAGE_CLASSES, 0)
    for state in states:
        counts[state] += 1
    return counts


def add_working_days(start: datetime, days: int) -> datetime:
    """The same hour, so many Mondays to Fridays later; a start at a weekend counts from the Monday after it."""
    at = start
    while at.weekday() >= SATURDAY:
        at += timedelta(days=1)
    for _ in range(days):
        at += timedelta(days=1)
        while at.weekday() >= SATURDAY:
            at += timedelta(days=1)
    return at
