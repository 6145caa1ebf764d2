"""A small company and the news it hears, for notify's tests. A test says only what matters to it."""

from datetime import UTC, date, datetime
from typing import Any

from services.notify.domain.directory import Directory, Person
from services.notify.domain.news import CauseNews, Level, News
from shared.contracts.cause import Cause, Source
from shared.contracts.launch import LaunchChange, LaunchesChanged, LaunchFeature, LaunchSnapshot, Link
from shared.contracts.notify import Subject
from shared.contracts.words import CauseId, LaunchId, PersonId, PortfolioId

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DEFAULT = PortfolioId("default")

COMPANY_CSV = b"""id,name,email,team,roles,regions,product_lines,segments,zone,locale,manager,backup
ana,Ana Ruiz,ana@example.com,payments,pmm,,,,Europe/Madrid,en,,
bo,Bo Chen,bo@example.com,payments,pm,,,,UTC,en,,
cleo,Cleo Martin,cleo@example.com,,sales;sales_enablement,,,,Europe/Paris,fr,,
dev,Dev Patel,,,cs_lead,,,,UTC,en,,
eli,Eli Stone,eli@example.com,search,pmm,,,,UTC,en,,
mo,Mo Adeyemi,mo@example.com,,marketing_ops,,,,UTC,en,,
lia,Lia Berg,lia@example.com,,lead,,,,UTC,en,,
"""


def person(name: str, *roles: str, **more: Any) -> Person:
    return Person(id=PersonId(name), roles=roles, **more)


def directory(*people: Person) -> Directory:
    return Directory(id="sha256:test", people=tuple(sorted(people, key=lambda one: one.id)))


def cause(name: str = "native:1", summary: str = "Payments slips by a week", at: datetime = NOON) -> Cause:
    source = Source(tool="native", source_id="native", occurred_at=at, observed_at=at)
    return Cause(id=CauseId(name), kind="observation", summary=summary, source=source)


def news(name: str = "L-1", revision: int = 1, level: Level = "T2", **more: Any) -> News:
    values: dict[str, Any] = {
        "name": "Instant payouts",
        "kinds": ("rescheduled",),
        "state": "planned",
        "date": date(2026, 6, 9),
        "date_before": date(2026, 6, 2),
        "teams": ("payments",),
        "tier": level,
    }
    return News(subject=Subject(kind="launch", id=name, revision=revision), level=level, **(values | more))


def cause_news(*items: News, revision: int = 1, because: Cause | None = None) -> CauseNews:
    return CauseNews(portfolio=DEFAULT, revision=revision, cause=because or cause(f"native:{revision}"), news=items)


def snapshot(name: str = "L-1", revision: int = 1, **more: Any) -> LaunchSnapshot:
    feature = LaunchFeature(
        id="PAY-1", title="Instant payouts", owner_team="payments", contributors=(), stage="ga", status="in_progress"
    )
    values: dict[str, Any] = {
        "name": "Instant payouts",
        "market_tier": "T2",
        "internal_tier": "T2",
        "tier_reason": "score 51",
        "state": "planned",
        "date": date(2026, 6, 2),
        "features": (feature,),
    }
    return LaunchSnapshot(id=LaunchId(name), revision=revision, **(values | more))


def launches_changed(
    revision: int = 1, *changes: LaunchChange, because: Cause | None = None, portfolio: str = "default"
) -> LaunchesChanged:
    return LaunchesChanged(
        portfolio=PortfolioId(portfolio),
        revision=revision,
        cause=because or cause(f"native:{revision}"),
        changes=changes,
    )


def planned(name: str = "L-1", **more: Any) -> LaunchChange:
    return LaunchChange(
        kinds=("planned",), launch=snapshot(name, 1, **more), before=None, material=True, why=(Link(detail="Added"),)
    )


def moved(name: str = "L-1", revision: int = 2, day: date = date(2026, 6, 9)) -> LaunchChange:
    return LaunchChange(
        kinds=("rescheduled",),
        launch=snapshot(name, revision, date=day),
        before=snapshot(name, revision - 1),
        material=True,
        why=(Link(detail="PAY-1 slips by 5 working days"), Link(detail="Instant payouts is ready a week later")),
    )
