"""Who is expected to know one subject, and why; who is not, and why not.

The routing policy is data: which role must acknowledge, must see, or is not concerned, by tier and kind of change. The
audience is a calculation over it and the directory. What each of them then owes is in obligations.py.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pydantic import Field

from services.notify.domain.directory import EVERY_PRODUCT_LINE, Directory, Person
from services.notify.domain.news import Level, News
from services.notify.domain.obligations import Need
from shared.contracts.notify import Excluded
from shared.contracts.words import PersonId, Word, canonical_json

CATCH_ALL_ROLE: Final = "lead"
NO_RULE: Final = "no rule matched"
NOT_IN_DIRECTORY: Final = "not in the directory"
REMEMBERED: Final = 2_000

AFTER_THE_FACT: Final = ("announced", "launched", "relaunched", "closed")
"""Kinds that leave nothing to prepare: good to know, nothing to confirm."""


class RoutingRule(Word):
    """One role at one level. `kinds` empty: any kind; `kinds_not`: not when all kinds of the change are among these.

    `required`: somebody has to hold this role, else it is a gap.
    """

    id: str
    role: str
    level: Level
    need: Need
    kinds: tuple[str, ...] = ()
    kinds_not: tuple[str, ...] = ()
    required: bool = False

    def matches(self, role: str, level: str, kinds: Iterable[str]) -> bool:
        """Whether the rule speaks about this role, level and change."""
        if (role, level) != (self.role, self.level):
            return False
        given = set(kinds)
        if self.kinds and not given & set(self.kinds):
            return False
        return not (self.kinds_not and given and given <= set(self.kinds_not))


class RoutingPolicy(Word):
    """All rules, and how many working days a person has to acknowledge, by level."""

    rules: tuple[RoutingRule, ...]
    due_in_working_days: dict[str, int] = Field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The hash of the policy's canonical JSON: what a certificate names."""
        return "sha256:" + hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    def matching(self, role: str, level: str, kinds: tuple[str, ...]) -> list[RoutingRule]:
        """The rules for one role, in the order in which the policy lists them."""
        return [rule for rule in self.rules if rule.matches(role, level, kinds)]


_SHORT: Final = {"cs_lead": "cs", "sales_enablement": "enablement", "marketing_ops": "ops", "cs": "cs-team"}


def _rules(level: Level, acknowledge: Iterable[str], see: Iterable[str]) -> Iterable[RoutingRule]:
    for role in acknowledge:
        name = f"{_SHORT.get(role, role)}-{level.lower()}"
        yield RoutingRule(id=name, role=role, level=level, need="acknowledge", kinds_not=AFTER_THE_FACT, required=True)
        yield RoutingRule(id=f"{name}-after", role=role, level=level, need="see", kinds=AFTER_THE_FACT)
    for role in see:
        yield RoutingRule(id=f"{_SHORT.get(role, role)}-{level.lower()}", role=role, level=level, need="see")


DEFAULT_POLICY: Final = RoutingPolicy(
    rules=(
        *_rules(
            "T1",
            ("pm", "pmm", "marketing_ops", "sales", "sales_enablement", "cs", "cs_lead", "support", "docs", "comms"),
            ("champion", "liaison", "lead"),
        ),
        *_rules(
            "T2",
            ("pm", "pmm", "marketing_ops", "sales_enablement", "cs_lead"),
            ("sales", "cs", "support", "docs", "comms", "champion", "liaison"),
        ),
        *_rules(
            "T3",
            ("pmm",),
            (
                "pm",
                "marketing_ops",
                "sales",
                "sales_enablement",
                "cs",
                "cs_lead",
                "support",
                "docs",
                "champion",
                "liaison",
            ),
        ),
        *_rules("T4", (), ("pm", "pmm")),
        RoutingRule(id="pmm-untouched", role="pmm", level="untouched", need="see", required=True),
        RoutingRule(id="pm-untouched", role="pm", level="untouched", need="see"),
    ),
    due_in_working_days={"T1": 1, "T2": 2, "T3": 5},
)
"""As docs/reference/directory.md shows it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One person of an audience. `known`: the directory has this person."""

    person: PersonId
    need: Need
    because: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody of the directory is in `expected` or in `excluded`, never in both.

    `unfilled`: required roles that nobody holds here. `is_incident`: nobody was concerned, so the leads are told.
    """

    expected: tuple[Expected, ...]
    excluded: tuple[Excluded, ...]
    unfilled: tuple[str, ...]
    is_incident: bool


class Router:
    """One directory under one policy; equal questions are answered from memory."""

    def __init__(self, directory: Directory, policy: RoutingPolicy) -> None:
        self.directory = directory
        self.policy = policy
        self._answers: dict[tuple[object, ...], Audience] = {}

    def audience(self, news: News) -> Audience:
        """Who must know this."""
        key = (
            *(news.level, news.kinds, news.teams, news.contributors, news.product_line),
            *(news.segments, news.regions, tuple((owner.role, owner.person) for owner in news.owners)),
        )
        found = self._answers.get(key)
        if found is None:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            found = self._answers[key] = build_audience(self.directory, self.policy, news)
        return found


def build_audience(directory: Directory, policy: RoutingPolicy, news: News) -> Audience:
    """Judge every person of the directory, and the launch's owners even when the directory does not know them."""
    judged = [_judge(person, policy, news) for person in directory.people]
    known = {person.id for person in directory.people}
    strangers = [owner for owner in news.owners if owner.person not in known]
    judged += [
        Expected(owner.person, "acknowledge", (f"owner as {owner.role}", NOT_IN_DIRECTORY), known=False)
        for owner in {owner.person: owner for owner in strangers}.values()
    ]
    expected = [one for one in judged if isinstance(one, Expected)]
    excluded = [one for one in judged if isinstance(one, Excluded)]
    unfilled = _unfilled(directory, policy, news, expected)
    if expected:
        return Audience(tuple(expected), tuple(excluded), unfilled, is_incident=False)
    leads = [person.id for person in directory.people if CATCH_ALL_ROLE in person.roles]
    why = ("catch-all: nobody else is concerned", f"role={CATCH_ALL_ROLE}")
    rest = tuple(one for one in excluded if one.person not in leads)
    nobody = () if leads else (CATCH_ALL_ROLE,)
    caught = tuple(Expected(lead, "acknowledge", why) for lead in leads)
    return Audience(caught, rest, (*unfilled, *nobody), is_incident=True)


