"""A write that depends on what it saw: applied if the feature still has the version that its writer knew."""

from typing import NamedTuple

from services.roadmap.handlers.accepting import Acceptance, ObservationLine, Result
from services.roadmap.handlers.judging import Judge
from services.roadmap.store.queries import load_observation
from services.roadmap.store.roadmaps import load_version
from shared.contracts.words import PortfolioId
from shared.runtime.clock import Clock


class VersionError(Exception):
    """The feature has another version now than the writer knew."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the version is {version} now")
        self.version = version


class Exactly(NamedTuple):
    """What an exact write needs."""

    acceptance: Acceptance
    judge: Judge
    clock: Clock

    async def put(self, portfolio: PortfolioId, source: str, line: ObservationLine, version: int) -> tuple[Result, str]:
        """Accept and judge one observation of a feature in one transaction, all that came before it judged first.

        Returns the result and what became of the observation: stale, noop, caused, or duplicate.

        Raises:
            VersionError: nothing of this observation was kept.
        """
        observation = line.reading.observation
        ref = observation.ref if observation else ""
        async with self.acceptance.database.locked([portfolio]) as batch:
            await self.judge.judge_all(batch, portfolio)
            known = await load_version(batch.connection, portfolio, ref)
            if known != version:
                raise VersionError(known)
            results = await self.acceptance.accept_within(batch.connection, portfolio, source, [line], self.clock())
            await self.judge.judge_all(batch, portfolio)
            row = await load_observation(batch.connection, portfolio, source, results[0].id or "")
        self.acceptance.count(results)
        return results[0], str(row["state"]) if row and results[0].outcome == "accepted" else results[0].outcome
