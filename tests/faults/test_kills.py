"""Each service is killed like a machine at seeded moments of a history, on real Kafka: the result is as if nothing was.

The moments are failpoints, that is, the very places where a crash matters; which of them and at which passage comes
from the seed, which the report prints. One seed a service by default; `INLOOP_KILL_SEEDS=20` tries more.
"""

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.smtp import MailCatcher
from services.launch.settings import DEFAULT_POLICY
from shared.contracts.words import canonical_json
from tests.bench.history import build_directory, build_observations
from tests.faults.house import SERVICES, House, running_house
from tests.servers.apache.broker import Broker
from tests.servers.topics import KafkaRoom

OBSERVATIONS = 240
LINES_AT_ONCE = 20
FOUR_TEAMS = DEFAULT_POLICY.parent / "policies" / "four_teams.yaml"

_FEATURE = re.compile(r"Feature number \d+")

PLACES = {
    "roadmap": (
        "roadmap.after_raw_insert",
        "roadmap.after_accept",
        "roadmap.after_claim",
        "roadmap.after_save",
        "roadmap.after_commit",
        "relay.after_select",
        "relay.after_produce",
        "relay.after_mark",
        "inbox.after_handle",
        "inbox.after_commit",
    ),
    "launch": (
        "launch.after_decide",
        "inbox.after_handle",
        "inbox.after_commit",
        "relay.after_produce",
        "relay.after_mark",
    ),
    "notify": ("inbox.after_handle", "inbox.after_commit", "relay.after_produce", "notify.after_claim"),
}


