"""The body of `inloop plan PORTFOLIO EVENTS [--stage S1|S2|S3]`: files in, one JSON plan a line out.

Reads files and the stopwatch, nothing more. The format is in plan_files.py, the planning in the engine.
"""

import gc
import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from deploy.cli.plan_files import FormatError, plan_to_json, read_event, read_portfolio
from services.launch.domain.scheduling.engine.engine import Planner
from services.launch.domain.scheduling.engine.model import Event, PlanningProblem, iso_day
from services.launch.optimize import load_solver

STAGES = ("S1", "S2", "S3")
USAGE = "usage: plan PORTFOLIO EVENTS [--stage S1|S2|S3]"
BAD_INPUT = 2


def plan(portfolio: Path, events: Path, stage: str = "S1") -> int:
    """Print a plan for each event; returns the exit code (2: bad input, told in one line on stderr)."""
    try:
        if stage not in STAGES:
            raise FormatError("--stage", f"must be one of {' '.join(STAGES)}, is {stage!r}")  # noqa: TRY301 - one exit for all bad input
        baseline = _load_portfolio(portfolio)
        asked = _load_events(events, baseline)
        planner, solver = Planner(baseline), load_solver() if stage == "S3" else None
        _check_baseline(planner)
    except FormatError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    # The resident state lives as long as the process: the collector need not walk it in the middle of a plan.
    gc.collect()
    gc.freeze()
    for event in asked:
        started = perf_counter()
        result = planner.plan(event, stage, solver)
        elapsed = round((perf_counter() - started) * 1000, 3)
        sys.stdout.write(json.dumps({**plan_to_json(result), "elapsed_ms": elapsed}, ensure_ascii=False) + "\n")
    return 0


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FormatError(str(path), f"cannot be read: {_one_line(error)}") from None


def _decode(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(where, f"is not JSON: {_one_line(error)}") from None


def _load_portfolio(path: Path) -> PlanningProblem:
    value = _decode(_read_text(path), str(path))
    return read_portfolio(value)


def _check_baseline(planner: Planner) -> None:
    for launch in planner.schedule.portfolio.launches:
        for broken in planner.why_not(launch.id, launch.date):
            culprits = (planner.schedule.blocks.members[block][0].id for block in sorted(broken.culprits))
            names, day = " ".join((launch.id, *culprits)), iso_day(launch.date)
            raise FormatError(
                "launches", f"the baseline itself breaks {broken.constraint} ({names} on {day}: {broken.detail})"
            )


def _load_events(path: Path, portfolio: PlanningProblem) -> list[Event]:
    return list(_events(_read_text(path), portfolio))


def _events(text: str, portfolio: PlanningProblem) -> Iterator[Event]:
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        event = read_event(_decode(line, f"events[line {number}]"), number, portfolio)
        if event.id in seen:
            raise FormatError(f"events[line {number}].id", f"event {event.id!r} is there twice")
        seen.add(event.id)
        yield event


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def main(arguments: list[str]) -> int:
    stage = "S1"
    if "--stage" in arguments[:-1]:
        at = arguments.index("--stage")
        stage = arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2 :]
    if len(arguments) != 2:  # noqa: PLR2004 - the two files
        sys.stderr.write(USAGE + "\n")
        return BAD_INPUT
    return plan(Path(arguments[0]), Path(arguments[1]), stage)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
