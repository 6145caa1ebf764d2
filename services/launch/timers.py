"""Door: time. Lets timers go off when their day begins; shut in a replay, where time is the observations'."""

from services.launch.handlers.deciding import Deciding
from services.launch.store.reading import find_due
from shared.runtime.clock import Clock

LOOK_EVERY_SECONDS = 4.0
"""A pause: with the look itself, what is due is found within five seconds, as deploy/testing.py promises."""


async def fire_due(deciding: Deciding, clock: Clock) -> None:
    """Let everything go off that is due by the clock."""
    now = clock()
    async with deciding.database.reading() as connection:
        portfolios = await find_due(connection, deciding.calendar.day_of(now))
    for portfolio in portfolios:
        await deciding.fire(portfolio, now)
