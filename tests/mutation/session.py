"""One pytest session that has collected the tests concerned, and forks a child for every mutant. What lives is told.

A child puts the mutated code into the function that all others already hold, and runs the tests that reach the changed
block, whoever killed the most before first, then the quickest, until one fails. The parent runs no test, so nothing
that a test remembers can hide a mutant. Warnings are not errors here; Hypothesis draws the same cases every time.
"""

import ast
import hashlib
import importlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, code_of, functions_of, mutants_of, value_name, with_marks
from tests.mutation.targets import MutationTarget

ROOT = Path(__file__).parents[2]
MARK = "_reached"
LEAST_SECONDS = 40.0
TIMES_AS_LONG = 5
"""A mutant may take this many times what its tests took; then it is as good as noticed: it does not end."""
SLOW_SECONDS, ENOUGH_SECONDS = 2.5, 12.0
"""Of the processor's time. A test that takes longer is not asked, nor are more tests of one mutant than take that long
together: what only slow or far ones would notice deserves a test of its own."""

Result = dict[str, str]
"""`outcome` (killed, slow, survived, unreached), and by whom, or what its tests were."""


class Lines:
    """A file that grows by a line of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def load(self) -> Iterator[dict[str, Any]]:
        """All lines, the oldest first."""
        if self._path.exists():
            yield from map(json.loads, self._path.read_text().splitlines())

    def add(self, line: dict[str, Any]) -> None:
        """One more."""
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Verdicts:
    """What became of mutants in earlier slices."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._known: dict[str, Result] = {one["key"]: one for one in lines.load()}

    def find(self, key: str, tests: str) -> Result | None:
        """What became of the mutant; one that lived is asked about again once the tests are others."""
        known = self._known.get(key)
        return known if known and (known["outcome"] in {"killed", "slow"} or known["tests"] == tests) else None

    def keep(self, key: str, result: Result) -> None:
        """Write down what became of it."""
        self._known[key] = {"key": key, **result}
        self._lines.add(self._known[key])


@dataclass
class Module:
    """A target, its tree and mutants."""

    target: MutationTarget
    module: ModuleType
    tree: ast.Module
    text: str
    mutants: list[Mutant]

    @classmethod
    def of(cls, target: MutationTarget) -> "Module":
        """The module of a target, imported."""
        text = (ROOT / target.path).read_text()
        tree = ast.parse(text)
        module = importlib.import_module(target.path.removesuffix(".py").replace("/", "."))
        return cls(target, module, tree, text, mutants_of(target.path, tree, target.only))

    def key(self, mutant: Mutant) -> str:
        """Other code around it makes it another mutant; a shifted line does not."""
        function = functions_of(self.tree).get(mutant.function)
        around = ast.unparse(function) if function else mutant.before
        return _hash(mutant.name, around)


