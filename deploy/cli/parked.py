"""`inloop parked`: what is stuck in one list, with the same acts for both sorts of it.

A message that a service could not apply has its portfolio's later ones waiting behind it (shared/runtime/inbox.py).
An observation that roadmap could not judge is held alone. Commands about other things are in questions.py.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from deploy.cli.questions import Url
from deploy.cli.running import NOT_AS_IT_SHOULD_BE, fail, run
from deploy.cli.screen import console
from deploy.client import DEFAULT_URL, Api
from deploy.local.house import SERVICES

MOST_HELD: Final = 1000
JUDGED_WITHIN_SECONDS: Final = 10
LOOK_EVERY_SECONDS: Final = 0.1
MESSAGE: Final = re.compile(rf"({'|'.join(SERVICES)})/([\w-]+\.[\w.-]+)/([\w.-]+)", re.ASCII)
OBSERVATION: Final = re.compile(r"roadmap/observations/([\w.-]+)/(\d+)", re.ASCII)

Parked = Annotated[
    str,
    typer.Argument(
        metavar="PARKED",
        help="As `inloop parked ls` prints it: SERVICE/TOPIC/PORTFOLIO, or roadmap/observations/PORTFOLIO/NUMBER.",
    ),
]

parked_app = typer.Typer(
    help="What is set aside because it could not be applied: look, try again, give up.", no_args_is_help=True
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is stuck: its path in the API, and whether it is a held observation or else a message."""

    path: str
    held: bool


def find_place(parked: str) -> Place:
    """The place of what `inloop parked ls` calls by this name; anything else ends the command."""
    if found := MESSAGE.fullmatch(parked):
        return Place(f"/{found[1]}/api/v1/parked/{found[2]}/{found[3]}", held=False)
    found = OBSERVATION.fullmatch(parked)
    if not found:
        fail(
            f"{parked!r}: expected SERVICE/TOPIC/PORTFOLIO or roadmap/observations/PORTFOLIO/NUMBER,"
            " as `inloop parked ls` prints it"
        )
    return Place(f"/roadmap/api/v1/portfolios/{found[1]}/observations/seq:{found[2]}", held=True)


def describe_message(service: str, row: dict[str, Any]) -> str:
    """A parked message in three lines: where and what, why, since when and what comes next."""
    return (
        f"{service}/{row['topic']}/{row['portfolio']}  revision {row['revision']}, {row['behind']} behind it\n"
        f"  {row['problem']}\n"
        f"  since {_minute(row['parked_at'])}; tried {row['attempts']} times; next:"
        f" {_minute(row['retry_at']) if row['retry_at'] else 'waits for you'}"
    )


def describe_observation(row: dict[str, Any]) -> str:
    """A held observation in three lines, as a message is described."""
    return (
        f"roadmap/observations/{row['portfolio']}/{row['seq']}  observation {row['id']} of {row['ref']},"
        " nothing waits behind it\n"
        f"  {row['why']}\n"
        f"  came in {_minute(row['accepted_at'])}; next: waits for you"
    )


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@parked_app.command("ls")
def list_parked(*, url: Url = DEFAULT_URL) -> None:
    """List what is stuck, oldest first, with where, why and since when. Exit code 1: there is some.

    A message that could not be applied has its portfolio's later ones waiting behind it; an observation that roadmap
    could not judge (`held`) holds up nothing.
    """

    async def work() -> tuple[list[tuple[str, str]], int]:
        async with Api.from_environment(url) as api:
            messages = {service: (await api.get(f"/{service}/api/v1/parked"))["items"] for service in SERVICES}
            held = await api.get("/roadmap/api/v1/held", limit=MOST_HELD)
        found = [
            (row["parked_at"], describe_message(service, row)) for service, rows in messages.items() for row in rows
        ]
        found += [(row["accepted_at"], describe_observation(row)) for row in held["items"]]
        return found, held["total"] - len(held["items"])

    found, more = run(work)
    for _, described in sorted(found, key=lambda one: datetime.fromisoformat(one[0])):
        typer.echo(described)
    if more > 0:
        typer.echo(f"and {more} more observations that came in later")
    if found:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)
    console.print("nothing is parked")


@parked_app.command("show")
def show_parked(parked: Parked, *, url: Url = DEFAULT_URL) -> None:
    """Print one of them, as JSON: why it is stuck, and its body as it came (a message's headers too)."""
    place = find_place(parked)
    row = _send("GET", place.path, url)
    if place.held and row["state"] != "held":
        fail(f"{parked} is not parked: {row['state']}")
    typer.echo(json.dumps(row, indent=2, ensure_ascii=False))


@parked_app.command("retry")
def retry_parked(parked: Parked, *, url: Url = DEFAULT_URL) -> None:
    """Try it again now, and all that waits behind it. Exit code 1: it is stuck again, or not judged yet."""
    place = find_place(parked)
    failed = f"{parked} failed again and stays parked; `inloop parked show {parked}` says why"
    if not place.held:
        if not _send("POST", f"{place.path}/retry", url)["applied"]:
            fail(failed, NOT_AS_IT_SHOULD_BE)
        typer.echo(f"{parked} and all behind it are applied")
        return
    row = run(lambda: _judge_again(place, url))
    if row["state"] == "held":
        fail(failed, NOT_AS_IT_SHOULD_BE)
    if row["state"] == "received":
        fail(f"{parked} waits to be judged, for more than {JUDGED_WITHIN_SECONDS} seconds now", NOT_AS_IT_SHOULD_BE)
    typer.echo(f"{parked} is judged: {row['state']} ({row['summary'] or row['why']})")


@parked_app.command("drop")
def drop_parked(
    parked: Parked,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Give one up and go on with what waits behind it. What it said will not happen; it is kept to read.

    An observation counts as refused from then on, with the reason; the source may send it again under the same id.
    """
    place = find_place(parked)
    if not yes:
        typer.confirm(f"What {parked} says will never be applied here. Give it up?", abort=True, err=True)
    answer = _send("DELETE", place.path, url)
    if place.held:
        typer.echo(f"{parked} is given up; it is kept as refused")
        return
    if not answer["applied"]:
        fail(f"{parked} is given up, but one behind it failed and is parked now", NOT_AS_IT_SHOULD_BE)
    typer.echo(f"{parked} is given up; all behind it are applied")


def _send(method: str, path: str, url: str) -> Any:
    async def work() -> Any:
        async with Api.from_environment(url) as api:
            return await api.send(method, path)

    return run(work)


async def _judge_again(place: Place, url: str) -> Any:
    """Release the observation, and wait until roadmap has judged it or does not come to it."""
    async with Api.from_environment(url) as api:
        await api.send("POST", f"{place.path}/retry")
        for _ in range(round(JUDGED_WITHIN_SECONDS / LOOK_EVERY_SECONDS)):
            row = await api.get(place.path)
            if row["state"] != "received":
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return row
