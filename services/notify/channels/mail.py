"""The way out by mail: one notice as text and HTML, and one connection that sends many in a row.

No decision about when to try again is made here (domain/delivery.py), nothing is stored (timers.py).
"""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notify.domain.delivery import DeliveryOutcome, judge_code
from services.notify.domain.directory import Contact
from services.notify.domain.notice import MAX_NAME, WrittenNotice, clean
from services.notify.domain.wording import say

TIMEOUT_SECONDS: Final = 20
MAILS_PER_CONNECTION: Final = 200
ACCENT: Final = "#2f5bea"
PLAIN_PORT: Final = 25
TLS_PORT: Final = 465

# Encoded words must stay short; but a plain subject that is folded before its first word shows with a leading blank.
_ENCODED: Final = policy.SMTP.clone(max_line_length=76)
_PLAIN: Final = policy.SMTP.clone(max_line_length=400)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What stays the same however often a mail is sent."""

    message_id: str
    date_at: datetime
    notice: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where a mail leads: the page with the button, and the person's inbox."""

    acknowledge: str
    inbox: str


def build_mail(notice: WrittenNotice, contact: Contact, sender: str, frozen: Frozen, links: Links) -> bytes:
    """The whole mail; the same arguments give the same bytes. All text from outside is cleaned or escaped here."""
    mail = EmailMessage(policy=_PLAIN if (notice.title + contact.name + sender).isascii() else _ENCODED)
    name, address = parseaddr(sender)
    mail["From"] = Address(clean(name, MAX_NAME), addr_spec=address)
    mail["To"] = Address(clean(contact.name, MAX_NAME), addr_spec=contact.email or "")
    mail["Subject"] = clean(notice.title, 150)
    mail["Date"] = format_datetime(frozen.date_at)
    mail["Message-ID"] = frozen.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = notice.language
    mail.set_content(_text(notice, links), cte="quoted-printable")
    mail.add_alternative(_html(notice, links), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"inloop-{frozen.notice}")
    return mail.as_bytes()


def build_plain_mail(contact: Contact, sender: str, frozen: Frozen, links: Links) -> bytes:
    """What goes out when a notice cannot be put into words: who must look, and where."""
    language = "en"
    notice = WrittenNotice(
        language, "Something you are part of has changed", "Hello,", "", (), say(language, "fyi"), needs_ok=True
    )
    plain = contact.model_copy(update={"name": contact.id})
    return build_mail(notice, plain, sender, frozen, links)


def _text(notice: WrittenNotice, links: Links) -> str:
    lines = ["\n  ".join(text for text in (f"* {line.what}", line.why, line.to_do) if text) for line in notice.lines]
    blocks = [notice.greeting, *lines, notice.summary, notice.call]
    if notice.needs_ok:
        blocks.append(f"{say(notice.language, 'ok_line')}\n{links.acknowledge}")
    blocks.append(f"{say(notice.language, 'inbox_line')} {links.inbox}")
    blocks.append(f"-- \n{say(notice.language, 'footer')}")
    return "\n\n".join(block.rstrip() for block in blocks if block) + "\n"


def _html(notice: WrittenNotice, links: Links) -> str:
    rows = "".join(_row(line.what, line.why, line.to_do) for line in notice.lines)
    button = ""
    if notice.needs_ok:
        button = (
            f'<p style="margin:24px 0"><a href="{escape(links.acknowledge)}" style="background:{ACCENT};color:#fff;'
            'padding:12px 20px;border-radius:8px;text-decoration:none;font-weight:600;display:inline-block">'
            f"{escape(say(notice.language, 'ok_button'))}</a></p>"
        )
    return (
        f'<!doctype html><html lang="{notice.language}"><head><meta charset="utf-8">'
        f"<title>{escape(notice.title)}</title></head>"
        '<body style="margin:0;padding:24px;font:16px/1.5 -apple-system,Segoe UI,Roboto,sans-serif;color:#1c2333">'
        f'<div style="max-width:600px;margin:0 auto"><p>{escape(notice.greeting)}</p>{rows}'
        f'<p style="color:#5b6478">{escape(notice.summary)}</p><p><strong>{escape(notice.call)}</strong></p>{button}'
        f'<p><a href="{escape(links.inbox)}" style="color:{ACCENT}">'
        f"{escape(say(notice.language, 'inbox_line'))}</a></p>"
        f'<p style="color:#5b6478;font-size:13px;border-top:1px solid #e3e6ee;padding-top:12px">'
        f"{escape(say(notice.language, 'footer'))}</p></div></body></html>\n"
    )


