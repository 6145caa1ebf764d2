"""Door: Kafka. What roadmap decided becomes decisions here; what notify tells becomes "who knows".

Other services' messages become plain values of our own here; nothing further in knows their types.
"""

from collections.abc import Sequence

from services.launch.handlers.deciding import Deciding, RoadmapCause
from services.launch.store.receipts import ReceiptRow
from shared.contracts.notify import ReceiptsChanged
from shared.contracts.roadmap import RoadmapChanged
from shared.runtime.database import Batch
from shared.runtime.foundation import Foundation
from shared.runtime.inbox_messages import Received


def listen(foundation: Foundation, deciding: Deciding) -> None:
    """Declare everything launch listens to."""

    async def on_roadmap_changed(batch: Batch, messages: Sequence[Received[RoadmapChanged]]) -> None:
        await deciding.hear(batch, [translate(one) for one in messages])

    async def on_receipts_changed(batch: Batch, messages: Sequence[Received[ReceiptsChanged]]) -> None:
        await deciding.keep_receipts(batch, [knows for one in messages for knows in translate_receipts(one.message)])

    settings = foundation.settings
    foundation.hear("roadmap.changes", RoadmapChanged, on_roadmap_changed, settings.roadmap_url)
    foundation.hear("notify.receipts", ReceiptsChanged, on_receipts_changed, settings.notify_url)


def translate(received: Received[RoadmapChanged]) -> RoadmapCause:
    """A cause of roadmap in our own words."""
    told = received.message
    return RoadmapCause(told.portfolio, told.revision, told.cause, told.changes, received.time, received.traceparent)


def translate_receipts(told: ReceiptsChanged) -> list[ReceiptRow]:
    """Receipts in our own words."""
    return [
        ReceiptRow(
            portfolio=told.portfolio,
            kind=one.subject.kind,
            subject=one.subject.id,
            revision=one.subject.revision,
            person=one.person,
            state=one.state,
            evidence=one.evidence,
            at=one.at,
        )
        for one in told.receipts
    ]
