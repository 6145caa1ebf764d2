"""One slip's way through the house, file by file: what is entered between the request and the row in a person's inbox.

One process with all three services, as `make demo` runs it, with its background loops. The clock is invented, so that
each run tells the same story; only how often a loop turns meanwhile differs. Nothing is timed. What the files look like
is in structure.py.
"""

import asyncio
import dis
import inspect
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import asyncpg

from deploy.testing import Api, Order, open_books, open_house, wait_until_quiet
from shared.runtime.clock import Clock, monotonic
from tests.bench.structure import ROOT

OURS = ("services", "shared")
ROOMS = ("roadmap", "launch", "notify", "shared")
PORTFOLIO = "default"
LOOPS_SECONDS = 7.0
"""Loops turn at least each five seconds, apart from the relay's reminder, which is in the same file as its rounds."""
PATIENCE_SECONDS = 60
LOOK_EVERY_SECONDS = 0.001

BEGIN = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday
TARGET = date(2027, 4, 29)
SLIP = timedelta(days=5)
FEATURE = {"ref": "PAY-1", "title": "Pay by link", "owner_team": "payments", "status": "in_progress", "stage": "ga"}
"""A T2, by its stage; half a year ahead it moves without anybody's approval."""
DIRECTORY = """\
id,name,email,team,roles,regions,product_lines,segments,zone,locale,manager,backup
ana,Ana Alves,ana@example.org,payments,pmm,,,,,,,
ben,Ben Bauer,ben@example.org,payments,sales,,,,,,,
cleo,Cleo Costa,cleo@example.org,payments,cs,,,,,,,
"""

_IN_INBOX = "SELECT count(*) FROM notice WHERE portfolio = $1 AND cause = $2"
_HEARD = "SELECT coalesce(max(revision), 0) FROM reader WHERE portfolio = $1 AND topic = 'launch.changes'"


class Place(NamedTuple):
    """A function of ours: its file, relative to the repository, its first line and its qualified name."""

    file: str
    line: int
    name: str


Hop = tuple[Place, Place]
"""A call, in which the nearest of our functions above the called one on the stack is in another file of ours."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What ran.

    Attributes:
        entered: every function that began or went on, in the order of its first time: a coroutine that had waited is
            entered too.
        called: those that began.
        hops: how many calls there were from file to file, by caller and called. What goes on is no call, and neither
            is a step of the event loop, a message or a bell: a file that only these enter has no hop to it.
    """

    entered: dict[Place, None] = field(default_factory=dict)
    called: set[Place] = field(default_factory=set)
    hops: Counter[Hop] = field(default_factory=Counter)

    @property
    def files(self) -> list[str]:
        """In the order in which they were first entered."""
        return list(dict.fromkeys(place.file for place in self.entered))

    def within(self, room: str) -> "Trace":
        """Only the functions of one service, or of `shared`; hops are counted where they arrive."""
        return Trace(
            {place: None for place in self.entered if room_of(place.file) == room},
            {place for place in self.called if room_of(place.file) == room},
            Counter({hop: count for hop, count in self.hops.items() if room_of(hop[1].file) == room}),
        )

    def without(self, other: "Trace") -> "Trace":
        """Without the functions and hops that occur in `other`."""
        return Trace(
            {place: None for place in self.entered if place not in other.entered},
            self.called - other.called,
            Counter({hop: count for hop, count in self.hops.items() if hop not in other.hops}),
        )

    def copy(self) -> "Trace":
        return replace(self, entered=dict(self.entered), called=set(self.called), hops=Counter(self.hops))

    def __or__(self, other: "Trace") -> "Trace":
        return Trace(self.entered | other.entered, self.called | other.called, self.hops + other.hops)


def room_of(file: str) -> str:
    """roadmap, launch, notify or shared."""
    parts = file.split("/")
    return parts[1] if parts[0] == "services" else parts[0]


