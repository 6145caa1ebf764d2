"""What notify tells: `ReceiptsChanged`, and the coverage certificate it answers with."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.cause import Cause
from shared.contracts.words import CauseId, Instant, PersonId, PortfolioId, Word

ObligationState = Literal["open", "seen", "acknowledged", "waived", "superseded", "transferred", "unreachable"]
COVERAGE_CLASSES = ("acknowledged", "seen", "waived", "superseded", "transferred", "unreachable", "open")


class Subject(Word):
    """What a person must know: one revision of a launch, or one version of a feature."""

    kind: Literal["launch", "feature"]
    id: str
    revision: int


class Receipt(Word):
    """The state of one obligation now. `evidence` is the acknowledgement's grade and way, for example `B:email`."""

    subject: Subject
    person: PersonId
    state: ObligationState
    evidence: str | None = None
    at: Instant


class Objection(Word):
    """A negative acknowledgement: "not mine", "wrong team", "I cannot make this date"."""

    subject: Subject
    person: PersonId
    reason: str
    at: Instant


class CoverageCount(Word):
    """How many people of an audience stand in each class."""

    subject: Subject
    expected: int
    classes: dict[str, int]


class ReceiptsChanged(Word):
    """One cause changed what is known of who knows; one for every cause heard, even when nobody is concerned."""

    TYPE: ClassVar[str] = "inloop.receipts.changed.v1"
    LISTS: ClassVar[tuple[str, ...]] = ("receipts", "objections", "coverage")

    portfolio: PortfolioId
    revision: int
    part: int = 1
    parts: int = 1
    cause: Cause
    receipts: tuple[Receipt, ...] = ()
    objections: tuple[Objection, ...] = ()
    coverage: tuple[CoverageCount, ...] = ()


class CoveredPerson(Word):
    """One person of an audience: in which class, and why in the audience at all."""

    person: PersonId
    class_: str = Field(alias="class")
    because: tuple[str, ...]
    level: int = 0
    evidence: str | None = None
    at: Instant | None = None


class Excluded(Word):
    """One person of the directory who is not in the audience, and why."""

    person: PersonId
    because: str


class CoverageCertificate(Word):
    """Who was expected to know one subject, each in exactly one class; the classes add up to `expected`."""

    subject: Subject
    portfolio: PortfolioId
    cause: CauseId
    policy: str
    directory: str
    expected: int
    classes: dict[str, int]
    people: tuple[CoveredPerson, ...]
    excluded: tuple[Excluded, ...]
    at: Instant
