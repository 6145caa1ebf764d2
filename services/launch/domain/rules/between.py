"""Rules between launches: who follows whom, who shares a date, lines kept apart, teams' weeks. Data in the policy.

That nobody crowds a segment is in audience.py.
"""

from collections.abc import Iterator
from datetime import date

from services.launch.domain.policy import Follows, Policy
from services.launch.domain.rules.rule import Board, Distance, Rule, ScopeKey, Spot, Use, Violation, WeeklyLimit
from shared.contracts.launch import LaunchSnapshot, Tier
from shared.contracts.words import LaunchId


class InOrder(Rule):
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


class Capacity(WeeklyLimit):
    """A team's units of work in an ISO week; launches need some around their own, by tier (`load`)."""

    names = ("capacity",)

    def uses(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[Use]:
        """The tier's load on teams that have a capacity."""
        for load in policy.load.get(tier, ()):
            if load.team in policy.teams:
                yield from (Use(load.team, week, load.units) for week in range(load.from_week, load.to_week + 1))

    def limit(self, resource: str, monday: date, policy: Policy) -> int:
        """What the team has in that week."""
        team = policy.teams[resource]
        year, week, _ = monday.isocalendar()
        return team.weeks.get(f"{year:04d}-W{week:02d}", team.weekly)

    def resources(self, policy: Policy) -> Iterator[str]:
        """All teams that have a capacity."""
        yield from policy.teams

    def reach(self, policy: Policy) -> tuple[int, int]:
        """The first and the last week in which any tier needs work."""
        loads = [load for tier in policy.load.values() for load in tier]
        return min((load.from_week for load in loads), default=0), max((load.to_week for load in loads), default=0)


class Slots(WeeklyLimit):
    """At most so many launches of a tier in one ISO week, said in the name of a team."""

    names = ("capacity", "slots")
    """Conflicts and explanations say `capacity`, chains say `slots`: two of the old places disagree, and both stay."""

    def uses(self, shape: LaunchSnapshot, tier: Tier, policy: Policy) -> Iterator[Use]:
        """One of each slot of its tier."""
        yield from (Use(f"{slot.team} ({tier} launches)", 0, 1) for slot in policy.slots if slot.tier == tier)

    def limit(self, resource: str, monday: date, policy: Policy) -> int:
        """The slot's `most`."""
        return next(slot.most for slot in policy.slots if f"{slot.team} ({slot.tier} launches)" == resource)

    def resources(self, policy: Policy) -> Iterator[str]:
        """Every slot."""
        yield from (f"{slot.team} ({slot.tier} launches)" for slot in policy.slots)
