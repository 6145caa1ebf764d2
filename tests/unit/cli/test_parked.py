"""`inloop parked`: what its names lead to, and how each sort of stuck thing is said."""

from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.parked import Place, describe_message, describe_observation, find_place

MESSAGE: dict[str, Any] = {
    "topic": "launch.changes",
    "portfolio": "default",
    "revision": 7,
    "behind": 3,
    "problem": "$.portfolio: missing",
    "parked_at": "2026-03-02T10:04:09.123456+01:00",
    "attempts": 5,
    "retry_at": None,
}
OBSERVATION: dict[str, Any] = {
    "portfolio": "alpha",
    "seq": 12,
    "id": "F-2@0",
    "ref": "F-2",
    "why": "UnreadableError: $: not an object",
    "accepted_at": "2026-03-02T09:00:00Z",
}


def test_a_message_says_where_it_is_stuck_what_waits_why_and_since_when() -> None:
    assert describe_message("notify", MESSAGE).splitlines() == [
        "notify/launch.changes/default  revision 7, 3 behind it",
        "  $.portfolio: missing",
        "  since 2026-03-02 09:04 UTC; tried 5 times; next: waits for you",
    ]
    later = describe_message("notify", {**MESSAGE, "retry_at": "2026-03-02T09:14:09Z"})
    assert later.endswith("next: 2026-03-02 09:14 UTC")


def test_a_held_observation_says_the_same_of_itself() -> None:
    assert describe_observation(OBSERVATION).splitlines() == [
        "roadmap/observations/alpha/12  observation F-2@0 of F-2, nothing waits behind it",
        "  UnreadableError: $: not an object",
        "  came in 2026-03-02 09:00 UTC; next: waits for you",
    ]


@pytest.mark.parametrize(
    ("described", "place"),
    [
        (describe_message("notify", MESSAGE), Place("/notify/api/v1/parked/launch.changes/default", held=False)),
        (
            describe_observation(OBSERVATION),
            Place("/roadmap/api/v1/portfolios/alpha/observations/seq:12", held=True),
        ),
    ],
)
def test_the_name_that_is_listed_leads_to_its_place(described: str, place: Place) -> None:
    assert find_place(described.split(maxsplit=1)[0]) == place


@pytest.mark.parametrize(
    "name",
    [
        "default",
        "notify/launch.changes",
        "post/launch.changes/default",
        "a/b/c/d",
        "roadmap/observations/alpha",
        "roadmap/observations/alpha/F-2@0",
        "launch/observations/alpha/12",
        "notify/launch.changes/default?x",
    ],
)
@pytest.mark.parametrize("act", ["show", "retry", "drop"])
def test_a_name_that_is_none_is_said_so_before_anything_is_asked(act: str, name: str) -> None:
    done = CliRunner().invoke(app, ["parked", act, name])
    assert done.exit_code == 2
    assert "expected SERVICE/TOPIC/PORTFOLIO or roadmap/observations/PORTFOLIO/NUMBER" in done.stderr
