"""What trains and audiences ask of a plan: who crowds a segment, or rides a train too weak, goes later, and why.

The plan itself is made elsewhere (schedule.py), each launch not before the day found here, until nobody is left to hold
back. What cannot be held (pinned, near, no day free) stays, and is told as a conflict (audience_conflicts.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.launch.domain.calendar import ONE_DAY, Calendar
from services.launch.domain.feature import features_of
from services.launch.domain.policy import louder
from services.launch.domain.rules.audience import Audiences, Crowd, Put, on_day
from services.launch.domain.rules.train import WEAK, Rider, can_be_weak, counts, is_settled, left_behind, segments_of
from services.launch.domain.scheduling.request import DateRequest, Floor, Placements, PlanRequest
from shared.contracts.launch import LaunchSnapshot, Link
from shared.contracts.words import LaunchId


def find_later(
    asked: Mapping[LaunchId, DateRequest], placements: Placements, request: PlanRequest
) -> dict[LaunchId, DateRequest]:
    """Who must be asked for again, each with the day before which trains and audiences do not want it."""
    return _Round(asked, placements, request).find_later()


@dataclass(frozen=True, slots=True)
class _Guest:
    """A launch that the plan concerns, as it will be, on the day that the plan gives it."""

    wanted: DateRequest
    shape: LaunchSnapshot
    day: date
    stays: bool
    fixed: bool

    @property
    def order(self) -> tuple[object, ...]:
        """Who keeps its place: what cannot move, then what stands, the loud and the early first."""
        tier = louder(self.shape.market_tier, self.shape.internal_tier)
        return (not self.fixed, not self.stays, tier, self.day, self.shape.id)


class _Round:
    """One plan, looked at: whom it puts where trains or audiences do not want them."""

    def __init__(self, asked: Mapping[LaunchId, DateRequest], placements: Placements, request: PlanRequest) -> None:
        self.asked, self.placements, self.request = asked, placements, request
        self.calendar: Calendar = request.context.calendar
        self.audiences: Audiences = request.state.audiences

    def find_later(self) -> dict[LaunchId, DateRequest]:
        """Who must be asked for again, each with the day before which it may not be."""
        alone = not self.placements.others and self.placements.asked.keys() <= self.asked.keys()
        speaks = not alone or any(wanted.shape.segments for wanted in self.asked.values())
        if not speaks and not can_be_weak(self.request.context.policy):
            return {}
        guests = list(self._guests())
        with self.audiences.tried() as put:
            for name in {*self.placements.asked, *(guest.shape.id for guest in guests), *self.request.gone}:
                put(name, None)
            weak = self._left_behind(guests) if can_be_weak(self.request.context.policy) else {}
            return weak or dict(self._crowding(guests, put))

    # ---- whom the plan concerns

    def _guests(self) -> Iterator[_Guest]:
        launches = self.request.state.launches
        for name, placement in (*self.placements.asked.items(), *self.placements.others.items()):
            known = launches.get(name)
            before = known.snapshot.date if known else None
            day = self.placements.awaited.get(name, placement.date)
            if day is None or (name in self.placements.others and day == before):
                continue
            wanted = self.asked.get(name) or (self.request.ask_again(known) if known else None)
            if wanted:
                yield self._guest(wanted, day, before)

    def _guest(self, wanted: DateRequest, day: date, before: date | None) -> _Guest:
        near = self.calendar.after_working_days(
            self.request.context.today, self.request.context.policy.objective.frozen_working_days, ()
        )
        stuck = wanted.floor is not None and day < wanted.floor.day
        fixed = wanted.pinned or stuck or (day == before and day <= near)
        return _Guest(wanted, on_day(wanted.shape, day, self.calendar), day, day == before, fixed)

    # ---- trains

    def _left_behind(self, guests: Sequence[_Guest]) -> dict[LaunchId, DateRequest]:
        """Riders of a train that is about to leave without them."""
        launches, gone = (
            self.request.state.launches,
            (*self.placements.asked, *self.placements.others, *self.request.gone),
        )
        old = (launches[name].snapshot.train for name in gone if name in launches)
        trains = {day for day in (*old, *(guest.shape.train for guest in guests)) if day}
        found: dict[LaunchId, DateRequest] = {}
        for train in sorted(day for day in trains if is_settled(day, self.request.context.today, self.calendar)):
            aboard = self._aboard(train, guests)
            riders = [self._rider(launch, wanted, train) for launch, wanted in sorted(aboard.items())]
            for launch, detail in left_behind(riders, train, self.request.context.policy).items():
                if wanted := aboard[launch]:
                    link = Link(launch=launch, constraint=WEAK, detail=f"{detail}; it goes with the next one")
                    found[launch] = _not_before(wanted, train + ONE_DAY, (link,), by_itself=True)
        return found

    def _aboard(self, train: date, guests: Sequence[_Guest]) -> dict[LaunchId, DateRequest | None]:
        """Who rides, and how each is asked for; None: it cannot be."""
        launches = self.request.state.launches
        beside = {name: self.request.ask_again(launches[name]) for name in self.audiences.riders(train)}
        return beside | {guest.shape.id: guest.wanted for guest in guests if guest.shape.train == train}

    def _rider(self, launch: LaunchId, wanted: DateRequest | None, train: date) -> Rider:
        state, policy = self.request.state, self.request.context.policy
        shape = wanted.shape if wanted else state.launches[launch].snapshot
        features = wanted.situation.features if wanted else features_of(shape, state.features)
        may_wait = wanted is not None and self._may_wait(wanted, train)
        return Rider(launch, segments_of(shape), counts(shape, features, policy), may_wait)

    def _may_wait(self, wanted: DateRequest, train: date) -> bool:
        """Whether it can be sent on: free to move, with a next train in time, and not after too many misses."""
        known = self.request.state.launches.get(wanted.id)
        missed = known.trains_missed if known else 0
        sent_on = wanted.floor is not None and wanted.floor.by_itself
        in_time = self.calendar.next_train(train + ONE_DAY) <= (wanted.shape.not_after or date.max)
        return in_time and not (wanted.pinned or sent_on) and missed < self.request.context.policy.trains.misses

    # ---- audiences

    def _crowding(self, guests: Sequence[_Guest], put: Put) -> Iterator[tuple[LaunchId, DateRequest]]:
        """Who would crowd a segment; each is put on a day that is free, so that the next one sees it there."""
        horizon = self.request.context.today + timedelta(days=self.request.context.policy.horizon_days)
        for guest in sorted(guests, key=lambda guest: guest.order):
            crowds = [] if guest.fixed else self.audiences.against(guest.shape, guest.day, self.calendar)
            last = min(horizon, guest.shape.not_after or horizon)
            free = self.audiences.first_free(guest.shape, guest.day + ONE_DAY, last, self.calendar) if crowds else None
            put(guest.shape.id, on_day(guest.shape, free or guest.day, self.calendar))
            if free:
                yield guest.shape.id, _not_before(guest.wanted, free, tuple(map(_link, crowds)))


def _link(crowd: Crowd) -> Link:
    return Link(launch=crowd.by[0], constraint=crowd.constraint, detail=crowd.detail)


def _not_before(wanted: DateRequest, day: date, because: tuple[Link, ...], *, by_itself: bool = False) -> DateRequest:
    """The launch, asked for not before the day, also for the reasons that it was held back for already."""
    known = wanted.floor
    links = dict.fromkeys((*(known.because if known else ()), *because))
    floor = Floor(day, tuple(links), by_itself or (known is not None and known.by_itself))
    return replace(wanted, floor=floor)
