"""What it costs to move a launch, by the policy's objective. The planner counts the same for blocks of launches."""

from datetime import date

from services.launch.domain.decide.scene import Scene
from services.launch.domain.policy import louder
from shared.contracts.launch import LaunchSnapshot


def price(one: LaunchSnapshot, after: date | None, scene: Scene) -> int:
    """Of moving the launch to another day; nothing where there is no day to count from or to."""
    if one.date is None or after is None:
        return 0
    objective = scene.policy.objective
    weight = objective.weight.get(louder(one.market_tier, one.internal_tier), 1)
    weight *= objective.announced_factor if one.state == "announced" else 1
    ahead = (one.date - scene.today).days
    factors = (each.factor for each in objective.proximity if each.within_days is None or ahead <= each.within_days)
    return weight * next(factors, 1) * (objective.fixed_days + abs((after - one.date).days))
