"""One launch: what is stored of it, what it takes from its features, and its identity.

Its snapshot is what the world sees; the rest is memory that decisions need and that `evolve` (evolution.py) can always
work out again from what was told. No rules about dates here.
"""

import hashlib
import re
from collections.abc import Collection, Sequence

from services.launch.domain.feature import KnownFeature
from services.launch.domain.policy import louder
from shared.contracts.launch import Conflict, LaunchFeature, LaunchSnapshot, LaunchState, Proposal, Tier
from shared.contracts.words import CauseId, Day, Instant, LaunchId, PortfolioId, Word

OPEN_STATES: frozenset[LaunchState] = frozenset({"draft", "planned", "held", "announced"})

HAPPENED_STATES: frozenset[LaunchState] = frozenset({"launched", "closed"})

BY_HAND = ("name", "segments", "regions", "owners", "features", "product_line")

"""Fields that a person may set; then changes of the features leave them alone."""

DEFAULT_PORTFOLIO = "default"

LONGEST_REF = 80


class AutomaticMove(Word):
    """An automatic move to a later date, with the situation before it: it is undone when that comes back."""

    earlier: Day
    later: Day
    at: Instant
    tier: Tier
    ready: dict[str, Day | None]
    cause: CauseId | None = None
    made_room: bool = False
    """It moved for another launch's sake: what becomes of its own features does not undo that."""


class Launch(Word):
    """A launch as it is stored. `version` rises with every change, `revision` (snapshot) only with material ones."""

    snapshot: LaunchSnapshot
    version: int
    changed_at: Instant
    moves: tuple[AutomaticMove, ...] = ()
    last_date: Day | None = None
    """The date it had before it lost it."""
    by_hand: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    dated_by: CauseId | None = None
    happened_on: Day | None = None
    number: int = 0
    """The place in which launches came; plans depend on it, and not on who was loaded first."""
    moved_at: tuple[Instant, ...] = ()
    """When it last moved by itself, newest last."""
    retiered_at: Instant | None = None
    """When its tier last changed by itself."""
    asked: Proposal | None = None
    """The change of its tier that waits for a person."""
    trains_missed: int = 0
    """How often it went to a later train by itself."""
    wakes_at: Instant | None = None
    """When the clock next has something to do with it, its day apart."""

    @property
    def id(self) -> LaunchId:
        """The launch's id."""
        return self.snapshot.id

    @property
    def is_open(self) -> bool:
        """Whether it is still ahead."""
        return self.snapshot.state in OPEN_STATES

    @property
    def is_awaited(self) -> bool:
        """Whether something must happen on its date: it is ahead, and that date has not come yet."""
        missed = any(conflict.constraint == "missed" for conflict in self.conflicts)
        return self.is_open and self.snapshot.date is not None and not missed

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it by itself: it happened, or a person called it off."""
        return self.snapshot.state in HAPPENED_STATES or (
            self.snapshot.state == "cancelled" and "state" in self.by_hand
        )

    def stage_of(self, feature: str) -> str | None:
        """The stage at which the launch carries a feature."""
        return next((part.stage for part in self.snapshot.features if part.id == feature), None)


def tier_of(snapshot: LaunchSnapshot) -> Tier:
    """The tier that its dates follow: the louder of the two."""
    return louder(snapshot.market_tier, snapshot.internal_tier)


def carry(known: KnownFeature) -> LaunchFeature:
    """A feature as a launch carries it."""
    snapshot = known.snapshot
    return LaunchFeature(
        id=snapshot.id,
        title=snapshot.title,
        owner_team=snapshot.owner_team,
        contributors=snapshot.contributors,
        stage=snapshot.stage,
        status=snapshot.status,
    )


def derive(features: Sequence[KnownFeature]) -> dict[str, object]:
    """What a launch takes from its features unless a person has said otherwise; cancelled ones count if all are."""
    active = [feature for feature in features if not feature.is_cancelled] or list(features)
    title = active[0].snapshot.title if active else "A launch"
    lines = [feature.snapshot.product_line for feature in active if feature.snapshot.product_line]
    return {
        "name": title if len(active) <= 1 else f"{title} and {len(active) - 1} more",
        "segments": _union(feature.snapshot.segments for feature in active),
        "regions": _union(feature.snapshot.regions for feature in active),
        "product_line": lines[0] if lines else None,
    }


def _union(lists: object) -> tuple[str, ...]:
    return tuple(sorted({item for items in lists for item in items}))  # type: ignore[attr-defined]


def derive_launch_id(portfolio: PortfolioId, ref: str, stage: str | None, taken: Collection[str]) -> LaunchId:
    """`L-<ref>`, the portfolio before the ref unless it is the default one; later launches of a ref get the stage."""
    first = f"L-{'' if portfolio == DEFAULT_PORTFOLIO else f'{portfolio}~'}{_slug(ref)}"
    names = [first, f"{first}.{_slug(stage)}"] if stage else [first]
    for name in names:
        if name not in taken:
            return LaunchId(name)
    number = 2
    while f"{names[-1]}.{number}" in taken:
        number += 1
    return LaunchId(f"{names[-1]}.{number}")


def _slug(text: str) -> str:
    """The text if it is safe in an address, else what is safe of it and a short hash that keeps it unique."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:LONGEST_REF].strip("-")
    if safe == text:
        return text
    return f"{safe}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}".lstrip("-")


def is_material(before: LaunchSnapshot | None, after: LaunchSnapshot) -> bool:
    """Whether a change raises the revision; an opened or closed conflict does too (docs/reference/messages.md)."""
    return before is None or _substance(before) != _substance(after)


def _substance(one: LaunchSnapshot) -> tuple[object, ...]:
    features = sorted((f.id, f.stage or "", f.owner_team or "", f.status == "cancelled") for f in one.features)
    owners = sorted((owner.role, owner.person) for owner in one.owners)
    places = (sorted(one.segments), sorted(one.regions))
    return (one.date, one.market_tier, one.internal_tier, one.state, features, owners, places, one.pin is None)


def differences(before: LaunchSnapshot, after: LaunchSnapshot) -> list[dict[str, object]]:
    """What differs, field by field, for someone whose edit came too late."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [{"field": name, "you_saw": old[name], "now": new[name]} for name in new if old[name] != new[name]]
