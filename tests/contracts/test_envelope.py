"""The envelope comes back as it was, refuses what is not ours, and large messages come in parts that add up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope, EnvelopeError, derive_ce_id, join, read_envelope, split
from shared.contracts.words import MAX_MESSAGE_BYTES, CauseId, PortfolioId
from tests.contracts.samples import LAUNCHES_CHANGED, PORTFOLIO, ROADMAP_CHANGED, SLIP, SLIPPED_AT

WHOLE = Envelope(
    id="0f" * 16,
    type="inloop.roadmap.changed.v1",
    source="/roadmap",
    subject=PORTFOLIO,
    time=SLIPPED_AT,
    cause_id=CauseId("native:9c694156dc65"),
    revision=17,
    kinds=("delayed", "health_changed"),
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)

words = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=20)
portfolios = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)
envelopes = st.builds(
    Envelope,
    id=words,
    type=words,
    source=words,
    subject=portfolios.map(PortfolioId),
    time=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants plain bounds
    cause_id=st.none() | words.map(CauseId),
    revision=st.none() | st.integers(1, 10**17),
    kinds=st.lists(words, max_size=3).map(tuple),
    traceparent=st.none() | words,
)


@settings(deadline=None, max_examples=200)
@given(envelopes)
def test_headers_come_back_as_they_were(envelope: Envelope) -> None:
    assert read_envelope(envelope.subject.encode(), envelope.headers()) == envelope


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers = [(one, value) for one, value in WHOLE.headers() if one != name]
    with pytest.raises(EnvelopeError, match=name):
        read_envelope(b"default", headers)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ce_specversion", b"0.3", "expected 1.0"),
        ("ce_subject", b"Not A Portfolio", "no portfolio id"),
        ("ce_subject", b"other", "differs from header ce_subject"),
        ("ce_time", b"2026-03-02T09:30:00", "with a zone"),
        ("ce_time", b"yesterday", "RFC 3339"),
        ("ce_revision", b"0", "whole number from 1"),
        ("ce_revision", "١٧".encode(), "whole number from 1"),  # noqa: RUF001 - int() would read these digits
        ("ce_id", b"\xff", "not UTF-8"),
        ("ce_id", None, "null"),
    ],
)
def test_a_header_that_is_wrong_is_named_with_what_would_be_right(
    name: str, value: bytes | None, complaint: str
) -> None:
    headers = [(one, value if one == name else given_value) for one, given_value in WHOLE.headers()]
    with pytest.raises(EnvelopeError, match=complaint) as refused:
        read_envelope(b"default", headers)
    assert name in str(refused.value)


def test_a_header_that_comes_twice_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="given twice"):
        read_envelope(b"default", [*WHOLE.headers(), ("ce_type", b"inloop.other.v1")])


def test_a_key_that_is_null_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="key"):
        read_envelope(None, WHOLE.headers())


def test_the_same_message_has_the_same_id_and_every_other_another() -> None:
    told = {
        derive_ce_id(service, cause, revision, part)
        for service in ("roadmap", "launch")
        for cause in ("a", "b")
        for revision in (1, 11)
        for part in (1, 2)
    }
    assert len(told) == 16
    assert derive_ce_id("roadmap", "a", 1, 1) == derive_ce_id("roadmap", "a", 1, 1)


@settings(deadline=None, max_examples=50)
@given(changes=st.integers(0, 120), untouched=st.integers(0, 2_000), limit=st.integers(30_000, 60_000))
def test_a_message_in_parts_is_whole_again_and_each_part_fits(changes: int, untouched: int, limit: int) -> None:
    message = LAUNCHES_CHANGED.model_copy(
        update={
            "features": (SLIP,) * changes,
            "untouched": tuple(f"PAY-{number}" for number in range(untouched)),
        }
    )
    parts = split(message, limit)
    assert join(parts) == message
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert {part.parts for part in parts} == {len(parts)}
    assert all(len(part.model_dump_json().encode()) <= limit for part in parts)


def test_a_message_over_256_kib_is_sent_in_parts_that_share_its_revision() -> None:
    message = ROADMAP_CHANGED.model_copy(update={"changes": (SLIP,) * 400})
    assert len(message.model_dump_json().encode()) > MAX_MESSAGE_BYTES
    parts = split(message)
    assert len(parts) > 1
    assert {part.revision for part in parts} == {message.revision}
    assert join(parts) == message


def test_text_that_grows_in_utf8_is_measured_in_bytes() -> None:
    wide = SLIP.model_copy(update={"reason": "€" * 4_000})
    message = ROADMAP_CHANGED.model_copy(update={"changes": (wide,) * 30})
    assert all(len(part.model_dump_json().encode()) <= MAX_MESSAGE_BYTES for part in split(message))


def test_a_small_message_stays_one() -> None:
    assert split(ROADMAP_CHANGED) == [ROADMAP_CHANGED]