def _row(what: str, why: str, to_do: str) -> str:
    more = "".join(f'<br><span style="color:#5b6478">{escape(text)}</span>' for text in (why,) if text)
    act = f"<br>{escape(to_do)}" if to_do else ""
    return f'<p style="margin:0 0 16px"><strong>{escape(what)}</strong>{more}{act}</p>'


def sender_domain(sender: str) -> str:
    """The domain of a From header; Message-IDs carry it too."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


class MailServer:
    """One connection to an SMTP server, opened when it is needed and used for several mails in a row.

    Args:
        url: `smtp://user:password@host:port`, `smtp+starttls://…` (refuses to go on without) or `smtps://…`.
        sender: the From header, such as `Inloop <inloop@example.com>`.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps", "smtp+starttls"} or not parts.hostname:
            raise ValueError("expected smtp://host:port, smtp+starttls://host:port or smtps://host:port")
        self.sender = sender
        self.address = parseaddr(sender)[1]
        self._smtp = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or (TLS_PORT if parts.scheme == "smtps" else PLAIN_PORT),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=True if parts.scheme == "smtp+starttls" else None,
            local_hostname=sender_domain(sender),
            timeout=TIMEOUT_SECONDS,
        )
        self._sent = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection politely, if there is one."""
        if self._smtp.is_connected:
            try:
                await self._smtp.quit()
            except (aiosmtplib.SMTPException, OSError):
                self._smtp.close()
        self._sent = 0

    async def send(self, address: str, body: bytes) -> DeliveryOutcome:
        """Send one mail; never raises for what a server or network does."""
        try:
            await self._connect()
            sender = await self._smtp.mail(self.address)
            if sender.code >= 400:  # noqa: PLR2004 - SMTP's classes of answers
                return judge_code(sender.code, sender.message, about_recipient=False)
            await self._smtp.rcpt(address)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._smtp.close()
            return DeliveryOutcome("server_away", f"{type(error).__name__}: {error}")
        return await self._data(body)

    async def _connect(self) -> None:
        if self._smtp.is_connected and self._sent >= MAILS_PER_CONNECTION:
            await self.close()
        if not self._smtp.is_connected:
            await self._smtp.connect()
            self._sent = 0
        self._sent += 1

    async def _data(self, body: bytes) -> DeliveryOutcome:
        """From here on the server may have the mail, whatever it says or does not say."""
        try:
            answer = await self._smtp.data(body)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._smtp.close()
            return DeliveryOutcome("unknown", f"{type(error).__name__}: {error}")
        return judge_code(answer.code, answer.message, about_recipient=True)

    async def _refused(self, error: aiosmtplib.SMTPResponseException) -> DeliveryOutcome:
        about_us = isinstance(
            error,
            (
                aiosmtplib.SMTPConnectError,
                aiosmtplib.SMTPHeloError,
                aiosmtplib.SMTPAuthenticationError,
                aiosmtplib.SMTPSenderRefused,
            ),
        )
        if self._smtp.is_connected:
            try:
                await self._smtp.rset()
            except (aiosmtplib.SMTPException, OSError):
                self._smtp.close()
        answer = f"{error.code} {error.message}"
        if about_us:
            return DeliveryOutcome("server_away", answer)
        return judge_code(error.code, answer, about_recipient=True)
