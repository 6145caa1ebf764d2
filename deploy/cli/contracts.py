"""`inloop contracts`: what the services tell each other (AsyncAPI) and what their HTTP doors take (OpenAPI).

Written from the running code: messages from their models, routes from the apps. Nothing is started for it.
"""

import importlib.metadata
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.api import fail
from services.launch.app import create_app as create_launch
from services.launch.settings import LaunchSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import NotifySettings
from services.roadmap.app import create_app as create_roadmap
from services.roadmap.domain.observation import Observation
from services.roadmap.settings import RoadmapSettings
from shared.contracts.asyncapi import Topic, describe
from shared.contracts.launch import LaunchesChanged
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.roadmap import OBSERVATION_TYPE, RoadmapChanged

TOPICS = (
    Topic("roadmap.inbound", OBSERVATION_TYPE, Observation, None, ("roadmap",)),
    Topic("roadmap.changes", RoadmapChanged.TYPE, RoadmapChanged, "roadmap", ("launch",)),
    Topic("launch.changes", LaunchesChanged.TYPE, LaunchesChanged, "launch", ("notify", "roadmap")),
    Topic("notify.receipts", ReceiptsChanged.TYPE, ReceiptsChanged, "notify", ("launch", "roadmap")),
)
NOWHERE: dict[str, Any] = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "kafka_bootstrap": "127.0.0.1:1"}
"""Required, and never connected to."""


def contracts(
    *,
    write: Annotated[
        Path | None, typer.Option(file_okay=False, metavar="DIR", help="Write all documents there, as JSON files.")
    ] = None,
) -> None:
    """Print the AsyncAPI document of the topics; with --write, also the OpenAPI documents of the three services."""
    if write is None:
        typer.echo(_text(describe_topics()))
        return
    try:
        write.mkdir(parents=True, exist_ok=True)
        for name, document in build_documents().items():
            (write / name).write_text(_text(document) + "\n", encoding="utf-8")
            typer.echo(str(write / name))
    except OSError as error:
        fail(f"{write}: cannot be written: {error.strerror}")


def describe_topics() -> dict[str, Any]:
    """The AsyncAPI 3.0 document."""
    return describe(TOPICS, importlib.metadata.version("inloop"))


def build_documents() -> dict[str, dict[str, Any]]:
    """Every document by the name of its file."""
    return {
        "asyncapi.json": describe_topics(),
        "openapi-roadmap.json": create_roadmap(RoadmapSettings(**NOWHERE)).openapi(),
        "openapi-launch.json": create_launch(LaunchSettings(**NOWHERE)).openapi(),
        "openapi-notify.json": create_notify(NotifySettings(**NOWHERE)).openapi(),
    }


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
