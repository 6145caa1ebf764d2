"""The life of one service's process part: what runs in the background, whether it can do its job, how it stops."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shared.runtime.clock import monotonic

STOP_SECONDS = 20
RESTART_SECONDS = 1.0

logger = logging.getLogger(__name__)


def collect_garbage_rarely() -> None:
    """Look for reference cycles seldom, and never again among what a process holds once it has started.

    A batch makes tens of thousands of short-lived values without a cycle; by default each few hundred of them pay for
    a walk over everything alive.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Process:
    """Named background tasks that are started again when they fail, and named checks for readiness."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.checks: dict[str, Callable[[], Awaitable[None]]] = {}
        self.started = False
        self.stopping = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` in the background; if it raises, say so and start it again after a second."""
        self._tasks[name] = asyncio.create_task(self._forever(name, work), name=f"{self.service}.{name}")

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` again and again with a pause between."""

        async def loop() -> None:
            while True:
                await work()
                await asyncio.sleep(seconds)

        self.supervise(name, loop)

    async def _forever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while not self.stopping:
            try:
                await work()
            except Exception:
                logger.exception("%s: %s failed; starting it again", self.service, name)
            await asyncio.sleep(RESTART_SECONDS)

    async def problems(self) -> dict[str, str]:
        """What keeps this process from doing its job now; empty when it is ready."""
        if self.stopping or not self.started:
            return {"process": "stopping" if self.stopping else "starting"}
        found: dict[str, str] = {}
        for name, check in self.checks.items():
            try:
                async with asyncio.timeout(2):
                    await check()
            except Exception as error:  # noqa: BLE001 - any failure of a check is its answer
                found[name] = str(error) or type(error).__name__
        return found

    async def stop(self) -> None:
        """Cancel what runs in the background and wait for it, at most twenty seconds."""
        self.stopping = True
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await asyncio.gather(*self._tasks.values(), return_exceptions=True)


class Wake:
    """A bell between a door and a worker of one process; ringing before anyone listens is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the worker."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until rung, or this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # not wait_for: it can swallow a cancel (docs/explanation/traps.md)
                await self._event.wait()
        self._event.clear()


class Heartbeat:
    """Readiness of a loop: fails when it has not turned for a while."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._last = monotonic()

    def beat(self) -> None:
        """The loop turned."""
        self._last = monotonic()

    async def check(self) -> None:
        """Raise TimeoutError when the loop stands still."""
        age = monotonic() - self._last
        if age > self._limit:
            raise TimeoutError(f"no turn for {age:.0f} s")
