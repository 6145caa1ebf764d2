"""What is mutated, in order of importance, and the tests that must notice: rules, approval, guards, calendar, tiers."""

from typing import NamedTuple

LAUNCH = ("tests/unit/launch",)


class MutationTarget(NamedTuple):
    """A module, the folders or files of the tests concerned, and the functions and values, if not all are meant."""

    path: str
    tests: tuple[str, ...] = LAUNCH
    only: tuple[str, ...] = ()


RULES = "services/launch/domain/rules"

TARGETS = (
    *(
        MutationTarget(f"{RULES}/{name}.py")
        for name in ("catalogue", "rule", "audience", "own", "between", "lead", "train", "budget")
    ),
    MutationTarget("services/launch/domain/scheduling/approval.py"),
    MutationTarget("shared/runtime/database/portfolio_rows.py", ("tests/unit/runtime",), ("PortfolioRow.advance",)),
    MutationTarget("shared/web/doors.py", ("tests/unit/web",), ("check_origin",)),
    MutationTarget("services/notify/domain/audience.py", ("tests/unit/notify",)),
    MutationTarget("services/launch/domain/decisions/person.py", LAUNCH, ("_check_second",)),
    MutationTarget(
        "shared/runtime/inbox.py",
        ("tests/unit/runtime",),
        ("Inbox._attempt_next", "_patiently", "park", "ATTEMPTS", "OUTAGE_ATTEMPTS", "RETRY_AFTER"),
    ),
    MutationTarget("services/notify/domain/delivery.py", ("tests/unit/notify",)),
    MutationTarget("services/launch/domain/calendar.py"),
    MutationTarget("services/launch/domain/tiers.py"),
)
