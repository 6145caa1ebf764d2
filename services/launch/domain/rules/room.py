"""How much teams can give to launches in a week, and how many launches of a tier there may be in one."""

from collections.abc import Iterator
from datetime import date

from services.launch.domain.policy import Policy
from services.launch.domain.rules.rule import Use, WeeklyLimit
from shared.contracts.launch import LaunchSnapshot, Tier


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
