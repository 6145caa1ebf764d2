"""Door: programs. Launches in and out, why a date is what it is, who knows, and whether every cause was answered.

The routes about the plumbing (changes, republish, parked) are shared.web's.
"""

from fastapi import APIRouter

from services.launch.api.agreed import build_activities, build_tier
from services.launch.api.proposals import build_proposals, build_undo, build_verdicts
from services.launch.api.radius import build_radius, build_radius_told
from services.launch.api.reads import build_list, build_one, build_sums
from services.launch.api.scenarios import build_keeping, build_scenarios
from services.launch.api.trains import build_trains
from services.launch.api.whatif import build_simulations
from services.launch.api.writes import build_change, build_create
from services.launch.handlers.deciding import Deciding
from services.launch.handlers.solving import Solving
from shared.runtime.clock import Clock


def build_routers(deciding: Deciding, solving: Solving, clock: Clock) -> list[APIRouter]:
    """All of launch's own routes, to be put under `/launch/api/v1`."""
    return [
        build_list(deciding.database),
        build_one(deciding, clock),
        build_sums(deciding),
        build_create(deciding, clock),
        build_change(deciding, clock),
        build_tier(deciding, clock),
        build_activities(deciding, clock),
        build_trains(deciding, clock),
        build_proposals(deciding),
        build_verdicts(deciding, clock),
        build_undo(deciding, clock),
        build_simulations(deciding, solving, clock),
        build_scenarios(deciding),
        build_keeping(deciding),
        build_radius(deciding, clock),
        build_radius_told(deciding, clock),
    ]
