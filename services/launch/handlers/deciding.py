"""Every decided write of launch: causes of roadmap in batches, a person's act, the clock. One transaction each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from services.launch.domain.approval.improving import Better
from services.launch.domain.calendar import Calendar
from services.launch.domain.decide.persons import Edit, derive_person_cause_id
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.launch import Launch, differences
from services.launch.domain.state import State
from services.launch.handlers.seen import Seen, StaleEditError
from services.launch.handlers.sitting import Heard, Sitting
from services.launch.store.reading import find_told, find_version
from services.launch.store.receipts import Knows, save_receipts
from services.launch.store.writing import Changes, load_state, save
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import LaunchId, PortfolioId
from shared.runtime.database import Batch, Cache, Database
from shared.runtime.failpoints import failpoint
from shared.runtime.outbox import Outbox
from shared.runtime.telemetry import Telemetry

T = TypeVar("T")


class Deciding:
    """Decisions on this service's database; keeps the states of the portfolios it has seen in memory."""

    def __init__(self, database: Database, outbox: Outbox, telemetry: Telemetry, calendar: Calendar) -> None:
        self.database = database
        self.calendar = calendar
        self._outbox = outbox
        self._telemetry = telemetry
        self._cache: Cache[State] = Cache()

    async def hear(self, batch: Batch, heard: Sequence[Heard]) -> None:
        """Decide on causes of roadmap, in order; the portfolios are locked by the batch."""
        changes = Changes()
        sittings: dict[PortfolioId, Sitting] = {}
        for one in heard:
            if one.portfolio not in sittings:
                sittings[one.portfolio] = await self._sit(batch, one.portfolio, changes)
            sittings[one.portfolio].hear(one)
        failpoint("launch.after_decide")
        await self._finish(batch, list(sittings.values()), changes)

    async def edit(self, portfolio: PortfolioId, command: Edit, at: datetime, seen: Seen | None = None) -> Launch:
        """Carry out a person's act; the same request again changes nothing more.

        Raises:
            RefusedError: it cannot be done.
            StaleEditError: the launch is not what the person saw.
        """
        problem: Exception | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            sitting = await self._sit(batch, portfolio, changes)
            sitting.fire(at)
            try:
                launch = await self._edit(batch, sitting, command, at, seen)
            except (RefusedError, StaleEditError) as error:  # the timers that went off stay decided
                problem = error
            await self._finish(batch, [sitting], changes)
        if problem:
            raise problem
        return launch

    async def act(
        self, portfolio: PortfolioId, request: str, decide: Callable[[State, Scene, int], LaunchesChanged], at: datetime
    ) -> LaunchesChanged | None:
        """Carry out a person's word about a plan; None: this request was carried out before.

        Raises:
            RefusedError: it cannot be done.
        """
        problem: RefusedError | None = None
        message: LaunchesChanged | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            sitting = await self._sit(batch, portfolio, changes)
            sitting.fire(at)
            if await find_told(batch.connection, portfolio, derive_person_cause_id(request)) is None:
                try:
                    message = sitting.act(lambda scene, revision: decide(sitting.state, scene, revision), at)
                except RefusedError as error:  # the timers that went off stay decided
                    problem = error
            await self._finish(batch, [sitting], changes)
        if problem:
            raise problem
        return message

    async def take_over(self, portfolio: PortfolioId, better: Better, at: datetime) -> LaunchesChanged | None:
        """Replace a proposal by the better one that was found; None: it no longer holds, and nothing is told."""
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            sitting = await self._sit(batch, portfolio, changes)
            sitting.fire(at)
            message = sitting.take_over(better, at)
            await self._finish(batch, [sitting], changes)
        return message

    async def look(self, portfolio: PortfolioId, ask: Callable[[State], T]) -> T:
        """Ask something of the state as it is, which stays as it was: what would happen, and what keeps a day free.

        Raises:
            RefusedError: the question's own refusal.
        """
        problem: RefusedError | None = None
        async with self.database.locked([portfolio]) as batch:
            row = batch.portfolios[portfolio]
            state = self._cache.take(row) or await load_state(batch.connection, portfolio)
            try:
                answer = ask(state)
            except RefusedError as error:  # the state stays in memory, for whoever comes next
                problem = error
            self._cache.keep(batch, row, state)
        if problem:
            raise problem
        return answer

    async def fire(self, portfolio: PortfolioId, now: datetime) -> int:
        """Let the timers of a portfolio go off that are due; returns how many did."""
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            sitting = await self._sit(batch, portfolio, changes)
            sitting.fire(now)
            await self._finish(batch, [sitting], changes)
        return len(sitting.announcements)

    async def keep_receipts(self, batch: Batch, receipts: Sequence[Knows]) -> None:
        """Keep who knows; raises no revision."""
        await save_receipts(batch, receipts)

    async def _edit(self, batch: Batch, sitting: Sitting, command: Edit, at: datetime, seen: Seen | None) -> Launch:
        portfolio = sitting.row.id
        told = await find_told(batch.connection, portfolio, derive_person_cause_id(command.request))
        if told is not None:
            return _find_again(sitting.state, command)
        launch = sitting.state.launches.get(command.launch) if command.launch else None
        if launch and seen and not seen.is_still(launch):
            raise StaleEditError(launch, await self._differences(batch, portfolio, launch, seen))
        message = sitting.edit(command, at)
        return sitting.state.launches[
            message.changes[0].launch.id if message.changes else LaunchId(command.launch or "")
        ]

    async def _differences(
        self, batch: Batch, portfolio: PortfolioId, launch: Launch, seen: Seen
    ) -> list[dict[str, object]]:
        before = await find_version(batch.connection, portfolio, launch.id, seen.revision, seen.version)
        return differences(before.launch, launch.snapshot) if before else []

    async def _sit(self, batch: Batch, portfolio: PortfolioId, changes: Changes) -> Sitting:
        row = batch.portfolios[portfolio]
        state = self._cache.take(row) or await load_state(batch.connection, portfolio)
        return Sitting(row, state, self.calendar, self._telemetry, changes)

    async def _finish(self, batch: Batch, sittings: Sequence[Sitting], changes: Changes) -> None:
        await save(batch, changes)
        await self._outbox.add(batch, [one for sitting in sittings for one in sitting.announcements])
        for sitting in sittings:
            self._cache.keep(batch, sitting.row, sitting.state)


def _find_again(state: State, command: Edit) -> Launch:
    """The launch that a repeated request was about."""
    if command.launch:
        return state.launches[command.launch]
    first = (command.features or ("",))[0]
    launches = [state.launches[one] for one in state.of_feature.get(first, ())]
    return max(launches, key=lambda one: (one.changed_at, one.id))
