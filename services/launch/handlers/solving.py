"""Questions that take a solver, answered in a process of their own: it loads the portfolio, asks, and sends the answer.

The road never waits for it and no lock is held meanwhile. One question at a time; whoever stops waiting, by a timeout
or because the service stops, ends the process, and what it would have said is lost, never cut short.
"""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.policy import Policy
from services.launch.domain.portfolio import State
from services.launch.optimize import is_installed, load_solver
from services.launch.store.writing import load_state
from shared.contracts.words import PortfolioId
from shared.runtime.database import Database

PATIENCE_SECONDS = 300.0

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
Start = Callable[[Connection, str, Policy], None]


class SolverAwayError(Exception):
    """There will be no answer: the process ended or took too long."""


class SolverQuestion(Protocol[T_co]):
    """A function of the domain, with its arguments bound; it must be picklable, and its answer too."""

    def __call__(self, state: State, *, context: Context) -> T_co:
        """Raises RefusedError."""


@dataclass(frozen=True, slots=True)
class _Asked:
    portfolio: PortfolioId
    now: datetime
    question: SolverQuestion[Any]


class Solving:
    """The process, started with the first question and again after it ended.

    Args:
        database_url: where the portfolios are.
        policy: what its answers follow.
        start: what the process does; another one in tests.
    """

    def __init__(self, database_url: str, policy: Policy, start: Start | None = None) -> None:
        self._start: Start = start or answer_all
        self._given = (database_url, policy)
        self._turn = asyncio.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    @property
    def is_possible(self) -> bool:
        """Whether the solver is installed (the extra `optimize`)."""
        return is_installed()

    async def ask(self, portfolio: PortfolioId, now: datetime, question: SolverQuestion[T]) -> T:
        """The answer for the portfolio as it is stored.

        Raises:
            RefusedError: the question's own refusal.
            SolverAwayError: there is no answer.
        """
        async with self._turn:
            pipe = self._open()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await asyncio.to_thread(_exchange, pipe, _Asked(portfolio, now, question))
            except (EOFError, OSError) as error:
                self.close()
                raise SolverAwayError(str(error) or "the solver's process ended, or took too long") from error
            except BaseException:
                self.close()
                raise
        if isinstance(answer, RefusedError):
            raise answer
        return answer  # type: ignore[no-any-return]  # what the question gave

    async def live(self) -> None:
        """Until cancelled; then the process ends with it."""
        try:
            await asyncio.Event().wait()
        finally:
            self.close()

    def close(self) -> None:
        """End the process at once. Whoever reads from the pipe comes to its end, and with the last one it is closed."""
        if self._process:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._pipe = None

    def _open(self) -> Connection:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self.close()
            context = multiprocessing.get_context("spawn")
            self._pipe, child_end = context.Pipe()
            self._process = context.Process(target=self._start, args=(child_end, *self._given), daemon=True)
            self._process.start()
            child_end.close()
        return self._pipe


def _exchange(pipe: Connection, asked: _Asked) -> Any:
    pipe.send(asked)
    return pipe.recv()


def answer_all(pipe: Connection, database_url: str, policy: Policy) -> None:
    """The process: answer until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service ends this one
    calendar, solver = Calendar(policy), load_solver()
    while True:
        try:
            asked = pipe.recv()
        except EOFError:
            return
        state = asyncio.run(_load(database_url, asked.portfolio))
        context = Context(calendar, asked.now, "S3" if solver else "S2", solver)
        try:
            answer = asked.question(state, context=context)
        except RefusedError as refusal:
            answer = refusal
        pipe.send(answer)


async def _load(database_url: str, portfolio: PortfolioId) -> State:
    """The portfolio as of one moment, without its lock."""
    database = Database(database_url, pool_size=1)
    try:
        async with database.reading() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            return await load_state(connection, portfolio)
    finally:
        await database.close()
