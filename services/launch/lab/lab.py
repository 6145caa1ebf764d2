"""The policy lab: a history that was decided, decided again by another policy, and where the two part.

Features are heard again, persons do again what they did, the clock strikes again; only the policy is another one.
Nothing is stored and nothing is told.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.launch.domain.calendar import Calendar, Context, RefusedError
from services.launch.domain.decisions.clock import derive_clock_cause_id, on_due
from services.launch.domain.decisions.feature_changed import on_feature_changed
from services.launch.domain.policy import Policy
from services.launch.domain.portfolio import LAUNCH_DAY, WAKE, Due, State, evolve
from services.launch.lab.repeating import PERSON, improve, repeat
from shared.contracts.launch import LaunchesChanged, LaunchSnapshot, LaunchState, Tier
from shared.contracts.words import CauseId, LaunchId, PortfolioId


@dataclass(frozen=True, slots=True)
class DecidedState:
    """What matters of a launch after a decision; None where a policy has no such launch."""

    market: Tier
    internal: Tier
    date: date | None
    state: LaunchState


@dataclass(frozen=True, slots=True)
class Difference:
    """A launch that the other policy would have left in another place after this cause."""

    cause: CauseId
    summary: str
    at: datetime
    launch: LaunchId
    name: str
    decided: DecidedState | None
    would_be: DecidedState | None
    why: str


class Lab:
    """One portfolio under another policy, beside what was really decided."""

    def __init__(self, portfolio: PortfolioId, policy: Policy) -> None:
        self.portfolio, self.policy = portfolio, policy
        self.differences: list[Difference] = []
        self.refused: list[str] = []
        """Acts of persons that the other policy would not have allowed, and acts that cannot be done again."""
        self._calendar = Calendar(policy)
        self._state = State(portfolio)
        self._really: dict[LaunchId, LaunchSnapshot] = {}
        self._known: dict[LaunchId, tuple[DecidedState | None, DecidedState | None]] = {}
        self._now: datetime | None = None
        self._revision = 0

    def run(self, history: Iterable[LaunchesChanged]) -> "Lab":
        """Decide a whole history again, its messages in order."""
        for message in history:
            self._compare(message, {*self._again(message), *(change.launch.id for change in message.changes)})
        return self

    def _again(self, message: LaunchesChanged) -> Iterator[LaunchId]:
        at = message.cause.source.observed_at
        now = self._now = max(at, self._now or at)
        if message.cause.id.startswith("launch:clock:"):
            yield from self._strike(now, _key(self.portfolio, message))
            yield from self._improve(message, now)
            return
        yield from self._strike(now, None)
        if message.cause.id.startswith(PERSON):
            yield from self._act(message, now)
            return
        context = Context(self._calendar, now)
        yield from self._apply(
            on_feature_changed(self._state, message.cause, message.features, context, self._revision + 1), now
        )

    def _strike(self, now: datetime, last: tuple[str, str] | None) -> Iterator[LaunchId]:
        """Let timers go off, up to the one that really did."""
        while due := self._state.next_due(now, self._calendar):
            if last and due.due_at == now and (due.launch, due.timer) > last:
                return
            yield from self._fire(due)

    def _fire(self, due: Due) -> Iterator[LaunchId]:
        context = Context(self._calendar, due.due_at)
        return self._apply(on_due(self._state, due, context, self._revision + 1), due.due_at)

    def _improve(self, message: LaunchesChanged, now: datetime) -> Iterator[LaunchId]:
        told = improve(message, self._state, Context(self._calendar, now), self._revision + 1)
        return self._apply(told, now) if told else iter(())

    def _act(self, message: LaunchesChanged, now: datetime) -> Iterator[LaunchId]:
        if not (message.changes or message.proposals):  # it came to nothing
            return
        try:
            told = repeat(message, self._state, Context(self._calendar, now), self._revision + 1)
        except RefusedError as error:
            self.refused.append(f"{message.cause.summary}: {error}")
            return
        yield from self._apply(told, now)

    def _apply(self, message: LaunchesChanged, now: datetime) -> Iterator[LaunchId]:
        self._revision += 1
        evolve(self._state, message, now, self._calendar)
        return iter([change.launch.id for change in message.changes])

    def _compare(self, message: LaunchesChanged, launches: Iterable[LaunchId]) -> None:
        self._really |= {change.launch.id: change.launch for change in message.changes}
        for name in sorted(launches):
            known = self._state.launches.get(name)
            really, now = self._really.get(name), known.snapshot if known else None
            pair = (_judge(really), _judge(now))
            if pair[0] != pair[1] and pair != self._known.get(name):
                self.differences.append(_differ(message, pair, really, now))
            self._known[name] = pair


def _key(portfolio: PortfolioId, message: LaunchesChanged) -> tuple[str, str]:
    """Which timer of which launch a cause of the clock is."""
    ref, at = message.cause.source.ref or "", message.cause.source.observed_at
    is_day = derive_clock_cause_id(portfolio, LAUNCH_DAY, ref, at) == message.cause.id
    return ref, LAUNCH_DAY if is_day else WAKE


def _judge(snapshot: LaunchSnapshot | None) -> DecidedState | None:
    if snapshot is None:
        return None
    return DecidedState(snapshot.market_tier, snapshot.internal_tier, snapshot.date, snapshot.state)


def _differ(
    message: LaunchesChanged,
    pair: tuple[DecidedState | None, DecidedState | None],
    really: LaunchSnapshot | None,
    now: LaunchSnapshot | None,
) -> Difference:
    snapshot = now or really
    if snapshot is None:
        raise ValueError("a difference is about a launch that one of the policies knows")
    return Difference(
        cause=message.cause.id,
        summary=message.cause.summary,
        at=message.cause.source.observed_at,
        launch=snapshot.id,
        name=snapshot.name,
        decided=pair[0],
        would_be=pair[1],
        why=now.tier_reason if now else "it would be too quiet to have a launch",
    )
