"""The life of a launch as its features move: each test is one sentence of the business."""

from typing import Any

from tests.unit.launch.story import MEDIUM, SMALL, Story, on, only, target


def planned(day: str = "2026-06-01", **fields: Any) -> Story:
    """A story with one T2 launch, L-F-1, planned for a week after the feature is ready."""
    story = Story()
    story.add(day=day, **({"impact": MEDIUM} | fields))
    return story


def test_a_feature_worth_telling_gets_a_launch_on_its_first_allowed_day() -> None:
    story = Story()
    change = only(story.add(day="2026-06-01", impact=MEDIUM))
    assert (change.kinds, change.material, change.launch.revision) == (("planned",), True, 1)
    assert (change.launch.id, change.launch.date, change.launch.market_tier) == ("L-F-1", on("2026-06-08"), "T2")
    assert [link.detail for link in change.why] == [
        "Somebody said 0",
        "F-1 is ready on 2026-06-01; plus 5 days to settle: 2026-06-06",
        "2026-06-06 is no working day",
        "Feature F-1 is planned for 2026-06-08",
    ]


def test_notes_only_features_get_no_launch_but_their_people_hear_of_them() -> None:
    message = Story().add(day="2026-06-01", stage="alpha")
    assert (message.changes, message.untouched) == ((), ("F-1",))


def test_a_small_launch_boards_the_next_train_that_its_cutoff_allows() -> None:
    story = Story()
    change = only(story.add(day="2026-05-17", impact=SMALL))
    assert (change.kinds, change.launch.date, change.launch.train) == (
        ("planned", "boarded"),
        on("2026-06-16"),
        on("2026-06-16"),
    )
    assert only(story.add("F-2", day="2026-05-16", impact=SMALL)).launch.date == on("2026-05-19")


def test_a_delay_moves_the_launch_later_and_the_chain_names_the_culprit() -> None:
    story = planned()
    change = only(story.change("delayed", day="2026-06-25"))
    assert (change.kinds, change.launch.date, change.launch.revision) == (("rescheduled",), on("2026-07-01"), 2)
    assert [(link.event, link.feature, link.constraint, link.launch) for link in change.why] == [
        ("native:1", "F-1", None, None),
        (None, "F-1", "ready", None),
        (None, None, "freeze", None),
        (None, None, None, "L-F-1"),
    ]


def test_a_delay_within_the_slack_moves_nothing_and_is_still_answered() -> None:
    story = planned()
    message = story.change("delayed", day="2026-06-03")
    assert (message.changes, message.untouched, message.revision) == ((), ("F-1",), 2)


def test_a_missed_train_means_the_next_one() -> None:
    story = Story()
    story.add(day="2026-05-16", impact=SMALL)
    change = only(story.change("delayed", day="2026-05-17"))
    assert (change.kinds, change.launch.train) == (("rescheduled", "left_train", "boarded"), on("2026-06-16"))


def test_an_earlier_target_moves_nothing_but_shows_what_would_be_possible() -> None:
    story = planned()
    message = story.change("pulled_in", day="2026-05-04")
    (chance,) = message.opportunities
    assert (message.changes, chance.launch, chance.earliest) == ((), "L-F-1", on("2026-05-11"))


def test_a_target_that_comes_back_within_a_week_undoes_the_moves_it_made() -> None:
    story = planned()
    story.change("delayed", day="2026-07-01")
    story.change("delayed", day="2026-08-03")
    change = only(story.change("pulled_in", day="2026-06-01"))
    assert (change.kinds, change.launch.date) == (("rescheduled", "undone"), on("2026-06-08"))
    assert story.stored().moves == ()


def test_a_target_that_comes_back_half_way_undoes_only_the_later_move() -> None:
    story = planned()
    story.change("delayed", day="2026-07-01")
    story.change("delayed", day="2026-08-03")
    assert only(story.change("pulled_in", day="2026-07-01")).launch.date == on("2026-07-06")
    assert only(story.change("pulled_in", day="2026-06-01")).launch.date == on("2026-06-08")


def test_a_target_that_comes_back_too_late_or_elsewhere_undoes_nothing() -> None:
    story = planned()
    story.change("delayed", day="2026-07-01")
    assert story.change("pulled_in", day="2026-06-02").changes == ()
    story.wait(days=8)
    message = story.change("pulled_in", day="2026-06-01")
    assert (message.changes, len(message.opportunities)) == ((), 1)


def test_a_release_that_moves_moves_its_launches_in_one_message() -> None:
    story = Story()
    for ref in ("A", "B", "C"):
        story.add(ref, release="v1", day="2026-06-01", impact=MEDIUM)
    changes = [story.changed("delayed", ref, target=target("2026-07-15", "v1")) for ref in ("A", "B", "C")]
    message = story.hear(*changes, kind="release_moved")
    assert [(one.launch.id, one.launch.date) for one in message.changes] == [
        (name, on("2026-07-20")) for name in ("L-A", "L-B", "L-C")
    ]


