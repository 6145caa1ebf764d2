"""`inloop demo`: an invented company's week, live on the pages; or run through at once with a report (`--once`).

The company and what happens to it are in deploy/local/company; a step goes in by the same doors as anybody's.
"""

import asyncio
import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.replay.report import Report, build_report, read_causes
from deploy.cli.running import NOT_AS_IT_SHOULD_BE, fail, run
from deploy.cli.screen import console, log_to_stderr
from deploy.cli.story_player import PORTFOLIO, StoryPlayer
from deploy.client import Api, CannotError
from deploy.local.books import open_books
from deploy.local.company.days import find_monday
from deploy.local.company.story import POLICY, Story, StoryStep, read_story
from deploy.local.house import Order, open_house
from shared.runtime.clock import monotonic, system_clock

PAGES = {
    "/roadmap/": "what changed on the roadmap, and what each change led to",
    "/launch/": "the launches, when they are, and why then",
    "/notify/": "the people: who knows, who does not, and whom nobody can reach",
}
BOOKMARK = "demo.json"
RULES = {"policy_file": POLICY}


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Run the week through at full speed, print its report as JSON, and end.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the pages are; 0 takes a free port.")] = 8080,
    pace: Annotated[float, typer.Option(min=0, help="Seconds between two things that happen.")] = 8.0,
    state: Annotated[
        Path, typer.Option(file_okay=False, metavar="DIR", help="Where it is kept; delete it to begin anew.")
    ] = Path(".state/demo"),
) -> None:
    """Show Inloop with an invented company of thirty people and one week of its roadmap.

    Needs nothing installed beside this command: database, broker and mail server run inside. Ctrl-C stops; a second
    start goes on where the first one stopped.
    """
    log_to_stderr()
    if not once:
        run(lambda: _live(state, port, pace))
        return
    report = run(_once)
    typer.echo(json.dumps(report, ensure_ascii=False))
    if report["parked"] or report["refused"] or not report["conservation"]["ok"]:
        fail("something was parked, refused or lost", NOT_AS_IT_SHOULD_BE)


async def _live(state: Path, port: int, pace: float) -> None:
    bookmark = Bookmark(state)
    story = read_story(bookmark.monday)
    order = Order(state=state, port=port, every={"time_source": "clock"}, launch=RULES)
    async with open_house(order) as house, Api.from_environment(house.url) as api, open_books(house.dsns) as books:
        _say_where(house.url)
        player = StoryPlayer(api, books, system_clock)
        if bookmark.done == 0:
            await player.open(story)
        await _play(player, story, bookmark, pace)
        console.print("The week is over. Look around as long as you like; Ctrl-C stops.")
        await asyncio.Event().wait()


def _say_where(url: str) -> None:
    typer.echo("Tallyfern's week begins. Open:")
    for path, sentence in PAGES.items():
        typer.echo(f"  {url}{path:<10} {sentence}")
    typer.echo("Ctrl-C stops; a second start goes on where this one stopped.")


async def _play(player: StoryPlayer, story: Story, bookmark: "Bookmark", pace: float) -> None:
    weekday = ""
    for step in story.steps:
        if step.number <= bookmark.done:
            continue
        await asyncio.sleep(pace)
        weekday = _tell(step, weekday)
        await player.act(step)
        bookmark.turn(step.number)


def _tell(step: StoryStep, weekday: str) -> str:
    if f"{step.at:%A}" != weekday:
        console.print(f"\n{step.at:%A}", style="bold")
    console.print(f"  {step.at:%H:%M}  {step.says}", markup=False)
    return f"{step.at:%A}"


class Bookmark:
    """How far the week has been told, kept beside the databases."""

    def __init__(self, state: Path) -> None:
        self._file = state / BOOKMARK
        kept = self._read()
        self.monday = date.fromisoformat(kept["monday"])
        self.done = int(kept["done"])

    def _read(self) -> dict[str, Any]:
        if not self._file.exists():
            return {"monday": find_monday(system_clock().date()).isoformat(), "done": 0}
        try:
            kept: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
            date.fromisoformat(kept["monday"])
        except (ValueError, KeyError, TypeError):
            raise CannotError(f"{self._file} is not from a demo; give another --state, or delete it") from None
        return kept

    def turn(self, done: int) -> None:
        """Everything up to this step is told."""
        self.done = done
        written = json.dumps({"monday": self.monday.isoformat(), "done": done})
        half = self._file.with_suffix(".half")
        half.write_text(written, encoding="utf-8")
        half.replace(self._file)


class _StoryClock:
    """Shows when the present step happens: in a run at full speed, doors read this instead of the wall."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


async def _once() -> Report:
    story = read_story(find_monday(system_clock().date()))
    clock = _StoryClock(story.opens_at)
    order = Order(every={"time_source": "observations", "api_token": None}, launch=RULES, clock=clock)
    async with open_house(order) as house, Api(house.url) as api, open_books(house.dsns) as books:
        player = StoryPlayer(api, books, clock)
        since, began = await books.read_run_start(PORTFOLIO), monotonic()
        await player.open(story)
        weekday = ""
        for step in story.steps:
            clock.at = step.at
            weekday = _tell(step, weekday)
            await player.act(step)
        ended = await player.finish(since, began)
        return await build_report(api, books, ended, await read_causes(api, ended))