def _unfilled(directory: Directory, policy: RoutingPolicy, news: News, expected: Sequence[Expected]) -> tuple[str, ...]:
    inside = {one.person for one in expected}
    held = {role for person in directory.people if person.id in inside for role in person.roles}
    held |= {owner.role for owner in news.owners}
    wanted = {rule.role for rule in policy.rules if rule.required and rule.matches(rule.role, news.level, news.kinds)}
    return tuple(sorted(wanted - held))


def _judge(person: Person, policy: RoutingPolicy, news: News) -> Expected | Excluded:
    owned = [owner.role for owner in news.owners if owner.person == person.id]
    inside, why = _belongs(person, news)
    roles = [*owned, *(person.roles if inside else _roles_by_contribution(person, news))]
    if not inside and len(roles) > len(owned):
        inside, why = True, f"contributes with team={person.team}"
    if not inside and not owned:
        return Excluded(person=person.id, because=why)
    rules = [rule for role in dict.fromkeys(roles) for rule in policy.matching(role, news.level, news.kinds)]
    reasons = [f"role={rule.role} via rule {rule.id}" for rule in rules] + [f"owner as {role}" for role in owned]
    if not reasons:
        return Excluded(person=person.id, because=NO_RULE)
    need: Need = "acknowledge" if any(rule.need == "acknowledge" for rule in rules) else "see"
    return Expected(person.id, need, (*reasons, *((why,) if inside else ())))


def _roles_by_contribution(person: Person, news: News) -> tuple[str, ...]:
    """A product manager hears also of what the team only contributes to, unless something else keeps the person out."""
    by_team_only = not (person.product_lines or person.regions or person.segments)
    return ("pm",) if by_team_only and "pm" in person.roles and person.team in news.contributors else ()


def _belongs(person: Person, news: News) -> tuple[bool, str]:
    """Whether this is the person's business, and why or why not."""
    declared = [
        (name, mine, theirs)
        for name, mine, theirs in (
            ("regions", person.regions, news.regions),
            ("segments", person.segments, news.segments),
        )
        if mine
    ]
    for name, mine, theirs in declared:
        if theirs and not set(mine) & set(theirs):
            return False, f"{name}={_list(mine)}, not {_list(theirs)}"
    if person.product_lines:
        return _belongs_by_product_line(person, news)
    if declared:
        return True, ", ".join(f"{name}={_list(mine)}" for name, mine, _ in declared)
    return _belongs_by_team(person, news)


def _belongs_by_team(person: Person, news: News) -> tuple[bool, str]:
    if person.team is None:
        return True, "house-wide"
    if person.team in news.teams:
        return True, f"team={person.team}"
    return False, f"team={person.team} owns nothing of it"


def _belongs_by_product_line(person: Person, news: News) -> tuple[bool, str]:
    if EVERY_PRODUCT_LINE in person.product_lines or news.product_line in person.product_lines:
        return True, f"product_line={news.product_line or EVERY_PRODUCT_LINE}"
    if person.team is not None and person.team in news.teams:
        return True, f"team={person.team}"
    return False, f"product_lines={_list(person.product_lines)}, not {news.product_line or 'any'}"


def _list(values: Iterable[str]) -> str:
    return ";".join(values)
