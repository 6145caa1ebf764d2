"""Door: Kafka. Observations from outside on `roadmap.inbound`; from launch and notify what our causes led to.

Other services' messages become plain values of our own here; nothing further in knows their types. What they say of our
causes are facts, of which nothing is decided: they are kept as they are.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from services.roadmap.domain.causes import NATIVE
from services.roadmap.domain.effects import (
    LaunchEffect,
    PeopleEffect,
    PersonTold,
    SlipEffect,
    ToldRadius,
    TouchedLaunch,
)
from services.roadmap.handlers.accepting import Acceptance
from services.roadmap.store.effects import save_launches, save_people, save_radii
from shared.contracts.cause import Cause
from shared.contracts.envelope import Envelope, EnvelopeError, read_envelope
from shared.contracts.launch import LaunchChange, LaunchesChanged
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.roadmap import OBSERVATION_TYPE
from shared.contracts.words import CauseId, PortfolioId
from shared.runtime.broker import Receive, Record
from shared.runtime.clock import Clock
from shared.runtime.database import Batch
from shared.runtime.foundation import Foundation
from shared.runtime.inbox import refuse
from shared.runtime.inbox_messages import Received


def listen(foundation: Foundation, acceptance: Acceptance) -> None:
    """Declare everything roadmap listens to."""
    foundation.listen("roadmap.inbound", build_inbound(acceptance, foundation.clock))
    foundation.hear("launch.changes", LaunchesChanged, on_launches_changed, foundation.settings.launch_url)
    foundation.hear("notify.receipts", ReceiptsChanged, on_receipts_changed, foundation.settings.notify_url)


def build_inbound(acceptance: Acceptance, clock: Clock) -> Receive:
    """The reader of `roadmap.inbound`: a record that is wrong is refused and kept, never parked."""

    async def receive(records: Sequence[Record]) -> None:
        now = clock()
        opened = [one for record in records if (one := await _open(acceptance, record))]
        for portfolio, mine in groupby(sorted(opened, key=_portfolio), key=_portfolio):
            lines = [
                acceptance.read(number, body, now)._replace(traceparent=envelope.traceparent)
                for number, (envelope, body) in enumerate(mine, start=1)
            ]
            await acceptance.accept(portfolio, NATIVE, lines, now)

    return receive


def _portfolio(opened: tuple[Envelope, bytes]) -> PortfolioId:
    return opened[0].subject


async def _open(acceptance: Acceptance, record: Record) -> tuple[Envelope, bytes] | None:
    """What a record says of itself, and its body; one whose headers are wrong is kept among the refused records."""
    try:
        envelope = read_envelope(record.key, record.headers)
        if envelope.type != OBSERVATION_TYPE:
            raise EnvelopeError(f"header ce_type: expected {OBSERVATION_TYPE}, got {envelope.type!r:.80}")  # noqa: TRY301 - one refusal for all
    except EnvelopeError as error:
        await refuse(acceptance.database, record, str(error))
        return None
    return envelope, record.value or b""


async def on_launches_changed(batch: Batch, messages: Sequence[Received[LaunchesChanged]]) -> None:
    """What our causes did to launches, and what slips would do to them."""
    await save_launches(batch.connection, [_launch_effect(received.message) for received in messages])
    await save_radii(batch.connection, [radius for received in messages for radius in _radii(received)])


async def on_receipts_changed(batch: Batch, messages: Sequence[Received[ReceiptsChanged]]) -> None:
    """Who is told of our causes."""
    await save_people(batch.connection, [_people_effect(received.message) for received in messages])


def _origin(cause: Cause) -> CauseId:
    """An approval, an acknowledgement or the clock counts for the cause it goes back to."""
    return cause.caused_by or cause.id


def _launch_effect(message: LaunchesChanged) -> LaunchEffect:
    return LaunchEffect(message.portfolio, _origin(message.cause), tuple(_touched(message.changes)))


def _touched(changes: Sequence[LaunchChange]) -> Iterator[TouchedLaunch]:
    for change in changes:
        launch = change.launch
        yield TouchedLaunch(
            id=launch.id,
            name=launch.name,
            tier=launch.market_tier,
            kinds=change.kinds,
            was_on=change.before.date if change.before else None,
            on=launch.date,
        )


def _radii(received: Received[LaunchesChanged]) -> Iterator[ToldRadius]:
    message = received.message
    for one in message.blast_radius:
        slip = SlipEffect(slip_days=one.slip_days, launches=one.launches, cost=one.cost)
        yield ToldRadius(message.portfolio, one.feature, received.time, slip)


def _people_effect(message: ReceiptsChanged) -> PeopleEffect:
    people = tuple(
        PersonTold(one.subject.kind, one.subject.id, one.subject.revision, one.person, one.state)
        for one in message.receipts
    )
    return PeopleEffect(message.portfolio, _origin(message.cause), people)
