"""What the page of a launch answers when asked: why this day or not another one, and what its loudness rests on."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from fastapi import Request

from services.launch.domain.calendar import Context
from services.launch.domain.feature import KnownFeature
from services.launch.domain.launch import Launch
from services.launch.domain.questions.explain import explain_day
from services.launch.domain.tiers import flips
from services.launch.handlers.deciding import Deciding
from services.launch.pages.asked import ask
from shared.contracts.words import PortfolioId


async def answer_day(
    request: Request, deciding: Deciding, portfolio: PortfolioId, launch: Launch, context: Context
) -> dict[str, Any]:
    """`asked_day` of the address and the `answer` in sentences; nothing where no day is asked for."""
    try:
        day = date.fromisoformat(ask(request, "day") or "")
    except ValueError:
        return {"asked_day": None, "answer": ()}
    found = await deciding.query_locked(portfolio, lambda state: explain_day(state, launch.id, day, context))
    return {"asked_day": day, "answer": found.sentences}


def weigh(launch: Launch, known: Sequence[KnownFeature], context: Context) -> dict[str, Any]:
    """The `inputs` of the launch's features that count, the heaviest first, and the changes that would `tip` it."""
    active = [one.snapshot for one in known if not one.is_cancelled]
    weights = context.policy.weights
    rows = [(one.ref, name, value) for one in active for name, value in one.impact.items() if value.value]
    rows.sort(key=lambda row: (-row[2].value * weights.get(row[1], 0), row[0], row[1]))
    tips = flips(active, context.policy, launch.snapshot.market_tier)
    return {"inputs": rows, "tips": [str(one) for one in tips if one]}
