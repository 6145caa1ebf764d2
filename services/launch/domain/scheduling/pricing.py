"""What it costs to move a launch, by the policy's objective. The planner counts the same for blocks of launches."""

from datetime import date

from services.launch.domain.context import Context
from services.launch.domain.policy import louder
from shared.contracts.launch import LaunchSnapshot


def price(one: LaunchSnapshot, after: date | None, context: Context, before: date | None = None) -> int:
    """Of moving the launch from its date, or from `before`; nothing where there is no day to count from or to."""
    before = before or one.date
    if before is None or after is None or before == after:
        return 0
    objective = context.policy.objective
    return value_of_day(one, before, context) * (objective.fixed_days + abs((after - before).days))


def value_of_day(one: LaunchSnapshot, day: date, context: Context) -> int:
    """What each day costs by which the launch, or a part of it, comes later than this one."""
    objective = context.policy.objective
    weight = objective.weight.get(louder(one.market_tier, one.internal_tier), 1)
    weight *= objective.announced_factor if one.state == "announced" else 1
    ahead = (day - context.today).days
    factors = (each.factor for each in objective.proximity if each.within_days is None or ahead <= each.within_days)
    return weight * next(factors, 1)
