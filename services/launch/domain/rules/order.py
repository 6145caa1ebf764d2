"""Which launches come after others, share a date, and keep away from their product line's. Data in the policy."""

from collections.abc import Iterator
from datetime import date

from services.launch.domain.policy import Follows, Policy
from services.launch.domain.rules.rule import Board, Distance, Rule, ScopeKey, Spot, Violation
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId


class After(Rule):
    """A launch comes so long after another: calendar days, or working days of its own regions."""

    names = ("after",)
    is_planned = True

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Everybody whom the launch follows and who is too late for it."""
        for follows in board.policy.after:
            leader = board.day_of(follows.after) if follows.launch == spot.shape.id else None
            if leader and spot.day < first_after(follows, leader, spot.shape.regions, board):
                name = board.shape_of(follows.after).name
                lag = f"{follows.lag_working_days} working" if follows.lag_working_days else str(follows.lag_days)
                detail = f"{lag} days after {name} on {leader}"
                yield Violation("after", detail, by=(follows.after,), subject=follows.after)


class Together(Rule):
    """The launches of a group share one date. A plan moves them as one, so only a person's act can part them."""

    names = ("together",)

    def between(self, spot: Spot, board: Board) -> Iterator[Violation]:
        """Those of its group that are on another day."""
        group = board.calendar.group_of.get(spot.shape.id)
        for name in board.policy.together[group] if group else ():
            day = board.day_of(name)
            if day and day != spot.day:
                detail = f"{board.shape_of(name).name}, of the same group, is on {day}"
                yield Violation("together", detail, by=(name,), subject=name)


class Apart(Distance):
    """Launches of one product line and tier are so many days apart."""

    names = ("apart",)

    def scopes(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[tuple[ScopeKey, int]]:
        """Its line at its tier; a launch without a line keeps away from nobody."""
        if tier in policy.apart_days:
            yield (shape.product_line or shape.id, tier), policy.apart_days[tier]


def first_after(follows: Follows, leader: date, regions: tuple[str, ...], board: Board) -> date:
    """The first day for a launch in these regions after its leader's."""
    if follows.lag_working_days:
        return board.calendar.after_working_days(leader, follows.lag_working_days, regions)
    return date.fromordinal(leader.toordinal() + follows.lag_days)


def followers_of(launch: LaunchId, policy: Policy) -> Iterator[LaunchId]:
    """Launches that come after this one."""
    return (follows.launch for follows in policy.after if follows.after == launch)
