"""The only place that reads the clock or makes an identity. Everything else gets time and ids as arguments."""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present instant, aware and in UTC."""


def system_clock() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that never goes back; only differences mean something."""
    return time.monotonic()


def derive_id(*parts: object) -> str:
    """A deterministic identity: 32 hex digits from the parts, in order."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:32]


def random_token() -> str:
    """256 random bits, URL-safe: for links and secrets, never for anything a decision depends on."""
    return secrets.token_urlsafe(32)