def test_a_release_moved_three_times_and_back_leaves_the_launch_where_it_was() -> None:
    story = planned(release="v1")
    for day in ("2026-06-20", "2026-07-06", "2026-08-17"):
        assert "rescheduled" in only(story.change("delayed", target=target(day, "v1"))).kinds
    assert only(story.change("pulled_in", target=target("2026-06-01", "v1"))).launch.date == on("2026-06-08")


def test_the_same_day_in_another_zone_is_no_news_for_the_launch() -> None:
    story = planned()
    written = target("2026-06-01").model_copy(update={"as_written": {"on": "2026-06-01T00:00:00Z"}})
    assert story.change("retargeted", target=written).changes == ()


def test_a_month_narrowed_to_a_day_shows_the_earlier_chance_and_moves_nothing() -> None:
    story = Story()
    month = target("2026-06-30").model_copy(update={"earliest": on("2026-06-01"), "resolution": "month"})
    assert only(story.add(target=month, impact=MEDIUM)).launch.date == on("2026-07-06")
    message = story.change("narrowed", day="2026-06-10")
    assert (message.changes, message.opportunities[0].earliest) == ((), on("2026-06-15"))


def test_a_launch_waits_for_the_day_of_its_release_and_says_so() -> None:
    story = Story()
    change = only(story.add(target=target(None, "v9"), release="v9", impact=MEDIUM))
    assert (change.launch.date, change.launch.waits_for) == (None, "F-1 waits for a day of release v9")
    change = only(story.change("narrowed", target=target("2026-06-01", "v9")))
    assert (change.kinds, change.launch.date, change.launch.waits_for) == (("rescheduled",), on("2026-06-08"), None)


def test_a_lost_target_takes_the_date_away_and_a_new_one_needs_notice_again() -> None:
    story = planned()
    change = only(story.change("unscheduled", target=None))
    assert (change.launch.date, change.launch.state, change.launch.waits_for) == (
        None,
        "planned",
        "F-1 has no target yet",
    )
    story.wait_until("2026-05-18")
    assert only(story.change("scheduled", day="2026-06-01")).launch.date == on("2026-07-01")


def test_lost_confidence_restarts_the_notice_and_a_mere_slip_does_not() -> None:
    story = planned(day="2026-02-16")
    assert story.launch().date == on("2026-02-23")
    story.wait_until("2026-01-26")
    assert story.change("delayed", day="2026-02-18").changes == ()
    change = only(story.change("health_changed", health="off_track"))
    assert (change.launch.date, change.why[1].constraint) == (on("2026-03-09"), "notice")
    assert change.why[1].detail == "F-1 is not confident yet; 30 working days of notice: 2026-03-09"


def test_shipped_early_is_held_until_the_day_and_then_launched() -> None:
    story = planned()
    change = only(story.change("shipped", status="shipped"))
    assert (change.kinds[0], change.launch.state, change.launch.date) == ("held", "held", on("2026-06-08"))
    assert story.wait_until("2026-06-07") == []
    (message,) = story.wait_until("2026-06-08", hour=0)
    assert (only(message).kinds, message.cause.kind, message.cause.caused_by) == (("launched",), "clock", "native:0")


def test_not_shipped_on_its_day_is_held_without_a_date_until_the_next_change() -> None:
    story = planned()
    (message,) = story.wait_until("2026-06-09")
    change = only(message)
    assert (change.launch.state, change.launch.date, change.launch.waits_for) == (
        "held",
        None,
        "F-1 had not shipped on 2026-06-08",
    )
    change = only(story.change("shipped", status="shipped"))
    assert (change.launch.state, change.launch.date) == ("held", on("2026-06-15"))
    (message,) = story.wait_until("2026-06-15")
    assert only(message).launch.state == "launched"


def test_unshipped_before_the_launch_releases_the_hold() -> None:
    story = planned()
    story.change("shipped", status="shipped")
    change = only(story.change("unshipped", status="in_progress"))
    assert ("released_hold" in change.kinds, change.launch.state, change.launch.date) == (
        True,
        "planned",
        on("2026-06-08"),
    )


def launched() -> Story:
    story = planned()
    story.change("shipped", status="shipped")
    story.wait_until("2026-06-09")
    return story


def test_unshipped_after_the_launch_is_a_correction_and_shipping_again_a_relaunch() -> None:
    story = launched()
    change = only(story.change("unshipped", status="in_progress"))
    assert (change.launch.state, change.launch.date, change.material) == ("held", None, True)
    assert "must be corrected" in (change.launch.waits_for or "")
    story.change("shipped", status="shipped")
    (message,) = story.wait_until("2026-07-01")
    assert only(message).kinds == ("relaunched",)


def test_cancelled_after_the_launch_cancels_it_aloud() -> None:
    story = launched()
    change = only(story.change("unshipped cancelled", status="cancelled"))
    assert (change.launch.state, change.kinds) == ("cancelled", ("cancelled", "rescoped"))


def test_what_has_happened_is_not_rewritten_by_later_news() -> None:
    story = launched()
    message = story.change("renamed rescoped", title="Another name", impact={})
    assert (message.changes, message.untouched) == ((), ("F-1",))


