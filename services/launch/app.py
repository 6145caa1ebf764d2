"""Wires launch; the only module that knows all the others."""

from functools import partial
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI

from services.launch import api, consumers, pages, timers
from services.launch.domain.calendar import Calendar
from services.launch.handlers.deciding import Deciding
from services.launch.settings import LaunchSettings, load_policy
from shared.contracts.asyncapi import Topic
from shared.contracts.launch import LaunchesChanged
from shared.runtime.foundation import Foundation, Surroundings
from shared.web import doors
from shared.web.pages import Pages

HERE: Final = Path(__file__).parent
TOPICS: Final = (Topic("launch.changes", LaunchesChanged.TYPE, LaunchesChanged, "launch", ("notify", "roadmap")),)


def create_app(settings: LaunchSettings, surroundings: Surroundings | None = None) -> FastAPI:
    """The whole service; it starts and stops with the app's lifespan."""
    foundation = Foundation("launch", settings, "launch.changes", HERE / "migrations", surroundings or Surroundings())
    calendar = Calendar(load_policy(settings.policy_file))

    deciding = Deciding(foundation.database, foundation.outbox, foundation.telemetry, calendar)
    consumers.listen(foundation, deciding)

    async def background() -> None:
        if settings.time_source == "clock":
            look = partial(timers.fire_due, deciding, foundation.clock)
            foundation.process.every(timers.LOOK_EVERY_SECONDS, "timers", look)

    app = doors.create_app(foundation, title="Inloop launch", topics=TOPICS, background=background)
    app.state.deciding = deciding
    sheets = Pages("launch", HERE, clock=foundation.clock)
    sheets.install(app)
    access = [Depends(doors.require_access)]
    for router in api.build_routers(deciding, foundation.clock):
        app.include_router(router, prefix="/launch/api/v1", dependencies=access)
    for router in pages.build_routers(deciding, sheets, foundation.clock):
        app.include_router(router, prefix="/launch", dependencies=access, include_in_schema=False)
    return app
