"""Wires launch; the only module that knows all the others."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI

from services.launch import api, consumers, pages, timers
from services.launch.domain.calendar import Calendar
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.solving import Solving
from services.launch.settings import LaunchSettings, load_policy
from services.launch.timers import IMPROVE_EVERY_SECONDS, Improving
from shared.contracts.asyncapi import Topic
from shared.contracts.launch import LaunchesChanged
from shared.runtime.foundation import Foundation, Runtime
from shared.web import doors
from shared.web.pages import Pages

HERE: Final = Path(__file__).parent
TOPICS: Final = (Topic("launch.changes", LaunchesChanged.TYPE, LaunchesChanged, "launch", ("notify", "roadmap")),)


def create_app(settings: LaunchSettings, runtime: Runtime | None = None) -> FastAPI:
    """The whole service; it starts and stops with the app's lifespan."""
    foundation = Foundation("launch", settings, "launch.changes", HERE / "migrations", runtime or Runtime())
    calendar = Calendar(load_policy(settings.policy_file))

    deciding = Deciding(foundation.database, foundation.outbox, foundation.telemetry, calendar)
    consumers.listen(foundation, deciding)
    solving = Solving(settings.database_url, calendar.policy)

    app = doors.create_app(
        foundation, title="Inloop launch", topics=TOPICS, background=_background(foundation, deciding, solving)
    )
    app.state.deciding, app.state.solving = deciding, solving
    sheets = Pages("launch", HERE, clock=foundation.clock)
    sheets.install(app)
    access = [Depends(doors.require_access)]
    for router in api.build_routers(deciding, solving, foundation.clock):
        app.include_router(router, prefix="/launch/api/v1", dependencies=access)
    for router in pages.build_routers(deciding, sheets, foundation.clock):
        app.include_router(router, prefix="/launch", dependencies=access, include_in_schema=False)
    return app


def _background(foundation: Foundation, deciding: Deciding, solving: Solving) -> Callable[[], Awaitable[None]]:
    """What runs beside the doors. In a replay, where time is the observations', nothing happens by itself."""
    process, improving = foundation.process, Improving(deciding, solving, foundation.clock)

    async def start() -> None:
        process.supervise("solver", solving.live)
        if foundation.settings.time_source == "clock":
            look = partial(timers.fire_due, deciding, foundation.clock)
            process.every(timers.LOOK_EVERY_SECONDS, "timers", look)
            if solving.is_possible:
                process.every(IMPROVE_EVERY_SECONDS, "improving", improving.look)

    return start
