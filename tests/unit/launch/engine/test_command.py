"""`inloop plan` from the outside: what it prints, and how it refuses what it cannot read."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.cli.plan import main
from deploy.cli.plan_files import FormatError, plan_to_json, read_event, read_portfolio
from tests.bench.portfolios import build_events, build_portfolio
from tests.oracle.plans.check import check_plan
from tests.unit.launch.engine.cases import Json, build_case, planner_of, shuffled
from tests.unit.launch.engine.test_checker import change, small

ROOT = Path(__file__).parents[4]


def write(folder: Path, portfolio: Json, events: list[Json]) -> list[str]:
    files = [folder / "portfolio.json", folder / "events.jsonl"]
    files[0].write_text(json.dumps(portfolio), encoding="utf-8")
    files[1].write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return [str(file) for file in files]


def refusal(folder: Path, capsys: pytest.CaptureFixture[str], portfolio: Json, events: list[Json]) -> str:
    """Run the command on bad input and return the line it prints."""
    assert main(write(folder, portfolio, events)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err.rstrip("\n")


@pytest.mark.parametrize("stage", [[], ["--stage", "S2"], ["--stage", "S3"]])
def test_each_event_gets_one_sound_plan_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: list[str]
) -> None:
    portfolio = build_portfolio(60, 4)
    events = build_events(portfolio, 4)[:4]
    assert main([*write(tmp_path, portfolio, events), *stage]) == 0
    plans = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [plan["event"] for plan in plans] == ["E1", "E2", "E3", "E4"]
    for event, plan in zip(events, plans, strict=True):
        assert check_plan(portfolio, event, plan) == []
        assert plan["elapsed_ms"] >= 0


def test_packed_files_are_read_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = write(tmp_path, small(), [{"id": "E", "feature": "F", "ready_on": "2027-03-01"}])
    packed = [Path(f"{name}.gz") for name in names]
    for name, file in zip(names, packed, strict=True):
        file.write_bytes(gzip.compress(Path(name).read_bytes()))
    assert main([str(file) for file in packed]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [(move["launch"], move["to"]) for move in plan["moves"]] == [("L1", "2027-03-08")]
    assert plan["moves"][0]["why"][1] == {"launch": "L1", "constraint": "ready", "detail": "F ready 2027-03-01"}


def test_the_bytes_depend_neither_on_hash_seeds_nor_on_the_order_of_lists(tmp_path: Path) -> None:
    case = build_case(40, 7, 40, 5)
    printed = set()
    for seed in ("0", "7"):
        names = write(tmp_path, shuffled(case.portfolio, int(seed)), [case.event])
        command = [sys.executable, "-m", "deploy.cli.plan", *names]
        done = subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)  # noqa: S603 - our own command
        printed.add(done.stdout.split(b'"elapsed_ms"')[0])
    assert len(printed) == 1


def test_a_printed_plan_reads_back_the_same(tmp_path: Path) -> None:
    case = build_case(14, 3, 14, 3)
    event = read_event(case.event, 1, read_portfolio(case.portfolio))
    printed = plan_to_json(planner_of(case.portfolio).plan(event))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(printed), encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8")) == printed


SPOILED: dict[str, Callable[[Json], object]] = {
    "launches[1].after[0].launch: no such launch 'L99'": lambda p: p["launches"][1]["after"][0].update(launch="L99"),
    "launches[1].tier: no such tier 'T9'": lambda p: change(p, 1, tier="T9"),
    "launches[0].date: must be a date like 2027-01-31, is '2027-02-30'": lambda p: change(p, 0, date="2027-02-30"),
    "launches[0].pinned: must be true or false": lambda p: change(p, 0, pinned=0),
    "launches[0].work[0].units: must be a whole number, is 1.5": lambda p: p["launches"][0]["work"][0].update(
        units=1.5
    ),
    "launches[1].id: launch 'L1' is there twice": lambda p: change(p, 1, id="L1"),
    "launches[0].features[0]: no such feature 'G'": lambda p: change(p, 0, features=["G"]),
    "launches[1].date: differs from L1, of the same together group": lambda p: [
        change(p, at, together="G", after=[]) for at in (0, 1)
    ],
    "launches: must be a list": lambda p: p.update(launches={}),
    "launches[0].regions: is missing": lambda p: p["launches"][0].pop("regions"),
    "policy.weight.T2: must be a whole number from 1, is 0": lambda p: p["policy"]["weight"].update(T2=0),
    "policy.proximity: the last entry must have within_days null": lambda p: p["policy"].update(proximity=[]),
    "teams[0].first_week: must be an ISO week like 2027-W01, is '2027-W54'": lambda p: p["teams"][0].update(
        first_week="2027-W54"
    ),
    "regions[0].weekend[0]: must be a whole number up to 7, is 8": lambda p: p["regions"][0].update(weekend=[8]),
    "freezes[0].to: is before from": lambda p: p["freezes"].append(
        {"from": "2027-02-02", "to": "2027-02-01", "tiers": [], "regions": None}
    ),
    "format: must be 'inloop-portfolio/1', is 'x'": lambda p: p.update(format="x"),
    "horizon: is before today": lambda p: p.update(horizon="2027-01-03"),
    "launches: the baseline itself breaks ready (L1 on 2027-03-01: F ready 2027-02-25)": lambda p: p["features"][
        0
    ].update(ready_on="2027-02-25"),
}


@pytest.mark.parametrize("complaint", SPOILED)
def test_a_spoiled_portfolio_is_refused_with_the_path_of_the_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], complaint: str
) -> None:
    portfolio = small()
    SPOILED[complaint](portfolio)
    assert refusal(tmp_path, capsys, portfolio, []) == complaint


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({"id": "E2", "feature": "X"}, "events[line 2].feature: no such feature 'X'"),
        ({"feature": "F"}, "events[line 2].id: is missing"),
        ({"id": "E1", "feature": "F"}, "events[line 2].id: event 'E1' is there twice"),
        ({"id": "E2", "feature": "F", "ready_on": 7}, "events[line 2].ready_on: must be a date like 2027-01-31, is 7"),
    ],
)
def test_a_spoiled_event_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], event: Json, complaint: str
) -> None:
    assert refusal(tmp_path, capsys, small(), [{"id": "E1", "feature": "F"}, event]) == complaint


def test_a_cycle_is_named_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portfolio = small()
    change(portfolio, 0, after=[{"launch": "L2", "lag_days": 0}])
    assert refusal(tmp_path, capsys, portfolio, []) == "launches[0].after: cycle: L1 -> L2 -> L1"


@pytest.mark.parametrize(
    ("groups", "after", "complaint"),
    [
        ({}, {2: "L3"}, "launches[2].after: cycle: L3 -> L3"),
        ({1: "G", 2: "G"}, {2: "L2"}, "launches[2].after: cycle: L3 -> L2 -> L3"),
        ({2: "G", 3: "G"}, {1: "L3", 3: "L2"}, "launches[1].after: cycle: L2 -> L4 -> L3 -> L2"),
    ],
)
def test_a_cycle_through_a_group_is_one_too(groups: dict[int, str], after: dict[int, str], complaint: str) -> None:
    portfolio = small()
    first = portfolio["launches"][0]
    portfolio["launches"] = [
        {
            **first,
            "id": f"L{at + 1}",
            "together": groups.get(at),
            "after": [{"launch": after[at], "lag_days": 0}] if at in after else [],
        }
        for at in range(4)
    ]
    with pytest.raises(FormatError, match=complaint.replace("[", r"\[")):
        read_portfolio(portfolio)


def test_what_is_not_json_or_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = write(tmp_path, small(), [])
    Path(names[1]).write_text('{"id": "E"', encoding="utf-8")
    assert main(names) == 2
    assert capsys.readouterr().err.startswith("events[line 1]: is not JSON: ")
    assert main([str(tmp_path / "none.json"), names[1]]) == 2
    assert "none.json: cannot be read: " in capsys.readouterr().err
    assert main([names[0]]) == 2
    assert main([*names, "--stage", "S9"]) == 2
