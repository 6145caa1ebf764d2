"""What people do with launches, and what then happens to a date that only they may move."""

import pytest

from services.launch.domain.calendar import RefusedError
from shared.contracts.launch import Owner
from shared.contracts.words import PersonId
from tests.unit.launch.story import MEDIUM, SMALL, Story, on, only


def planned(*refs: str, day: str = "2026-06-01") -> Story:
    story = Story()
    for ref in refs or ("F-1",):
        story.add(ref, day=day, impact=MEDIUM)
    return story


def test_a_person_makes_one_launch_of_two_features_and_it_waits_for_the_later_one() -> None:
    story = planned("A", "B")
    change = only(story.person(None, features=("A", "B"), name="The big one"))
    assert (change.launch.id, change.launch.name, change.launch.date) == ("L-A.2", "The big one", on("2026-06-08"))
    assert (story.told[-1][0].cause.id, story.told[-1][0].cause.source.actor) == ("launch:person:r2", "ana")
    message = story.change("delayed", "B", day="2026-06-22")
    assert {one.launch.id: one.launch.date for one in message.changes} == {
        "L-A.2": on("2026-07-01"),
        "L-B": on("2026-07-01"),
    }


def test_a_launch_without_a_name_of_its_own_is_called_after_its_features() -> None:
    story = planned("A", "B")
    assert only(story.person(None, features=("A", "B"))).launch.name == "Feature A and 1 more"
    story.change("renamed", "A", title="Dark mode")
    assert story.launch("L-A.2").name == "Dark mode and 1 more"


def test_of_two_features_one_is_cancelled_and_the_launch_stays_for_the_other() -> None:
    story = planned("A", "B")
    story.person(None, features=("A", "B"))
    story.person("L-A", cancel=True)
    message = story.change("cancelled", "A", status="cancelled")
    assert [(one.launch.id, one.launch.state, one.material) for one in message.changes] == [("L-A.2", "planned", True)]
    message = story.change("cancelled", "B", status="cancelled")
    assert [one.launch.state for one in message.changes] == ["cancelled", "cancelled"]


def test_a_launch_of_two_features_happens_only_when_both_are_live() -> None:
    story = planned("A", "B")
    story.person("L-A", features=("A", "B"))
    story.change("shipped", "A", status="shipped")
    assert story.launch("L-A").state == "planned"
    story.wait_until("2026-06-08")
    assert (story.launch("L-A").state, story.launch("L-A").waits_for) == ("held", "B had not shipped on 2026-06-08")


def test_a_person_may_choose_a_feature_that_the_policy_would_leave_to_the_notes() -> None:
    story = Story()
    story.add("A", day="2026-06-01", stage="alpha")
    change = only(story.person(None, features=("A",)))
    assert (change.launch.market_tier, change.launch.date) == ("T4", on("2026-06-01"))
    assert story.change("delayed", "A", day="2026-06-10").changes[0].launch.state == "planned"


def test_a_name_given_by_a_person_stays_when_the_feature_is_renamed() -> None:
    story = planned()
    assert only(story.person(name="Night shift")).kinds == ("renamed",)
    story.change("renamed", title="Dark mode")
    assert story.launch().name == "Night shift"


def test_a_pinned_launch_does_not_move_but_opens_a_conflict_with_ways_out() -> None:
    story = planned()
    assert only(story.person(pin="the conference")).kinds == ("pinned",)
    message = story.change("delayed", day="2026-06-22")
    assert (only(message).kinds, only(message).launch.date) == (("conflict_opened",), on("2026-06-08"))
    (conflict,) = message.conflicts
    assert (conflict.constraint, conflict.detail) == (
        "ready",
        "F-1 is ready on 2026-06-22; plus 5 days to settle: 2026-06-27",
    )
    assert [one.action for one in conflict.options] == ["move_pin", "announce_now_ship_later"]
    assert conflict.options[0].detail == "Move the pin from 2026-06-08 to 2026-07-01."


def test_one_late_feature_of_two_can_be_dropped_from_a_pinned_launch() -> None:
    story = planned("A", "B")
    story.person("L-A", features=("A", "B"))
    story.person("L-A", pin="the conference")
    message = story.change("delayed", "B", day="2026-06-22")
    (conflict,) = message.conflicts
    assert "drop_feature" in {one.action for one in conflict.options}
    change = only(story.person("L-A", features=("A",)))
    assert set(change.kinds) == {"renamed", "rescoped", "conflict_closed"}


