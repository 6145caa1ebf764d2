"""What others could do with the room that a launch made when it went. Nothing moves for it."""

from dataclasses import dataclass
from datetime import date, timedelta

from services.launch.domain.launch import Launch
from services.launch.domain.planning.resident import Resident
from services.launch.domain.planning.words import Alone, Attempt, Table
from shared.contracts.launch import Opportunity
from shared.contracts.words import LaunchId

NEAR_DAYS = 56
MOST_CANDIDATES, MOST_OPENINGS = 40, 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A launch, the earliest day by its own rules, and the earliest there was room for."""

    launch: Launch
    first: int
    free: int


def find_candidates(resident: Resident, work: Attempt, alone: Alone, table: Table) -> list[Candidate]:
    """Launches soon after one that goes, before it went."""
    days = [day for name in table.gone if name in resident.entries and (day := resident.entries[name].date)]
    if not days:
        return []
    near = sorted(
        (entry.date, name)
        for name, entry in resident.entries.items()
        if not entry.pinned and name not in table.gone and any(0 < entry.date - day <= NEAR_DAYS for day in days)
    )
    found = []
    for day, name in near[:MOST_CANDIDATES]:
        launch = None if name in work.wanted else table.state.launches[LaunchId(name)]
        wanted = table.revive(launch) if launch else None
        earliest = alone(wanted, undo=False).earliest if wanted else None
        if launch and earliest and earliest.toordinal() < day:
            free = resident.first_free(name, earliest.toordinal(), day)
            found.append(Candidate(launch, earliest.toordinal(), free or day))
    return found


def find_openings(resident: Resident, candidates: list[Candidate], table: Table) -> list[Opportunity]:
    """Those for which there is room earlier than there was."""
    found = []
    least = (table.scene.today + timedelta(days=1)).toordinal()
    for one in candidates:
        free = resident.first_free(one.launch.id, max(one.first, least), one.free - 1)
        if free:
            name, day = one.launch.snapshot.name, date.fromordinal(free)
            detail = f"{name} could launch on {day} instead of {one.launch.snapshot.date}, where there is room now."
            found.append(Opportunity(launch=one.launch.id, earliest=day, detail=detail))
    return found[:MOST_OPENINGS]
