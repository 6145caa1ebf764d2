"""What speaks against a day by itself: a person wants another, nobody works, it is frozen, no train leaves.

What a policy says of days is asked for each day, tier and set of regions again and again; catalogue.py remembers it.
"""

from collections.abc import Iterator
from datetime import date

from services.launch.domain.calendar import FAR, ONE_DAY, SOFT, Calendar
from services.launch.domain.rules.rule import Bound, Rule, Situation, Violation
from shared.contracts.launch import Tier


class Limits(Rule):
    """Tomorrow is the first day there is, and a person may have set a first and a last one."""

    names = ("not_before", "not_after", "today", "horizon")

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """A person's first day, and tomorrow."""
        if first := situation.not_before:
            yield Bound(first, "not_before", None, f"a person wants it on {first} at the earliest")
        tomorrow = situation.today + ONE_DAY
        yield Bound(tomorrow, "today", None, f"a launch needs at least a day: not before {tomorrow}")

    def against(self, situation: Situation, day: date, calendar: Calendar) -> Iterator[Violation]:
        """A person's last day."""
        if situation.not_after and day > situation.not_after:
            yield Violation("not_after", f"a person wants it by {situation.not_after} at the latest")

    def of_day(self, day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> Iterator[Violation]:
        """No calendar reaches further than that."""
        if day > FAR:
            yield Violation("horizon", f"{day} is too far ahead")


class Workday(Rule):
    """People work on the day in every region of the launch."""

    names = ("workday",)

    def of_day(self, day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> Iterator[Violation]:
        """A weekend or a holiday somewhere."""
        for region in calendar.idle_regions(day, regions):
            yield Violation("workday", f"{day} is no working day" + (f" in {region}" if region else ""))


class Frozen(Rule):
    """No launch of these tiers, regions and teams in a freeze; a soft one only keeps automatic dates away."""

    names = ("freeze", SOFT)

    def of_day(self, day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> Iterator[Violation]:
        """Every freeze that holds the day."""
        for freeze in calendar.freezes_on(day, tier, regions):
            yield Violation(SOFT if freeze.soft else "freeze", f"{day} is frozen: {freeze.reason}")


class TrainDay(Rule):
    """Tiers that board trains leave on the day of one."""

    names = ("train",)

    def of_day(self, day: date, tier: Tier, regions: tuple[str, ...], calendar: Calendar) -> Iterator[Violation]:
        """Any other day."""
        if calendar.boards(tier) and calendar.next_train(day) != day:
            yield Violation("train", f"{day} is no train; the next one leaves on {calendar.next_train(day)}")
