"""What launch remembers of a feature: its snapshot, since when it is confident, and on which day it shipped.

The notice clock restarts only when confidence is lost (off track, target gone, confidence too low), not on a slip while
still confident (planning.md 5.2). No launches here.
"""

from datetime import date

from services.launch.domain.policy import Policy
from shared.contracts.feature import FeatureSnapshot
from shared.contracts.words import Day, Word

FAR = date(9000, 1, 1)
"""No day is later, so that adding to a day cannot leave the calendar: anybody may write the year 9999."""


class Known(Word):
    """A feature as launch knows it."""

    snapshot: FeatureSnapshot
    confident_since: Day | None = None
    shipped_on: Day | None = None

    @property
    def id(self) -> str:
        """The feature's id."""
        return self.snapshot.id

    @property
    def is_cancelled(self) -> bool:
        """Whether there is nothing left to tell."""
        return self.snapshot.status == "cancelled"

    @property
    def is_shipped(self) -> bool:
        """Whether it is live."""
        return self.snapshot.status == "shipped"

    @property
    def ready_on(self) -> date | None:
        """The day it shipped, else the last day of its target's window; None while nobody knows it."""
        if self.is_shipped:
            return self.shipped_on
        latest = self.snapshot.target.latest if self.snapshot.target else None
        return latest and min(latest, FAR)


def follow(previous: Known | None, feature: FeatureSnapshot, today: date, policy: Policy) -> Known:
    """What is known of a feature after a change of it."""
    since = previous.confident_since if previous else None
    shipped_on = previous.shipped_on if previous and previous.is_shipped else today
    return Known(
        snapshot=feature,
        confident_since=(since or today) if _is_confident(feature, policy) else None,
        shipped_on=shipped_on if feature.status == "shipped" else None,
    )


def waits_for(known: Known) -> str | None:
    """What keeps a launch of this feature from having a date at all; None if nothing does."""
    feature = known.snapshot
    if feature.status == "paused":
        return f"{feature.ref} is paused"
    if known.ready_on is not None:
        return None
    if feature.target is None:
        return f"{feature.ref} has no target yet"
    if feature.release:
        return f"{feature.ref} waits for a day of release {feature.release}"
    return f"{feature.ref} has a target without a day"


def _is_confident(feature: FeatureSnapshot, policy: Policy) -> bool:
    if feature.status == "shipped":
        return True
    if feature.target is None or feature.target.latest is None or feature.health == "off_track":
        return False
    return feature.confidence is None or feature.confidence >= policy.confident_from
