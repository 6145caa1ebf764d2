"""The door of time: sends the mails that are due, and keeps the gauges of what is missing.

Claimed with a lease before, marked after; between the two nothing holds a transaction open. When a sender dies its
lease runs out, and the very same bytes go out again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from opentelemetry.trace import SpanKind

from services.notify.channels.mail import Frozen, Links, MailServer, build_mail, build_plain_mail
from services.notify.domain.delivery import Outcome, wait_after
from services.notify.domain.notice import write_notice
from services.notify.handlers.acting import Acting
from services.notify.store.acts import save_tokens
from services.notify.store.coverage import count_gaps
from services.notify.store.deliveries import (
    LEASE,
    Claim,
    Content,
    Mark,
    claim,
    freeze,
    is_still_wanted,
    load_contents,
    mark,
)
from shared.runtime.clock import monotonic, random_token
from shared.runtime.failpoints import failpoint
from shared.runtime.foundation import Foundation
from shared.runtime.process import Heartbeat, Wake

CLAIMED_AT_ONCE = 40
IDLE_SECONDS = 1.0
AWAY_SECONDS = 1.0
AWAY_LIMIT_SECONDS = 10.0
STILL_SECONDS = 120.0
SLOWEST_MAIL_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Sender:
    """Sends what is due over one connection. Several may run, in one process or in many."""

    def __init__(self, foundation: Foundation, acting: Acting, server: MailServer, wake: Wake) -> None:
        self._database = foundation.database
        self._clock = foundation.clock
        self._telemetry = foundation.telemetry
        self._public_url = foundation.settings.public_url.rstrip("/")
        self._acting = acting
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
            contents = await load_contents(connection, claims) if claims else {}
            ready = {one.notice: one for one in claims if one.body is not None}
            fresh = [one for one in claims if one.body is None and _has_something(contents[one.notice])]
            mails = [self._render(one, contents[one.notice]) for one in fresh]
            if mails:
                await freeze(connection, [(one, address, body) for one, address, body, _ in mails])
                await save_tokens(connection, [(token, one) for one, _, _, token in mails], self._clock())
        failpoint("notify.after_claim")
        bodies = {one: (address, body) for one, address, body, _ in mails}
        bodies |= {one.notice: (one.address or "", one.body or b"") for one in ready.values()}
        return len(claims), await self._send_all(claims, contents, bodies)

    async def _send_all(
        self, claims: Sequence[Claim], contents: dict[str, Content], bodies: dict[str, tuple[str, bytes]]
    ) -> bool:
        away = False
        until = monotonic() + LEASE.total_seconds() - SLOWEST_MAIL_SECONDS
        for one in claims:
            away = away or monotonic() > until
            if one.notice not in bodies:
                await self._mark(Mark(one.notice, "needless", "settled or unreachable before it was sent"))
            elif away:
                await self._mark(
                    Mark(one.notice, "due", "the mail server is slow or away", self._clock(), was_tried=False)
                )
            else:
                away = await self._send(one, contents[one.notice], *bodies[one.notice])
        return away

    async def _send(self, one: Claim, content: Content, address: str, body: bytes) -> bool:
        """One mail; True when the server is away."""
        async with self._database.reading() as connection:
            wanted = await is_still_wanted(connection, one.notice)
        if not wanted:
            await self._mark(Mark(one.notice, "needless", "settled before it was sent"))
            return False
        cause = content.cause.id if content.cause else None
        with self._telemetry.span("send mail", SpanKind.CLIENT, parent=content.traceparent, cause=cause) as span:
            outcome = await self._server.send(address, body)
            span.set_attribute("inloop.mail.outcome", outcome.verdict)
        failpoint("notify.after_send")
        await self._note(one, address, outcome)
        return outcome.verdict in {"server_away", "unknown"}

    async def _note(self, one: Claim, address: str, outcome: Outcome) -> None:
        if outcome.verdict == "accepted":
            await self._mark(Mark(one.notice, "accepted", outcome.answer))
            return
        logger.warning("mail of notice %s: %s, %s", one.notice, outcome.verdict, outcome.answer[:200])
        wait = wait_after(one.notice, one.attempts, outcome.verdict)
        if outcome.verdict == "bounced" or wait is None:
            state = "bounced" if outcome.verdict == "bounced" else "exhausted"
            problem = f"mail to this address came back: {outcome.answer[:200]}"
            claimed = Claim(
                one.notice, one.portfolio, one.person, one.attempts, one.message_id, one.date_at, address, None
            )
            await self._acting.lose_reach(claimed, state, problem, self._clock())
            return
        was_tried = outcome.verdict != "server_away"
        await self._mark(Mark(one.notice, "due", outcome.answer, self._clock() + wait, was_tried=was_tried))

    async def _mark(self, marked: Mark) -> None:
        async with self._database.engine.begin() as connection:
            await mark(connection, marked, self._clock())
        failpoint("notify.after_mark")

    def _render(self, one: Claim, content: Content) -> tuple[str, str, bytes, str]:
        """Notice, address, bytes and token. A text that cannot be written must not keep the news from a person."""
        contact = content.contact
        assert contact is not None  # noqa: S101 - _has_something said so
        token = random_token()
        links = Links(
            f"{self._public_url}/notify/a/{token}",
            f"{self._public_url}/notify/people/{contact.id}?portfolio={one.portfolio}",
        )
        frozen = Frozen(one.message_id, one.date_at, one.notice)
        summary = content.cause.summary if content.cause else ""
        try:
            said = write_notice(content.items, summary, contact)
            body = build_mail(said, contact, self._server.sender, frozen, links)
        except Exception:
            logger.exception("notice %s cannot be put into words; a plain mail goes out", one.notice)
            body = build_plain_mail(contact, self._server.sender, frozen, links)
        return one.notice, contact.email or "", body, token


def _has_something(content: Content) -> bool:
    return not content.is_settled and content.contact is not None


def watch_gaps(foundation: Foundation) -> Callable[[], Awaitable[None]]:
    """A job that sets the gauges: obligations open, overdue, unreachable; audiences with an unfilled role."""
    gauge = foundation.telemetry.gauge("gaps", "What is missing for everybody to know, by kind.", ("kind",))

    async def watch() -> None:
        async with foundation.database.reading() as connection:
            counts = await count_gaps(connection, foundation.clock())
        for kind, count in counts.items():
            gauge.labels(kind).set(count)

    return watch
