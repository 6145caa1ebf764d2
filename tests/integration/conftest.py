"""Fixtures of the integration tests about the plumbing."""

from collections.abc import AsyncIterator

import pytest

from shared.runtime.database import Database
from shared.runtime.failpoints import arm
from tests.integration import toy
from tests.servers.fixtures import FreshDatabase


@pytest.fixture
async def toy_database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """An empty database with the plumbing's tables and the toy's; no failpoint stays armed after the test."""
    opened = toy.open_database(await fresh_database("toy", toy.prepare))
    yield opened
    await opened.close()
    arm("")
