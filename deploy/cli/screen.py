"""What the commands draw while they work: always on stderr, so that stdout holds nothing but results."""

import logging

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

# What the mock broker's first groups always say, and what clients say while everything stops.
TALKATIVE = ("aiokafka", "faststream", "uvicorn", "mail.log", "alembic")

console = Console(stderr=True, highlight=False)


def show_progress() -> Progress:
    """Bars with a number, a share and the time passed."""
    return Progress(
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Warnings of the services, above the bars."""
    handler = RichHandler(console=console, show_path=False, omit_repeated_times=False)
    logging.basicConfig(level=level, handlers=[handler], format="%(name)s: %(message)s", force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
