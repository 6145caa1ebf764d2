"""One full sample of each message, every field filled: what the golden files hold."""

from datetime import UTC, date, datetime

from shared.contracts.cause import Cause, Source
from shared.contracts.envelope import Message
from shared.contracts.feature import FeatureChange, FeatureKind, FeatureSnapshot, Impact, Target
from shared.contracts.launch import (
    BlastRadius,
    Conflict,
    LaunchChange,
    LaunchesChanged,
    LaunchFeature,
    LaunchKind,
    LaunchSnapshot,
    Link,
    Opportunity,
    Option,
    Owner,
    Pin,
    Proposal,
    ProposedMove,
)
from shared.contracts.notify import CoverageCount, Objection, Receipt, ReceiptsChanged, Subject
from shared.contracts.roadmap import RoadmapChanged
from shared.contracts.words import CauseId, LaunchId, PersonId, PortfolioId

PORTFOLIO = PortfolioId("default")
SLIPPED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HEARD_AT = datetime(2026, 3, 2, 9, 30, 4, 250_000, tzinfo=UTC)

CAUSE = Cause(
    id=CauseId("native:9c694156dc65"),
    kind="observation",
    summary="PAY-12 slipped by 21 working days, to 30 Apr 2026",
    source=Source(
        tool="native",
        source_id="native",
        ref="PAY-12",
        url="https://tracker.example.org/PAY-12",
        actor="Ana",
        occurred_at=SLIPPED_AT,
        observed_at=HEARD_AT,
    ),
    caused_by=None,
)

BEFORE = FeatureSnapshot(
    id="PAY-12",
    ref="PAY-12",
    title="Pay by instalments",
    status="in_progress",
    version=3,
    summary="Customers split an invoice into three payments.",
    owner_team="payments",
    contributors=("risk",),
    product_line="billing",
    stage="beta",
    target=Target(
        as_written={"on": "2026-04-01"}, earliest=date(2026, 4, 1), latest=date(2026, 4, 1), resolution="day"
    ),
    release=None,
    confidence=0.7,
    health="on_track",
    blocked_by=("RSK-3",),
    impact={"reach": Impact(value=2, evidence="41 % of accounts", source="warehouse")},
    labels=("pricing",),
    segments=("smb",),
    regions=("emea",),
    url="https://tracker.example.org/PAY-12",
)
AFTER = BEFORE.model_copy(
    update={
        "version": 4,
        "health": "at_risk",
        "target": Target(
            as_written={"on": "2026-04-30"}, earliest=date(2026, 4, 30), latest=date(2026, 4, 30), resolution="day"
        ),
    }
)
SLIP = FeatureChange(
    kinds=(FeatureKind.DELAYED, FeatureKind.HEALTH_CHANGED),
    feature=AFTER,
    before=BEFORE,
    by_working_days=21,
    reason="the card network's audit takes longer",
)

LAUNCH = LaunchSnapshot(
    id=LaunchId("L-PAY-12"),
    name="Pay by instalments",
    market_tier="T2",
    internal_tier="T1",
    tier_reason="score 52 of 100 is T2; label pricing asks for at least T2",
    state="planned",
    date=date(2026, 5, 19),
    waits_for=None,
    not_before=date(2026, 5, 4),
    not_after=date(2026, 6, 30),
    pin=Pin(reason="the user conference", by="p7", on=date(2026, 5, 19)),
    train=date(2026, 5, 19),
    features=(
        LaunchFeature(
            id="PAY-12",
            title="Pay by instalments",
            owner_team="payments",
            contributors=("risk",),
            stage="beta",
            status="in_progress",
        ),
    ),
    owners=(Owner(role="pmm", person=PersonId("p7")),),
    segments=("smb",),
    regions=("emea",),
    product_line="billing",
    revision=3,
)

ROADMAP_CHANGED = RoadmapChanged(portfolio=PORTFOLIO, revision=17, cause=CAUSE, changes=(SLIP,))

LAUNCHES_CHANGED = LaunchesChanged(
    portfolio=PORTFOLIO,
    revision=18,
    cause=CAUSE,
    features=(SLIP,),
    changes=(
        LaunchChange(
            kinds=(LaunchKind.RESCHEDULED, LaunchKind.CONFLICT_OPENED),
            launch=LAUNCH,
            before=LAUNCH.model_copy(update={"date": date(2026, 4, 21), "revision": 2}),
            material=True,
            why=(
                Link(
                    detail="PAY-12 is ready on 30 Apr 2026",
                    event=CAUSE.id,
                    feature="PAY-12",
                    launch=LAUNCH.id,
                    constraint="ready",
                ),
            ),
        ),
    ),
    proposals=(
        Proposal(
            id="P-1",
            kind="move",
            summary="Move one launch",
            moves=(
                ProposedMove(
                    launch=LAUNCH.id, earlier_date=date(2026, 4, 21), later_date=date(2026, 5, 19), detail="next train"
                ),
            ),
            cost=4,
        ),
    ),
    conflicts=(
        Conflict(
            launch=LAUNCH.id,
            constraint="pin",
            detail="pinned before its feature is ready",
            options=(Option(action="unpin", detail="let it move to 19 May 2026", cost=1),),
        ),
    ),
    opportunities=(Opportunity(launch=LaunchId("L-RSK-3"), earliest=date(2026, 4, 2), detail="could leave earlier"),),
    untouched=("RSK-3",),
    blast_radius=(BlastRadius(feature="PAY-12", slip_days=21, launches=1, cost=4),),
)

_SUBJECT = Subject(kind="launch", id="L-PAY-12", revision=3)

RECEIPTS_CHANGED = ReceiptsChanged(
    portfolio=PORTFOLIO,
    revision=19,
    cause=CAUSE,
    receipts=(Receipt(subject=_SUBJECT, person=PersonId("p7"), state="acknowledged", evidence="B:email", at=HEARD_AT),),
    objections=(Objection(subject=_SUBJECT, person=PersonId("p9"), reason="wrong team", at=HEARD_AT),),
    coverage=(CoverageCount(subject=_SUBJECT, expected=2, classes={"acknowledged": 1, "open": 1}),),
)

GOLDEN: dict[str, Message] = {
    RoadmapChanged.TYPE: ROADMAP_CHANGED,
    LaunchesChanged.TYPE: LAUNCHES_CHANGED,
    ReceiptsChanged.TYPE: RECEIPTS_CHANGED,
}
