"""`inloop policy diff`: a decided history through another policy. Reads and prints; launch's lab decides."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.running import fail, run
from deploy.cli.screen import console
from deploy.client import DEFAULT_URL, URL_VARIABLE, Api
from deploy.local.house import Order, open_house
from services.launch.domain.policy import Policy
from services.launch.lab.lab import DecidedState, Difference, Lab
from services.launch.settings import load_policy
from shared.contracts.launch import LaunchesChanged
from shared.contracts.words import PortfolioId

A_PAGE = 500

policy_app = typer.Typer(help="Try another policy on what was decided, before it decides.", no_args_is_help=True)


@policy_app.callback()
def group() -> None:
    """Keep `diff` a command of its own while it is the only one."""


@policy_app.command("diff")
def diff(
    *,
    policy: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The other policy (YAML).")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Show decisions from this day on only.")
    ] = None,
    portfolio: Annotated[str, typer.Option(metavar="NAME", help="Which portfolio.")] = "default",
    url: Annotated[str, typer.Option(envvar=URL_VARIABLE, help="Where Inloop runs.")] = DEFAULT_URL,
    state: Annotated[Path | None, typer.Option(help="Or the folder that a demo or a replay left.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Decide the whole history again by another policy, and show which decisions would differ.

    A launch that stays in another place is shown once, at the cause that led there. Nothing is changed.
    """
    other = _load(policy)
    if state and not state.is_dir():
        fail(f"{state}: there is no such folder")

    async def work() -> list[LaunchesChanged]:
        async with _api(url, state) as api:
            return [one async for one in _history(api, portfolio)]

    history = run(work)
    lab = Lab(PortfolioId(portfolio), other).run(history)
    shown = [one for one in lab.differences if since is None or one.at.date() >= since.date()]
    if as_json:
        typer.echo(json.dumps(_document(lab, shown, len(history)), default=str, ensure_ascii=False, indent=2))
        return
    for line in _table(shown):
        typer.echo(line)
    for sentence in lab.refused:
        console.print(f"not allowed or not repeated: {sentence}", markup=False)
    launches = len({one.launch for one in shown})
    typer.echo(f"{len(shown)} of {len(history)} decisions would differ, about {launches} launches")


def _load(path: Path) -> Policy:
    try:
        return load_policy(path)
    except (OSError, ValueError) as error:
        fail(str(error))


@asynccontextmanager
async def _api(url: str, state: Path | None) -> AsyncIterator[Api]:
    if state is None:
        async with Api.from_environment(url) as api:
            yield api
        return
    order = Order(state=state, every={"time_source": "observations", "api_token": None})
    async with open_house(order) as house, Api(house.url) as api:
        yield api


async def _history(api: Api, portfolio: str) -> AsyncIterator[LaunchesChanged]:
    after = 0
    while True:
        path = f"/launch/api/v1/portfolios/{portfolio}/changes"
        page = await api.get(path, after=after, limit=A_PAGE)
        for one in page["items"]:
            yield LaunchesChanged.model_validate_json(json.dumps(one))
        if not page["items"] or page["next"] == after:
            return
        after = page["next"]


def _document(lab: Lab, shown: list[Difference], decisions: int) -> dict[str, Any]:
    return {
        "policy": lab.policy.digest(),
        "decisions": decisions,
        "differences": [asdict(one) for one in shown],
        "refused": lab.refused,
    }


def _table(shown: list[Difference]) -> Iterator[str]:
    rows = [(f"{one.at:%Y-%m-%d}", one.launch, _say(one.decided), _say(one.would_be), one.summary) for one in shown]
    head = ("day", "launch", "decided", "would be", "cause")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head) - 1)]
    for row in (head, *rows) if rows else ():
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _say(verdict: DecidedState | None) -> str:
    if verdict is None:
        return "no launch"
    tier = verdict.market if verdict.market == verdict.internal else f"{verdict.market}/{verdict.internal}"
    return f"{tier} {verdict.date or 'no date'} {verdict.state}"
