"""The commands that talk to a running Inloop, on a whole house: import, directory, conservation, parked."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.house import House, Order, PortTakenError, open_house
from services.launch.settings import DEFAULT_POLICY

FEATURE = {"ref": "A-1", "title": "A", "status": "planned"}
OBSERVATION = {"id": "o1", "at": "2026-03-02T09:00:00Z", "feature": FEATURE}
STUCK = "notify/launch.changes/stuck"
PARK = """
WITH position AS (INSERT INTO reader (portfolio, topic, revision, waiting, parked)
    VALUES ('stuck', 'launch.changes', 0, true, true)),
  message AS (INSERT INTO inbox (portfolio, topic, revision, part, headers, body)
    VALUES ('stuck', 'launch.changes', 1, 1, $1, '{}'))
INSERT INTO parked (portfolio, topic, revision, problem, attempts)
    VALUES ('stuck', 'launch.changes', 1, '$.portfolio: missing', 5)
"""
HELD = """
INSERT INTO observation (portfolio, source, observation_id, kind, ref, at, body, received_at, state, why, revision_at)
    VALUES ('default', 'native', $1, 'feature', 'A-1', now(), $2, now(), 'held', 'ValueError: as a test', 0)
    RETURNING seq
"""
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "1",
    "ce_type": "inloop.launches.changed.v1",
    "ce_source": "/launch",
    "ce_subject": "stuck",
    "ce_time": "2026-03-02T09:00:00Z",
    "ce_causeid": "native:o1",
    "ce_revision": "1",
    "content-type": "application/json",
}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(Order(every={"time_source": "observations"})) as opened:
        yield opened


async def inloop(house: House, *words: str) -> Any:
    """Run a command in a thread: it has a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, "--url", house.url])


async def test_a_file_is_imported_once_and_its_bad_lines_are_named(house: House, tmp_path: Path) -> None:
    file = tmp_path / "roadmap.jsonl"
    file.write_text(json.dumps(OBSERVATION) + '\n\n{"id": "o2"}\n')
    first = await inloop(house, "import", str(file))
    assert first.exit_code == 1
    assert json.loads(first.stdout) == {"lines": 2, "accepted": 1, "duplicates": 0, "refused": 1}
    assert "roadmap.jsonl, line 3:" in first.stderr
    file.write_text(json.dumps(OBSERVATION))
    again = await inloop(house, "import", str(file))
    assert (again.exit_code, json.loads(again.stdout)["duplicates"]) == (0, 1)


async def test_a_directory_is_loaded_and_a_bad_one_is_told_line_by_line(house: House, tmp_path: Path) -> None:
    good, bad = tmp_path / "people.yaml", tmp_path / "people.csv"
    good.write_text("- {id: ana, name: Ana, email: ana@example.org, roles: [pmm]}\n")
    bad.write_text("id,name,roles\nana,Ana,wizard\n")
    loaded = await inloop(house, "directory", "load", str(good))
    assert (loaded.exit_code, json.loads(loaded.stdout)["people"]) == (0, 1)
    refused = await inloop(house, "directory", "load", str(bad))
    assert refused.exit_code == 2
    assert "line 2" in refused.stderr


async def test_the_sums_are_shown_and_agree(house: House) -> None:
    done = await inloop(house, "conservation")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "no difference at revision 0"


async def test_what_is_parked_is_listed_shown_tried_again_and_given_up(house: House) -> None:
    assert (await inloop(house, "parked", "ls")).exit_code == 0
    connection = await asyncpg.connect(house.dsns["notify"])
    await connection.execute(PARK, json.dumps(HEADERS))
    await connection.close()
    listed = await inloop(house, "parked", "ls")
    assert listed.exit_code == 1
    assert listed.stdout.startswith(STUCK)
    shown = await inloop(house, "parked", "show", STUCK)
    assert json.loads(shown.stdout)["body"] == "{}"
    retried = await inloop(house, "parked", "retry", STUCK)
    assert retried.exit_code == 1
    assert "stays parked" in retried.stderr
    dropped = await inloop(house, "parked", "drop", STUCK, "--yes")
    assert dropped.exit_code == 0, dropped.stderr
    assert (await inloop(house, "parked", "show", STUCK)).exit_code == 2
    assert (await inloop(house, "parked", "ls")).exit_code == 0


async def hold(house: House, observation: str, body: bytes) -> str:
    """As if reading had become stricter between door and judge; returns the name by which it is parked."""
    connection = await asyncpg.connect(house.dsns["roadmap"])
    seq = await connection.fetchval(HELD, observation, body)
    await connection.close()
    return f"roadmap/observations/default/{seq}"


