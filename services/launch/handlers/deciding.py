"""Every decided write of launch: causes of roadmap in batches, a person's act, the clock. One transaction each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from services.launch.domain.calendar import Calendar
from services.launch.domain.context import Context, RefusedError
from services.launch.domain.decisions.better_plan import BetterPlan
from services.launch.domain.decisions.person import Edit, derive_person_cause_id
from services.launch.domain.launch import Launch, differences
from services.launch.domain.portfolio import State
from services.launch.handlers.seen import Seen, StaleEditError
from services.launch.handlers.session import PortfolioSession, RoadmapCause
from services.launch.store.reading import find_told, find_version
from services.launch.store.receipts import ReceiptRow, save_receipts
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

    async def hear(self, batch: Batch, heard: Sequence[RoadmapCause]) -> None:
        """Decide on causes of roadmap, in order; the portfolios are locked by the batch."""
        changes = Changes()
        sessions: dict[PortfolioId, PortfolioSession] = {}
        for one in heard:
            if one.portfolio not in sessions:
                sessions[one.portfolio] = await self._open(batch, one.portfolio, changes)
            sessions[one.portfolio].hear(one)
        failpoint("launch.after_decide")
        await self._finish(batch, list(sessions.values()), changes)

    async def edit(self, portfolio: PortfolioId, command: Edit, at: datetime, seen: Seen | None = None) -> Launch:
        """Carry out a person's act; the same request again changes nothing more.

        Raises:
            RefusedError: it cannot be done.
            StaleEditError: the launch is not what the person saw.
        """
        problem: Exception | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            try:
                launch = await self._edit(batch, session, command, at, seen)
            except (RefusedError, StaleEditError) as error:  # the timers that went off stay decided
                problem = error
            await self._finish(batch, [session], changes)
        if problem:
            raise problem
        return launch

    async def act(
        self,
        portfolio: PortfolioId,
        request: str,
        decide: Callable[[State, Context, int], LaunchesChanged],
        at: datetime,
    ) -> LaunchesChanged | None:
        """Carry out a person's word about a plan; None: this request was carried out before.

        Raises:
            RefusedError: it cannot be done.
        """
        problem: RefusedError | None = None
        message: LaunchesChanged | None = None
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            if await find_told(batch.connection, portfolio, derive_person_cause_id(request)) is None:
                try:
                    message = session.act(lambda context, revision: decide(session.state, context, revision), at)
                except RefusedError as error:  # the timers that went off stay decided
                    problem = error
            await self._finish(batch, [session], changes)
        if problem:
            raise problem
        return message

    async def take_over(self, portfolio: PortfolioId, better: BetterPlan, at: datetime) -> LaunchesChanged | None:
        """Replace a proposal by the better one that was found; None: it no longer holds, and nothing is told."""
        async with self.database.locked([portfolio]) as batch:
            changes = Changes()
            session = await self._open(batch, portfolio, changes)
            session.fire(at)
            message = session.take_over(better, at)
            await self._finish(batch, [session], changes)
        return message

    async def query_locked(self, portfolio: PortfolioId, ask: Callable[[State], T]) -> T:
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
            session = await self._open(batch, portfolio, changes)
            session.fire(now)
            await self._finish(batch, [session], changes)
        return len(session.announcements)

    async def keep_receipts(self, batch: Batch, receipts: Sequence[ReceiptRow]) -> None:
        """Keep who knows; raises no revision."""
        await save_receipts(batch, receipts)

    async def _edit(
        self, batch: Batch, session: PortfolioSession, command: Edit, at: datetime, seen: Seen | None
    ) -> Launch:
        portfolio = session.row.id
        told = await find_told(batch.connection, portfolio, derive_person_cause_id(command.request))
        if told is not None:
            return _find_again(session.state, command)
        launch = session.state.launches.get(command.launch) if command.launch else None
        if launch and seen and not seen.is_still(launch):
            raise StaleEditError(launch, await self._differences(batch, portfolio, launch, seen))
        message = session.edit(command, at)
        return session.state.launches[
            message.changes[0].launch.id if message.changes else LaunchId(command.launch or "")
        ]

    async def _differences(
        self, batch: Batch, portfolio: PortfolioId, launch: Launch, seen: Seen
    ) -> list[dict[str, object]]:
        before = await find_version(batch.connection, portfolio, launch.id, seen.revision, seen.version)
        return differences(before.launch, launch.snapshot) if before else []

    async def _open(self, batch: Batch, portfolio: PortfolioId, changes: Changes) -> PortfolioSession:
        row = batch.portfolios[portfolio]
        state = self._cache.take(row) or await load_state(batch.connection, portfolio)
        return PortfolioSession(row, state, self.calendar, self._telemetry, changes)

    async def _finish(self, batch: Batch, sessions: Sequence[PortfolioSession], changes: Changes) -> None:
        await save(batch, changes)
        await self._outbox.add(batch, [one for session in sessions for one in session.announcements])
        for session in sessions:
            self._cache.keep(batch, session.row, session.state)


def _find_again(state: State, command: Edit) -> Launch:
    """The launch that a repeated request was about."""
    if command.launch:
        return state.launches[command.launch]
    first = (command.features or ("",))[0]
    launches = [state.launches[one] for one in state.of_feature.get(first, ())]
    return max(launches, key=lambda one: (one.changed_at, one.id))
