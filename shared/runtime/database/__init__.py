"""PostgreSQL for one service: every decided write happens inside `Database.locked`. Knows no table of a service."""

from shared.runtime.database.connections import COMMAND_TIMEOUT_SECONDS, Database, as_dicts, insert_many, is_outage
from shared.runtime.database.portfolio_rows import Batch, Cache, PortfolioRow
from shared.runtime.database.schema import metadata, migrate

__all__ = [
    "COMMAND_TIMEOUT_SECONDS",
    "Batch",
    "Cache",
    "Database",
    "PortfolioRow",
    "as_dicts",
    "insert_many",
    "is_outage",
    "metadata",
    "migrate",
]
