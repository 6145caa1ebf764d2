"""Rules of a launch by itself: its features, its teams, trains, the days that persons want, and the calendar.

The latest of all bounds is the first day that is not too early. What the policy says of days is asked again and again;
catalogue.py remembers it.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from services.launch.domain.calendar import FAR, ONE_DAY, SOFT, Calendar
from services.launch.domain.feature import KnownFeature, waits_for
from services.launch.domain.policy import Activity
from services.launch.domain.rules.rule import Bound, Rule, Situation, Violation
from shared.contracts.launch import Tier


class Ready(Rule):
    """Every feature has been ready for as long as the tier wants it to settle; none is without a day or paused."""

    names = ("ready",)

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """Ready plus the tier's `soak_days`."""
        soak = calendar.policy.tiers[situation.tier].soak_days
        for known in situation.features:
            if ready := known.ready_on:
                day = can_be_ready(known, ready, situation.today)
                settled = day + timedelta(days=soak)
                detail = f"{say_ready(known, ready, day)}; plus {soak} days to settle: {settled}"
                yield Bound(settled, "ready", known.id, detail)

    def against(self, situation: Situation, day: date, calendar: Calendar) -> Iterator[Violation]:
        """A feature that waits for something keeps the launch from every day."""
        for known in situation.features:
            if waits := waits_for(known):
                yield Violation("ready", waits, feature=known.id)


class Boarding(Rule):
    """A launch that leaves by train is ready `cutoff_days` before it."""

    names = ("train",)

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """Ready plus the cutoff."""
        cutoff = calendar.policy.trains.cutoff_days
        for known in situation.features if calendar.boards(situation.tier) else ():
            if ready := known.ready_on:
                day = can_be_ready(known, ready, situation.today)
                boarding = day + timedelta(days=cutoff)
                detail = f"{say_ready(known, ready, day)}; a train is boarded {cutoff} days before: {boarding}"
                yield Bound(boarding, "train", known.id, detail)


class LeadAfterReady(Rule):
    """Teams whose work waits for the features keep their working days after them."""

    names = ("lead",)

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """Ready plus the working days of each such activity."""
        for known in situation.features if situation.after_ready else ():
            if ready := known.ready_on:
                day = can_be_ready(known, ready, situation.today)
                told = say_ready(known, ready, day)
                for activity, days in situation.after_ready:
                    begun = calendar.after_working_days(day, days, situation.regions)
                    what = f"{activity.name} ({activity.team}) needs {days} working days after that: {begun}"
                    yield Bound(begun, "lead", known.id, f"{told}; {what}")


class NoticeGiven(Rule):
    """The tier's notice, in working days since the feature's day is to be counted on. A slip does not restart it."""

    names = ("notice",)

    def bounds(self, situation: Situation, calendar: Calendar) -> Iterator[Bound]:
        """Confident since, plus what is asked for and not waived."""
        asked = calendar.policy.tiers[situation.tier].lead_working_days
        lead = asked if situation.notice is None else min(asked, situation.notice)
        for known in situation.features:
            if known.ready_on is None:
                continue
            since = known.confident_since or situation.today
            day = calendar.after_working_days(since, lead, situation.regions)
            told = f"confident since {since}" if known.confident_since else "not confident yet"
            left = f"{lead} working days of notice" + (f" ({asked - lead} waived)" if lead < asked else "")
            yield Bound(day, "notice", known.id, f"{known.snapshot.ref} is {told}; {left}: {day}")


def shortfalls(situation: Situation, day: date, calendar: Calendar) -> Iterator[tuple[Activity, int, int]]:
    """What a launch on the day leaves too little time for: the activity, working days asked for, and those left."""
    ready = [can_be_ready(known, known.ready_on, situation.today) for known in situation.features if known.ready_on]
    for activity, days in situation.after_ready:
        kept = calendar.count_working_days(max(ready, default=day), day, situation.regions)
        if kept < days:
            yield activity, days, kept


def can_be_ready(known: KnownFeature, ready: date, today: date) -> date:
    """The day on which the feature can be ready: what is overdue can be today."""
    return ready if known.is_shipped else max(ready, today)


def say_ready(known: KnownFeature, ready: date, day: date) -> str:
    """When the feature is ready, and how that is known."""
    ref, likely, target = known.snapshot.ref, known.likely, known.snapshot.target
    if known.is_shipped:
        return f"{ref} shipped on {ready}"
    if day > ready:
        return f"{ref} is overdue since {ready} and can be ready today"
    if likely is None or target is None:
        return f"{ref} is ready on {ready}"
    within = f"{likely.days} working days of its {target.resolution}"
    return f"{ref} is ready on {ready}, as {likely.team} ships {likely.percentile} of 100 within {within}"


class DayLimits(Rule):
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


class NotFrozen(Rule):
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
