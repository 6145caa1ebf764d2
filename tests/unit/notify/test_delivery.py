"""What an answer of a mail server means by its number, and when a mail is tried again."""

from datetime import timedelta

import pytest

from services.notify.domain.delivery import SERVER_AWAY_WAIT, WAITS, judge_code, wait_after

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (199, "deferred"),
        (200, "accepted"),
        (250, "accepted"),
        (299, "accepted"),
        (300, "deferred"),
        (421, "deferred"),
        (499, "deferred"),
        (500, "bounced"),
        (599, "bounced"),
    ],
)
def test_only_a_two_hundred_is_a_yes_and_only_a_five_hundred_a_no(code: int, verdict: str) -> None:
    outcome = judge_code(code, "so it is", about_recipient=True)
    assert (outcome.verdict, outcome.answer) == (verdict, "so it is")


@pytest.mark.parametrize("code", [500, 554])
def test_a_no_that_is_not_about_the_recipient_is_asked_again(code: int) -> None:
    assert judge_code(code, "who are you", about_recipient=False).verdict == "deferred"


def test_a_mail_is_tried_again_after_minutes_then_every_hour_of_a_day() -> None:
    assert (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *[HOUR] * 24) == WAITS
    assert timedelta(seconds=5) == SERVER_AWAY_WAIT


def test_the_last_wait_is_the_last_one() -> None:
    assert wait_after("n1", 28, "deferred") is not None
    assert wait_after("n1", 29, "deferred") is None


def test_a_server_that_is_away_is_asked_again_in_seconds_however_often() -> None:
    for attempts in (1, 28, 29, 1000):
        wait = wait_after("n1", attempts, "server_away")
        assert wait is not None
        assert 0.8 * SERVER_AWAY_WAIT <= wait <= 1.2 * SERVER_AWAY_WAIT


def test_a_replay_waits_as_long_as_the_first_time_did() -> None:
    found = [wait_after("n1", attempts, "deferred") for attempts in (1, 2, 3)]
    assert [wait.total_seconds() for wait in found if wait] == [48.175162, 261.617593, 1077.8301]


def test_mails_that_fail_together_are_not_tried_again_together() -> None:
    found = {wait_after(f"n{number}", 1, "deferred") for number in range(200)}
    waits = sorted(wait for wait in found if wait)
    assert len(waits) == 200
    assert waits[0] < 0.85 * MINUTE
    assert waits[-1] > 1.15 * MINUTE