async def test_a_held_observation_is_listed_shown_and_tried_again_like_a_message(house: House) -> None:
    poisoned = await hold(house, "bad", b"[]")
    mended = await hold(house, "o1", json.dumps(OBSERVATION).encode())
    listed = await inloop(house, "parked", "ls")
    assert listed.exit_code == 1
    assert f"{poisoned}  observation bad of A-1" in listed.stdout
    assert "ValueError: as a test" in listed.stdout
    shown = await inloop(house, "parked", "show", poisoned)
    assert (json.loads(shown.stdout)["body"], json.loads(shown.stdout)["state"]) == ("[]", "held")
    done = await inloop(house, "parked", "retry", mended)
    assert (done.exit_code, "is judged: caused" in done.stdout) == (0, True), done.output
    gone = await inloop(house, "parked", "show", mended)
    assert (gone.exit_code, "is not parked: caused" in gone.stderr) == (2, True), gone.output
    again = await inloop(house, "parked", "retry", poisoned)
    assert (again.exit_code, "stays parked" in again.stderr) == (1, True), again.output


async def test_a_held_observation_that_is_given_up_counts_as_refused_and_the_sums_agree(house: House) -> None:
    poisoned = await hold(house, "bad", b"[]")
    before = await inloop(house, "conservation")
    assert (before.exit_code, "refused 0" in before.stdout, "held 1" in before.stdout) == (0, True, True)
    dropped = await inloop(house, "parked", "drop", poisoned, "--yes")
    assert (dropped.exit_code, "kept as refused" in dropped.stdout) == (0, True), dropped.output
    assert (await inloop(house, "parked", "drop", poisoned, "--yes")).exit_code == 2
    assert (await inloop(house, "parked", "ls")).exit_code == 0
    after = await inloop(house, "conservation")
    assert (after.exit_code, "refused 1" in after.stdout, "held 0" in after.stdout) == (0, True, True), after.output


async def test_a_port_that_is_taken_is_told_at_once(house: House) -> None:
    port = int(house.url.rpartition(":")[2])
    with pytest.raises(PortTakenError, match=f"port {port}"):
        async with open_house(Order(port=port)):
            pass


async def test_the_front_door_leads_to_each_service_and_says_what_there_is_elsewhere(house: House) -> None:
    async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as client:
        assert (await client.get("/")).headers["location"] == "/roadmap/"
        for service in ("roadmap", "launch", "notify"):
            assert (await client.get(f"/{service}/readyz")).json() == {"status": "ready", "problems": {}}
        missing = await client.get("/sales/")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "nothing here; try /roadmap/, /launch/, /notify/"


async def test_a_service_may_not_enter_the_database_of_another(house: House) -> None:
    foreign = house.dsns["launch"].rpartition("/")[0] + "/notify"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(foreign)


async def test_another_policy_is_tried_on_what_a_running_launch_decided(house: House, tmp_path: Path) -> None:
    told = {**FEATURE, "stage": "ga", "target": {"on": "2026-06-01"}}
    await import_one(house, tmp_path, {**OBSERVATION, "feature": told})
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text(yaml.safe_dump({"extends": str(DEFAULT_POLICY), "gates": []}))
    other = await inloop(house, "policy", "diff", "--policy", str(quiet))
    assert (other.exit_code, "no launch" in other.stdout) == (0, True), other.output
    assert "L-A-1" in other.stdout
    assert other.stdout.splitlines()[-1] == "1 of 1 decisions would differ, about 1 launches"
    as_json = await inloop(house, "policy", "diff", "--policy", str(quiet), "--json")
    (difference,) = json.loads(as_json.stdout)["differences"]
    assert (difference["launch"], difference["decided"]["market"], difference["would_be"]) == ("L-A-1", "T2", None)
    later = await inloop(house, "policy", "diff", "--policy", str(quiet), "--since", "2026-03-03")
    same = await inloop(house, "policy", "diff", "--policy", str(DEFAULT_POLICY))
    for none in (later, same):
        assert (none.exit_code, none.stdout) == (0, "0 of 1 decisions would differ, about 0 launches\n")


async def import_one(house: House, folder: Path, observation: Any) -> None:
    """Import one observation, and wait until launch has decided on it."""
    file = folder / "one.jsonl"
    file.write_text(json.dumps(observation))
    assert (await inloop(house, "import", str(file))).exit_code == 0
    async with asyncio.timeout(20), httpx2.AsyncClient(base_url=house.url) as client:
        while not (await client.get("/launch/api/v1/portfolios/default/changes")).json()["items"]:
            await asyncio.sleep(0.05)
