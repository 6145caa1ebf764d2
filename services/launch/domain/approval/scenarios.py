"""Scenarios: what somebody supposes, under a name; one may extend another. Asked on the state as it is, never applied.

A scenario says what it extends, then its own: for the same feature its own slip counts, its edits come after the
others'.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.launch.domain.approval.outcome import Outcome
from services.launch.domain.approval.whatif import Slip, Step, simulate
from services.launch.domain.decide.persons import Edit
from services.launch.domain.decide.scene import RefusedError, Scene
from services.launch.domain.state import State
from shared.contracts.words import Word

MOST_SCENARIOS = 100
NAME = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$"


class Scenario(Word):
    """Slips, all at once, and then edits, one after the other. The name is empty for one that is only asked once."""

    name: str = ""
    events: tuple[Slip, ...] = ()
    edits: tuple[Edit, ...] = ()
    extends: str | None = None

    @property
    def place(self) -> str:
        """Where its parts are, for whoever is told that one of them cannot be."""
        return f"scenario {self.name} $" if self.name else "$"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a scenario would do to the plan as it is, and what the one that it extends would."""

    scenario: Scenario
    outcome: Outcome
    parent: Outcome | None


def check(scenario: Scenario, known: Mapping[str, Scenario]) -> None:
    """Whether it can be kept among those known.

    Raises:
        RefusedError: its name is none; what it extends is not there or would extend it in turn; there are too many.
    """
    if not re.fullmatch(NAME, scenario.name):
        raise RefusedError("a name is up to 64 letters, digits, spaces, and . _ -", "$.name")
    if scenario.name not in known and len(known) >= MOST_SCENARIOS:
        raise RefusedError(f"there are {MOST_SCENARIOS} scenarios already; delete one that nobody asks any more")
    lineage(scenario, {**known, scenario.name: scenario})


def lineage(scenario: Scenario, known: Mapping[str, Scenario]) -> list[Scenario]:
    """What it extends, the first one first, and itself.

    Raises:
        RefusedError: one of them is not there, or they go round in a circle.
    """
    found, where = [scenario], "$.extends" if scenario.name else "$.scenario"
    while (above := found[-1].extends) is not None:
        parent = known.get(above)
        if parent is None:
            raise RefusedError(f"no such scenario: {above}", where)
        if parent in found:
            names = (*(one.name for one in found), above)
            raise RefusedError(f"it would extend itself: {' extends '.join(names)}", where)
        found.append(parent)
    return found[::-1]


def compare(state: State, line: Sequence[Scenario], scene: Scene) -> Compared:
    """Try out the last of a lineage, and the one before it if there is one.

    Raises:
        RefusedError: something that is supposed cannot be; says where.
    """
    parent = simulate(state, _steps(line[:-1]), scene) if len(line) > 1 else None
    return Compared(line[-1], simulate(state, _steps(line), scene), parent)


def _steps(line: Sequence[Scenario]) -> list[Step]:
    slips: dict[str, Step] = {}
    for one in line:
        slips |= {slip.feature: Step(slip, f"{one.place}.events[{at}]") for at, slip in enumerate(one.events)}
    edits = [Step(edit, f"{one.place}.edits[{at}]") for one in line for at, edit in enumerate(one.edits)]
    return [*slips.values(), *edits]
