"""What the public inputs lead to, as hashes: decisions of a real roadmap under three policies, plans of LaunchBench.

`python -m tests.bench.hashes` compares with hashes.json beside it and says what differs; with `--pin` it writes that
file. A change that moves code or mends words must leave them equal; one that decides otherwise pins them anew and says
in its commit which decisions differ, and why. The inputs lie in `../shared/data`; without them nothing is compared.
"""

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from deploy.cli.replay.run import ReplayOptions, replay

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
HISTORY = SHARED / "kubernetes-roadmap" / "observations.jsonl"
PINNED = Path(__file__).with_suffix(".json")
POLICIES = {
    "default": None,
    "four_teams": ROOT / "services/launch/policies/four_teams.yaml",
    "by_itself": ROOT / "services/launch/policies/by_itself.yaml",
}


def hash_plans(portfolio: Path, stage: str) -> str:
    """The plans for all events of a portfolio, but for the time they took."""
    events = portfolio.with_name(portfolio.name.partition(".portfolio")[0] + ".events.jsonl")
    command = [sys.executable, "-m", "deploy.cli.main", "plan", "--stage", stage, str(portfolio), str(events)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    plans = [{k: v for k, v in json.loads(line).items() if k != "elapsed_ms"} for line in printed.splitlines()]
    return hashlib.sha256(json.dumps(plans, sort_keys=True).encode()).hexdigest()


async def hash_decisions(name: str, *, acknowledge: bool) -> dict[str, str]:
    """The hashes of the replay's report."""
    result = await replay(ReplayOptions(HISTORY, policy=POLICIES[name], acknowledge=acknowledge))
    return {key: str(value) for key, value in result.report.items() if key.endswith("_sha256")}


def measure() -> dict[str, str]:
    """Every hash by what it is of."""
    found: dict[str, str] = {}
    for name in POLICIES:
        for acknowledge in (False, True):
            told = asyncio.run(hash_decisions(name, acknowledge=acknowledge))
            suffix = " acknowledged" if acknowledge else ""
            found |= {f"{name}{suffix} {key.removesuffix('_sha256')}": value for key, value in told.items()}
    for portfolio in sorted((SHARED / "launchbench").glob("*.portfolio.json*")):
        for stage in ("S1", "S2"):
            found[f"{portfolio.name.partition('.')[0]} {stage}"] = hash_plans(portfolio, stage)
    return found


def main() -> int:
    """Compare or pin; the exit code says whether anything differs."""
    if not HISTORY.exists():
        print(f"nothing to compare: {HISTORY} is not there")
        return 0
    found = measure()
    if "--pin" in sys.argv:
        PINNED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return 0
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    differing = [name for name in {**pinned, **found} if pinned.get(name) != found.get(name)]
    for name in differing:
        print(f"{name}: {pinned.get(name)} is pinned, {found.get(name)} now")
    print(f"{len(found) - len(differing)} equal, {len(differing)} differ")
    return min(len(differing), 1)


if __name__ == "__main__":
    sys.exit(main())
