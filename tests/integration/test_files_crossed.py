"""How many files one slip crosses from request to inbox row: the gate, and that what measures it can be believed.

The measuring itself is in tests/bench/crossing.py; `make measure` prints it.
"""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from tests.bench.crossing import ROOMS, Recorder, Trace, measure_slip

# With all background loops. The gates are 70 and 30; these are today's, and may only become less. The difference is all
# that the other rooms may have: what launch saves is not theirs to spend.
MOST_FILES = 70
MOST_FILES_OF_LAUNCH = 30

DOOR = """\
from toy import rules

class Door:
    mark = rules.check(1)

async def ask(bell):
    await bell.wait()
    return rules.first(day for day in range(3) if rules.check(day))

def count():
    return sorted(range(3), key=lambda day: rules.check(day))
"""
RULES = """\
def check(day):
    return _is_late(day)

def _is_late(day):
    return day > 1

def first(days):
    return next(days)
"""


async def test_a_slip_reaches_the_inbox_through_few_files() -> None:
    crossing = await measure_slip()
    found = crossing.everything
    assert len(found.files) <= MOST_FILES, found.files
    of_launch = found.within("launch").files
    assert len(of_launch) <= MOST_FILES_OF_LAUNCH, of_launch
    beside = [file for file in found.files if file not in of_launch]
    assert len(beside) <= MOST_FILES - MOST_FILES_OF_LAUNCH, beside
    # It went all the way, and each room did its part of it.
    assert crossing.after > crossing.before
    for room in ROOMS:
        assert crossing.slip.within(room).called, room


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A door and its rules, two files below one folder; gives the door."""
    (tmp_path / "toy").mkdir()
    for name, text in {"__init__": "", "door": DOOR, "rules": RULES}.items():
        (tmp_path / "toy" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("toy.door")
    for name in ("toy.door", "toy.rules", "toy"):
        del sys.modules[name]


def _names(trace: Trace) -> list[str]:
    return [place.name for place in trace.entered]


def _hops(trace: Trace) -> dict[tuple[str, str], int]:
    return {(caller.name, called.name): count for (caller, called), count in trace.hops.items()}


async def test_a_coroutine_that_goes_on_is_entered_and_not_called(toy: ModuleType, tmp_path: Path) -> None:
    recorder, bell = Recorder(tmp_path, ["toy"]), asyncio.Event()
    asked = asyncio.create_task(toy.ask(bell))
    await asyncio.sleep(0)
    with recorder.recording() as trace:
        bell.set()
        await asked
    assert trace.files == ["toy/door.py", "toy/rules.py"]
    assert _names(trace) == ["ask", "first", "check", "_is_late"]
    assert {place.name for place in trace.called} == {"first", "check", "_is_late"}


async def test_a_hop_is_a_call_into_another_file_whoever_stands_between(toy: ModuleType, tmp_path: Path) -> None:
    recorder, bell = Recorder(tmp_path, ["toy"]), asyncio.Event()
    bell.set()
    with recorder.recording() as trace:
        await toy.ask(bell)
        toy.count()
    generated = ("ask.<locals>.<genexpr>", "check")  # the expression is written at the door, wherever it is worked out
    assert _hops(trace) == {("ask", "first"): 1, generated: 3, ("count.<locals>.<lambda>", "check"): 3}


def test_threads_are_seen_and_imports_are_not(toy: ModuleType, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["toy"])
    with recorder.watching_threads(), ThreadPoolExecutor(1) as thread:
        thread.submit(int).result()
        with recorder.recording() as trace:
            thread.submit(toy.count).result()
        with recorder.recording() as reloading:
            importlib.reload(toy)
    assert _names(trace) == ["count", "count.<locals>.<lambda>", "check", "_is_late"]
    assert _names(reloading) == ["check", "_is_late"]
    assert _hops(reloading) == {}


def test_what_others_entered_too_can_be_taken_away(toy: ModuleType, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, ["toy"])
    with recorder.recording() as loops:
        importlib.import_module("toy.rules").check(1)
    with recorder.recording() as window:
        toy.count()
    assert _names(window.without(loops)) == ["count", "count.<locals>.<lambda>"]
    assert (window | loops).files == ["toy/door.py", "toy/rules.py"]
    assert sys.getprofile() is None
