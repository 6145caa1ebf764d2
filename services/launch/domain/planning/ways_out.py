"""The ways out for a launch without room, and what they cost: dates by the objective, room in units. Moves nothing."""

from collections.abc import Collection, Iterator
from datetime import date

from services.launch.domain.planner.model import iso_week
from services.launch.domain.planner.oracle import Reason
from services.launch.domain.planning.resident import Resident
from shared.contracts.launch import Option


def ways_out(resident: Resident, launch: str, day: int, first: int, reasons: Collection[Reason]) -> Iterator[Option]:
    """For a pin that others crowd by one rule: move it to the first free day, let the others go, or borrow room."""
    schedule, block = resident.schedule, resident.schedule.blocks.block_of[launch]
    free = resident.first_free(launch, first, schedule.portfolio.horizon)
    if free:
        detail = f"Move the pin to {date.fromordinal(free)}."
        yield Option(action="move_pin", detail=detail, cost=schedule.price(block, free))
    else:
        yield wait_for_room(resident, launch)
    yield from _let_others_go(resident, reasons)
    if any(one.constraint == "capacity" for one in reasons):
        yield from borrow(resident, launch, day)


def borrow(resident: Resident, launch: str, day: int) -> Iterator[Option]:
    """The units of work that are missing for the launch on the day, over all teams and weeks, if any are."""
    schedule, block = resident.schedule, resident.schedule.blocks.block_of[launch]
    mark, week = len(schedule.journal), schedule.week(day)
    schedule.take(block)
    missing = {at + week: units - schedule.free[at + week] for at, units in schedule.profile[block]}
    schedule.undo(mark)
    schedule.journal.clear()
    short = {at: units for at, units in sorted(missing.items()) if units > 0}
    if short:
        parts = [f"{units} more of {_name(resident, at)}" for at, units in short.items()]
        yield Option(action="borrow_capacity", detail=f"Find {', '.join(parts)}.", cost=sum(short.values()))


def wait_for_room(resident: Resident, launch: str) -> Option:
    """It has no day up to the horizon; that is as late as it can be counted."""
    schedule, block = resident.schedule, resident.schedule.blocks.block_of[launch]
    last = schedule.portfolio.horizon
    detail = f"Let it wait until there is room; no day up to {date.fromordinal(last)} is free."
    return Option(action="accept_late", detail=detail, cost=schedule.price(block, last))


def _let_others_go(resident: Resident, reasons: Collection[Reason]) -> Iterator[Option]:
    """Each launch in the way to its own next free day, if nobody holds one of them."""
    schedule = resident.schedule
    blocks = sorted({block for one in reasons if one.constraint != "capacity" for block in one.culprits})
    names, price = [], 0
    for block in blocks:
        other = schedule.blocks.members[block][0].id
        free = resident.first_free(other, schedule.home[block] + 1, schedule.portfolio.horizon)
        if schedule.pinned[block] or not free:
            return
        names.append(f"{other} to {date.fromordinal(free)}")
        price += schedule.price(block, free)
    if names:
        yield Option(action="move_others", detail=f"Move {', '.join(names)}.", cost=price)


def _name(resident: Resident, at: int) -> str:
    """A place in the schedule: the team and its week."""
    schedule = resident.schedule
    row, column = divmod(at, schedule.width)
    return f"{schedule.teams[row].id} in {iso_week(column - schedule.pad + schedule.calendar.first_week)}"
