"""How a command runs its coroutine, and how it ends: in order on Ctrl-C and SIGTERM, with no traceback for a user."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import typer

from deploy.client import CannotError
from deploy.local.house import PortTakenError
from deploy.local.kafka import EmbeddedKafkaError
from deploy.local.postgres import EmbeddedPostgresError

NOT_AS_IT_SHOULD_BE = 1
CANNOT = 2

T = TypeVar("T")


def fail(message: str, code: int = CANNOT) -> NoReturn:
    """End the command with one message on stderr."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


def run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end; what a user can do something about is told in one message, with exit code 2."""
    try:
        return asyncio.run(_until_told_to_stop(start))
    except (CannotError, PortTakenError, EmbeddedPostgresError, EmbeddedKafkaError) as error:
        fail(str(error))
    except asyncio.CancelledError:
        fail("stopped", 128 + signal.SIGTERM)


async def _until_told_to_stop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """SIGTERM ends it as Ctrl-C does: whatever is open is closed in order. Only a main thread is told of signals."""
    task = asyncio.current_task()
    if task is not None and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await start()
