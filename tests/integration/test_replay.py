"""A history through the whole house: what followed is reported, is always the same, and is judged."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.replay.run import ReplayOptions, ReplayResult, replay

SHARED = Path(__file__).parents[3] / "shared" / "data" / "kubernetes-roadmap"

PAY: dict[str, Any] = {"ref": "PAY-1", "title": "Pay by link", "owner_team": "payments", "status": "in_progress"}
LOG: dict[str, Any] = {"ref": "LOG-2", "title": "Audit log", "owner_team": "Plat/form", "status": "planned"}


def feature(name: str, day: int, known: dict[str, Any], **now: Any) -> dict[str, Any]:
    return {"id": name, "at": f"2026-03-{day:02}T09:00:00Z", "feature": known | now}


def release(name: str, day: int, planned_on: str) -> dict[str, Any]:
    return {"id": name, "at": f"2026-03-{day:02}T09:00:00Z", "release": {"name": "Summer", "planned_on": planned_on}}


HISTORY = [
    feature("o1", 2, PAY, stage="ga", target={"on": "2026-05-04"}),
    feature("o2", 2, LOG, stage="beta", target={"release": "Summer"}),
    release("o3", 3, "2026-06-01"),
    feature("o4", 4, PAY, stage="ga", target={"on": "2026-05-25"}),
    feature("o4", 4, PAY, stage="ga", target={"on": "2026-05-25"}),
    feature("o5", 3, PAY, stage="ga", target={"on": "2026-05-11"}),
    release("o6", 5, "2026-06-15"),
    feature("o7", 6, PAY, stage="ga", target={"on": "2026-05-25"}),
    feature("o8", 9, PAY, stage="ga", target={"on": "2026-05-25"}, status="shipped"),
    {"id": "o9", "at": "2026-03-10T09:00:00Z", "removed": "LOG-2"},
]
EXPECTED = {
    "o1": [["PAY-1", "added"]],
    "o2": [["LOG-2", "added"]],
    "o3": [["LOG-2", "narrowed"]],
    "o4": [["PAY-1", "delayed"]],
    "o6": [["LOG-2", "delayed"]],
    "o8": [["PAY-1", "shipped"]],
    "o9": [["LOG-2", "cancelled"]],
}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return write(tmp_path / "history.jsonl", *HISTORY)


def write(path: Path, *entries: Any) -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in entries]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def expected_file(folder: Path, expected: dict[str, Any]) -> Path:
    return write(folder / "expected.jsonl", *({"id": name, "changes": changes} for name, changes in expected.items()))


async def run(history: Path, **more: Any) -> ReplayResult:
    return await replay(ReplayOptions(history, **more))


async def test_a_replay_reports_all_that_followed_and_nothing_else(history: Path, tmp_path: Path) -> None:
    result = await run(history, expected=expected_file(tmp_path, EXPECTED))
    assert result.complaints == []
    report = result.report
    counts = {name: report[name] for name in ("observations", "accepted", "duplicates", "refused", "stale", "noops")}
    assert counts == {"observations": 10, "accepted": 9, "duplicates": 1, "refused": 0, "stale": 1, "noops": 1}
    assert report["causes"] == 7
    assert report["kinds"] == {"added": 2, "cancelled": 1, "delayed": 2, "narrowed": 1, "shipped": 1}
    assert report["launches"]["planned"] >= 2
    assert report["launches"]["cancelled"] == 1
    assert report["conservation"] == {"ok": True, "differences": []}
    assert report["people"] <= 6
    assert report["notices"] > 0
    assert report["acknowledged"] == 0
    assert report["parked"] == 0
    assert report["latency_ms"]["p50"] > 0
    coverage = dict(report["coverage"])
    assert coverage.pop("expected") == sum(coverage.values())


async def test_the_same_history_gives_the_same_decisions_whoever_acknowledges(history: Path) -> None:
    silent, busy = await run(history), await run(history, acknowledge=True)
    assert silent.report["decisions_sha256"] == busy.report["decisions_sha256"]
    assert busy.report["acknowledged"] == busy.report["notices"] == silent.report["notices"]
    assert busy.report["coverage"]["open"] == 0


async def test_a_second_replay_over_a_kept_state_tells_nobody_anything(history: Path, server_folder: Path) -> None:
    first = await run(history, state=server_folder / "state")
    again = await run(history, state=server_folder / "state", expected=expected_file(server_folder, EXPECTED))
    assert again.complaints == []
    assert again.report["duplicates"] == again.report["observations"] == 10
    assert (again.report["causes"], again.report["notices"]) == (0, 0)
    for kept in ("decisions_sha256", "coverage"):
        assert again.report[kept] == first.report[kept]


async def test_a_history_told_in_two_halves_ends_like_the_whole(history: Path, server_folder: Path) -> None:
    whole = await run(history)
    half = write(server_folder / "half.jsonl", *HISTORY[:5])
    await run(half, state=server_folder / "state")
    rest = await run(history, state=server_folder / "state")
    assert rest.report["decisions_sha256"] == whole.report["decisions_sha256"]
    assert rest.report["duplicates"] == 5


def test_the_command_prints_its_report_last_and_writes_it_where_it_is_told(history: Path, tmp_path: Path) -> None:
    expected, report = expected_file(tmp_path, EXPECTED), tmp_path / "report.json"
    asked = ["replay", str(history), "--expected", str(expected), "--report", str(report), "--portfolio", "acme"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed == json.loads(report.read_text())
    assert "0 differences" in done.stderr


def test_a_difference_from_what_was_expected_is_shown_and_ends_in_1(history: Path, tmp_path: Path) -> None:
    wrong = EXPECTED | {"o4": [["PAY-1", "pulled_in"]], "o99": [["PAY-1", "added"]]}
    done = CliRunner().invoke(app, ["replay", str(history), "--expected", str(expected_file(tmp_path, wrong))])
    assert done.exit_code == 1
    assert json.loads(done.stdout.splitlines()[-1])["causes"] == 7
    assert "o4: expected PAY-1 pulled_in; followed: PAY-1 delayed" in done.stderr
    assert "o99: expected PAY-1 added; followed: no change" in done.stderr


def test_a_refused_line_is_named_and_ends_in_1_and_the_others_go_in(tmp_path: Path) -> None:
    history = write(tmp_path / "history.jsonl", HISTORY[0], "", '{"id": "bad", "at": "2026-03-02"}', HISTORY[3])
    done = CliRunner().invoke(app, ["replay", str(history)])
    assert done.exit_code == 1
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["observations"], report["refused"], report["causes"]) == (3, 1, 2)
    assert "line 3, bad:" in done.stderr


@pytest.mark.timeout(600)
@pytest.mark.skipif(not SHARED.exists(), reason="the Kubernetes history is not here")
async def test_five_years_of_a_real_roadmap_lead_to_what_they_must(server_folder: Path) -> None:
    options = {"state": server_folder / "state", "expected": SHARED / "expected.jsonl"}
    first = await run(SHARED / "observations.jsonl", **options)
    assert first.complaints == []
    assert (first.report["observations"], first.report["kinds"]["delayed"]) == (1825, 474)
    again = await run(SHARED / "observations.jsonl", **options)
    assert (again.report["duplicates"], again.report["notices"]) == (1825, 0)
    fresh = await run(SHARED / "observations.jsonl")
    assert fresh.report["decisions_sha256"] == again.report["decisions_sha256"] == first.report["decisions_sha256"]
