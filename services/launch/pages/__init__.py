"""Door: people. What is ahead (launches.py), one launch (launch.py), and what a person does with it (acts.py)."""

from fastapi import APIRouter

from services.launch.handlers.deciding import Deciding
from services.launch.pages.acts import build_acts
from services.launch.pages.launch import build_launch
from services.launch.pages.launches import build_launches
from services.launch.pages.live import build_live
from services.launch.pages.load import build_capacity
from services.launch.pages.proposals import build_decisions, build_inbox
from services.launch.pages.radius import build_radius_page
from services.launch.pages.scenarios import build_scenario_acts, build_scenario_page
from services.launch.pages.trains import build_trains_page
from shared.runtime.clock import Clock
from shared.web.pages import Pages


def build_routers(deciding: Deciding, pages: Pages, clock: Clock) -> list[APIRouter]:
    """All of launch's pages, to be put under `/launch`."""
    return [
        build_launches(deciding, pages, clock),
        build_live(deciding.database),
        build_launch(deciding, pages, clock),
        build_acts(deciding, pages, clock),
        build_inbox(deciding, pages),
        build_decisions(deciding, pages, clock),
        build_capacity(deciding, pages, clock),
        build_trains_page(deciding, pages, clock),
        build_radius_page(deciding, pages, clock),
        build_scenario_page(deciding, pages, clock),
        build_scenario_acts(deciding, pages, clock),
    ]