def test_the_next_stage_of_a_launched_feature_opens_a_launch_of_its_own() -> None:
    story = Story()
    story.add(day="2026-05-16", stage="beta")
    story.change("shipped", status="shipped")
    story.wait_until("2026-05-20")
    assert story.launch().state == "launched"
    change = only(story.change("unshipped stage_changed", stage="ga", status="planned", day="2026-09-01"))
    assert (change.launch.id, change.launch.market_tier, change.launch.date) == ("L-F-1.ga", "T2", on("2026-09-07"))
    assert story.launch().state == "launched"


def test_a_stage_that_changes_before_the_launch_retiers_and_redates_the_same_launch() -> None:
    story = Story()
    story.add(day="2026-05-23", stage="beta")
    change = only(story.change("stage_changed", stage="ga", day="2026-09-01"))
    assert (change.launch.id, change.launch.market_tier, change.launch.train) == ("L-F-1", "T2", None)
    assert {"retiered", "rescheduled", "left_train"} <= set(change.kinds)
    assert "tier" in {link.constraint for link in change.why}


def test_a_feature_that_grows_louder_needs_more_notice() -> None:
    story = Story()
    story.add(day="2026-01-24", impact=SMALL)
    assert story.launch().date == on("2026-01-27")
    change = only(story.change("rescoped", impact=MEDIUM))
    assert (change.launch.market_tier, change.launch.date) == ("T2", on("2026-02-16"))
    assert [link.constraint for link in change.why] == [None, "tier", "notice", "lead", "lead", None]
    assert "lead_time_at_risk" in change.kinds  # its kickoff must begin today


def test_a_feature_that_becomes_notes_only_loses_its_launch_and_can_get_it_back() -> None:
    story = Story()
    story.add(day="2026-05-23", stage="beta")
    assert only(story.change("stage_changed", stage="alpha")).kinds[0] == "cancelled"
    change = only(story.change("stage_changed", stage="beta"))
    assert (change.kinds[0], change.launch.id, change.launch.state) == ("revived", "L-F-1", "planned")


def test_paused_is_held_without_a_date_and_resumed_gets_it_back() -> None:
    story = planned()
    change = only(story.change("paused", status="paused"))
    assert (change.launch.state, change.launch.date, change.launch.waits_for) == ("held", None, "F-1 is paused")
    change = only(story.change("resumed", status="planned"))
    assert (change.launch.state, change.launch.date) == ("planned", on("2026-06-08"))
    assert "released_hold" in change.kinds


def test_cancelled_and_revived() -> None:
    story = planned()
    change = only(story.change("cancelled", status="cancelled"))
    assert (change.launch.state, change.material) == ("cancelled", True)
    assert story.wait_until("2026-06-08") == []
    change = only(story.change("revived", status="planned", day="2026-09-01"))
    assert (change.kinds[:2], change.launch.date) == (("revived", "rescheduled"), on("2026-09-07"))


def test_a_feature_that_was_live_before_we_heard_of_it_is_not_launched_again() -> None:
    message = Story().add(status="shipped", stage="ga", day="2025-06-01")
    assert (message.changes, message.untouched) == ((), ("F-1",))


def test_words_that_change_nothing_for_anybody_raise_no_revision() -> None:
    story = planned()
    change = only(story.change("renamed", title="A better title"))
    assert (change.kinds[0], change.material, change.launch.revision) == ("renamed", False, 1)
    assert story.told[-1][0].untouched == ("F-1",)


def test_a_launch_id_is_safe_in_an_address_and_unique() -> None:
    story = Story()
    for ref in ("acme/app#7", "acme/app!7", "KEP-1"):
        story.add(ref, day="2026-06-01", impact=MEDIUM)
    assert len(story.state.launches) == 3
    assert all(name.replace("-", "").isalnum() for name in story.state.launches)


def test_a_target_at_the_end_of_the_calendar_waits_and_breaks_nothing() -> None:
    story = Story()
    change = only(story.add(day="9999-12-31", impact=MEDIUM))
    assert (change.launch.date, (change.launch.waits_for or "")[:10]) == (None, "no day up ")
    assert only(story.change("pulled_in", day="0001-01-01")).launch.date == on("2026-02-16")
    assert only(story.add("F-2", day="9999-12-31", impact=SMALL)).launch.date is None


def test_days_that_no_longer_hold_do_not_pile_up() -> None:
    story = planned()
    for number in range(1100):
        story.state.put(story.stored().model_copy(update={"version": number}))
    assert len(story.state.days) < 1010
    assert story.state.next_day() == (on("2026-06-08"), "L-F-1")


def test_a_release_that_takes_features_along_says_of_each_what_happened_to_it() -> None:
    story = planned()
    message = story.hear(story.changed("delayed", day="2026-06-25"), kind="release_moved")
    assert [link.detail for link in only(message).why][1] == "F-1: delayed, 2026-06-01 to 2026-06-25"
