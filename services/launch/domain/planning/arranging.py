"""From what each launch asks for on its own (S0) to a plan for all of them: moves, chains, cost and bound.

Works on a sketch and leaves it on the plan's dates, for whoever wants to look at it, cut it or take it back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.launch.domain.calendar import SOFT
from services.launch.domain.constraints import BETWEEN
from services.launch.domain.planner import Plan
from services.launch.domain.planner.model import Conflict as Stuck
from services.launch.domain.planner.model import Link as Step
from services.launch.domain.planner.oracle import Reason, reasons
from services.launch.domain.planner.schedule import OUT
from services.launch.domain.planning.resident import Resident, Sketch
from services.launch.domain.planning.running import Means, Pressing, run
from shared.contracts.launch import LaunchSnapshot
from shared.contracts.words import LaunchId


@dataclass(frozen=True, slots=True)
class Asked:
    """A launch that S0 has looked at: where it stands (None: nowhere) and the earliest day it must go to.

    `fixed`: it is on that day whatever comes of it. `waited`: a move of it was to be decided, so that there may be no
    room for it where it stands.
    """

    id: LaunchId
    shape: LaunchSnapshot
    home: date | None
    day: date | None
    fixed: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Others:
    """Launches that were not asked: those without a date now, and those that make no room for anybody.

    `waiting` are to go once a person says so; `left` are where a person has left them, although there is no room.
    """

    gone: Collection[LaunchId] = ()
    waiting: Collection[LaunchId] = ()
    left: Collection[LaunchId] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A launch that had a date and gets a later one, with the chain of launches from the event to it."""

    launch: LaunchId
    before: date
    after: date
    chain: tuple[Step, ...]
    price: int
    forced: int
    """What its own rules make it pay at least; 0 for one that only makes room."""


@dataclass(slots=True)
class Arranged:
    """A plan. `placed` are first dates, each with what kept the launch from the day it asked for."""

    moves: list[Moved] = field(default_factory=list)
    placed: dict[LaunchId, tuple[date | None, tuple[Step, ...]]] = field(default_factory=dict)
    stuck: list[Stuck] = field(default_factory=list)
    mark: int = 0
    """The sketch's place before the moves."""
    lower_bound: int = 0
    stage: str = "S0"
    cramped: frozenset[LaunchId] = frozenset()
    """Launches that were asked and had no room where they stand: they go, or others do."""

    @property
    def cost(self) -> int:
        """What all moves cost together; launches of one group count once."""
        return sum(one.price for one in self.moves)


def arrange(sketch: Sketch, asked: Sequence[Asked], others: Others, means: Means) -> Arranged:
    """Plan for all of them; the sketch ends with the launches that moved on their new dates.

    First dates are for `place` to find, once it is known which moves happen.
    """
    resident = sketch.resident
    for launch in sorted(others.gone):
        sketch.set(launch, None)
    in_order = sorted(asked, key=lambda each: each.id)
    changed = {one.id for one in in_order if _stand(sketch, one)}
    forced: dict[str, int] = {}
    cramped = set()
    for one in in_order:
        entry = resident.entries.get(one.id)
        if entry is None or one.fixed or one.day is None:
            continue
        if one.day.toordinal() > entry.date:
            forced[one.id] = one.day.toordinal()
        elif (one.waited or one.id in changed) and reasons_against(resident, one.id, entry.date, others.waiting):
            cramped.add(one.id)
    forced |= {name: day for name, day in _followers(resident, asked) if name not in forced}
    pressing = Pressing(forced, cramped)
    locked = {*others.waiting, *others.left}
    return _plan(sketch, pressing, locked, means) if pressing.launches else Arranged(mark=sketch.mark())


def _stand(sketch: Sketch, asked: Asked) -> bool:
    """Put the launch where it stands; whether that, or what it needs there, is new."""
    resident = sketch.resident
    home = asked.day if asked.fixed else asked.home
    mates = resident.mates(asked.id)
    if asked.day and not home and mates:
        home = date.fromordinal(resident.entries[mates[0]].date)
    entry = resident.entry(asked.shape, home, fixed=asked.fixed) if home and asked.day else None
    changed = resident.entries.get(asked.id) != entry
    if changed:
        sketch.set(asked.id, entry)
    return changed


