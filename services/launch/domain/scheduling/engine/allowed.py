"""Which dates a launch may have by its own calendar: today to horizon, workdays, freezes, trains.

Only rules about one launch and one day; nothing about other launches or features.
"""

from collections.abc import Iterator

from services.launch.domain.scheduling.engine.model import DAYS_A_WEEK, Entry, PlanningProblem, iso_day, week_of

Kind = tuple[str, tuple[str, ...]]  # (tier, regions): launches of one kind have the same calendar


class AllowedDays:
    """Dates by kind, computed once and shared; `weeks_from` numbers weeks from today's."""

    def __init__(self, portfolio: PlanningProblem) -> None:
        self.portfolio = portfolio
        self.first_week = week_of(portfolio.today)
        self._regions = {region.id: region for region in portfolio.regions}
        self._by_kind: dict[Kind, frozenset[int]] = {}
        self._merged: dict[frozenset[Kind], tuple[int, ...]] = {}

    def broken(self, launch: Entry, day: int) -> Iterator[tuple[str, str]]:
        """Say which rules of its own calendar keep the launch from the day: (constraint, detail)."""
        if day < self.portfolio.today:
            yield "today", f"{iso_day(day)} is before today"
        if day > self.portfolio.horizon:
            yield "horizon", f"{iso_day(day)} is after the horizon"
        for name in sorted(set(launch.regions)):
            if self._idle(name, day):
                yield "workday", f"{iso_day(day)} is no working day in {name}"
        yield from self._frozen(launch, day)
        if launch.tier in self.portfolio.trains and day not in self.portfolio.trains[launch.tier]:
            yield "train", f"{iso_day(day)} is no train of {launch.tier}"

    def _frozen(self, launch: Entry, day: int) -> Iterator[tuple[str, str]]:
        for freeze in self.portfolio.freezes:
            where = freeze.regions is None or not freeze.regions.isdisjoint(launch.regions)
            if where and launch.tier in freeze.tiers and freeze.first <= day <= freeze.last:
                yield "freeze", f"frozen {iso_day(freeze.first)} to {iso_day(freeze.last)}"

    def _idle(self, region: str, day: int) -> bool:
        rules = self._regions[region]
        return (day - 1) % DAYS_A_WEEK + 1 in rules.weekend or day in rules.holidays

    def days(self, members: tuple[Entry, ...]) -> tuple[int, ...]:
        """Sorted dates on which every member may sit; the same object for blocks of the same kinds."""
        kinds = frozenset((launch.tier, tuple(sorted(set(launch.regions)))) for launch in members)
        if kinds not in self._merged:
            sets = [self._days_of(kind, launch) for kind, launch in self._samples(members)]
            self._merged[kinds] = tuple(sorted(frozenset.intersection(*sets)))
        return self._merged[kinds]

    def _samples(self, members: tuple[Entry, ...]) -> Iterator[tuple[Kind, Entry]]:
        return (((launch.tier, tuple(sorted(set(launch.regions)))), launch) for launch in members)

    def _days_of(self, kind: Kind, launch: Entry) -> frozenset[int]:
        if kind not in self._by_kind:
            days = self.portfolio.trains.get(launch.tier, range(self.portfolio.today, self.portfolio.horizon + 1))
            self._by_kind[kind] = frozenset(day for day in days if not any(True for _ in self.broken(launch, day)))
        return self._by_kind[kind]
