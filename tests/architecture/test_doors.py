"""Every route says who may call it; those open to all are listed here, with the reason. No server is started."""

import pytest
from fastapi import APIRouter, FastAPI

from services.launch.app import create_app as create_launch
from services.launch.settings import LaunchSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import NotifySettings
from services.roadmap.app import create_app as create_roadmap
from services.roadmap.settings import RoadmapSettings
from shared.web.doors import routes_without_access

NOWHERE = {"database_url": "postgresql://nobody:nothing@127.0.0.1:1/nowhere", "kafka_bootstrap": "127.0.0.1:1"}
HEALTH = ("livez", "readyz", "startupz", "metrics")

APPS = {
    "roadmap": lambda: create_roadmap(RoadmapSettings.model_validate(NOWHERE)),
    "launch": lambda: create_launch(LaunchSettings.model_validate(NOWHERE)),
    "notify": lambda: create_notify(NotifySettings.model_validate(NOWHERE)),
}
OPEN = {
    "roadmap": (),
    "launch": (),
    "notify": ("/notify/a/{token}",),  # the token is the key
}


def open_paths(service: str) -> frozenset[str]:
    """What needs no token: whether it is alive, what the API looks like, the look of the pages, the way to sign in."""
    health = [f"{prefix}/{name}" for name in HEALTH for prefix in ("", f"/{service}")]
    api = [f"/{service}/api/{name}.json" for name in ("openapi", "asyncapi")]
    return frozenset([*health, *api, f"/{service}/static/{{name}}", f"/{service}/sign-in", *OPEN[service]])


@pytest.mark.parametrize("service", APPS)
def test_every_door_says_who_may_come_in(service: str) -> None:
    assert routes_without_access(APPS[service](), open_paths(service)) == []


def test_a_door_without_a_lock_is_noticed_even_behind_others() -> None:
    hall, room = APIRouter(), APIRouter()

    @room.get("/treasure")
    async def treasure() -> None: ...

    hall.include_router(room, prefix="/room")
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(hall, prefix="/hall")
    assert routes_without_access(app, frozenset()) == ["/hall/room/treasure"]
