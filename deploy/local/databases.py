"""One database and one role per service on an embedded PostgreSQL, as compose and Kubernetes have them too.

A role owns its database and may not enter another's. The roles get new passwords at each start, so none is kept in
any file. No tables here: those are the services' own.
"""

import secrets
from collections.abc import Sequence

import asyncpg

from deploy.local.host import LOOPBACK
from deploy.local.postgres import EmbeddedPostgres


async def prepare_databases(server: EmbeddedPostgres, services: Sequence[str]) -> dict[str, str]:
    """Create what is missing; gives each service's DSN."""
    admin = await asyncpg.connect(server.dsn(), timeout=10)
    try:
        return {service: await _prepare(admin, server.port, service) for service in services}
    finally:
        await admin.close()


async def _prepare(admin: "asyncpg.Connection[asyncpg.Record]", port: int, service: str) -> str:
    """`service` is one of our three names, so it needs no quoting."""
    password = secrets.token_hex(24)
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", service):
        await admin.execute(f"CREATE ROLE {service} LOGIN")
    await admin.execute(f"ALTER ROLE {service} PASSWORD '{password}'")
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", service):
        await admin.execute(f"CREATE DATABASE {service} OWNER {service}")
        await admin.execute(f"REVOKE CONNECT ON DATABASE {service} FROM PUBLIC")
    return f"postgresql://{service}:{password}@{LOOPBACK}:{port}/{service}"
