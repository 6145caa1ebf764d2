"""Roadmap's pages in a real Chromium: accessible by axe, fitting a phone, live without a reload."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx2
import pytest
from playwright.sync_api import Page, expect

from services.roadmap.app import create_app
from services.roadmap.domain.effects import LaunchEffect, PeopleEffect, PersonTold, TouchedLaunch
from services.roadmap.store.effects import save_launches, save_people
from shared.contracts.words import CauseId, PortfolioId
from shared.runtime.database import Database
from shared.runtime.foundation import Runtime
from shared.runtime.settings import RuntimeSettings
from tests.e2e.browser import check_accessible, check_fits, chromium, page, screenshot, served
from tests.integration.roadmap import NOW, feature, lines, prepare, release
from tests.servers.postgres import Databases

T = TypeVar("T")

__all__ = ["chromium", "page"]

API = "/roadmap/api/v1/portfolios/default"
TEAMS = ("checkout", "search", "identity", "mobile")
NAMES = ("Dark mode", "One-tap checkout", "Saved searches", "Passkeys", "Offline reading", "Shared carts")


def story() -> bytes:
    """A few weeks of six features."""
    told = [release("Spring", "2026-06-01")]
    for number, name in enumerate(NAMES):
        mine: dict[str, Any] = {"title": name, "owner_team": TEAMS[number % 4], "stage": "beta"}
        told += [
            feature(f"F-{number}", **mine, target={"half": "2026-H2"}),
            feature(f"F-{number}", minute=1, **mine, target={"quarter": "2026-Q3"}),
            feature(f"F-{number}", minute=2, **mine, target={"release": "Spring"}, contributors=["design", "docs"]),
        ]
    slip: dict[str, Any] = {
        "title": NAMES[0],
        "owner_team": "checkout",
        "stage": "beta",
        "contributors": ["design", "docs"],
    }
    told += [
        release("Spring", "2026-06-15", minute=3),
        feature("F-0", minute=4, **slip, target={"on": "2026-07-06"}, reason="The audit takes three weeks more."),
        feature("F-0", minute=1, id="late", **slip),
        feature("F-1", minute=9, status="done"),
    ]
    return lines(*told)


async def lead_to(dsn: str) -> None:
    """As launch and notify would tell it."""
    alpha, cause = PortfolioId("default"), CauseId("native:F-0@4")
    touched = TouchedLaunch.model_validate(
        {"id": "L-F-0", "name": "Dark mode", "tier": "T2", "kinds": ["x"], "was_on": "2026-06-22", "on": "2026-07-13"}
    )
    people = tuple(PersonTold("launch", "L-F-0", 2, f"p{n}", "acknowledged" if n < 4 else "open") for n in range(9))
    database = Database(RuntimeSettings(database_url=dsn, kafka_bootstrap="unused").database_url)
    async with database.locked([alpha]) as batch:
        await save_launches(batch.connection, [LaunchEffect(alpha, cause, (touched,))])
        await save_people(batch.connection, [PeopleEffect(alpha, cause, people)])
    await database.close()


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread: Playwright's own loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def roadmap(postgres: Databases) -> Iterator[tuple[str, str]]:
    """A roadmap in a thread, without Kafka: its address and its database."""
    dsn = apart(postgres.fresh("roadmap", prepare))
    settings = RuntimeSettings(database_url=dsn, kafka_bootstrap="127.0.0.1:1")
    with served(create_app(settings, Runtime(clock=lambda: NOW))) as address:
        yield address, dsn
    apart(postgres.drop(dsn))


@pytest.fixture
def house(postgres: Databases) -> Iterator[tuple[str, str]]:
    with roadmap(postgres) as started:
        yield started


def test_each_page_is_accessible_and_fits_a_phone(house: tuple[str, str], page: Page) -> None:
    address, dsn = house
    page.goto(f"{address}/roadmap/")
    expect(page.get_by_text("Nothing has been heard yet")).to_be_visible()
    check_accessible(page)
    httpx2.post(f"{address}{API}/observations", content=story()).raise_for_status()
    expect(page.get_by_text("F-0 slipped by 15 working days").first).to_be_visible()  # live: nobody reloaded
    apart(lead_to(dsn))
    for path, name in (
        ("", "log"),
        ("observations/F-0@4", "observation"),
        ("observations/F-1@9", "refused"),
        ("features", "features"),
        ("features/F-0", "feature"),
        ("features/none", "missing"),
    ):
        page.goto(f"{address}/roadmap/{path}")
        check_accessible(page)
        page.set_viewport_size({"width": 360, "height": 780})
        check_fits(page)
        screenshot(page, f"roadmap-{name}")


def test_a_page_of_fifty_is_light(house: tuple[str, str]) -> None:
    address, _ = house
    many = [feature(f"F-{n}", title=f"Feature {n}") for n in range(60)]
    httpx2.post(f"{address}{API}/observations", content=lines(*many)).raise_for_status()
    body = httpx2.get(f"{address}/roadmap/").content
    assert len(body) < 150_000
    assert json.dumps("F-59@0")[1:-1].encode() in httpx2.get(f"{address}/roadmap/?format=csv").content
