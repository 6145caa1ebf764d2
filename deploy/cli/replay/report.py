"""What followed from a run, as numbers: read from the services' own logs of changes and from their books."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.cli.conservation import compare_sums
from deploy.cli.replay.feeding import Fed
from deploy.client import Api
from deploy.local.books import Books, RunStart
from deploy.local.house import SERVICES
from deploy.local.road import Position
from shared.contracts.words import canonical_json

PAGE = 200
LAUNCH_KINDS = ("planned", "rescheduled", "cancelled")
OPEN_STATES = ("draft", "planned", "held", "announced")
NATIVE = "native:"

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """One run that has come to rest: what went in, where the books stood before, where all is now, how long it took."""

    portfolio: str
    fed: Fed
    since: RunStart
    end: Position
    seconds: float


@dataclass(frozen=True, slots=True)
class RunCauses:
    """The run's causes: each kind with its number, and by observation id what changed, as `[ref, kind]` in order."""

    kinds: dict[str, int]
    by_observation: dict[str, list[list[str]]]


async def read_causes(api: Api, run: CompletedRun) -> RunCauses:
    """Read what roadmap told in this run."""
    kinds: Counter[str] = Counter()
    changed: dict[str, list[list[str]]] = {}
    async for told in _changes(api, "roadmap", run.portfolio, run.since.roadmap):
        pairs = [[change["feature"]["ref"], kind] for change in told["changes"] for kind in change["kinds"]]
        kinds.update(kind for _, kind in pairs)
        changed[told["cause"]["id"].removeprefix(NATIVE)] = sorted(pairs)
    return RunCauses(dict(sorted(kinds.items())), changed)


async def build_report(api: Api, books: Books, run: CompletedRun, causes: RunCauses) -> Report:
    """The report of the issue's form; docs/how-to/replay.md says what each key means.

    Counts are the run's own (a second run over a kept state adds nothing). `launches.open`, `coverage`,
    `conservation` and `decisions_sha256` are of everything the portfolio has ever had.
    """
    states = await books.count_states(run.portfolio, run.since)
    notices = await books.count_notices(run.portfolio, run.since)
    launches, decisions = await _read_decisions(api, run)
    sums = await compare_sums(api, run.portfolio)
    return {
        "observations": run.fed.lines,
        "accepted": len(run.fed.accepted),
        "refused": len(run.fed.refused),
        "duplicates": len(run.fed.duplicates),
        "stale": states.get("stale", 0),
        "noops": states.get("noop", 0),
        "causes": len(causes.by_observation),
        "kinds": causes.kinds,
        "launches": launches,
        "notices": notices.notices,
        "people": notices.people,
        "acknowledged": notices.acknowledged,
        "coverage": await books.count_coverage(run.portfolio),
        "conservation": {"ok": not sums.differences, "differences": sums.differences},
        "parked": await _count_parked(api) + states.get("held", 0),
        "seconds": round(run.seconds, 3),
        "per_second": round(run.fed.lines / run.seconds, 1) if run.seconds else None,
        "latency_ms": summarize(await books.measure_latencies(run.portfolio, run.since)),
        "decisions_sha256": decisions,
    }


def summarize(latencies: Sequence[float]) -> dict[str, float | None]:
    """The median and the 99th percentile (nearest rank); null when nothing was told."""
    ordered = sorted(latencies)
    if not ordered:
        return {"p50": None, "p99": None}
    return {name: round(ordered[-(-len(ordered) * rank // 100) - 1], 1) for name, rank in (("p50", 50), ("p99", 99))}


async def _read_decisions(api: Api, run: CompletedRun) -> tuple[dict[str, int], str]:
    """How the run changed launches and how many are open now; and the hash over everything launch ever told."""
    kinds: Counter[str] = Counter()
    states: dict[str, str] = {}
    digest = hashlib.sha256()
    separator = b""
    async for told in _changes(api, "launch", run.portfolio, 0):
        digest.update(separator + canonical_json(told).encode())
        separator = b"\n"
        for change in told["changes"]:
            states[change["launch"]["id"]] = change["launch"]["state"]
            if told["revision"] > run.since.launch:
                kinds.update(change["kinds"])
    counts = {kind: kinds[kind] for kind in LAUNCH_KINDS}
    return {**counts, "open": sum(state in OPEN_STATES for state in states.values())}, digest.hexdigest()


async def _changes(api: Api, service: str, portfolio: str, after: int) -> AsyncIterator[dict[str, Any]]:
    """Every message a service has told of a portfolio after a revision, in order, parts joined."""
    while True:
        page = await api.get(f"/{service}/api/v1/portfolios/{portfolio}/changes", after=after, limit=PAGE)
        if not page["items"]:
            return
        for item in page["items"]:
            yield item
        after = page["next"]


async def _count_parked(api: Api) -> int:
    return sum([len((await api.get(f"/{service}/api/v1/parked"))["items"]) for service in SERVICES])
