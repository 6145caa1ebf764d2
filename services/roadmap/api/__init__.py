"""Door: programs. Observations in, one at a time or many; what became of them, features and sums out.

The routes about the plumbing (changes, republish, parked) are shared.web's.
"""

from fastapi import APIRouter

from services.roadmap.api.features import build_feature_reads
from services.roadmap.api.held import build_held
from services.roadmap.api.observations import build_observation_reads, build_sums
from services.roadmap.api.writes import build_bulk, build_puts
from services.roadmap.handlers.exactly import Exactly


def build_routers(exactly: Exactly) -> list[APIRouter]:
    """All of roadmap's own routes, to be put under `/roadmap/api/v1`."""
    database = exactly.acceptance.database
    return [
        build_puts(exactly),
        build_bulk(exactly),
        build_held(exactly.acceptance),
        build_observation_reads(database),
        build_sums(database),
        build_feature_reads(database),
    ]
