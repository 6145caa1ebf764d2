"""Blast radius: one slip at a time, so that decisions go on in between; shown to whoever asks, told when asked to."""

import asyncio
from datetime import datetime
from functools import partial

from services.launch.domain.calendar import Context, RefusedError
from services.launch.domain.decisions.person import derive_person_cause_id
from services.launch.domain.portfolio import State
from services.launch.domain.questions.simulate import RadiusAnswer, features_ahead, sweep, tell_radius
from services.launch.handlers.deciding import Deciding
from services.launch.store.proposals import find_message
from services.launch.store.reading import find_told, read_revision
from shared.contracts.launch import BlastRadius, LaunchesChanged
from shared.contracts.words import PortfolioId, Word

MOST_FEATURES = 500


class RadiusQuestion(Word):
    """Which features by how many days; None: those of launches ahead."""

    slips: tuple[int, ...]
    features: tuple[str, ...] | None = None
    most: int = MOST_FEATURES


async def find_radius(
    deciding: Deciding, portfolio: PortfolioId, question: RadiusQuestion, at: datetime
) -> tuple[BlastRadius, ...]:
    """What each slip would move. The portfolio is locked for one slip at a time.

    Raises:
        RefusedError: there is no such feature.
    """
    context = Context(deciding.calendar, at)
    features = (
        await deciding.query_locked(portfolio, features_ahead) if question.features is None else question.features
    )
    unknown = await deciding.query_locked(
        portfolio, lambda state: [name for name in features if name not in state.features]
    )
    if unknown:
        raise RefusedError(f"no such feature: {', '.join(unknown)}", "$.features", missing=True)
    found: list[BlastRadius] = []
    for name in features[: question.most]:
        for days in question.slips:
            found += await deciding.query_locked(portfolio, partial(_try, name, days, context))
            await asyncio.sleep(0)
    return tuple(found)


async def tell(
    deciding: Deciding, portfolio: PortfolioId, question: RadiusQuestion, by: tuple[str, str], at: datetime
) -> LaunchesChanged:
    """Find it and tell it, for a person; `by` is their name and the request's id. The same request is told once.

    Raises:
        RefusedError: there is nothing to tell, or no such feature.
    """
    cause = derive_person_cause_id(by[1])
    async with deciding.database.reading() as connection:
        told = await find_told(connection, portfolio, cause)
        since = await read_revision(connection, portfolio)
    if told is None:
        found = await find_radius(deciding, portfolio, question, at)
        asked = RadiusAnswer(by=by[0], request=by[1], since=since, found=found)
        await deciding.act(portfolio, by[1], partial(_tell, asked), at)
    async with deciding.database.reading() as connection:
        return await find_message(connection, portfolio, cause)


def _try(feature: str, days: int, context: Context, state: State) -> list[BlastRadius]:
    return sweep(state, feature, (days,), context)


def _tell(asked: RadiusAnswer, state: State, context: Context, revision: int) -> LaunchesChanged:
    return tell_radius(state, asked, context, revision)
