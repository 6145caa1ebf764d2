"""`make measure`: the table of the house, measured again: python -m tests.bench.house [--files] [--json FILE].

Markdown for ARCHITECTURE.md, "Measured". How it is measured is in structure.py and crossing.py; what it may be at most
is in tests/architecture/test_house_gates.py and tests/integration/test_files_crossed.py.
"""

import argparse
import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.crossing import BEGIN, ROOMS, SLIP, Crossing, Trace, measure_slip
from tests.bench.structure import (
    SERVICES,
    DomainSize,
    Extent,
    domain_of,
    find_mutual,
    find_names_used_twice,
    join_children,
    measure_domain,
    read_imports,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the house and print a table in Markdown.")
    parser.add_argument("--files", action="store_true", help="also list the files that the slip crosses, in order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything there")
    wanted = parser.parse_args()
    domains = {service: measure_domain(domain_of(service)) for service in SERVICES}
    mutual = {service: find_mutual(join_children(read_imports(domain_of(service)))) for service in SERVICES}
    twice = find_names_used_twice()
    crossing = asyncio.run(measure_slip())
    print("\n".join([*_show_domains(domains, mutual), "", *_show_names(twice), "", *_show_crossing(crossing)]))
    if wanted.files:
        print("\n".join(["", *_show_files(crossing)]))
    if wanted.json:
        written = {
            "domains": {service: {**asdict(size), "mutual": mutual[service]} for service, size in domains.items()},
            "names_used_twice": twice,
            "slip": _write_crossing(crossing),
        }
        wanted.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def _row(name: str, cells: Iterable[object]) -> str:
    return f"| {name} | {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


def _show_domains(domains: Mapping[str, DomainSize], mutual: Mapping[str, list[tuple[str, str]]]) -> Iterator[str]:
    sizes = list(domains.values())
    yield _row("domain of", domains)
    yield f"|---|{'---|' * len(domains)}"
    yield _row("lines", (one.lines for one in sizes))
    yield _row("files", (one.files for one in sizes))
    yield _row("classes", (one.classes for one in sizes))
    yield _row("circles between its packages", (_show_circles(one.child_circles) for one in sizes))
    yield _row("of these import each other", (_show_circles(pairs) for pairs in mutual.values()))
    yield _row("circles between its modules", (_show_circles(one.module_circles) for one in sizes))
    yield _row("longest module, lines", (_show_extent(one.longest_module) for one in sizes))
    yield _row("longest function, statements", (_show_extent(one.longest_function) for one in sizes))
    yield _row("highest complexity", (_show_extent(one.most_complex) for one in sizes))


def _show_circles(groups: Iterable[Iterable[str]]) -> str:
    return "; ".join(" - ".join(group) for group in groups) or "none"


def _show_extent(extent: Extent) -> str:
    return f"{extent.size} (`{extent.what}`)"


def _show_names(twice: Mapping[str, list[str]]) -> Iterator[str]:
    yield (
        f"Public class names used more than once in services, shared and deploy: {len(twice)}"
        f" ({', '.join(f'{name} {len(paths)}' for name, paths in twice.items()) or 'none'})."
    )


def _show_crossing(crossing: Crossing) -> Iterator[str]:
    parts = {"the slip alone": crossing.slip, "with all background loops": crossing.everything}
    yield _row(f"a slip of {SLIP.days} days, request to inbox row", ("all", *ROOMS))
    yield f"|---|{'---|' * (1 + len(ROOMS))}"
    for name, trace in parts.items():
        rooms = [trace, *(trace.within(room) for room in ROOMS)]
        yield _row(f"files of which a function is entered, {name}", (len(one.files) for one in rooms))
        yield _row(f"functions called, {name}", (len(one.called) for one in rooms))
    hops = [crossing.slip, *(crossing.slip.within(room) for room in ROOMS)]
    yield _row("hops between files (to), the slip alone", (one.hops.total() for one in hops))
    yield _row("different hops, the slip alone", (len(one.hops) for one in hops))
    yield ""
    yield (
        f"It is {BEGIN:%Y-%m-%d} in the house, under the default policy; the launch of the one feature (T2) moves by"
        f" itself from {crossing.before} to {crossing.after}. One run in one process, without approval. A hop is a call"
        " whose nearest caller among our functions is in another file of services/ or shared/; what goes on after an"
        " await, a message, a bell or a step of the event loop is none. The slip alone: what the idle house does not"
        f" enter in {len(crossing.loops.files)} files of loops."
    )


def _show_files(crossing: Crossing) -> Iterator[str]:
    """In the order in which they are first entered; then those that only a background loop enters."""
    slip = crossing.slip.files
    yield from (f"{number:3}. {file}" for number, file in enumerate(slip, 1))
    yield "only in background loops:"
    only = [file for file in crossing.everything.files if file not in slip]
    yield from (f"{number:3}. {file}" for number, file in enumerate(only, len(slip) + 1))


def _write_crossing(crossing: Crossing) -> dict[str, Any]:
    return {
        "before": crossing.before.isoformat(),
        "after": crossing.after.isoformat(),
        "slip_alone": {
            **_write_trace(crossing.slip),
            "hops": crossing.slip.hops.total(),
            "different_hops": len(crossing.slip.hops),
        },
        "with_loops": _write_trace(crossing.everything),
    }


def _write_trace(trace: Trace) -> dict[str, Any]:
    return {
        "files": trace.files,
        "files_by_room": {room: len(trace.within(room).files) for room in ROOMS},
        "functions": len(trace.called),
    }


if __name__ == "__main__":
    main()
