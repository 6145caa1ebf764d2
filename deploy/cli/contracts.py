"""`inloop contracts`: what the services tell each other (AsyncAPI) and what their HTTP doors take (OpenAPI).

Written from the running code: messages from their models, routes from the apps. Nothing is started for it.
"""

import importlib.metadata
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.running import fail
from services.launch import app as launch
from services.launch.settings import LaunchSettings
from services.notify import app as notify
from services.notify.settings import NotifySettings
from services.roadmap import app as roadmap
from services.roadmap.settings import RoadmapSettings
from shared.contracts.asyncapi import describe

TOPICS = (*roadmap.TOPICS, *launch.TOPICS, *notify.TOPICS)
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
        "openapi-roadmap.json": roadmap.create_app(RoadmapSettings(**NOWHERE)).openapi(),
        "openapi-launch.json": launch.create_app(LaunchSettings(**NOWHERE)).openapi(),
        "openapi-notify.json": notify.create_app(NotifySettings(**NOWHERE)).openapi(),
    }


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
