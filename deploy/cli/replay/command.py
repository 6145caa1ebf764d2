"""`inloop replay` as it is typed: its options, its last line, its exit code."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.replay.run import ReplayOptions
from deploy.cli.replay.run import replay as run_replay
from deploy.cli.running import NOT_AS_IT_SHOULD_BE, fail, run
from deploy.cli.screen import log_to_stderr


def replay(  # noqa: PLR0913 - each is an option
    observations: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="OBSERVATIONS.jsonl",
            help="The history: one native observation a line, oldest first.",
        ),
    ],
    *,
    expected: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help='What must follow, to compare with: one {"id", "changes": [[ref, kind], …]} a line.',
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Also write the report there, as JSON.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            metavar="DIR",
            help="Keep everything there; a second replay goes on from it. Without: all is new, and deleted at the end.",
        ),
    ] = None,
    portfolio: Annotated[str, typer.Option(metavar="NAME", help="The portfolio that all this is about.")] = "default",
    directory: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Who works here (YAML or CSV). Without: one pmm, one sales and one cs for each owner team seen.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Launch's policy. Without: the default one."),
    ] = None,
    ack: Annotated[bool, typer.Option("--ack", help="Everybody acknowledges every notice, at once.")] = False,
) -> None:
    """Feed a roadmap's history through all three services and report what followed.

    The services are the real ones, on a PostgreSQL and a broker inside this process; time is what the observations
    say; mail goes to a catcher. The last line on stdout is the report. The same history gives the same
    decisions_sha256, always. Exit code 1: something followed that was not expected, was refused, parked or lost.
    """
    log_to_stderr()
    options = ReplayOptions(observations, portfolio, expected, state, directory, policy, acknowledge=ack)
    result = run(lambda: run_replay(options))
    text = json.dumps(result.report, ensure_ascii=False)
    if report is not None:
        _write(report, text)
    typer.echo(text)
    if result.complaints:
        fail("; ".join(result.complaints), NOT_AS_IT_SHOULD_BE)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")
