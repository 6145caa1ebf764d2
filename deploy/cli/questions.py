"""Commands that talk to a running Inloop: import a file, load a directory, look at what is parked, compare the sums."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.api import DEFAULT_URL, NOT_AS_IT_SHOULD_BE, URL_VARIABLE, Api, fail
from deploy.cli.conservation import compare_sums
from deploy.cli.replay.feeding import Fed, feed
from deploy.cli.replay.history import read_history
from deploy.cli.running import run
from deploy.cli.screen import console, show_progress
from deploy.local.house import SERVICES

SHOWN = 50

Url = Annotated[
    str, typer.Option(envvar=URL_VARIABLE, help="Where Inloop runs. If it asks for a token: INLOOP_API_TOKEN.")
]
Portfolio = Annotated[str, typer.Option(metavar="NAME", help="Which portfolio.")]
Parked = Annotated[
    str, typer.Argument(metavar="PARKED", help="As `inloop parked ls` prints it: SERVICE/TOPIC/PORTFOLIO.")
]
ExistingFile = typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE")

parked_app = typer.Typer(
    help="What is set aside because it could not be applied: look, try again, give up.", no_args_is_help=True
)
directory_app = typer.Typer(help="Who works here, and does what for a launch.", no_args_is_help=True)


def import_file(
    file: Annotated[Path, ExistingFile],
    *,
    portfolio: Portfolio = "default",
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
    portfolio: Portfolio = "default",
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
    portfolio: Portfolio = "default",
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


@parked_app.command("ls")
def list_parked(*, url: Url = DEFAULT_URL) -> None:
    """List what is parked, oldest first; its portfolio's later messages wait behind it. Exit code 1: there is some."""

    async def work() -> list[tuple[str, dict[str, Any]]]:
        async with Api.from_environment(url) as api:
            asked = {service: await api.get(f"/{service}/api/v1/parked") for service in SERVICES}
            return [(service, row) for service, answer in asked.items() for row in answer["items"]]

    found = run(work)
    for service, row in sorted(found, key=lambda one: str(one[1].get("parked_at"))):
        typer.echo(
            f"{service}/{row['topic']}/{row['portfolio']}  revision {row['revision']}, {row['behind']} behind it"
        )
        typer.echo(f"  {row['problem']}")
        typer.echo(f"  tried {row['attempts']} times; next: {row['retry_at'] or 'waits for you'}")
    if found:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)
    console.print("nothing is parked")


@parked_app.command("show")
def show_parked(parked: Parked, *, url: Url = DEFAULT_URL) -> None:
    """Print one parked message, as JSON: why it is parked, its headers and its body."""
    typer.echo(json.dumps(_parked("GET", parked, "", url), indent=2, ensure_ascii=False))


@parked_app.command("retry")
def retry_parked(parked: Parked, *, url: Url = DEFAULT_URL) -> None:
    """Try it again now, and all that waits behind it. Exit code 1: it is parked again."""
    if not _parked("POST", parked, "/retry", url)["applied"]:
        fail(f"{parked} failed again and stays parked; `inloop parked show {parked}` says why", NOT_AS_IT_SHOULD_BE)
    typer.echo(f"{parked} and all behind it are applied")


@parked_app.command("drop")
def drop_parked(
    parked: Parked,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Give one parked message up and go on with those behind it. What it said will not happen; it is kept to read."""
    if not yes:
        typer.confirm(f"What {parked} says will never be applied here. Give it up?", abort=True, err=True)
    if not _parked("DELETE", parked, "", url)["applied"]:
        fail(f"{parked} is given up, but one behind it failed and is parked now", NOT_AS_IT_SHOULD_BE)
    typer.echo(f"{parked} is given up; all behind it are applied")


def _parked(method: str, parked: str, act: str, url: str) -> Any:
    service, topic, portfolio = (*parked.split("/"), "", "")[:3]
    if service not in SERVICES or not topic or not portfolio or parked.count("/") != 2:  # noqa: PLR2004 - three names
        fail(f"{parked!r}: expected SERVICE/TOPIC/PORTFOLIO as `inloop parked ls` prints it")

    async def work() -> Any:
        async with Api.from_environment(url) as api:
            return await api.send(method, f"/{service}/api/v1/parked/{topic}/{portfolio}{act}")

    return run(work)
