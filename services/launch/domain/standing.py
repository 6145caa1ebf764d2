"""The dates of all launches that count, those ahead and those that happened: also by week. No rules here."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

from shared.contracts.words import LaunchId


class Standing(Mapping[LaunchId, date]):
    """By launch its date; `near` finds launches by week without a look at the others."""

    def __init__(self, days: Mapping[LaunchId, date] | None = None) -> None:
        self._days: dict[LaunchId, date] = {}
        self._weeks: dict[date, set[LaunchId]] = {}
        for launch, day in (days or {}).items():
            self.put(launch, day)

    def put(self, launch: LaunchId, day: date | None) -> None:
        """Take in where a launch is now; None: nowhere."""
        before = self._days.pop(launch, None)
        if before:
            week = self._weeks[monday_of(before)]
            week.discard(launch)
            if not week:
                del self._weeks[monday_of(before)]
        if day:
            self._days[launch] = day
            self._weeks.setdefault(monday_of(day), set()).add(launch)

    def near(self, mondays: Collection[date]) -> Iterator[LaunchId]:
        """The launches in the weeks that begin on these days, in no order."""
        for monday in mondays:
            yield from self._weeks.get(monday, ())

    def __getitem__(self, launch: LaunchId) -> date:
        return self._days[launch]

    def __iter__(self) -> Iterator[LaunchId]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)


def monday_of(day: date) -> date:
    """The first day of the day's ISO week."""
    return day - timedelta(days=day.weekday())
