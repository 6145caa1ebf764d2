"""What people do about notices, and what mail servers say about people: each act in one transaction, then told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry.trace import SpanKind

from services.notify.domain.hearing import announce_acts
from services.notify.domain.obligations import Acknowledge, LoseReach, Obligation, See, Waive, apply
from services.notify.store.acts import (
    count_coverage,
    find_obligation,
    is_known_request,
    obligations_of_notice,
    save_changed,
    save_objections,
    unsettled_of_person,
)
from services.notify.store.deliveries import Claim, DeliveryUpdate, update_delivery
from services.notify.store.directories import mark_unreachable
from shared.contracts.cause import Cause, CauseKind, Source
from shared.contracts.notify import Objection, ReceiptsChanged, Subject
from shared.contracts.words import CauseId, PersonId, PortfolioId
from shared.runtime.database import Batch, Database, PortfolioRow
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Announcement, Outbox
from shared.runtime.telemetry import Telemetry, current_traceparent

NoticeRow = dict[str, Any]
"""A row of the notice table."""


@dataclass(frozen=True, slots=True)
class ObligationWaiver:
    """Somebody closes a gap by name, with a reason and an end (a plain day)."""

    subject: Subject
    person: PersonId
    by: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """Who or what acted: the cause's id, its kind, its sentence, and the cause it goes back to."""

    cause: str
    kind: CauseKind
    summary: str
    actor: str | None
    caused_by: CauseId | None = None
    tool: str = "inloop"


