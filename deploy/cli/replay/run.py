"""One replay from beginning to end: open a house, feed a history, wait until quiet, report, judge."""

from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, TaskID

from deploy.cli.replay.expected import ChangesByObservation, find_differences, read_expected
from deploy.cli.replay.feeding import Fed, feed
from deploy.cli.replay.history import HistoryLine, find_teams, invent_directory, read_history
from deploy.cli.replay.report import CompletedRun, Report, RunCauses, build_report, read_causes
from deploy.cli.screen import console, show_progress
from deploy.client import Api, CannotError
from deploy.local.books import Books, open_books
from deploy.local.house import Order, open_house
from deploy.local.road import Position, wait_for_room, wait_until_quiet
from shared.runtime.clock import monotonic

UNDER_WAY = 750
SHOWN = 20


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What a replay was asked to do; the options of the command."""

    history: Path
    portfolio: str = "default"
    expected: Path | None = None
    state: Path | None = None
    directory: Path | None = None
    policy: Path | None = None
    acknowledge: bool = False


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The report, and everything that must make a caller doubt, in sentences."""

    report: Report
    complaints: list[str]


async def replay(options: ReplayOptions) -> ReplayResult:
    """Feed the history through all three services.

    Raises:
        CannotError: a file cannot be read, or the services came to a halt.
    """
    lines = read_history(options.history)
    expected = None if options.expected is None else read_expected(options.expected)
    media_type, directory = _directory(options, lines)
    async with open_house(_order(options)) as house, Api(house.url) as api, open_books(house.dsns) as books:
        path = f"/notify/api/v1/portfolios/{options.portfolio}/directory"
        await api.send("PUT", path, directory, media_type)
        run = await _run(api, books, options.portfolio, lines)
        causes = await read_causes(api, run)
        report = await build_report(api, books, run, causes)
    return ReplayResult(report, _complaints(report, run, causes, expected))


def _order(options: ReplayOptions) -> Order:
    return Order(
        state=options.state,
        every={"time_source": "observations", "api_token": None},
        launch={"policy_file": options.policy} if options.policy else {},
        notify={"acknowledge": "at_once" if options.acknowledge else "never"},
    )


def _directory(options: ReplayOptions, lines: list[HistoryLine]) -> tuple[str, bytes]:
    if options.directory is None:
        return "application/yaml", invent_directory(find_teams(lines))
    try:
        content = options.directory.read_bytes()
    except OSError as error:
        raise CannotError(f"{options.directory}: cannot be read: {error.strerror}") from None
    return "text/csv" if options.directory.suffix == ".csv" else "application/yaml", content


async def _run(api: Api, books: Books, portfolio: str, lines: list[HistoryLine]) -> CompletedRun:
    since = await books.read_run_start(portfolio)
    began = monotonic()
    with show_progress() as progress:
        bars = _Bars(progress, len(lines))

        fed = Fed()

        async def pause() -> None:
            bars.fed(fed)
            await wait_for_room(api, books, portfolio, UNDER_WAY, bars.see)

        await feed(api, portfolio, lines, fed, pause)
        bars.fed(fed)
        end = await wait_until_quiet(api, books, portfolio, bars.see)
        seconds = monotonic() - began
    return CompletedRun(portfolio, fed, since, end, seconds)


class _Bars:
    """Three bars, one for each place where observations can still be."""

    def __init__(self, progress: Progress, lines: int) -> None:
        self._progress = progress
        self._fed = progress.add_task("observations taken in", total=lines)
        self._decided = progress.add_task("causes decided on", total=None)
        self._told = progress.add_task("decisions brought to the people", total=None)

    def fed(self, fed: Fed) -> None:
        """The door has answered."""
        self._progress.update(self._fed, completed=fed.lines)

    def see(self, position: Position) -> None:
        """Where everything is."""
        self._set(self._decided, position.heard("launch", "roadmap.changes"), position.revision("roadmap"))
        self._set(self._told, position.heard("notify", "launch.changes"), position.revision("launch"))

    def _set(self, bar: TaskID, done: int, total: int) -> None:
        self._progress.update(bar, completed=done, total=max(total, done))


def _complaints(
    report: Report, run: CompletedRun, causes: RunCauses, expected: ChangesByObservation | None
) -> list[str]:
    """Why the run does not pass; empty when it does. Differences from what was expected go to stderr first."""
    found = []
    if expected is not None and (differences := _compare(expected, causes, run)):
        found.append(f"{differences} observations led to something else than expected")
    if report["refused"]:
        found.append(f"{report['refused']} of {report['observations']} lines were refused")
        _show([f"line {one.line}, {one.id or 'no id'}: {one.problem}" for one in run.fed.refused])
    if report["parked"]:
        found.append(f"{report['parked']} parked: {', '.join(run.end.parked) or 'observations held by roadmap'}")
    if not report["conservation"]["ok"]:
        found.append("the services' sums differ")
        _show(report["conservation"]["differences"])
    return found


def _compare(expected: ChangesByObservation, causes: RunCauses, run: CompletedRun) -> int:
    differences = list(find_differences(expected, causes.by_observation, run.fed))
    console.print(f"{len(differences)} differences from {len(expected)} expected changes")
    _show(differences)
    return len(differences)


def _show(sentences: list[str]) -> None:
    """The first of them, on stderr; they may hold text from outside, so nothing in them is markup."""
    for sentence in sentences[:SHOWN]:
        console.print(f"  {sentence}", markup=False)
    if len(sentences) > SHOWN:
        console.print(f"  … and {len(sentences) - SHOWN} more")
