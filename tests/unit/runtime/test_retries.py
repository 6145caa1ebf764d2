"""How often is tried again, how long is waited in between, and that a decision's time never goes back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from shared.contracts.words import PortfolioId
from shared.runtime.database import Batch, Database, PortfolioRow
from shared.runtime.inbox import list_parked, park, parked_table
from shared.runtime.inbox_messages import Received
from tests.integration import toy
from tests.integration.test_road import record
from tests.servers.fixtures import FreshDatabase

ALPHA = PortfolioId("alpha")
HOUR = timedelta(hours=1)


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    opened = toy.open_database(await fresh_database("toy", toy.prepare))
    yield opened
    await opened.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept, without sleeping."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds:  # to let others go first is no wait
            slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return slept


def test_time_never_goes_back_and_only_a_later_one_is_written_down() -> None:
    row = PortfolioRow(ALPHA, 1, 0, None)
    assert (row.advance(toy.NOON), row.now, row.changed) == (toy.NOON, toy.NOON, True)
    row.changed = False
    assert (row.advance(toy.NOON), row.changed) == (toy.NOON, False)
    assert (row.advance(toy.NOON - HOUR), row.now, row.changed) == (toy.NOON, toy.NOON, False)
    assert (row.advance(toy.NOON + HOUR), row.now, row.changed) == (toy.NOON + HOUR, toy.NOON + HOUR, True)


async def _next_try(database: Database, revision: int) -> timedelta | None:
    """Fail once more; after how long the revision is tried again, None: never by itself."""
    async with database.locked([ALPHA]) as batch:
        await park(batch, toy.TOPIC, ALPHA, revision, "cannot\x00 stand it" + "." * 5000)
    async with database.reading() as connection:
        found = await connection.execute(sa.select(parked_table.c.retry_at - sa.func.clock_timestamp()))
        left = found.scalar_one()
    return None if left is None else timedelta(seconds=round(left.total_seconds()))


async def test_what_is_parked_is_tried_again_later_and_later_and_then_waits_for_a_person(database: Database) -> None:
    waited = [await _next_try(database, revision=2) for _ in range(6)]
    assert waited == [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), HOUR, None, None]
    [parked] = await list_parked(database)
    assert (parked["portfolio"], parked["topic"], parked["revision"], parked["attempts"]) == ("alpha", toy.TOPIC, 2, 6)
    assert parked["problem"] == ("cannot stand it" + "." * 5000)[:4000]


async def test_the_next_revision_to_fail_is_waited_for_as_if_it_were_the_first(database: Database) -> None:
    await _next_try(database, revision=2)
    await _next_try(database, revision=2)
    assert await _next_try(database, revision=3) == timedelta(seconds=10)
    [parked] = await list_parked(database)
    assert (parked["revision"], parked["attempts"]) == (3, 1)


class Unwilling(toy.Hearer):
    """Fails so many times at what it hears, and counts."""

    def __init__(self, database: Database, failures: int) -> None:
        super().__init__(database)
        self.failures = failures
        self.tries = 0

    async def _handle(self, batch: Batch, messages: list[Received[toy.Said]]) -> None:  # type: ignore[override]
        self.tries += 1
        if self.tries <= self.failures:
            raise ValueError("not in the mood")
        await super()._handle(batch, messages)


async def test_a_revision_that_fails_three_times_by_itself_is_parked(database: Database, waits: list[float]) -> None:
    hearer = Unwilling(database, failures=4)
    await hearer.inbox.receive([record("alpha", 1), record("alpha", 2)])
    assert hearer.tries == 4  # once with all others, then three times alone
    assert [parked["revision"] for parked in await list_parked(database)] == [1]
    assert await hearer.heard() == {}
    assert waits == [0.02, 0.04]


async def test_a_revision_that_failed_once_is_tried_alone(database: Database, waits: list[float]) -> None:
    hearer = Unwilling(database, failures=2)
    await hearer.inbox.receive([record("alpha", 1), record("alpha", 2)])
    assert hearer.tries == 4  # with all others, alone, alone again, and the second revision
    assert (await hearer.heard(), waits) == ({"alpha": [1, 2]}, [0.02])


async def test_a_revision_that_succeeds_at_the_third_try_is_not_parked(database: Database, waits: list[float]) -> None:
    hearer = Unwilling(database, failures=3)
    await hearer.inbox.receive([record("alpha", 1), record("alpha", 2)])
    assert hearer.tries == 5  # the second revision is then a transaction of its own
    assert await list_parked(database) == []
    assert await hearer.heard() == {"alpha": [1, 2]}
    assert waits == [0.02, 0.04]


class Away(Database):
    """A database that is away the first times it is asked for a lock."""

    def __init__(self, url: str, times: int, problem: Exception) -> None:
        super().__init__(url)
        self.times = times
        self.problem = problem
        self.asked = 0

    @asynccontextmanager
    async def locked(self, ids: Iterable[PortfolioId]) -> AsyncIterator[Batch]:
        self.asked += 1
        if self.asked <= self.times:
            raise self.problem
        async with super().locked(ids) as batch:
            yield batch


async def test_a_database_that_comes_back_at_the_sixth_try_was_waited_for(
    database: Database, waits: list[float]
) -> None:
    away = Away(database.url, 5, OSError("gone"))
    hearer = toy.Hearer(away)
    await hearer.inbox.receive([record("alpha", 1)])
    assert away.asked == 6
    assert await hearer.heard() == {"alpha": [1]}
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6]
    await away.close()


async def test_a_database_that_stays_away_gives_the_batch_back(database: Database, waits: list[float]) -> None:
    away = Away(database.url, 6, OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await toy.Hearer(away).inbox.receive([record("alpha", 1)])
    assert (away.asked, len(waits)) == (6, 5)
    await away.close()


class Leaving(toy.Hearer):
    """While it hears, the database goes away: so it is after a first failure of another kind."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.tries = 0

    async def _handle(self, batch: Batch, messages: list[Received[toy.Said]]) -> None:  # type: ignore[override]
        self.tries += 1
        if self.tries == 1:
            raise ValueError("not in the mood")
        if self.tries == 2:
            raise OSError("gone")
        await super()._handle(batch, messages)


async def test_an_outage_is_no_failure_of_the_revision(database: Database, waits: list[float]) -> None:
    hearer = Leaving(database)
    await hearer.inbox.receive([record("alpha", 1)])
    assert await list_parked(database) == []
    assert await hearer.heard() == {"alpha": [1]}
    assert waits == [0.1]  # for the database, not for the revision


async def test_what_cannot_be_written_at_all_is_not_waited_for(database: Database, waits: list[float]) -> None:
    away = Away(database.url, 9, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        await toy.Hearer(away).inbox.receive([record("alpha", 1)])
    assert waits == []
    await away.close()
