"""How many launches move, against a tool without memory: python -m tests.bench.reschedule [PORTFOLIO EVENTS ...].

Such a tool places every launch anew, in the order (date, id), on its first free day: from its lower bound, or, if it is
kind, not before the date that it has. Pins stay. Without files the portfolios are invented (portfolios.py).
"""

import gzip
import json
import sys
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.cli.plan_files import read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.domain.scheduling.engine.model import Event
from services.launch.domain.scheduling.engine.schedule import Schedule
from tests.bench.portfolios import build_events, build_portfolio

SEEDS = {100: range(1, 5), 1000: range(1, 3)}
KINDS = ("from its lower bound", "not before its date")


def place_anew(schedule: Schedule, event: Event, *, kind: bool) -> int:
    """How many launches get another date; the schedule stays as it was."""
    back = schedule.learn(event)
    free = [block for block in range(len(schedule.home)) if not schedule.pinned[block]]
    for block in free:
        schedule.take(block)
    moved = 0
    for block in sorted(free, key=lambda one: (schedule.home[one], schedule.blocks.rank[one])):
        first = max(schedule.own[block], schedule.home[block] if kind else schedule.portfolio.today)
        first = max([first, *(schedule.date[other] + lag for other, lag in schedule.blocks.before[block])])
        days = schedule.days[block]
        ahead = (day for day in days[bisect_left(days, first) :] if schedule.fits(block, day))
        day = next(ahead, schedule.home[block])  # no room up to the horizon: it stays, as anywhere
        schedule.put(block, day)
        moved += len(schedule.blocks.members[block]) * (day != schedule.home[block])
    schedule.undo(0)
    schedule.learn(back)
    return moved


def compare(raw: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[tuple[int, int, int]]:
    """By event: launches moved by S1, and by the two kinds of a tool without memory."""
    portfolio = read_portfolio(raw)
    planner = Planner(portfolio)
    for line, event in enumerate(events, 1):
        asked = read_event(event, line, portfolio)
        anew = [place_anew(planner.schedule, asked, kind=kind) for kind in (False, True)]
        yield len(planner.plan(asked, "S1").moves), anew[0], anew[1]


def report(name: str, found: list[tuple[int, int, int]]) -> None:
    ours, *theirs = (sum(numbers) for numbers in zip(*found, strict=True))
    shares = (f"{ours / anew:.1%} of {anew} ({what})" for what, anew in zip(KINDS, theirs, strict=True) if anew)
    sys.stdout.write(f"{name}: {len(found)} events move {ours} launches, {', '.join(shares)}\n")


def read(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


def main(files: list[Path]) -> None:
    everything = []
    for portfolio, events in zip(files[::2], files[1::2], strict=True):
        lines = [json.loads(line) for line in read(events).splitlines() if line.strip()]
        everything.append((portfolio.name.partition(".")[0], list(compare(json.loads(read(portfolio)), lines))))
    for size, seeds in {} if files else SEEDS.items():
        for seed in seeds:
            raw = build_portfolio(size, seed)
            everything.append((f"{size} seed {seed}", list(compare(raw, build_events(raw, seed)))))
    for name, found in everything:
        report(name, found)
    report("all", [one for _, found in everything for one in found])


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
