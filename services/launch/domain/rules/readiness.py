"""What features, teams and trains ask of a launch's first day: ready, boarding, lead after ready, notice.

Each gives a day for each feature; the latest of all is the first day that is not too early.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from services.launch.domain.calendar import Calendar
from services.launch.domain.feature import KnownFeature, waits_for
from services.launch.domain.policy import Activity
from services.launch.domain.rules.rule import Bound, Rule, Situation, Violation


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


class Notice(Rule):
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