class AcknowledgementHandlers:
    """Every act of a person, and every address that died. `time_is_ours`: the clock counts, not the observations'."""

    def __init__(self, database: Database, outbox: Outbox, telemetry: Telemetry, *, time_is_ours: bool) -> None:
        self._database = database
        self._outbox = outbox
        self._telemetry = telemetry
        self._time_is_ours = time_is_ours

    async def acknowledge(self, notice: NoticeRow, evidence: str, now: datetime) -> list[Obligation]:
        """Settle all obligations of a notice; the first act is kept. Returns them as they then stand."""
        with self._telemetry.span("acknowledge notice", links=[notice["traceparent"]], cause=notice["cause"]):
            return await self._settle(notice, "acknowledged", evidence, now)

    async def see(self, notice: NoticeRow, evidence: str, now: datetime) -> list[Obligation]:
        """Mark a notice as read: settles what needs no acknowledgement. Returns all as they then stand."""
        with self._telemetry.span("see notice", links=[notice["traceparent"]], cause=notice["cause"]):
            return await self._settle(notice, "saw", evidence, now)

    async def _settle(self, notice: NoticeRow, verb: str, evidence: str, now: datetime) -> list[Obligation]:
        portfolio = PortfolioId(notice["portfolio"])
        async with self._database.locked([portfolio]) as batch:
            at = self._moment(batch.portfolios[portfolio], now)
            obligations = await obligations_of_notice(batch.connection, notice["id"])
            act = Acknowledge(at, evidence) if verb == "acknowledged" else See(at, evidence)
            changed = apply(obligations, act)
            if changed:
                trigger = Trigger(
                    f"notify:person:{verb}-{notice['id']}",
                    "person",
                    f"{notice['person']} {verb} a notice",
                    notice["person"],
                    CauseId(notice["cause"]),
                )
                await self._tell(batch, portfolio, trigger, changed, at)
            failpoint("notify.before_ack_commit")
        settled = {(one.subject.kind, one.subject.id, one.subject.revision): one for one in changed}
        return [settled.get((one.subject.kind, one.subject.id, one.subject.revision), one) for one in obligations]

    async def waive(
        self, portfolio: PortfolioId, waiver: ObligationWaiver, request: str, now: datetime
    ) -> Obligation | None:
        """Close one gap without an acknowledgement; None when there is no such obligation."""
        async with self._database.locked([portfolio]) as batch:
            at = self._moment(batch.portfolios[portfolio], now)
            obligation = await find_obligation(batch.connection, portfolio, waiver.subject, waiver.person)
            if obligation is None:
                return None
            changed = apply([obligation], Waive(at, waiver.by, waiver.reason, waiver.until))
            if not changed:
                return obligation
            summary = f"{waiver.by} waived what {waiver.person} had to know"
            trigger = Trigger(f"notify:person:{request}", "person", summary, waiver.by)
            await self._tell(batch, portfolio, trigger, changed, at)
            return changed[0]

    async def object_to(self, notice: NoticeRow, reason: str, request: str, now: datetime) -> list[Objection]:
        """Keep and tell that somebody says "not mine" or "not possible"; the obligations stay as they are."""
        portfolio = PortfolioId(notice["portfolio"])
        cause = f"notify:person:{request}"
        async with self._database.locked([portfolio]) as batch:
            at = self._moment(batch.portfolios[portfolio], now)
            obligations = await obligations_of_notice(batch.connection, notice["id"])
            objections = [
                Objection(subject=one.subject, person=one.person, reason=reason, at=at) for one in obligations
            ]
            if await is_known_request(batch.connection, portfolio, cause):
                return objections
            await save_objections(batch.connection, portfolio, request, objections)
            summary = f"{notice['person']} objected to a notice"
            trigger = Trigger(cause, "person", summary, notice["person"], CauseId(notice["cause"]))
            await self._tell(batch, portfolio, trigger, [], at, objections)
        return objections

    async def lose_reach(self, claim: Claim, state: str, problem: str, now: datetime) -> None:
        """A mail came back for good: mark it, and everything its person still owes is a gap at once."""
        async with self._database.locked([claim.portfolio]) as batch:
            await update_delivery(batch.connection, DeliveryUpdate(claim.notice, state, problem), now)
            if not await mark_unreachable(batch.connection, claim.portfolio, claim.person, claim.address, problem):
                return
            at = self._moment(batch.portfolios[claim.portfolio], now)
            owed = await unsettled_of_person(batch.connection, claim.portfolio, claim.person)
            changed = apply(owed, LoseReach(at, problem))
            trigger = Trigger(
                f"notify:bounce:{claim.notice}",
                "observation",
                f"The mail to {claim.person} came back",
                None,
                tool="smtp",
            )
            await self._tell(batch, claim.portfolio, trigger, changed, at)

    async def _tell(
        self,
        batch: Batch,
        portfolio: PortfolioId,
        trigger: Trigger,
        changed: Sequence[Obligation],
        at: datetime,
        objections: Sequence[Objection] = (),
    ) -> None:
        await save_changed(batch.connection, portfolio, changed)
        coverage = await count_coverage(batch.connection, portfolio, [one.subject for one in changed])
        revision = batch.portfolios[portfolio].raise_revision()
        message = announce_acts(portfolio, revision, build_cause(trigger, at), changed, coverage)
        message = message.model_copy(update={"objections": tuple(objections)})
        with self._telemetry.span("create notify.receipts", SpanKind.PRODUCER, cause=trigger.cause):
            traceparent = current_traceparent()
        await self._outbox.add(batch, [announcement(message, at, traceparent)])

    def _moment(self, portfolio: PortfolioRow, now: datetime) -> datetime:
        """In a replay the portfolio's time is the observations'; a click or a mail server's answer must not move it."""
        if self._time_is_ours:
            return portfolio.advance(now)
        return portfolio.now or now


def announcement(message: ReceiptsChanged, at: datetime, traceparent: str | None) -> Announcement:
    """What goes into the outbox, with the states in it as its kinds."""
    kinds = {one.state for one in message.receipts} | ({"objected"} if message.objections else set())
    return Announcement(message, at, tuple(kinds), traceparent)


def build_cause(trigger: Trigger, at: datetime) -> Cause:
    """A cause that starts at notify."""
    source = Source(tool=trigger.tool, source_id="notify", actor=trigger.actor, occurred_at=at, observed_at=at)
    return Cause(
        id=CauseId(trigger.cause),
        kind=trigger.kind,
        summary=trigger.summary,
        source=source,
        caused_by=trigger.caused_by,
    )
