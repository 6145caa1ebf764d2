"""The routing policy as data: which role must acknowledge, must see, or is not concerned, by tier and kind of change.

Who holds a role for one launch is in audience.py.
"""

import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import Final, Literal

from pydantic import Field

from shared.contracts.words import Word, canonical_json

Tier = Literal["T1", "T2", "T3", "T4"]
Level = Literal["T1", "T2", "T3", "T4", "untouched"]
"""How loud a subject is: the tier of a launch, or a feature whose change raised no launch's revision."""

Need = Literal["acknowledge", "see"]

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


def loudest(first: Tier, *others: Tier) -> Tier:
    """The lowest number: T1 is louder than T2."""
    return min((first, *others))


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