class Recorder:
    """A profile function that notes the entries of functions below some folders of `root`.

    What runs on import and in a class's body is left out; comprehensions and generator expressions count as their
    function. Threads are seen from the moment on when they started inside `watching_threads`.
    """

    def __init__(self, root: Path = ROOT, folders: Iterable[str] = OURS) -> None:
        self._root = f"{root}/"
        self._folders = tuple(f"{root}/{folder}/" for folder in folders)
        self._known: dict[CodeType, tuple[Place, int] | None] = {}
        self._trace: Trace | None = None

    @contextmanager
    def watching_threads(self) -> Iterator[None]:
        """Threads that start in this block are recorded whenever something is."""
        before = threading.getprofile()
        threading.setprofile(self)
        try:
            yield
        finally:
            threading.setprofile(before)

    @contextmanager
    def recording(self) -> Iterator[Trace]:
        """Note what is entered, in this thread and those watched."""
        before = sys.getprofile()
        self._trace = Trace()
        sys.setprofile(self)
        try:
            yield self._trace
        finally:
            sys.setprofile(before)
            self._trace = None

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """One event of the interpreter; called for each call in the process, so most must leave at once."""
        trace = self._trace
        if event != "call" or trace is None:
            return
        found = self._find(frame.f_code)
        if found is None or frame.f_code.co_name in {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}:
            return
        place, start = found
        trace.entered[place] = None
        if frame.f_lasti > start:  # a coroutine or a generator goes on
            return
        trace.called.add(place)
        caller = self._find_caller(frame)
        if caller is not None and caller.file != place.file:
            trace.hops[caller, place] += 1

    def _find_caller(self, frame: FrameType) -> Place | None:
        above = frame.f_back
        while above is not None:
            if found := self._find(above.f_code):
                return found[0]
            above = above.f_back
        return None

    def _find(self, code: CodeType) -> tuple[Place, int] | None:
        """The function and where in its code it begins; None for what is not ours."""
        if code not in self._known:
            self._known[code] = self._read(code)
        return self._known[code]

    def _read(self, code: CodeType) -> tuple[Place, int] | None:
        # Only functions have fast locals: modules and bodies of classes have not.
        if not code.co_flags & inspect.CO_OPTIMIZED or not code.co_filename.startswith(self._folders):
            return None
        start = next(step.offset for step in dis.get_instructions(code) if step.opname == "RESUME")
        return Place(code.co_filename.removeprefix(self._root), code.co_firstlineno, code.co_qualname), start


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one slip entered.

    Attributes:
        before, after: the launch's day.
        loops: what the idle house entered while each background loop turned.
        window: what was entered from the request to the row, loops that happened to turn included. roadmap hears from
            launch at the same time as notify does: what it does about that belongs to it, even if the row is quicker.
    """

    before: date
    after: date
    loops: Trace
    window: Trace

    @property
    def slip(self) -> Trace:
        """The slip alone: functions and hops that no idle loop has."""
        return self.window.without(self.loops)

    @property
    def everything(self) -> Trace:
        """With all background loops: this is what the gate is about, and the same in each run."""
        return self.window | self.loops


async def measure_slip() -> Crossing:
    """Open a house, tell it of a feature, let the feature slip by five days, and give what that entered.

    Raises:
        RuntimeError: the slip did not move the launch by itself: then this is not the road that was meant.
        TimeoutError: nothing came into the inbox.
    """
    recorder, clock = Recorder(), _start_clock()
    with recorder.watching_threads():
        async with open_house(Order(clock=clock)) as house, Api(house.url) as api, open_books(house.dsns) as books:
            path = f"/notify/api/v1/portfolios/{PORTFOLIO}/directory"
            await api.send("PUT", path, DIRECTORY.encode(), "text/csv")
            await _tell(api, "planned", clock(), TARGET)
            await wait_until_quiet(api, books, PORTFOLIO, lambda _: None)
            before = await _read_day(api)
            with recorder.recording() as loops:
                await asyncio.sleep(LOOPS_SECONDS)
            window = await _slip(recorder, api, house.dsns, clock)
            return Crossing(before, await _read_moved(api, before), loops, window)


def _start_clock() -> Clock:
    began = monotonic()
    return lambda: BEGIN + timedelta(seconds=monotonic() - began)


async def _tell(api: Api, name: str, at: datetime, day: date) -> str:
    """Put the feature as it is now; gives the cause's id."""
    told = {"id": name, "at": at.isoformat(), "feature": FEATURE | {"target": {"on": day.isoformat()}}}
    path = f"/roadmap/api/v1/portfolios/{PORTFOLIO}/features/{FEATURE['ref']}"
    answer = await api.send("PUT", path, json.dumps(told).encode())
    return str(answer["cause"])


async def _slip(recorder: Recorder, api: Api, dsns: Mapping[str, str], clock: Clock) -> Trace:
    roadmap, notify = [await asyncpg.connect(dsns[name], timeout=10) for name in ("roadmap", "notify")]
    try:
        # The services' own pages would show the row as well, but asking there enters files.
        with recorder.recording() as trace:
            cause = await _tell(api, "slipped", clock(), TARGET + SLIP)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await notify.fetchval(_IN_INBOX, PORTFOLIO, cause):
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
                until_row = trace.copy()
                heard = await notify.fetchval(_HEARD, PORTFOLIO)
                while await roadmap.fetchval(_HEARD, PORTFOLIO) < heard:
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        later = trace.without(until_row).within("roadmap")
    finally:
        await roadmap.close()
        await notify.close()
    return until_row | later


async def _read_day(api: Api) -> date:
    listed = await api.get(f"/launch/api/v1/portfolios/{PORTFOLIO}/launches")
    return date.fromisoformat(listed["items"][0]["date"])


async def _read_moved(api: Api, before: date) -> date:
    after = await _read_day(api)
    proposals: list[Any] = (await api.get(f"/launch/api/v1/portfolios/{PORTFOLIO}/proposals"))["items"]
    if proposals or after <= before:
        raise RuntimeError(f"the launch was on {before}, is on {after}, and {len(proposals)} proposals wait")
    return after
