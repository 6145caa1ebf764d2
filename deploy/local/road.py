"""How far a portfolio's observations have come through the three services, and when nothing moves any more."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.client import Api, CannotError
from deploy.local.books import Books
from deploy.local.house import SERVICES
from shared.runtime.clock import monotonic

LOOK_EVERY_SECONDS = 0.15
STUCK_SECONDS = 90.0

# Who hears what from whom.
ROADS = (
    ("launch", "roadmap.changes", "roadmap"),
    ("notify", "launch.changes", "launch"),
    ("roadmap", "launch.changes", "launch"),
    ("launch", "notify.receipts", "notify"),
    ("roadmap", "notify.receipts", "notify"),
)


@dataclass(frozen=True, slots=True)
class Position:
    """One look at the whole road.

    Attributes:
        heads: of each service, as its `heads` route says.
        pending: observations accepted and not yet judged.
        unsent: mails that are due by notify's clock, or being sent; not those that wait for a later time.
    """

    heads: dict[str, dict[str, Any]]
    pending: int
    unsent: int

    def revision(self, service: str) -> int:
        return int(self.heads[service]["revision"])

    def heard(self, service: str, topic: str) -> int:
        return int(self.heads[service]["heard"].get(topic, 0))

    @property
    def parked(self) -> list[str]:
        """`service topic` of everything parked."""
        return [f"{service} {topic}" for service in SERVICES for topic in self.heads[service]["parked"]]

    @property
    def behind(self) -> list[str]:
        """What has not arrived yet, in words; empty when it is quiet. A parked road is as far as it will come."""
        found = [f"{self.pending} observations to judge"] if self.pending else []
        found += [f"{self.unsent} mails to send"] if self.unsent else []
        for reader, topic, teller in ROADS:
            missing = self.revision(teller) - self.heard(reader, topic)
            if missing and topic not in self.heads[reader]["parked"]:
                found.append(f"{missing} of {topic} for {reader}")
        unpublished = sum(int(self.heads[service]["unpublished"]) for service in SERVICES)
        return [*found, f"{unpublished} messages to publish"] if unpublished else found

    @property
    def under_way(self) -> int:
        """Observations taken in that have not reached the people yet."""
        undecided = self.revision("roadmap") - self.heard("launch", "roadmap.changes")
        untold = self.revision("launch") - self.heard("notify", "launch.changes")
        return self.pending + max(0, undecided) + max(0, untold)


async def look(api: Api, books: Books, portfolio: str) -> Position:
    """Ask along the road: what was under way at one place when it was asked is seen there, or further on."""
    pending = await books.count_pending(portfolio)
    heads = {one: await api.get(f"/{one}/api/v1/portfolios/{portfolio}/heads") for one in SERVICES}
    mails = await api.get(f"/notify/api/v1/portfolios/{portfolio}/deliveries")
    return Position(heads, pending, mails["due"] + mails["sending"])


async def wait_for_room(api: Api, books: Books, portfolio: str, at_most: int, say: Callable[[Position], None]) -> None:
    """Until at most so many observations are under way."""
    await _wait(api, books, portfolio, lambda position: position.under_way <= at_most, say)


async def wait_until_quiet(api: Api, books: Books, portfolio: str, say: Callable[[Position], None]) -> Position:
    """Until everything taken in has reached whom it concerns and has come back as a receipt, or is parked.

    What waits for a later time does not count. `say` is told of every position that differs from the one before.

    Raises:
        CannotError: nothing has moved for a long while; says what is missing.
    """
    position = await _wait(api, books, portfolio, lambda position: not position.behind, say)
    # A look takes some milliseconds, and a mail that comes back in between goes up the road again, to where the look
    # has been. What is the same twice in a row was so in between, everywhere at once.
    while (again := await look(api, books, portfolio)) != position:
        position = await _wait(api, books, portfolio, lambda position: not position.behind, say)
    return again


async def _wait(
    api: Api, books: Books, portfolio: str, enough: Callable[[Position], bool], say: Callable[[Position], None]
) -> Position:
    last, moved_at = await look(api, books, portfolio), monotonic()
    say(last)
    while not enough(last):
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        position = await look(api, books, portfolio)
        if position != last:
            last, moved_at = position, monotonic()
            say(last)
        elif monotonic() - moved_at > STUCK_SECONDS:
            raise CannotError(f"nothing has moved for {STUCK_SECONDS:.0f} s; missing: {'; '.join(last.behind)}")
    return last
