"""What follows from messages: obligations, supersession, notices, and that everything always adds up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.consumers import read_launches
from services.notify.domain.audience import DEFAULT_POLICY, Router
from services.notify.domain.hearing import Decision, SubjectKey, SubjectState, decide
from services.notify.domain.news import CauseNews
from services.notify.domain.obligations import (
    RULES,
    Acknowledge,
    LoseReach,
    Obligation,
    RegainReach,
    See,
    Supersede,
    Waive,
    add_working_days,
    apply,
    count_classes,
)
from services.notify.domain.obligations import decide as decide_act
from shared.contracts.notify import COVERAGE_CLASSES, ReceiptsChanged
from shared.contracts.words import PersonId
from tests.contracts.samples import LAUNCHES_CHANGED
from tests.unit.notify.stories import NOON, cause, cause_news, directory, news, person

TEAM = directory(person("ana", "pmm"), person("bo", "pm"), person("sal", "sales"))
ROUTER = Router(TEAM, DEFAULT_POLICY)


def hear(
    subjects: dict[SubjectKey, SubjectState], message: CauseNews, *, at: datetime = NOON, at_once: bool = False
) -> Decision:
    return decide(subjects, message, ROUTER, {}, at, acknowledge_at=at if at_once else None)


def test_several_changes_of_one_cause_are_one_notice_a_person() -> None:
    decision = hear({}, cause_news(*(news(f"L-{number}") for number in range(40))))
    assert len(decision.opened) == 120
    assert len(decision.notices) == 3


def test_a_newer_revision_supersedes_what_is_open_and_keeps_what_was_acknowledged() -> None:
    subjects: dict[SubjectKey, SubjectState] = {}
    hear(subjects, cause_news(news(revision=1)))
    first = subjects["launch", "L-1"]
    first.apply(apply([first.obligations[PersonId("ana")]], Acknowledge(NOON, "A:page")))
    decision = hear(subjects, cause_news(news(revision=2), revision=2))
    assert {one.person for one in decision.superseded} == {"bo", "sal"}
    assert {one.evidence for one in decision.superseded} == {"revision 2"}
    assert first.obligations[PersonId("ana")].state == "acknowledged"


def test_an_older_revision_that_comes_late_is_absorbed() -> None:
    subjects: dict[SubjectKey, SubjectState] = {}
    hear(subjects, cause_news(news(revision=2)))
    late = hear(subjects, cause_news(news(revision=1), news(revision=2), revision=2))
    assert (late.opened, late.superseded, late.notices) == ([], [], {})


def test_who_has_no_address_is_unreachable_at_once_and_still_in_the_inbox() -> None:
    decision = decide({}, cause_news(news()), ROUTER, {PersonId("ana"): "no working mail address"}, NOON)
    assert {one.person: one.state for one in decision.opened} == {"ana": "unreachable", "bo": "open", "sal": "open"}
    assert not decision.notices[PersonId("ana")].is_reachable


def test_acknowledging_at_once_leaves_nothing_open() -> None:
    decision = hear({}, cause_news(news("L-1"), news("L-2")), at_once=True)
    assert {one.state for one in decision.opened} == {"acknowledged"}
    assert [one.classes["acknowledged"] for one in decision.coverage] == [3, 3]


def test_the_deadline_is_in_working_days_by_tier_and_only_for_those_who_must_answer() -> None:
    friday = datetime(2026, 5, 8, 9, 0, tzinfo=UTC)
    due: dict[str, datetime | None] = {
        one.person: one.due_at for one in hear({}, cause_news(news(level="T2")), at=friday).opened
    }
    assert due == {"ana": datetime(2026, 5, 12, 9, 0, tzinfo=UTC), "bo": due["ana"], "sal": None}


@pytest.mark.parametrize(("start", "days", "end"), [("09", 0, "11"), ("10", 1, "12"), ("08", 1, "11"), ("04", 5, "11")])
def test_weekends_do_not_count(start: str, days: int, end: str) -> None:
    begin = datetime.fromisoformat(f"2026-05-{start}T09:00:00+00:00")
    assert add_working_days(begin, days) == datetime.fromisoformat(f"2026-05-{end}T09:00:00+00:00")


def test_a_message_about_nobody_is_told_with_empty_hands() -> None:
    message = hear({}, cause_news()).message(7)
    assert ReceiptsChanged.model_validate_json(message.model_dump_json()) == message
    assert (message.revision, message.receipts, message.coverage) == (7, (), ())


def test_what_slips_would_move_concerns_nobody() -> None:
    message = LAUNCHES_CHANGED.model_copy(update={"features": (), "changes": (), "untouched": ()})
    decision = hear({}, read_launches(message))
    assert message.blast_radius
    assert (decision.opened, decision.notices, decision.message(1).receipts) == ([], {}, ())


def test_what_is_told_can_be_read_by_the_contract() -> None:
    message = hear({}, cause_news(news())).message(1)
    assert ReceiptsChanged.model_validate_json(message.model_dump_json()).receipts == message.receipts


steps = st.lists(
    st.tuples(st.sampled_from(["L-1", "L-2"]), st.integers(1, 4), st.sampled_from(["ana", "bo", None])), max_size=12
)


@settings(deadline=None, max_examples=150)
@given(steps)
def test_every_obligation_is_in_one_class_and_the_classes_add_up(
    story: list[tuple[str, int, str | None]],
) -> None:
    subjects: dict[SubjectKey, SubjectState] = {}
    every: dict[tuple[str, int, str], Obligation] = {}
    expected: dict[tuple[str, int], int] = {}
    for number, (launch, revision, who) in enumerate(story, start=1):
        decision = hear(
            subjects, cause_news(news(launch, revision), revision=number), at=NOON + timedelta(hours=number)
        )
        for item, audience in decision.audiences:
            expected[item.subject.id, item.subject.revision] = len(audience.expected)
        moved = [*decision.superseded, *decision.opened]
        current = subjects["launch", launch]
        if who is not None:
            acted = apply([current.obligations[PersonId(who)]], Acknowledge(NOON, "A:page"))
            current.apply(acted)
            moved += acted
        every |= {(one.subject.id, one.subject.revision, one.person): one for one in moved}
        assert all(sum(one.classes.values()) == one.expected for one in decision.coverage)
    for (launch, revision), size in expected.items():
        states = [one.state for key, one in every.items() if key[:2] == (launch, revision)]
        classes = count_classes(states)
        assert sum(classes.values()) == size == len(states)
        assert set(classes) == set(COVERAGE_CLASSES)
        if revision != subjects["launch", launch].revision:
            assert classes["open"] == 0


acts = st.lists(
    st.sampled_from(
        [
            Acknowledge(NOON, "A:page"),
            Acknowledge(NOON + timedelta(hours=1), "B:mail"),
            See(NOON, "A:page"),
            Supersede(NOON, 2),
            Waive(NOON, "lia", "on leave", "2026-06-30"),
            LoseReach(NOON, "550"),
            RegainReach(NOON),
        ]
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=200)
@given(acts, st.sampled_from(["acknowledge", "see"]))
def test_whatever_people_do_nothing_settled_becomes_open_again(story: list[object], need: str) -> None:
    opened = hear({}, cause_news(news(), because=cause())).opened
    obligation = next(one for one in opened if one.need == need)
    seen: list[str] = [obligation.state]
    for act in story:
        (obligation,) = apply([obligation], act) or [obligation]  # type: ignore[arg-type]
        seen.append(obligation.state)
        if seen[-2] in {"acknowledged", "superseded"}:
            assert obligation.state == seen[-2]
        if seen[-2] in {"seen", "waived"}:
            assert obligation.state in {seen[-2], "acknowledged"}
    if need == "acknowledge":
        assert "seen" not in seen


def test_the_first_acknowledgement_is_kept() -> None:
    (obligation, *_) = hear({}, cause_news(news())).opened
    (first,) = apply([obligation], Acknowledge(NOON, "B:mail"))
    assert decide_act(first, Acknowledge(NOON + timedelta(days=1), "A:page")) is None


def test_no_rule_leads_out_of_acknowledged_or_superseded() -> None:
    assert not any({"acknowledged", "superseded"} & sources for sources, _ in RULES.values())