def test_a_conflict_closes_when_the_date_fits_again_and_is_not_told_twice() -> None:
    story = planned()
    story.person(pin="the conference")
    story.change("delayed", day="2026-06-22")
    assert story.change("health_changed", health="at_risk").changes == ()
    change = only(story.change("pulled_in", day="2026-06-02"))
    assert (change.kinds, change.material) == (("conflict_closed",), True)
    assert story.stored().conflicts == ()


def test_unpinned_it_moves_to_where_it_can_be() -> None:
    story = planned()
    story.person(pin="the conference")
    story.change("delayed", day="2026-06-22")
    change = only(story.person(unpin=True))
    assert (set(change.kinds), change.launch.date) == (
        {"rescheduled", "unpinned", "conflict_closed"},
        on("2026-07-01"),
    )


def test_a_pinned_day_that_passes_unshipped_keeps_its_date_and_stays_visible() -> None:
    story = planned()
    story.person(pin="the conference")
    (message,) = story.wait_until("2026-06-09")
    change = only(message)
    assert (change.launch.date, change.launch.state) == (on("2026-06-08"), "held")
    assert "missed" in {one.constraint for one in message.conflicts}
    assert story.wait_until("2026-07-20") == []
    story.change("shipped", status="shipped")
    assert story.launch().date == on("2026-06-08")


def test_a_person_may_take_the_earlier_day_that_a_pull_in_allows() -> None:
    story = planned()
    story.change("pulled_in", day="2026-05-04")
    change = only(story.person(date=on("2026-05-11")))
    assert (change.kinds, change.launch.date) == (("rescheduled",), on("2026-05-11"))


def test_a_day_against_the_rules_is_refused_with_every_reason_unless_it_is_pinned() -> None:
    story = planned()
    with pytest.raises(RefusedError, match=r"ready on 2026-06-01.*no working day") as refused:
        story.person(date=on("2026-05-31"))
    assert refused.value.where == "$.date"
    change = only(story.person(date=on("2026-05-31"), pin="promised on stage"))
    assert set(change.kinds) == {"rescheduled", "pinned", "conflict_opened"}


@pytest.mark.parametrize(
    ("launch", "fields", "where"),
    [
        ("L-nobody", {"name": "x"}, "$"),
        (None, {"features": ()}, "$.features"),
        (None, {}, "$.features"),
        (None, {"features": ("F-1", "F-9")}, "$.features"),
        ("L-F-1", {"date": on("2026-01-05")}, "$.date"),
    ],
)
def test_what_cannot_be_done_is_refused_and_says_where(
    launch: str | None, fields: dict[str, object], where: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        planned().person(launch, **fields)
    assert refused.value.where == where


def test_called_off_by_a_person_it_stays_off_until_a_person_takes_it_up_again() -> None:
    story = planned()
    assert only(story.person(cancel=True)).kinds == ("cancelled",)
    assert story.change("delayed", day="2026-06-22").changes == ()
    with pytest.raises(RefusedError, match="called off"):
        story.person(date=on("2026-08-03"))
    change = only(story.person(cancel=False))
    assert (change.kinds[0], change.launch.date) == ("revived", on("2026-07-01"))


def test_owners_and_segments_are_a_persons_and_raise_the_revision() -> None:
    story = planned()
    change = only(story.person(owners=(Owner(role="pmm", person=PersonId("p1")),), segments=("schools",)))
    assert (change.kinds, change.material, change.launch.revision) == (("rescoped",), True, 2)
    story.change("rescoped", segments=("banks",))
    assert story.launch().segments == ("schools",)


def test_after_the_launch_only_its_name_and_owners_can_change() -> None:
    story = planned()
    story.change("shipped", status="shipped")
    story.wait_until("2026-06-09")
    assert only(story.person(name="What it was")).launch.state == "launched"
    with pytest.raises(RefusedError, match="has happened"):
        story.person(date=on("2026-08-03"))


def test_a_person_who_pins_a_small_launch_off_the_train_sees_it_as_a_conflict() -> None:
    story = Story()
    story.add(day="2026-05-16", impact=SMALL)
    message = story.person(date=on("2026-05-21"), pin="the fair")
    assert (only(message).launch.train, [one.constraint for one in message.conflicts]) == (None, ["train"])
