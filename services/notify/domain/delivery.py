"""What a mail server's answer means, and when a mail is tried again. Sending itself is in channels/mail.py."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

DeliveryVerdict = Literal["accepted", "deferred", "unknown", "bounced", "server_away"]
"""`unknown`: it may have arrived, so it goes again, byte by byte the same. `server_away`: it was not even tried."""

WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    *(timedelta(hours=1),) * 24,
)
"""After the n-th failed attempt; after the last one the address counts as dead."""

SERVER_AWAY_WAIT: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of one attempt; `answer` is the server's, for people."""

    verdict: DeliveryVerdict
    answer: str


def judge_code(code: int, answer: str, *, about_recipient: bool) -> DeliveryOutcome:
    """A server's answer by its code. A permanent no about anything but the recipient or the mail is our own trouble."""
    if 200 <= code < 300:  # noqa: PLR2004 - SMTP's classes of answers
        return DeliveryOutcome("accepted", answer)
    if code >= 500 and about_recipient:  # noqa: PLR2004 - the same
        return DeliveryOutcome("bounced", answer)
    return DeliveryOutcome("deferred", answer)


def wait_after(delivery: str, attempts: int, verdict: DeliveryVerdict) -> timedelta | None:
    """How long to wait after this many attempts, spread by a fifth either way; None: no more attempts.

    The spread comes from the delivery itself, so that the same history always gives the same times.
    """
    if verdict == "server_away":
        wait = SERVER_AWAY_WAIT
    elif attempts <= len(WAITS):
        wait = WAITS[attempts - 1]
    else:
        return None
    digest = hashlib.sha256(f"{delivery}\n{attempts}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return wait * (0.8 + 0.4 * share)
