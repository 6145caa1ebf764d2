"""The door of time: sends the mails that are due, and keeps the gauges of what is missing.

Claimed with a lease before, marked after; between the two nothing holds a transaction open. When a sender dies its
lease runs out, and the very same bytes go out again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.channels.mail import Frozen, Links, MailServer, build_mail, build_plain_mail
from services.notify.domain.delivery import DeliveryOutcome, wait_after
from services.notify.domain.notice import write_notice
from services.notify.handlers.acknowledgements import AcknowledgementHandlers
from services.notify.store.acts import save_tokens
from services.notify.store.coverage import count_gaps
from services.notify.store.deliveries import (
    LEASE,
    Claim,
    Content,
    DeliveryUpdate,
    claim,
    close_needless,
    freeze,
    give_back,
    is_still_wanted,
    load_contents,
    update_delivery,
)
from shared.runtime.clock import monotonic, random_token
from shared.runtime.failpoints import failpoint
from shared.runtime.foundation import Foundation
from shared.runtime.process import Heartbeat, Wake

CLAIMED_AT_ONCE = 50
IDLE_SECONDS = 1.0
AWAY_SECONDS = 1.0
AWAY_LIMIT_SECONDS = 10.0
STILL_SECONDS = 120.0
SLOWEST_MAIL_SECONDS = 45.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mail:
    """One claimed mail, ready to go; `token` is empty when it was frozen at an earlier attempt."""

    claim: Claim
    content: Content
    address: str
    body: bytes
    token: str


class Sender:
    """Sends what is due over one connection. Several may run, in one process or in many."""

    def __init__(
        self, foundation: Foundation, acknowledgements: AcknowledgementHandlers, server: MailServer, wake: Wake
    ) -> None:
        self._database = foundation.database
        self._clock = foundation.clock
        self._telemetry = foundation.telemetry
        self._public_url = foundation.settings.public_url.rstrip("/")
        self._acknowledgements = acknowledgements
        self._server = server
        self._wake = wake
        self.heartbeat = Heartbeat(STILL_SECONDS)

    async def run(self) -> None:
        """Send for ever; while the mail server is away, ask again every few seconds."""
        pause = AWAY_SECONDS
        try:
            while True:
                self.heartbeat.beat()
                sent, away = await self.send_due()
                if away:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, AWAY_LIMIT_SECONDS)
                    continue
                pause = AWAY_SECONDS
                if not sent:
                    await self._server.close()
                    await self._wake.wait(IDLE_SECONDS)
        finally:
            await self._server.close()

    async def send_due(self, count: int = CLAIMED_AT_ONCE) -> tuple[int, bool]:
        """Claim and send at most `count` mails. Returns how many were claimed, and whether the server is away."""
        async with self._database.engine.begin() as connection:
            claims = await claim(connection, self._clock(), count)
            if not claims:
                return 0, False
            contents = await load_contents(connection, claims)
            needless = [one.notice for one in claims if contents[one.notice].is_needless]
            await close_needless(connection, needless, "settled or unreachable before it was sent", self._clock())
            mails = []
            for one in claims:
                if one.notice not in needless:
                    mails.append(self._mail(one, contents[one.notice]))
                    await asyncio.sleep(0)  # writing a mail takes a millisecond or two; let others go between
            fresh = [one for one in mails if one.token]
            await freeze(connection, [(one.claim.notice, one.address, one.body) for one in fresh])
            await save_tokens(connection, [(one.token, one.claim.notice) for one in fresh], self._clock())
        failpoint("notify.after_claim")
        return len(claims), await self._send_all(mails)

    async def _send_all(self, mails: Sequence[Mail]) -> bool:
        """One after the other; what cannot be sent before the lease runs out, or at all, is given back."""
        until = monotonic() + LEASE.total_seconds() - SLOWEST_MAIL_SECONDS
        away, done = False, 0
        async with self._database.engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")  # nothing is held while sending
            try:
                while done < len(mails) and not away and monotonic() < until:
                    mail = mails[done]
                    done += 1
                    away = await self._send(connection, mail)
            finally:
                left = [one.claim.notice for one in mails[done:]]
                await give_back(connection, left)
        return away

    async def _send(self, connection: AsyncConnection, mail: Mail) -> bool:
        """One mail; True when the server is away."""
        self.heartbeat.beat()
        notice = mail.claim.notice
        if not await is_still_wanted(connection, notice):
            await close_needless(connection, [notice], "settled before it was sent", self._clock())
            return False
        with self._telemetry.span(
            "send mail", SpanKind.CLIENT, parent=mail.content.traceparent, cause=mail.content.cause_id
        ) as span:
            outcome = await self._server.send(mail.address, mail.body)
            span.set_attribute("inloop.mail.outcome", outcome.verdict)
        failpoint("notify.after_send")
        await self._note(connection, mail, outcome)
        failpoint("notify.after_mark")
        return outcome.verdict in {"server_away", "unknown"}

    async def _note(self, connection: AsyncConnection, mail: Mail, outcome: DeliveryOutcome) -> None:
        notice, now = mail.claim.notice, self._clock()
        if outcome.verdict == "accepted":
            await update_delivery(connection, DeliveryUpdate(notice, "accepted", outcome.answer), now)
            return
        logger.warning("mail of notice %s: %s, %s", notice, outcome.verdict, outcome.answer[:200])
        wait = wait_after(notice, mail.claim.attempts, outcome.verdict)
        if outcome.verdict == "bounced" or wait is None:
            state = "bounced" if outcome.verdict == "bounced" else "exhausted"
            problem = f"mail to this address came back: {outcome.answer[:200]}"
            await self._acknowledgements.lose_reach(replace(mail.claim, address=mail.address), state, problem, now)
            return
        was_tried = outcome.verdict != "server_away"
        await update_delivery(
            connection, DeliveryUpdate(notice, "due", outcome.answer, now + wait, was_tried=was_tried), now
        )

    def _mail(self, one: Claim, content: Content) -> Mail:
        """The frozen mail of an earlier attempt, or a new one."""
        if one.body is not None:
            return Mail(one, content, one.address or "", one.body, "")
        token = random_token()
        return Mail(one, content, content.contact.email or "", self._render(one, content, token), token)

    def _render(self, one: Claim, content: Content, token: str) -> bytes:
        """A text that cannot be written must not keep the news from a person: then a plain mail goes out."""
        contact = content.contact
        links = Links(
            f"{self._public_url}/notify/a/{token}",
            f"{self._public_url}/notify/people/{contact.id}?portfolio={one.portfolio}",
        )
        frozen = Frozen(one.message_id, one.date_at, one.notice)
        try:
            return build_mail(
                write_notice(content.items, content.summary, contact), contact, self._server.sender, frozen, links
            )
        except Exception:
            logger.exception("notice %s cannot be put into words; a plain mail goes out", one.notice)
            return build_plain_mail(contact, self._server.sender, frozen, links)


def watch_gaps(foundation: Foundation) -> Callable[[], Awaitable[None]]:
    """A job that sets the gauges: obligations open, overdue, unreachable; audiences with an unfilled role."""
    gauge = foundation.telemetry.gauge("gaps", "What is missing for everybody to know, by kind.", ("kind",))

    async def watch() -> None:
        async with foundation.database.reading() as connection:
            counts = await count_gaps(connection, foundation.clock())
        for kind, count in counts.items():
            gauge.labels(kind).set(count)

    return watch
