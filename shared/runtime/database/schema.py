"""The plumbing's tables, and bringing a schema to its newest version, one process at a time."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine

metadata = sa.MetaData()
"""The plumbing's own tables; each service's first migration creates them beside its own."""

MIGRATION_LOCK = 0x1A7E57


async def migrate(engine: AsyncEngine, migrations: Path) -> None:
    """Bring the schema to the newest version, one process at a time (advisory lock)."""
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        try:
            await connection.run_sync(_upgrade, configuration)
            await connection.commit()
        finally:
            await connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            await connection.commit()


def _upgrade(connection: sa.Connection, configuration: Config) -> None:
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
