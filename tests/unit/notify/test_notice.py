"""What a notice says, and that no text from outside can break a mail."""

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.channels.mail import Frozen, Links, build_mail, build_plain_mail
from services.notify.domain.delivery import WAITS, judge_code, wait_after
from services.notify.domain.directory import ROLES, Contact
from services.notify.domain.notice import Item, write_notice
from services.notify.domain.wording import TEXTS
from shared.contracts.words import PersonId
from tests.unit.notify.stories import NOON, news

ANA = Contact(id=PersonId("ana"), name="Ana Ruiz", email="ana@example.com")
FROZEN = Frozen("<n1@inloop.example>", NOON, "n1")
LINKS = Links("https://inloop.example/notify/a/token", "https://inloop.example/notify/people/ana")
SENDER = "Inloop <inloop@inloop.example>"


def say(contact: Contact = ANA, *, needs_ok: bool = True, **what: Any) -> str:
    item = Item(news(**what), ("role=pmm via rule pmm-t2",), needs_ok)
    return write_notice([item], "Payments slips", contact).title


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ({}, "Instant payouts moves to Tue 9 Jun 2026 (was Tue 2 Jun 2026)"),
        ({"is_new": True}, "Instant payouts is planned for Tue 9 Jun 2026"),
        ({"is_new": True, "date": None}, "Instant payouts is planned; its date is not known yet"),
        ({"date_before": None}, "Instant payouts now has a date: Tue 9 Jun 2026"),
        ({"date": None}, "Instant payouts has lost its date (was Tue 2 Jun 2026)"),
        ({"state": "cancelled"}, "Instant payouts is cancelled (was Tue 2 Jun 2026)"),
        ({"kinds": ("launched",)}, "Instant payouts is out"),
        (
            {"kinds": ("retiered",), "date_before": date(2026, 6, 9), "tier_before": "T3"},
            "Instant payouts is now T2 (was T3); date Tue 9 Jun 2026",
        ),
        (
            {"kinds": ("something_new",), "date_before": date(2026, 6, 9)},
            "Instant payouts has changed; date Tue 9 Jun 2026",
        ),
    ],
)
def test_first_comes_what_changed_with_the_new_date(what: dict[str, Any], title: str) -> None:
    assert say(**what) == title


def test_a_french_reader_reads_french_and_anybody_else_english() -> None:
    assert say(ANA.model_copy(update={"locale": "fr-CA"})).startswith("Instant payouts passe au mar. 9 juin 2026")
    assert say(ANA.model_copy(update={"locale": "de"})).startswith("Instant payouts moves to")


def test_both_languages_say_the_same_things() -> None:
    assert set(TEXTS["en"]) == set(TEXTS["fr"])
    assert {f"do_{role}" for role in ROLES} <= set(TEXTS["en"])


def test_each_role_is_told_what_to_do_in_its_own_words() -> None:
    item = Item(news(), ("role=sales via rule sales-t1", "role=odd via rule mine", "house-wide"), needs_ok=True)
    assert write_notice([item], "", ANA).lines[0].to_do == "Promise only this date from now on."


def test_forty_changes_are_forty_rows_of_one_notice() -> None:
    items = [Item(news(f"L-{number}"), ("role=pmm via rule x",), needs_ok=True) for number in range(40)]
    notice = write_notice(items, "v1.33 moves", ANA)
    assert notice.title == "40 changes: v1.33 moves"
    assert len(notice.lines) == 40


def test_the_deadline_is_the_earliest_in_the_readers_zone() -> None:
    late = datetime(2026, 5, 6, 23, 30, tzinfo=UTC)
    items = [Item(news(), (), needs_ok=True, due_at=late + timedelta(days=day)) for day in (1, 0)]
    tokyo = ANA.model_copy(update={"zone": "Asia/Tokyo"})
    assert write_notice(items, "", tokyo).call == "It needs your OK by Thu 7 May 2026."


EVIL = st.text(max_size=80) | st.sampled_from(
    [
        "x\r\nBcc: all@example.com",
        "\u2028\u202e",
        "<script>alert(1)</script>",
        "é" * 300,
        "x" * 10_000,
        "",
        "{name}",
        "\x00",
    ]
)


@settings(deadline=None, max_examples=100)
@given(EVIL, EVIL, EVIL)
def test_no_text_breaks_out_of_a_mail(name: str, why: str, summary: str) -> None:
    contact = ANA.model_copy(update={"name": name})
    item = Item(news(name=name, why=(why,), waits_for=why), ("role=pmm via rule x",), needs_ok=True)
    body = build_mail(write_notice([item], summary, contact), contact, SENDER, FROZEN, LINKS)
    mail = message_from_bytes(body, policy=policy.default)
    assert mail.keys() == message_from_bytes(build_plain_mail(ANA, SENDER, FROZEN, LINKS), policy=policy.default).keys()
    assert [address.addr_spec for address in mail["To"].addresses] == ["ana@example.com"]
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert all(len(line) < 998 for line in body.split(b"\r\n"))


def test_the_same_notice_is_the_same_bytes() -> None:
    notice = write_notice([Item(news(), (), needs_ok=True)], "Payments slips", ANA)
    assert build_mail(notice, ANA, SENDER, FROZEN, LINKS) == build_mail(notice, ANA, SENDER, FROZEN, LINKS)


def test_a_refused_recipient_is_dead_and_a_refused_sender_is_our_own_trouble() -> None:
    assert judge_code(550, "no such user", about_recipient=True).verdict == "bounced"
    assert judge_code(550, "who are you", about_recipient=False).verdict == "deferred"
    assert judge_code(421, "later", about_recipient=True).verdict == "deferred"


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20), st.integers(1, len(WAITS)))
def test_waits_are_spread_by_a_fifth_and_always_the_same(delivery: str, attempts: int) -> None:
    wait = wait_after(delivery, attempts, "deferred")
    assert wait is not None
    assert WAITS[attempts - 1] * 0.8 <= wait <= WAITS[attempts - 1] * 1.2
    assert wait == wait_after(delivery, attempts, "unknown")


def test_after_the_last_wait_the_address_counts_as_dead() -> None:
    assert wait_after("n1", len(WAITS) + 1, "deferred") is None
    assert wait_after("n1", 10_000, "server_away") is not None
