"""Wires roadmap; the only module that knows all the others."""

from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI

from services.roadmap import api, consumers, pages
from services.roadmap.domain.observation import Observation
from services.roadmap.handlers.accepting import Acceptance
from services.roadmap.handlers.exactly import Exactly
from services.roadmap.handlers.judging import Judge
from shared.contracts.asyncapi import Topic
from shared.contracts.roadmap import OBSERVATION_TYPE, RoadmapChanged
from shared.runtime.foundation import Foundation, Runtime
from shared.runtime.settings import RuntimeSettings
from shared.web import doors

HERE: Final = Path(__file__).parent
TOPICS: Final = (
    Topic("roadmap.inbound", OBSERVATION_TYPE, Observation, None, ("roadmap",)),
    Topic("roadmap.changes", RoadmapChanged.TYPE, RoadmapChanged, "roadmap", ("launch",)),
)
MEASURE_SECONDS: Final = 2


def create_app(settings: RuntimeSettings, runtime: Runtime | None = None) -> FastAPI:
    """The whole service; it starts and stops with the app's lifespan."""
    given = runtime or Runtime()
    foundation = Foundation("roadmap", settings, "roadmap.changes", HERE / "migrations", given)
    foundation.needs_kafka = False
    judge = Judge(foundation.database, foundation.outbox, foundation.telemetry, settings.batch_size)
    acceptance = Acceptance(
        foundation.database, foundation.telemetry, judge.bell, time_is_observed=settings.time_source == "observations"
    )
    consumers.listen(foundation, acceptance)

    async def background() -> None:
        foundation.process.checks["judge"] = judge.heartbeat.check
        foundation.process.supervise("judge", judge.run)
        foundation.process.every(MEASURE_SECONDS, "measures", judge.measure)

    app = doors.create_app(foundation, title="Inloop roadmap", topics=TOPICS, background=background)
    app.state.judge = judge
    exactly = Exactly(acceptance, judge, foundation.clock)
    for router in api.build_routers(exactly):
        app.include_router(router, prefix="/roadmap/api/v1", dependencies=[Depends(doors.require_access)])
    for router in pages.build_pages(foundation, app):
        app.include_router(router, prefix="/roadmap", include_in_schema=False)
    return app
