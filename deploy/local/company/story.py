"""Reads the company's files into what happens: an opening (the roadmap as it stands) and the steps of a week.

Pure apart from reading our own three files; who carries a step out is the demo.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from deploy.local.company.days import count_day, write_target

HERE = Path(__file__).parent
POLICY = HERE / "policy.yaml"
OPENS = time(7, 30)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
IMPACT = ("customer_value", "reach", "revenue", "differentiation", "narrative", "novelty", "disruption")
NAMES = {"team": "owner_team", "line": "product_line", "with": "contributors"}
LATE = timedelta(hours=3)

Observation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observe:
    """A source tells something; `late`: how long it was under way."""

    observation: Observation
    late: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class AcknowledgeInbox:
    """These people say that they have read everything in their inbox."""

    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PinLaunch:
    """Somebody fixes the date of a feature's launch."""

    feature: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Decide:
    """Somebody approves or rejects what waits for the launch of a feature, or takes back what was approved."""

    verdict: str
    """`approve`, `reject` or `undo`."""
    feature: str
    by: str
    reason: str | None


VERDICTS = ("approve", "reject", "undo")
Act = Observe | AcknowledgeInbox | PinLaunch | Decide


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One thing that happens; `at` is when, in the week as it was written."""

    number: int
    at: datetime
    says: str
    act: Act


@dataclass(frozen=True, slots=True)
class Story:
    """`opening` is told at once, at `opens_at`; observations get their `at` when they are told."""

    directory: bytes
    opens_at: datetime
    opening: tuple[Observation, ...]
    steps: tuple[StoryStep, ...]


def read_story(monday: date) -> Story:
    """The whole story of a week that begins on this Monday."""
    told = _read("features.yaml")
    features = {one["ref"]: one for one in told["features"]}
    opening = [
        *(_release(f"opening-{name}", name, planned, monday) for name, planned in told["releases"].items()),
        *(_feature(f"opening-{ref}", one, monday) for ref, one in features.items()),
    ]
    return Story(
        directory=(HERE / "directory.yaml").read_bytes(),
        opens_at=datetime.combine(monday, OPENS, UTC),
        opening=tuple(opening),
        steps=tuple(_steps(_read("week.yaml"), features, monday)),
    )


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def _steps(lines: list[dict[str, Any]], features: dict[str, Any], monday: date) -> Iterator[StoryStep]:
    """`features` follows what the steps say, so that each observation is the whole truth of its day."""
    last: Observe | None = None
    for number, line in enumerate(lines, start=1):
        act = last if line.get("again") and last else _act(f"week-{number:02}", line, features, monday)
        if isinstance(act, Observe):
            last = act
        yield StoryStep(number, _instant(line["when"], monday), line["says"], act)


def _act(name: str, line: dict[str, Any], features: dict[str, Any], monday: date) -> Act:
    verdict = next((one for one in VERDICTS if one in line), None)
    if verdict:
        return Decide(verdict, line[verdict], line["by"], line.get("reason"))
    if "acknowledge" in line:
        return AcknowledgeInbox(tuple(line["acknowledge"]))
    if "pin" in line:
        return PinLaunch(line["pin"], line["reason"], line["by"])
    return _observe(name, line, features, monday)


def _observe(name: str, line: dict[str, Any], features: dict[str, Any], monday: date) -> Observe:
    if "release" in line:
        return Observe(_release(name, line["release"], line["planned"], monday))
    if "removed" in line:
        return Observe({"id": name, "removed": line["removed"]})
    if "late" in line:
        return Observe(_feature(name, features[line["late"]] | line["set"], monday), LATE)
    features[line["feature"]] = features[line["feature"]] | line["set"]
    said = {key: line[key] for key in ("reason", "actor") if key in line}
    return Observe(_feature(name, features[line["feature"]] | said, monday))


def _release(name: str, release: str, planned: str, monday: date) -> Observation:
    return {"id": name, "release": {"name": release, "planned_on": count_day(planned, monday).isoformat()}}


def _feature(name: str, written: dict[str, Any], monday: date) -> Observation:
    feature = {NAMES.get(key, key): value for key, value in written.items()}
    feature["target"] = write_target(feature.get("target"), monday)
    if "impact" in feature:
        feature["impact"] = dict(zip(IMPACT, feature["impact"], strict=True))
    return {"id": name, "feature": feature}


def _instant(text: str, monday: date) -> datetime:
    weekday, clock = text.split()
    day = monday + timedelta(days=WEEKDAYS.index(weekday))
    return datetime.combine(day, time.fromisoformat(clock), UTC)
