"""A mail server that delivers nothing: it keeps the last mails in memory, for the demo, replay and tests.

It runs in a thread of its own, so it works beside any event loop and without one; or, where the sender is in the same
process, on the sender's loop. Nothing here sends mail.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope

from deploy.local.host import LOOPBACK

KEPT_MAILS = 10_000
START_SECONDS = 5.0
LOOK_EVERY_SECONDS = 0.01
ACCEPTED = "250 OK"


class CaughtMail:
    """A mail as it came in. `to` are the envelope's recipients: who would have got it, whatever the headers say.

    Read only when somebody looks: most mails of a replay are counted and never opened.
    """

    def __init__(self, sender: str, to: tuple[str, ...], raw: bytes) -> None:
        self.sender = sender
        self.to = to
        self.raw = raw

    @cached_property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.parsed["Subject"] or "")

    @property
    def text(self) -> str:
        return _body(self.parsed, "plain")

    @property
    def html(self) -> str:
        return _body(self.parsed, "html")

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"] or "")

    @property
    def date(self) -> datetime | None:
        date = self.parsed["Date"]
        return date.datetime if date is not None else None


class MailCatcher:
    """Listens on loopback. `mails` are in order of arrival; the oldest go when there are more than `keep`."""

    def __init__(self, port: int = 0, *, keep: int = KEPT_MAILS) -> None:
        self.host = LOOPBACK
        self.port = port
        self._mails: deque[CaughtMail] = deque(maxlen=keep)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def mails(self) -> list[CaughtMail]:
        return list(self._mails)

    def mails_to(self, recipient: str) -> list[CaughtMail]:
        return [mail for mail in self.mails if recipient in mail.to]

    def clear(self) -> None:
        self._mails.clear()

    def wait_for(self, count: int, within_seconds: float = 5.0) -> list[CaughtMail]:
        """Give all mails as soon as there are `count`; raises TimeoutError. Blocks: in a coroutine, use a thread."""
        deadline = time.monotonic() + within_seconds
        while len(self._mails) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._mails)} of {count} mails after {within_seconds} s")
            time.sleep(LOOK_EVERY_SECONDS)
        return self.mails

    async def answer_recipient(self, recipient: str) -> str:
        """Answer RCPT TO; whoever plays a difficult mail server overrides this and `answer_mail`."""
        del recipient
        return ACCEPTED

    async def answer_mail(self, mail: CaughtMail) -> str:
        """Keep the mail and answer at the end of DATA."""
        self._mails.append(mail)
        return ACCEPTED

    async def handle_RCPT(  # noqa: N802 - name and arguments are aiosmtpd's
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        answer = await self.answer_recipient(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        raw = bytes(envelope.original_content or b"")
        return await self.answer_mail(CaughtMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))

    def start(self) -> Self:
        """Return when it listens; `port` then says where, and stays the same over a stop and a start."""
        if self._thread is None:
            listening: Future[int] = Future()
            self._thread = threading.Thread(target=self._run, args=(listening,), name="mail-catcher", daemon=True)
            self._thread.start()
            try:
                self.port = listening.result(START_SECONDS)
            except OSError:
                self._thread = None
                raise
        return self

    def stop(self) -> None:
        """Connections end where they are; the mails stay readable."""
        if self._thread is not None and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @asynccontextmanager
    async def on_this_loop(self) -> AsyncIterator[Self]:
        """Listen on the running loop: a thread and its sender in one process take turns holding the interpreter up."""
        server = await asyncio.get_running_loop().create_server(self._protocol, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except OSError as error:
            listening.set_exception(error)

    async def _serve(self, listening: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(self._protocol, self.host, self.port)
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        server.close()

    def _protocol(self) -> SMTP:
        # Giving the name spares a reverse look-up of our own address, which can take seconds.
        return SMTP(self, hostname="localhost", enable_SMTPUTF8=True)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
