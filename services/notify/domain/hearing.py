"""What one message of launch means: audiences, obligations, notices, and what a newer revision supersedes.

Pure: the handler gives what stands, and saves what is decided.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.notify.domain.audience import NOT_IN_DIRECTORY, Audience, Expected, Router
from services.notify.domain.news import CauseNews, News
from services.notify.domain.obligations import (
    Acknowledge,
    Obligation,
    Supersede,
    add_working_days,
    apply,
    count_classes,
    receipt,
)
from shared.contracts.cause import Cause
from shared.contracts.notify import CoverageCount, ReceiptsChanged, Subject
from shared.contracts.words import CauseId, PersonId, PortfolioId

NO_ADDRESS = "no working mail address"

SubjectKey = tuple[str, str]
"""Kind and id of a subject, whatever its revision."""


@dataclass(slots=True)
class SubjectState:
    """The newest revision of one subject that was heard, and every obligation of it."""

    revision: int
    obligations: dict[PersonId, Obligation] = field(default_factory=dict)

    def apply(self, changed: Iterable[Obligation]) -> None:
        """Take over what changed."""
        self.obligations.update((one.person, one) for one in changed)

    def coverage(self, subject: Subject) -> CoverageCount:
        """How many stand where."""
        classes = count_classes(one.state for one in self.obligations.values())
        return CoverageCount(subject=subject, expected=len(self.obligations), classes=classes)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one cause to one person."""

    id: str
    person: PersonId
    is_reachable: bool


@dataclass(slots=True)
class Decision:
    """All that follows from one message; `opened` and `superseded` in the order in which they were decided."""

    cause_news: CauseNews
    now: datetime
    audiences: list[tuple[News, Audience]] = field(default_factory=list)
    opened: list[Obligation] = field(default_factory=list)
    superseded: list[Obligation] = field(default_factory=list)
    notices: dict[PersonId, Notice] = field(default_factory=dict)
    coverage: list[CoverageCount] = field(default_factory=list)

    def message(self, revision: int) -> ReceiptsChanged:
        """What the others are told; exactly one for every cause heard, even when nobody is concerned."""
        return ReceiptsChanged(
            portfolio=self.cause_news.portfolio,
            revision=revision,
            cause=self.cause_news.cause,
            receipts=tuple(receipt(one) for one in (*self.superseded, *self.opened)),
            coverage=tuple(self.coverage),
        )


def notice_id(portfolio: PortfolioId, cause: CauseId, person: PersonId) -> str:
    """One notice per person per cause: its identity is just that."""
    return hashlib.sha256(f"{portfolio}\n{cause}\n{person}".encode()).hexdigest()[:32]


def key_of(subject: Subject) -> SubjectKey:
    """What revisions of one subject have in common."""
    return subject.kind, subject.id


def decide(
    subjects: dict[SubjectKey, SubjectState],
    cause_news: CauseNews,
    router: Router,
    unreachable: Mapping[PersonId, str],
    now: datetime,
    *,
    acknowledge_at: datetime | None = None,
) -> Decision:
    """Decide on one message and take it over into `subjects`.

    Args:
        subjects: what stands of the subjects in the message; those never heard of are missing.
        cause_news: the message.
        router: directory and policy of now.
        unreachable: people without a working push channel, and why.
        now: the decision's time.
        acknowledge_at: in a replay with everybody's consent, when each new notice is acknowledged; else None.
    """
    decision = Decision(cause_news, now)
    for news in cause_news.news:
        before = subjects.get(key_of(news.subject))
        if before is not None and before.revision >= news.subject.revision:
            continue  # this revision has its audience already: a fact is absorbed, never judged twice
        if before is not None:
            _supersede(decision, before, news)
        after = SubjectState(news.subject.revision)
        subjects[key_of(news.subject)] = after
        _open(decision, after, news, router, unreachable)
        if acknowledge_at is not None:
            _acknowledge(decision, after, acknowledge_at)
        decision.coverage.append(after.coverage(news.subject))
    return decision


def _supersede(decision: Decision, before: SubjectState, news: News) -> None:
    changed = apply(before.obligations.values(), Supersede(decision.now, news.subject.revision))
    if not changed:
        return
    before.apply(changed)
    decision.superseded += changed
    decision.coverage.append(before.coverage(changed[0].subject))


def _open(
    decision: Decision, after: SubjectState, news: News, router: Router, unreachable: Mapping[PersonId, str]
) -> None:
    audience = router.audience(news)
    decision.audiences.append((news, audience))
    days = router.policy.due_in_working_days.get(news.level)
    due_at = None if days is None else add_working_days(decision.now, days)
    opened = [_obligation(decision, news, one, unreachable, due_at) for one in audience.expected]
    after.apply(opened)
    decision.opened += opened


def _obligation(
    decision: Decision, news: News, one: Expected, unreachable: Mapping[PersonId, str], due_at: datetime | None
) -> Obligation:
    problem = unreachable.get(one.person) if one.known else NOT_IN_DIRECTORY
    notice = decision.notices.get(one.person)
    if notice is None:
        identity = notice_id(decision.cause_news.portfolio, decision.cause_news.cause.id, one.person)
        notice = decision.notices[one.person] = Notice(identity, one.person, problem is None)
    return Obligation(
        news.subject,
        one.person,
        one.need,
        one.because,
        notice.id,
        due_at if one.need == "acknowledge" else None,
        "open" if problem is None else "unreachable",
        decision.now,
        problem,
    )


def _acknowledge(decision: Decision, after: SubjectState, at: datetime) -> None:
    changed = {one.person: one for one in apply(after.obligations.values(), Acknowledge(at, "A:at_once"))}
    after.apply(changed.values())
    first = len(decision.opened) - len(after.obligations)
    decision.opened[first:] = [changed.get(one.person, one) for one in decision.opened[first:]]


def announce_acts(
    portfolio: PortfolioId,
    revision: int,
    cause: Cause,
    changed: Sequence[Obligation],
    coverage: Sequence[CoverageCount],
) -> ReceiptsChanged:
    """What the others are told of acts after the first notice: acknowledgements, waivers, addresses that died."""
    return ReceiptsChanged(
        portfolio=portfolio,
        revision=revision,
        cause=cause,
        receipts=tuple(receipt(one) for one in changed),
        coverage=tuple(coverage),
    )
