"""A new version of a directory: saved, and what it means for people who gained or lost their way out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.domain.directory import DirectoryFile
from services.notify.domain.hearing import announce_acts
from services.notify.domain.obligations import LoseReach, Obligation, RegainReach, apply
from services.notify.handlers.acknowledgements import Trigger, announcement, build_cause
from services.notify.store.acts import count_coverage, save_changed, unsettled_of_person
from services.notify.store.deliveries import send_anew
from services.notify.store.directories import current_ids, load_people, save_directory
from shared.contracts.words import PersonId, PortfolioId
from shared.runtime.database import Batch, Database
from shared.runtime.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DirectoryDependencies:
    """Where directories are kept: the database, what is told, the domain of our Message-IDs, and whose time counts."""

    database: Database
    outbox: Outbox
    mail_domain: str
    time_is_ours: bool


async def put_directory(
    dependencies: DirectoryDependencies, portfolio: PortfolioId, file: DirectoryFile, now: datetime
) -> bool:
    """Make a directory the current one; False when it is that already.

    Whoever can no longer be reached, or has left, owes what was owed as a visible gap; whoever can be reached again is
    written to again.
    """
    async with dependencies.database.locked([portfolio]) as batch:
        if (await current_ids(batch.connection, [portfolio]))[portfolio] == file.directory.id:
            return False
        row = batch.portfolios[portfolio]
        row.changed = True  # what is kept in memory of this portfolio names the old directory
        at = max(now, row.now or now) if dependencies.time_is_ours else row.now or now
        before = await load_people(batch.connection, portfolio)
        await save_directory(batch.connection, portfolio, file, at)
        after = await load_people(batch.connection, portfolio)
        changed = await _moved(batch, portfolio, before, after, at)
        if changed:
            await save_changed(batch.connection, portfolio, changed)
            coverage = await count_coverage(batch.connection, portfolio, [one.subject for one in changed])
            revision = row.raise_revision()
            # The version before is part of it: an old directory may come back, and that is another act.
            trigger = Trigger(
                f"notify:person:directory-{file.directory.id[-32:]}-{revision}", "person", "A new directory came", None
            )
            message = announce_acts(portfolio, revision, build_cause(trigger, at), changed, coverage)
            await dependencies.outbox.add(batch, [announcement(message, at, None)])
            anew = [one.notice for one in changed if one.state == "open"]
            await send_anew(batch.connection, anew, dependencies.mail_domain, at)
    return True


async def _moved(
    batch: Batch,
    portfolio: PortfolioId,
    before: Mapping[PersonId, Mapping[str, Any]],
    after: Mapping[PersonId, Mapping[str, Any]],
    at: datetime,
) -> list[Obligation]:
    changed: list[Obligation] = []
    for person, row in after.items():
        problem = row["problem"]
        was = before[person]["problem"] if person in before else None
        if (problem is None) == (was is None):
            continue
        owed = await unsettled_of_person(batch.connection, portfolio, person)
        changed += apply(owed, RegainReach(at) if problem is None else LoseReach(at, problem))
    return changed
