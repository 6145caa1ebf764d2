"""A whole house in a thread, for tests that look at it from outside with a browser; and what its tracker says.

The people are those of the demo. No page is opened here.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2

from deploy.local.house import House, Order, open_house
from shared.runtime.clock import system_clock

PEOPLE = Path(__file__).parents[2] / "deploy" / "local" / "company" / "directory.yaml"
START_SECONDS = 60
_PAUSE = threading.Event()
LOUD = dict.fromkeys(("customer_value", "reach", "revenue", "differentiation", "narrative", "novelty"), 3)


class Household:
    """A running house and its tracker, which gives each observation an id of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = house.url
        self._said = 0

    def today(self) -> date:
        return system_clock().date()

    def say(self, **fact: Any) -> None:
        """One observation through the HTTP door, true since now."""
        self._said += 1
        at = system_clock().isoformat().replace("+00:00", "Z")
        line = json.dumps({"id": f"said-{self._said}", "at": at, **fact})
        answer = httpx2.post(
            f"{self.url}/roadmap/api/v1/portfolios/default/observations",
            content=line.encode(),
            headers={"content-type": "application/x-ndjson"},
            timeout=20,
        )
        assert answer.json()["outcome"] == "accepted", answer.text

    def pay_by_link(self, in_days: int, **more: Any) -> None:
        """A loud feature of payments, promised for a day."""
        target = {"on": (self.today() + timedelta(days=in_days)).isoformat()}
        known = {"ref": "PAY-310", "title": "Pay by link", "owner_team": "payments", "product_line": "payments"}
        self.say(feature=known | {"status": "in_progress", "stage": "ga", "target": target, "impact": LOUD} | more)


def wait_for(address: str, text: str) -> None:
    """Until the page says so."""
    for _ in range(600):
        if text in httpx2.get(address, timeout=20).raise_for_status().text:
            return
        _PAUSE.wait(0.05)
    raise AssertionError(f"{address} never said {text!r}")


@contextmanager
def housed(**launch: Any) -> Iterator[Household]:
    """Open a house on a loop of its own, and close it; `launch`: settings of that service."""
    stay = _Stay(launch)
    thread = threading.Thread(target=asyncio.run, args=(stay.live(),), name="house")
    thread.start()
    try:
        yield Household(stay.wait())
    finally:
        stay.leave()
        thread.join(START_SECONDS)


class _Stay:
    """The two ends of the thread: opened in one, left from the other."""

    def __init__(self, launch: dict[str, Any]) -> None:
        self._launch = launch
        self._opened = threading.Event()
        self._house: House | None = None
        self._leave: Callable[[], object] | None = None

    async def live(self) -> None:
        left, loop = asyncio.Event(), asyncio.get_running_loop()
        self._leave = lambda: loop.call_soon_threadsafe(left.set)
        try:
            async with open_house(Order(launch=self._launch, notify={"directory_file": str(PEOPLE)})) as house:
                self._house = house
                self._opened.set()
                await left.wait()
        finally:
            self._leave = None
            self._opened.set()

    def wait(self) -> House:
        self._opened.wait(START_SECONDS)
        assert self._house, "the house did not open"
        return self._house

    def leave(self) -> None:
        if self._leave:
            self._leave()
