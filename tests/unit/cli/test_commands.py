"""The command line as somebody meets it: what it says when something is wrong, and with which exit code."""

import json
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from deploy.cli.contracts import build_documents
from deploy.cli.main import app
from deploy.client import _problem
from deploy.local.host import free_port
from services.launch.settings import DEFAULT_POLICY

COMMANDS = (
    "demo",
    "replay",
    "import",
    "conservation",
    "contracts",
    "plan",
    "policy",
    "serve",
    "completion",
    "directory",
    "parked",
)


def nobody() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_the_help_names_every_command_and_where_to_begin() -> None:
    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert "New here? Run `inloop demo`" in done.stdout


@pytest.mark.parametrize(
    "name", [*COMMANDS, "policy diff", "parked ls", "parked show", "parked retry", "parked drop", "directory load"]
)
def test_every_command_explains_itself(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.stdout


def test_a_house_that_is_not_there_is_said_so_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    asked = (
        ["parked", "ls"],
        ["conservation"],
        ["import", str(tmp_path / "file")],
        ["directory", "load", str(tmp_path / "file")],
    )
    for command in asked:
        done = CliRunner().invoke(app, [*command, "--url", nobody()])
        assert done.exit_code == 2, command
        assert "Nobody answers at http://127.0.0.1:" in done.stderr
        assert "inloop demo" in done.stderr
        assert done.stdout == ""


def test_an_address_that_is_none_is_said_so() -> None:
    done = CliRunner().invoke(app, ["parked", "ls", "--url", "http://127.0.0.1:door"])
    assert done.exit_code == 2
    assert "is not an address" in done.stderr


def test_a_file_that_is_not_there_is_a_wrong_use() -> None:
    assert CliRunner().invoke(app, ["replay", "nowhere.jsonl"]).exit_code == 2
    assert CliRunner().invoke(app, ["import", "nowhere.jsonl"]).exit_code == 2


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("extends: {default}\nteams: {{marketing: {{weekly: 2, wekly: 3}}}}", "$.teams.marketing.wekly: "),
        ("extends: {default}\nhorizon_days: soon", "$.horizon_days: Input should be a valid integer"),
        ("tiers: {{}}", "$.horizon_days: Field required"),
        ("a: [", "line 1, column 5"),
        ("extends: nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_a_policy_that_is_none_says_where(tmp_path: Path, content: str, where: str) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(content.format(default=DEFAULT_POLICY))
    done = CliRunner().invoke(app, ["policy", "diff", "--policy", str(file), "--url", nobody()])
    assert (done.exit_code, done.stdout) == (2, "")
    assert where in done.stderr.replace("\n", "")
    assert CliRunner().invoke(app, ["policy", "diff", "--policy", str(tmp_path / "none.yaml")]).exit_code == 2


def test_a_state_that_is_no_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("[]")
    done = CliRunner().invoke(app, ["demo", "--state", str(tmp_path), "--port", "0"])
    assert done.exit_code == 2
    assert "is not from a demo" in done.stderr


def test_a_problem_document_is_told_with_each_of_its_places() -> None:
    document = {
        "detail": "line 3: expected an id",
        "where": "$[0].id",
        "errors": [{"line": 3, "where": "$[0].id", "detail": "expected an id"}, "and more"],
    }
    request = httpx2.Request("PUT", "http://127.0.0.1:1/notify/api/v1/portfolios/default/directory")
    told = _problem("PUT", httpx2.Response(422, json=document, request=request))
    assert told.splitlines() == [
        "$[0].id: line 3: expected an id (422, PUT /notify/api/v1/portfolios/default/directory)",
        "  line 3, $[0].id: expected an id",
        "  and more",
    ]


def test_a_missing_token_is_told_with_the_variable_to_set() -> None:
    request = httpx2.Request("GET", "http://127.0.0.1:1/launch/api/v1/parked")
    answer = httpx2.Response(401, json={"detail": "a bearer token is needed"}, request=request)
    assert "Give the token in INLOOP_API_TOKEN" in _problem("GET", answer)


def test_contracts_writes_every_document(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["contracts", "--write", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {
        "asyncapi.json",
        "openapi-roadmap.json",
        "openapi-launch.json",
        "openapi-notify.json",
    }


def test_asyncapi_says_what_faststream_leaves_out() -> None:
    told = json.loads(CliRunner().invoke(app, ["contracts"]).stdout)
    assert told["asyncapi"] == "3.0.0"
    assert set(told["channels"]) == {"roadmap.inbound", "roadmap.changes", "launch.changes", "notify.receipts"}
    message = told["components"]["messages"]["LaunchesChanged"]
    assert message["headers"]["properties"]["ce_type"] == {"const": "inloop.launches.changed.v1"}
    assert "ce_revision" in message["headers"]["required"]
    assert "ce_revision" not in told["components"]["messages"]["Observation"]["headers"]["required"]
    assert message["bindings"]["kafka"]["key"]["type"] == "string"
    heard = told["operations"]["notify.hears.launch.changes"]["bindings"]["kafka"]["groupId"]
    assert heard["enum"] == ["inloop.notify.launch.changes"]


def test_every_reference_in_the_documents_leads_somewhere() -> None:
    for name, document in build_documents().items():
        text = json.dumps(document)
        for found in {part.split('"', 1)[0] for part in text.split('"$ref": "#/')[1:]}:
            place = document
            for step in found.split("/"):
                assert step in place, f"{name}: {found}"
                place = place[step]