@pytest.fixture(scope="module")
def undisturbed(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the history leads to when nobody dies."""
    return _run(kafka, tmp_path_factory.mktemp("undisturbed"), "calm", {})


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(int(os.environ.get("INLOOP_KILL_SEEDS", "1"))))
@pytest.mark.parametrize("victim", SERVICES)
def test_a_killed_service_leaves_no_trace_in_the_result(
    kafka: Broker, undisturbed: dict[str, Any], tmp_path: Path, victim: str, seed: int
) -> None:
    places = PLACES[victim]
    number = int(hashlib.sha256(f"{victim}{seed}".encode()).hexdigest(), 16)
    first, second = places[number % len(places)], places[number // 97 % len(places)]
    moments = {victim: [f"{first}=kill:{1 + number // 7 % 3}", f"{second}=kill:{1 + number // 11 % 4}"]}
    print(f"seed {seed}: {victim} dies at {moments[victim]}")  # noqa: T201 - a failing seed must be told
    result = _run(kafka, tmp_path, f"{victim}{seed}", moments)
    assert result["restarts"] >= 1, "the victim did not die: the moment was never reached"
    assert result["decisions"] == undisturbed["decisions"]
    assert result["classes"] == undisturbed["classes"]
    assert result["notices"] == undisturbed["notices"], "somebody's inbox holds less, more or something else"
    # Which mails were overtaken before they were sent depends on the moment; what everybody heard last does not.
    assert result["latest"] == undisturbed["latest"]


@pytest.mark.timeout(480)
def test_a_plan_that_is_cut_off_is_made_again_the_same(kafka: Broker, tmp_path: Path) -> None:
    """Teams are short of room; launch dies between deciding and saving, and again before its commit counts."""
    moments = ["launch.after_decide=kill:2", "inbox.after_handle=kill:3"]
    calm, killed = ((tmp_path / name) for name in ("calm", "killed"))
    calm.mkdir()
    killed.mkdir()
    undisturbed = _run(kafka, calm, "plancalm", {}, FOUR_TEAMS)
    result = _run(kafka, killed, "plankilled", {"launch": moments}, FOUR_TEAMS)
    assert undisturbed["planned"] > 0, "no launch ever moved for another or waited for a person: nothing was planned"
    assert result["restarts"] >= len(moments)
    assert result["decisions"] == undisturbed["decisions"]
    assert result["notices"] == undisturbed["notices"]


def _run(
    kafka: Broker, folder: Path, name: str, moments: dict[str, list[str]], policy: Path = DEFAULT_POLICY
) -> dict[str, Any]:
    folder.chmod(0o755)
    directory = folder / "directory.csv"
    directory.write_text(build_directory())
    room = KafkaRoom(kafka.bootstrap, f"k{name}")
    with EmbeddedPostgres() as postgres, MailCatcher() as mails:
        environments = {
            service: {
                "INLOOP_DATABASE_URL": postgres.ensure_database(service),
                "INLOOP_KAFKA_BOOTSTRAP": kafka.bootstrap,
                "INLOOP_TOPIC_PREFIX": f"{room.prefix}.",
                "INLOOP_TIME_SOURCE": "observations",
                "INLOOP_SMTP_URL": f"smtp://{mails.host}:{mails.port}",
                "INLOOP_DIRECTORY_FILE": str(directory),
                "INLOOP_LOG_FORMAT": "text",
                "INLOOP_FETCH_WAIT_MS": "20",
                "INLOOP_POLICY_FILE": str(policy),
            }
            for service in SERVICES
        }
        with running_house(environments, folder) as house:
            _feed(house, moments)
            house.wait_until_quiet()
            _wait_until_sent(postgres)
            return _result(house, mails, postgres)


def _feed(house: House, moments: dict[str, list[str]]) -> None:
    lines = [line.decode() for _, line in build_observations(OBSERVATIONS, 1)]
    for start in range(0, len(lines), LINES_AT_ONCE):
        for victim, specifications in moments.items():
            if start in {0, OBSERVATIONS // 2} and specifications:
                _arm(house, victim, specifications.pop(0))
        house.post_observations(lines[start : start + LINES_AT_ONCE])
        house.revive()


def _arm(house: House, victim: str, specification: str) -> None:
    """Restart the victim gracefully with a failpoint armed; that this leaves no trace is part of the test."""
    service = house.services[victim]
    service.stop()
    service.failpoints = specification
    service.start()
    service.wait_until_ready()
    house.revive()


def _wait_until_sent(postgres: EmbeddedPostgres) -> None:
    deadline = time.monotonic() + 60
    while postgres.execute("SELECT count(*) FROM delivery WHERE state IN ('due', 'sending')", "notify") != "0":
        assert time.monotonic() < deadline, "mails are still due"
        time.sleep(0.2)


def _result(house: House, mails: MailCatcher, postgres: EmbeddedPostgres) -> dict[str, Any]:
    told = house.decisions()
    decisions = hashlib.sha256("\n".join(canonical_json(one) for one in told).encode()).hexdigest()
    sums = house.client.get(house.url("notify", "/conservation")).json()
    sent = set(postgres.execute("SELECT message_id FROM delivery WHERE state = 'accepted'", "notify").splitlines())
    assert sent <= {mail.message_id for mail in mails.mails}, "a mail that counts as sent never arrived"
    by_id: dict[str, set[bytes]] = {}
    for mail in mails.mails:
        by_id.setdefault(mail.message_id, set()).add(mail.raw)
    assert all(len(copies) == 1 for copies in by_id.values()), "a mail that was sent twice differs from itself"
    return {
        "decisions": decisions,
        "planned": sum(len(one["proposals"]) for one in told) + _made_room(told),
        "classes": json.dumps(sums.get("classes", sums), sort_keys=True),
        "notices": postgres.execute("SELECT cause, person FROM notice ORDER BY cause, person", "notify"),
        "latest": _latest(mails),
        "restarts": house.restarts,
    }


def _made_room(told: list[dict[str, Any]]) -> int:
    """How often a launch moved whose own features were not spoken of."""
    return sum(
        bool(change["before"]) and change["before"]["date"] != change["launch"]["date"]
        for one in told
        for change in one["changes"]
        if {each["feature"]["id"] for each in one["features"]}.isdisjoint(
            each["id"] for each in change["launch"]["features"]
        )
    )


def _latest(mails: MailCatcher) -> dict[str, str]:
    """What each person was told last of each feature."""
    ordered = sorted(mails.mails, key=lambda mail: (mail.date is not None, mail.date))
    return {f"{mail.to[0]} {_FEATURE.findall(mail.subject)}": mail.subject for mail in ordered}
