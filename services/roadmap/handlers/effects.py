"""Keeps what the others tell: what observations led to, what slips would move. Facts: nothing here can be refused."""

from collections.abc import Sequence

from services.roadmap.domain.effects import LaunchEffect, PeopleEffect, gather
from services.roadmap.domain.radius import ToldRadius, gather_radii
from services.roadmap.store.effects import save_launches, save_people
from services.roadmap.store.radius import save_radii
from shared.runtime.database import Batch


async def on_launches(batch: Batch, effects: Sequence[LaunchEffect]) -> None:
    """Launch has decided on causes; those that touched a launch are kept."""
    launches = {key: touched for key, touched in gather(list(effects)).items() if touched}
    if launches:
        await save_launches(batch.connection, launches)


async def on_radii(batch: Batch, told: Sequence[ToldRadius]) -> None:
    """Somebody asked launch what slips would move."""
    if told:
        await save_radii(batch.connection, gather_radii(told))


async def on_people(batch: Batch, effects: Sequence[PeopleEffect]) -> None:
    """Notify has worked out who must know of causes, or somebody has acknowledged."""
    if effects:
        await save_people(batch.connection, effects)