def _followers(resident: Resident, asked: Sequence[Asked]) -> list[tuple[str, int]]:
    """Launches that come after one of these, and are too early now."""
    schedule = resident.schedule
    found = []
    for one in asked:
        block = resident.block(one.id)
        for other, lag in schedule.blocks.behind[block] if block is not None else ():
            if schedule.home[other] < schedule.home[block or 0] + lag:
                found += [(each.id, each.date) for each in schedule.blocks.members[other]]
    return found


def _plan(sketch: Sketch, pressing: Pressing, locked: Collection[LaunchId], means: Means) -> Arranged:
    resident = sketch.resident
    plan = run(resident, pressing, locked, means)
    schedule = resident.schedule
    moves = [_moved(resident, plan, at, pressing.forced) for at in range(len(plan.moves))]
    counted: set[int] = set()
    for at, one in enumerate(moves):  # a group pays once
        block = schedule.blocks.block_of[one.launch]
        if block in counted:
            moves[at] = Moved(one.launch, one.before, one.after, one.chain, 0, 0)
        counted.add(block)
    mark = sketch.mark()
    sketch.move({one.launch: one.after.toordinal() for one in moves})
    cramped = frozenset(map(LaunchId, pressing.cramped))
    return Arranged(moves, {}, list(plan.conflicts), mark, plan.lower_bound, plan.stage, cramped)


def _moved(resident: Resident, plan: Plan, at: int, forced: Mapping[str, int]) -> Moved:
    move = plan.moves[at]
    schedule = resident.schedule
    block = schedule.blocks.block_of[move.launch]
    least = max((forced.get(one.id, OUT) for one in schedule.blocks.members[block]), default=OUT)
    return Moved(
        launch=LaunchId(move.launch),
        before=date.fromordinal(move.before),
        after=date.fromordinal(move.after),
        chain=tuple(link for link in move.why if link.launch),
        price=schedule.price(block, move.after),
        forced=schedule.price(block, least) if least > move.before else 0,
    )


def place(sketch: Sketch, asked: Sequence[Asked], arranged: Arranged, last: date) -> None:
    """Find first dates, the loud and the early first, all others as they are."""
    resident = sketch.resident
    news = [one for one in asked if one.day and one.id not in resident.entries and not one.fixed]
    for one in sorted(news, key=lambda each: (resident_tier(each), each.day or date.max, each.id)):
        entry = resident.entry(one.shape, one.day, fixed=False) if one.day else None
        if entry is None:
            continue
        sketch.set(one.id, entry)
        steps = tuple(Step(each.launch, each.constraint, each.detail) for each in crowd(resident, one.id, entry.date))
        found = resident.first_free(one.id, entry.date, min(last.toordinal(), resident.last_day(one.id)))
        arranged.placed[one.id] = (date.fromordinal(found) if found else None, steps)
        if found:
            sketch.move({one.id: found})
        else:
            sketch.set(one.id, None)


def resident_tier(asked: Asked) -> str:
    """The louder of the two tiers, for the order of places."""
    return min(asked.shape.market_tier, asked.shape.internal_tier)


def reasons_against(resident: Resident, launch: str, day: int, leaving: Collection[LaunchId] = ()) -> list[Reason]:
    """Every hard rule that keeps the launch (with its group) from the day, all others but `leaving` as they are."""
    schedule, block = resident.schedule, resident.block(launch)
    if block is None:
        return []
    mark = len(schedule.journal)
    for other in sorted({block, *(at for name in leaving if (at := resident.block(name)) is not None)}):
        schedule.take(other)
    found = [one for one in reasons(schedule, block, day) if one.constraint != SOFT]
    schedule.undo(mark)
    schedule.journal.clear()
    return found


def crowd(resident: Resident, launch: str, day: int) -> list[Reason]:
    """The rules between launches that keep it from the day."""
    return [one for one in reasons_against(resident, launch, day) if one.constraint in BETWEEN]
