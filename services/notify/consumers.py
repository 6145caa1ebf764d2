"""The door for other services: launch's messages, put into notify's own words. The only module that knows launch's."""

from collections.abc import Sequence

from services.notify.domain.news import CauseNews, LaunchOwner, News, Tier, loudest, unique
from services.notify.handlers.hearing import Hearing, LaunchMessage
from shared.contracts.launch import LaunchChange, LaunchesChanged, LaunchSnapshot
from shared.contracts.notify import Subject
from shared.runtime.database import Batch
from shared.runtime.foundation import Foundation
from shared.runtime.inbox_messages import Received

TOPIC = "launch.changes"


def hear_launch(foundation: Foundation, hearing: Hearing) -> None:
    """Listen to launch; what is missing is asked for at its republish door."""

    async def handle(batch: Batch, messages: Sequence[Received[LaunchesChanged]]) -> None:
        await hearing.handle(
            batch, [LaunchMessage(read_launches(one.message), one.time, one.traceparent) for one in messages]
        )

    foundation.hear(TOPIC, LaunchesChanged, handle, foundation.settings.launch_url)


def read_launches(message: LaunchesChanged) -> CauseNews:
    """What one message means to us: each launch that changed materially, each feature that moved no launch."""
    untouched = set(message.untouched)
    launches = [_launch_news(change) for change in message.changes if change.material]
    features = [News.of_feature(change) for change in message.features if change.feature.id in untouched]
    return CauseNews(
        portfolio=message.portfolio,
        revision=message.revision,
        cause=message.cause,
        news=(*launches, *features),
        features=tuple(change.feature.id for change in message.features),
    )


def _launch_news(change: LaunchChange) -> News:
    now, before = change.launch, change.before
    both = (now,) if before is None else (now, before)
    tiers = [_tier(one) for one in both]
    return News(
        subject=Subject(kind="launch", id=now.id, revision=now.revision),
        level=loudest(*tiers),
        name=now.name,
        kinds=change.kinds,
        state=now.state,
        date=now.date,
        date_before=None if before is None else before.date,
        is_new=before is None,
        waits_for=now.waits_for,
        features=tuple(feature.title for feature in now.features),
        refs=tuple(feature.id for feature in now.features),
        teams=unique(feature.owner_team for one in both for feature in one.features),
        contributors=unique(team for one in both for feature in one.features for team in feature.contributors),
        owners=tuple(LaunchOwner(role=owner.role, person=owner.person) for owner in now.owners),
        segments=now.segments,
        regions=now.regions,
        product_line=now.product_line,
        tier=tiers[0],
        tier_before=tiers[-1] if tiers[-1] != tiers[0] else None,
        why=tuple(link.detail for link in change.why),
    )


def _tier(launch: LaunchSnapshot) -> Tier:
    """Whoever must be ready inside, and whoever speaks outside: the louder of the two decides who hears of it."""
    return loudest(launch.market_tier, launch.internal_tier)