@dataclass
class MutationRun:
    """The plugin: what is asked for, and what came of it."""

    targets: Sequence[MutationTarget]
    verdicts: Verdicts
    seen: Lines
    seconds: float
    defended: dict[str, str]
    living: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reached: dict[str, list[str]] = field(default_factory=dict)
    """By `path:line` of a block the tests that reach it."""
    took: dict[str, float] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    def pytest_configure(self) -> None:
        """Same cases every time; a failing one need not be made smaller."""
        import hypothesis  # noqa: PLC0415 - pytest warns of what is imported before it could rewrite it

        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.target)
        hypothesis.settings.register_profile(
            "mutation", derandomize=True, database=None, deadline=None, phases=phases, print_blob=False
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of the tests: all mutants."""
        items = {item.nodeid: item for item in session.items}
        modules = [Module.of(target) for target in self.targets]
        self._see_who_reaches_what(modules, items)
        end = time.monotonic() + self.seconds
        for module in modules:
            tests = _fingerprint([module])
            for mutant in module.mutants:
                key = module.key(mutant)
                found = self.verdicts.find(key, tests)
                if found is None and time.monotonic() < end:
                    found = {**self._judge(module, mutant, items), "tests": tests, "name": mutant.name}
                    self.verdicts.keep(key, found)
                self._count(mutant, found)
        return True

    def _count(self, mutant: Mutant, found: Result | None) -> None:
        if found is None:
            self.counts["not judged"] += 1
        elif found["outcome"] in {"killed", "slow"}:
            self.counts["killed"] += 1
        elif mutant.name in self.defended:
            self.counts["defended"] += 1
            self.defended.pop(mutant.name)
        else:
            self.counts["survived"] += 1
            told = " (no test reaches it)" if found["outcome"] == "unreached" else ""
            self.living.append(f"{mutant.path}:{mutant.line}: {mutant.name.partition(' ')[2]}{told}")
            print(self.living[-1], flush=True)

    def _see_who_reaches_what(self, modules: Sequence[Module], items: dict[str, pytest.Item]) -> None:
        """Every test once, in a child, with marks in every block; those that an earlier slice has seen are known."""
        sources = "".join(one.text for one in modules) + _fingerprint(modules, lambda path: "test_" not in path.name)
        keys = {name: _hash(sources, item.path.read_text(), name) for name, item in items.items()}
        known = {one["key"]: one for one in self.seen.load()}
        unseen = {name: item for name, item in items.items() if keys[name] not in known}

        def run(write: Callable[[object], None]) -> None:
            seen: set[str] = set()
            for one in modules:
                tree = ast.parse(one.text)
                vars(one.module)[MARK] = lambda line, path=one.target.path: seen.add(f"{path}:{line}")
                for function in functions_of(tree).values():
                    with_marks(function, MARK)
                for name in {mutant.function for mutant in one.mutants if mutant.block}:
                    _function(one.module, name).__code__ = code_of(tree, one.module.__file__ or "", name)
            following = [*list(unseen.values())[1:], None]
            for item, after in zip(unseen.values(), following, strict=True):
                seen.clear()
                begun = time.process_time()
                failed = [report for report in runtestprotocol(item, log=False, nextitem=after) if report.failed]
                told = {"key": keys[item.nodeid], "seconds": time.process_time() - begun, "seen": sorted(seen)}
                write({**told, "failed": failed[0].longreprtext[-1500:] if failed else ""})

        for told in _in_child(run, limit=1800) if unseen else ():
            self.seen.add(told)
            known[told["key"]] = told
        for name in items:
            told = known[keys[name]]
            if told["failed"]:
                print(f"left out, as it fails without any mutant: {name}\n{told['failed']}")
                continue
            self.took[name] = told["seconds"]
            for block in {*told["seen"], *(f"{block.partition(':')[0]}:0" for block in told["seen"])}:
                self.reached.setdefault(block, []).append(name)
        slow = sorted(name for name, seconds in self.took.items() if seconds > SLOW_SECONDS)
        print(f"\n{len(self.took)} tests in {sum(self.took.values()):.0f} s; too slow to ask: {', '.join(slow)}")

    def _judge(self, module: Module, mutant: Mutant, items: dict[str, pytest.Item]) -> Result:
        reached = self.reached.get(f"{mutant.path}:{mutant.block}", [])
        if not mutant.block:  # a value: also those that look at it and at nothing else of its module
            reached = sorted({*reached, *_lookers(module.module, mutant.function, items)} & self.took.keys())
        asked = [name for name in reached if self.took[name] <= SLOW_SECONDS]
        if not asked:
            return {"outcome": "unreached"}
        asked.sort(key=lambda name: (-self.kills[name], self.took[name]))
        ends = accumulate(self.took[name] for name in asked)
        asked = [name for name, end in zip(asked, ends, strict=True) if end <= ENOUGH_SECONDS]
        limit = LEAST_SECONDS + TIMES_AS_LONG * sum(self.took[name] for name in asked)

        def run(write: Callable[[object], None]) -> None:
            try:
                _put(module, mutant)
            except Exception as error:  # noqa: BLE001 - a value that cannot even be made is noticed at once
                write({"by": f"{type(error).__name__}: {error}"})
                return
            for name, after in zip(asked, [*asked[1:], None], strict=True):
                following = items[after] if after else None
                if any(report.failed for report in runtestprotocol(items[name], log=False, nextitem=following)):
                    items[name].session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest does, so that servers stop
                    write({"by": name})
                    return
            write({})

        told = list(_in_child(run, limit))
        if not told:
            return {"outcome": "slow"}
        if "by" not in told[0]:
            return {"outcome": "survived"}
        self.kills[told[0]["by"]] += 1
        return {"outcome": "killed", "by": told[0]["by"]}


def _lookers(module: ModuleType, name: str, items: dict[str, pytest.Item]) -> Iterator[str]:
    """The tests of modules that have imported a value."""
    value = getattr(module, name)
    for test, item in items.items():
        if isinstance(item, pytest.Function) and getattr(item.module, name, None) is value:
            yield test


def _in_child(run: Callable[[Callable[[object], None]], None], limit: float) -> Iterator[dict[str, Any]]:
    """What a forked child writes, until it ends or its time is over."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        os.close(source)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            run(lambda told: _write(sink, told))
        finally:
            os._exit(0)
    os.close(sink)
    with _alarm(limit, child), os.fdopen(source) as lines:
        for line in lines:
            yield json.loads(line)
    os.waitpid(child, 0)


def _write(sink: int, told: object) -> None:
    os.write(sink, json.dumps(told).encode() + b"\n")


@contextmanager
def _alarm(limit: float, child: int) -> Iterator[None]:
    """End the child and all that it began once its time is over."""
    before = signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _put(module: Module, mutant: Mutant) -> None:
    """Put the mutated code where the code is, or the mutated value wherever the old one went."""
    mutant.swap()
    if mutant.block:
        function = _function(module.module, mutant.function)
        function.__code__ = code_of(module.tree, module.module.__file__ or "", mutant.function)
        return
    statement = next(one for one in module.tree.body if value_name(one) == mutant.function)
    alone = ast.Module([statement], [])
    old, values = getattr(module.module, mutant.function), dict(vars(module.module))
    exec(compile(ast.fix_missing_locations(alone), mutant.path, "exec"), values)  # noqa: S102 - our own source
    for other in list(sys.modules.values()):
        if getattr(other, mutant.function, None) is old:
            setattr(other, mutant.function, values[mutant.function])


def _function(module: ModuleType, name: str) -> FunctionType:
    """The function itself, under whatever it is decorated with; what it remembers is forgotten."""
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    while hasattr(found, "__wrapped__"):
        if hasattr(found, "cache_clear"):
            found.cache_clear()
        found = found.__wrapped__
    assert isinstance(found, FunctionType)
    return found


def _fingerprint(modules: Iterable[Module], counts: Callable[[Path], bool] = lambda _: True) -> str:
    """Of the files that count, of the tests concerned and of what they share."""
    names = {name for one in modules for name in (*one.target.tests, "tests/oracle")}
    places = [ROOT / name for name in sorted(names)]
    files = [path for place in places for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return _hash(*(path.read_text() for path in files if counts(path)))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:20]
