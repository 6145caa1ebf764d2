"""Small launches leave together by segment; the quiet ones are a line in the notes; nobody hears too much unseen."""

from services.launch.domain.trains import crowdings, rides
from tests.unit.launch.story import CALENDAR, MEDIUM, SMALL, Story, on, only


def test_a_train_carries_its_segments_launches_its_strength_and_the_quiet_ones_as_lines() -> None:
    story = Story()
    story.add("A", day="2026-03-18", impact=SMALL, segments=("smb",))
    story.add("B", day="2026-03-19", impact=SMALL, segments=("smb", "enterprise"))
    assert list(crowdings(story.state.launches.values(), CALENDAR)) == []  # one train is one announcement
    story.add("C", day="2026-03-12", impact={"reach": 1}, segments=("smb",), title="A small thing")
    story.add("D", day="2026-02-12", impact={"reach": 1}, segments=("smb",))
    found = {
        one.segment: one for one in rides(story.state.launches.values(), [*story.state.features.values()], CALENDAR)
    }
    assert {one.day for one in found.values()} == {on("2026-03-24")}
    assert (found["smb"].launches, found["smb"].strength) == (("L-A", "L-B"), 58)
    assert found["smb"].notes == ("C: A small thing",)
    assert (found["enterprise"].launches, found["enterprise"].notes, found["enterprise"].weak) == (("L-B",), (), False)


def test_who_hears_too_much_in_a_week_or_without_rest_is_named() -> None:
    story = Story()
    for ref, day in (("A", "2026-06-01"), ("B", "2026-06-02"), ("C", "2026-06-03")):
        story.add(ref, day=day, impact=MEDIUM, segments=("smb",))
    assert list(crowdings(story.state.launches.values(), CALENDAR)) == []  # by itself nobody crowds
    story.person("L-B", date=on("2026-06-09"), pin="a promise")
    story.person("L-C", date=on("2026-06-11"), pin="a promise")
    told = [one.detail for one in crowdings(story.state.launches.values(), CALENDAR)]
    assert told == [
        "smb hears 3 announcements in one week; 2 are allowed",
        "smb has 0 days of rest before 2026-06-09; 2 are due",
        "smb has 1 days of rest before 2026-06-11; 2 are due",
    ]


def test_the_second_missed_train_raises_a_flag() -> None:
    story = Story()
    story.add(day="2026-03-18", impact=SMALL)
    first = only(story.change("delayed", day="2026-04-15"))
    assert not any(link.constraint == "missed_trains" for link in first.why)
    second = only(story.change("delayed", day="2026-05-12"))
    (flag,) = [link.detail for link in second.why if link.constraint == "missed_trains"]
    assert flag.startswith("Feature F-1 misses its train for the 2. time")
    assert story.stored().trains_missed == 2
    assert story.replayed().launches == story.state.launches
