"""Door: time. Timers go off when their instant has come, and proposals that wait are looked at for a better plan.

Shut in a replay, where time is the observations'. What waits in the table is the queue, so that a restart loses
nothing;
what was looked at is not looked at again.
"""

import logging
from functools import partial

from services.launch.domain.decisions.better_plan import look_for_better_plan
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.solving import SolverAwayError, Solving
from services.launch.store.writing import Waiting, find_due, find_waiting
from shared.runtime.clock import Clock

IMPROVE_EVERY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Improving:
    """Looks at each waiting proposal once, the newest first."""

    def __init__(self, deciding: Deciding, solving: Solving, clock: Clock) -> None:
        self._deciding = deciding
        self._solving = solving
        self._clock = clock
        self._seen: set[Waiting] = set()

    async def look(self) -> None:
        """Try to improve what waits now."""
        async with self._deciding.database.reading() as connection:
            waiting = await find_waiting(connection)
        fresh = [one for one in waiting if one not in self._seen]
        self._seen &= set(waiting)
        for one in fresh:
            self._seen.add(one)
            await self._improve(one)

    async def _improve(self, waiting: Waiting) -> None:
        question = partial(look_for_better_plan, proposal=waiting.proposal)
        try:
            better = await self._solving.ask(waiting.portfolio, self._clock(), question)
        except SolverAwayError as error:
            logger.warning("%s: no better plan for %s: %s", waiting.portfolio, waiting.proposal, error)
            return
        if better:
            await self._deciding.take_over(waiting.portfolio, better, self._clock())


LOOK_EVERY_SECONDS = 4.0

"""A pause: with the look itself, what is due is found within five seconds, as deploy/testing.py promises."""


async def fire_due(deciding: Deciding, clock: Clock) -> None:
    """Let everything go off that is due by the clock."""
    now = clock()
    async with deciding.database.reading() as connection:
        portfolios = await find_due(connection, deciding.calendar.day_of(now))
    for portfolio in portfolios:
        await deciding.fire(portfolio, now)
