"""Carries out what happens in the demo, through the same doors as anybody: HTTP, one act at a time."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.cli.replay.feeding import Fed, feed
from deploy.cli.replay.history import HistoryLine
from deploy.cli.replay.report import CompletedRun
from deploy.cli.screen import console
from deploy.client import Api, CannotError, OvertakenError
from deploy.local.books import Books, RunStart
from deploy.local.company.story import AcknowledgeInbox, Decide, Observation, Observe, PinLaunch, Story, StoryStep
from deploy.local.road import Position, wait_until_quiet
from shared.contracts.words import format_instant
from shared.runtime.clock import Clock, monotonic

PORTFOLIO = "default"
UNDER = f"portfolios/{PORTFOLIO}"
LAUNCH = f"/launch/api/v1/{UNDER}"


class StoryPlayer:
    """Plays the story in a running house. `fed` counts what the sources have told."""

    def __init__(self, api: Api, books: Books, clock: Clock) -> None:
        self._api = api
        self._books = books
        self._clock = clock
        self.fed = Fed()

    async def open(self, story: Story) -> None:
        """The people, and the roadmap as it stands on Monday morning."""
        await self._api.send("PUT", f"/notify/api/v1/{UNDER}/directory", story.directory, "application/yaml")
        await self._tell(story.opening)

    async def act(self, step: StoryStep) -> None:
        """Carry one step out; a person acts on what has arrived, so everything under way arrives first."""
        if isinstance(step.act, Observe):
            await self._tell([step.act.observation], step.act.late)
            return
        await self._rest()
        if isinstance(step.act, AcknowledgeInbox):
            for person in step.act.people:
                await self._acknowledge(person)
        elif isinstance(step.act, PinLaunch):
            await self._pin(step.act)
        else:
            await self._decide(step.act)

    async def finish(self, since: RunStart, began: float) -> CompletedRun:
        """Wait until everything has arrived; what followed since then."""
        end = await self._rest()
        return CompletedRun(PORTFOLIO, self.fed, since, end, monotonic() - began)

    async def _rest(self) -> Position:
        return await wait_until_quiet(self._api, self._books, PORTFOLIO, lambda _: None)

    async def _tell(self, observations: Sequence[Observation], late: timedelta = timedelta()) -> None:
        at = self._clock() - late
        lines = [HistoryLine(number, _write(one, at)) for number, one in enumerate(observations, start=1)]
        await feed(self._api, PORTFOLIO, lines, self.fed, _no_pause)
        if self.fed.refused:
            raise CannotError(f"the demo's own files are wrong: {self.fed.refused[0]}")

    async def _acknowledge(self, person: str) -> None:
        inbox = await self._api.get(f"/notify/api/v1/people/{person}/inbox", portfolio=PORTFOLIO, limit=200)
        for notice in inbox["items"]:
            if any(one["state"] == "open" for one in notice["obligations"]):
                await self._api.send("POST", f"/notify/api/v1/notices/{notice['id']}/acknowledge")

    async def _pin(self, pin: PinLaunch) -> None:
        launch = await self._find(pin.feature)
        body = json.dumps({"pin": pin.reason, "by": pin.by}).encode()
        await self._api.send("PATCH", f"{LAUNCH}/launches/{launch['id']}", body)

    async def _decide(self, said: Decide) -> None:
        """What waits depends on the calendar of the week in which the story is told; nothing may wait, too."""
        launch = await self._find(said.feature)
        waits = "approved" if said.verdict == "undo" else "open"
        found = (await self._api.get(f"{LAUNCH}/proposals", launch=launch["id"], state=waits))["items"]
        if not found:
            console.print(f"         nothing waits for {launch['name']} this week", markup=False)
            return
        body = json.dumps({"by": said.by, "reason": said.reason, "hash": found[0]["hash"]}).encode()
        try:
            await self._api.send("POST", f"{LAUNCH}/proposals/{found[0]['id']}/{said.verdict}", body)
        except OvertakenError as refusal:
            console.print(f"         refused: {refusal}", markup=False)

    async def _find(self, feature: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = (await self._api.get(f"{LAUNCH}/launches", feature=feature))["items"]
        if not found:
            raise CannotError(f"no launch of {feature}; the week of the demo no longer fits the policy")
        return found[0]


def _write(observation: Observation, at: datetime) -> bytes:
    return json.dumps({"id": observation["id"], "at": format_instant(at), **observation}).encode()


async def _no_pause() -> None:
    """One act at a time needs none."""
