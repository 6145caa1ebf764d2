"""A fresh database for each test, copied from a template that each service's migrations made once per run.

The tables come from the caller's `prepare`; nothing here knows a service.
"""

import asyncio
import inspect
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

Prepare = Callable[[str], Awaitable[None] | None]
STATEMENT_SECONDS = 30.0


class Databases:
    """The databases of one test run on one server; `dsn` is any superuser's DSN on it."""

    def __init__(self, dsn: str, description: str) -> None:
        self.description = description
        self._admin_dsn = dsn
        self._run = f"inloop_{secrets.token_hex(4)}"
        self._count = 0
        self._templates: dict[str, str] = {}

    def dsn(self, database: str) -> str:
        return urlunsplit(urlsplit(self._admin_dsn)._replace(path=f"/{database}"))

    async def fresh(self, service: str, prepare: Prepare | None = None) -> str:
        """Give the DSN of a new database. `prepare(dsn)` fills the service's template, the first time only."""
        if service not in self._templates:
            await self._make_template(service, prepare)
        self._count += 1
        name = f"{self._run}_{service}_{self._count}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._templates[service]}"')
        return self.dsn(name)

    async def drop(self, dsn: str) -> None:
        """Drop it whoever is still connected."""
        name = urlsplit(dsn).path.removeprefix("/")
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def drop_templates(self) -> None:
        for name in self._templates.values():
            await self.drop(self.dsn(name))
        self._templates.clear()

    async def _make_template(self, service: str, prepare: Prepare | None) -> None:
        name = f"{self._run}_{service}_template"
        await self._execute(f'CREATE DATABASE "{name}"')
        if prepare is not None:
            # In a thread: Alembic's command is synchronous and opens an event loop of its own.
            result = await asyncio.to_thread(prepare, self.dsn(name))
            if inspect.isawaitable(result):
                await result
        # A connection, even autovacuum's, would make the copying fail.
        await self._execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self._templates[service] = name

    async def _execute(self, sql: str) -> None:
        async with connection(self._admin_dsn) as admin:
            await admin.execute(sql)


@asynccontextmanager
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Open one for a test that looks into a database."""
    opened = await asyncpg.connect(dsn, command_timeout=STATEMENT_SECONDS)
    try:
        yield opened
    finally:
        await opened.close()


def given_server() -> str | None:
    """Give the DSN of a server that somebody else runs, if there is one."""
    return os.environ.get("INLOOP_TEST_POSTGRES")


async def server_version(dsn: str) -> str:
    async with connection(dsn) as admin:
        return str(await admin.fetchval("SHOW server_version"))
