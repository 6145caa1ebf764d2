"""Commands that talk to a running Inloop: import a file, load a directory, compare the sums."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.conservation import compare_sums
from deploy.cli.replay.feeding import Fed, feed
from deploy.cli.replay.history import read_history
from deploy.cli.running import NOT_AS_IT_SHOULD_BE, fail, run
from deploy.cli.screen import console, show_progress
from deploy.client import DEFAULT_URL, URL_VARIABLE, Api

SHOWN = 50

Url = Annotated[
    str, typer.Option(envvar=URL_VARIABLE, help="Where Inloop runs. If it asks for a token: INLOOP_API_TOKEN.")
]
PortfolioOption = Annotated[str, typer.Option(metavar="NAME", help="Which portfolio.")]
ExistingFile = typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE")

directory_app = typer.Typer(help="Who works here, and does what for a launch.", no_args_is_help=True)


def import_file(
    file: Annotated[Path, ExistingFile],
    *,
    portfolio: PortfolioOption = "default",
    url: Url = DEFAULT_URL,
) -> None:
    """Import a file of native observations, one JSON object a line, into a running Inloop.

    Bad lines are refused one by one, with the line, the place in it and what would be right; the others go in.
    Importing the same file again changes nothing. Exit code 1: at least one line was refused.
    """
    lines = read_history(file)

    async def work() -> Fed:
        fed = Fed()
        with show_progress() as progress:
            bar = progress.add_task("lines taken in", total=len(lines))

            async def show() -> None:
                progress.update(bar, completed=fed.lines)

            async with Api.from_environment(url) as api:
                await feed(api, portfolio, lines, fed, show)
            await show()
        return fed

    fed = run(work)
    for one in fed.refused[:SHOWN]:
        console.print(f"{file.name}, line {one.line}: {one.problem}", markup=False)
    counts = {"accepted": len(fed.accepted), "duplicates": len(fed.duplicates), "refused": len(fed.refused)}
    typer.echo(json.dumps({"lines": fed.lines, **counts}))
    if fed.refused:
        fail(f"{len(fed.refused)} of {fed.lines} lines were refused", NOT_AS_IT_SHOULD_BE)


@directory_app.command("load")
def load_directory(
    file: Annotated[Path, ExistingFile],
    *,
    portfolio: PortfolioOption = "default",
    url: Url = DEFAULT_URL,
) -> None:
    """Replace the directory of a portfolio by a file (YAML, or CSV when its name ends in .csv)."""
    media_type = "text/csv" if file.suffix == ".csv" else "application/yaml"

    async def work() -> Any:
        async with Api.from_environment(url) as api:
            path = f"/notify/api/v1/portfolios/{portfolio}/directory"
            return await api.send("PUT", path, file.read_bytes(), media_type)

    typer.echo(json.dumps(run(work), ensure_ascii=False))


def conservation(
    *,
    portfolio: PortfolioOption = "default",
    until: Annotated[int | None, typer.Option(help="Roadmap's revision to compare at; without: the newest.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Compare the sums of the three services: nothing lost on the way, nothing invented.

    Prints each service's sums, and every difference by its id. Exit code 1: there are differences.
    """

    async def work() -> Any:
        async with Api.from_environment(url) as api:
            return await compare_sums(api, portfolio, until)

    sums = run(work)
    for service, answer in sums.by_service.items():
        numbers = ", ".join(f"{name} {number}" for name, number in answer.items() if _is_sum(name, number))
        typer.echo(f"{service}: {numbers}")
    for difference in sums.differences:
        typer.echo(f"difference: {difference}")
    if sums.differences:
        fail(f"{len(sums.differences)} differences at revision {sums.until}", NOT_AS_IT_SHOULD_BE)
    typer.echo(f"no difference at revision {sums.until}")


def _is_sum(name: str, number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and name != "until"
