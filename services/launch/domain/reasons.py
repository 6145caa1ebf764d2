"""The chain from a cause to what became of a launch, in sentences. Decides nothing."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from shared.contracts.cause import Cause
from shared.contracts.feature import FeatureChange, FeatureSnapshot
from shared.contracts.launch import LaunchSnapshot, Link

OF_ONE_FEATURE = frozenset({"observation", "import", "reconciliation"})

"""Kinds of causes that are the change of one feature, whatever it is."""

_WEEK = re.compile(r"(?:in )?(\d{4})-W(\d{2})")

_WORD = re.compile(r"[^\s,;:()]+")


def plainly(detail: str, name: Callable[[str], str]) -> str:
    """A sentence of the planner for people: weeks by their Mondays, and what `name` makes of the ids of launches."""

    def monday(found: re.Match[str]) -> str:
        return f"in the week of {date.fromisocalendar(int(found[1]), int(found[2]), 1)}"

    return _WEEK.sub(monday, _WORD.sub(lambda found: name(found[0]), detail))


def explain(
    cause: Cause,
    heard: Sequence[FeatureChange],
    before: LaunchSnapshot | None,
    after: LaunchSnapshot,
    steps: Sequence[Link],
) -> tuple[Link, ...]:
    """Event, the features that changed, the tier if it did, the rules that decided the date, the launch.

    Where the event is the change of one feature, its sentence says what happened to that feature: once is enough.
    """
    told = heard[0].feature.id if len(heard) == 1 and cause.kind in OF_ONE_FEATURE else None
    return (
        Link(event=cause.id, feature=told, detail=cause.summary),
        *(Link(feature=one.feature.id, detail=describe(one)) for one in heard if told is None),
        *_tier(before, after),
        *steps,
        Link(launch=after.id, detail=_outcome(before, after)),
    )


def describe(change: FeatureChange) -> str:
    """One sentence of what happened to a feature."""
    ref, kinds = change.feature.ref, list(change.kinds)
    told = f"{ref}: {', '.join(kind.replace('_', ' ') for kind in kinds) or 'changed'}"
    if change.by_working_days:
        told += f" by {change.by_working_days} working days"
    was, now = _window(change.before), _window(change.feature)
    return told + (f", {was} to {now}" if change.before and was != now else f", {now}" if now else "")


def _window(feature: FeatureSnapshot | None) -> str:
    if feature is None or feature.target is None:
        return "no target"
    target = feature.target
    return str(target.latest) if target.latest else " ".join(target.as_written.values())


def _tier(before: LaunchSnapshot | None, after: LaunchSnapshot) -> Iterator[Link]:
    if before and (before.market_tier, before.internal_tier) != (after.market_tier, after.internal_tier):
        detail = f"{before.market_tier} becomes {after.market_tier}: {after.tier_reason}"
        yield Link(launch=after.id, constraint="tier", detail=detail)


def _outcome(before: LaunchSnapshot | None, after: LaunchSnapshot) -> str:
    was, now = before.date if before else None, after.date
    if before and before.state != after.state and after.state in {"cancelled", "launched"}:
        return f"{after.name}: {after.state}"
    if after.state == "held" and now:
        return f"{after.name} is held: {after.waits_for or f'it is live, and will be announced on {now}'}"
    if was == now:
        return (
            f"{after.name} stays on {_day(now)}"
            if now
            else f"{after.name} has no date: {after.waits_for or after.state}"
        )
    if now is None:
        return f"{after.name} loses its date {was}: {after.waits_for or after.state}"
    return f"{after.name} moves from {was} to {now}" if was else f"{after.name} is planned for {now}"


def _day(day: date | None) -> str:
    return str(day) if day else "no date"
