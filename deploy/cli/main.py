"""The `inloop` command: which commands there are. What each does is in its own module.

Results go to stdout; everything else goes to stderr. Exit codes: 0 as it should be, 1 not as it should be (a
difference, something refused or parked), 2 it could not be done (a wrong option, a file, nobody answers).
"""

import importlib.metadata
import os
import runpy
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli import contracts, demo, parked, plan, policy, questions
from deploy.cli.replay import command as replay

app = typer.Typer(
    name="inloop",
    help="Inloop keeps everybody in the loop when a roadmap moves: it hears what changed, moves the launches, tells"
    " who must know, and shows who knows.\n\nNew here? Run `inloop demo`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo", short_help="See it work with an invented company.")(demo.demo)
app.command("replay", short_help="Feed a roadmap's history through it; report.")(replay.replay)
app.command("import", short_help="Import observations into a running Inloop.")(questions.import_file)
app.add_typer(questions.directory_app, name="directory", short_help="Say who works here.")
app.add_typer(parked.parked_app, name="parked", short_help="See and free what is stuck.")
app.add_typer(policy.policy_app, name="policy", short_help="Try another policy on what was decided.")
app.command("conservation", short_help="Check that nothing was lost.")(questions.conservation)
app.command("contracts", short_help="Print AsyncAPI; write OpenAPI too.")(contracts.contracts)


class ServiceName(StrEnum):
    """What `inloop serve` can run."""

    ROADMAP = "roadmap"
    LAUNCH = "launch"
    NOTIFY = "notify"


class PlannerStage(StrEnum):
    """How hard the planner tries."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"


class Shell(StrEnum):
    """Shells that completion can be had for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command("plan", short_help="Plan from files, without any server.")
def plan_files(
    portfolio: Annotated[Path, typer.Argument(help="The portfolio: launches, features, rules (JSON, or .gz of it).")],
    events: Annotated[Path, typer.Argument(help="What happens: one event a line (JSON lines).")],
    stage: Annotated[
        PlannerStage, typer.Option(help="S1 repairs, S2 improves, S3 proves (needs inloop[optimize]).")
    ] = PlannerStage.S1,
) -> None:
    """Plan for each event in a file, and print each plan as one line of JSON."""
    raise typer.Exit(plan.plan(portfolio, events, stage.value))


@app.command(short_help="Run one service, as in a container.")
def serve(service: Annotated[ServiceName, typer.Argument(help="Which one.")]) -> None:
    """Run one service as in a container; it is told where everything is by INLOOP_… variables."""
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


@app.command(short_help="Complete commands in your shell.")
def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print what makes your shell complete `inloop` commands; for bash: `source <(inloop completion bash)`."""
    os.environ["_INLOOP_COMPLETE"] = f"source_{shell}"
    commands = typer.Typer(add_completion=True)
    commands.command()(completion)
    commands(args=[], prog_name="inloop")


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if asked:
        typer.echo(f"inloop {importlib.metadata.version('inloop')}, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options before the command's name."""
    del version


if __name__ == "__main__":
    app()
