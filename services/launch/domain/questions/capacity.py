"""How full teams are, week by week, as the planner counts it. Decides nothing."""

from dataclasses import dataclass
from datetime import date

from services.launch.domain.calendar import Context
from services.launch.domain.portfolio import State
from services.launch.domain.scheduling.engine.model import iso_week
from services.launch.domain.scheduling.engine_state import engine_state_of


@dataclass(frozen=True, slots=True)
class Used:
    """A team's ISO week: units used, units there are, and the launches that use them."""

    team: str
    week: str
    used: int
    capacity: int
    launches: tuple[str, ...]

    @property
    def monday(self) -> date:
        """The first day of the week."""
        year, number = self.week.split("-W")
        return date.fromisocalendar(int(year), int(number), 1)


def read_capacity(state: State, context: Context, weeks: int) -> list[Used]:
    """Each team's next weeks, from this one on; nothing without teams."""
    teams = context.policy.teams
    if not teams:
        return []
    schedule = engine_state_of(state, context).schedule
    first = schedule.week(context.today.toordinal())
    found = []
    for name, team in sorted(teams.items()):
        for week in range(first, first + weeks):
            at = schedule.row[name] + week
            label = iso_week(week + schedule.calendar.first_week)
            capacity = team.weeks.get(label, team.weekly)
            users = sorted(launch.id for block in schedule.users[at] for launch in schedule.blocks.members[block])
            found.append(Used(name, label, capacity - schedule.free[at], capacity, tuple(users)))
    return found
