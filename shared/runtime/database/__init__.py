"""PostgreSQL for one service: `Database`, and the portfolio's row as the only lock.

Every decided write happens inside `Database.locked`: it locks the portfolios' rows in id order and, at the end,
writes back what was raised. State kept in memory is a cache of a row's `version`. No table of a service is known here.
"""

from shared.runtime.database.cache import Cache
from shared.runtime.database.connections import COMMAND_TIMEOUT_SECONDS, Database, as_dicts
from shared.runtime.database.outages import is_outage
from shared.runtime.database.portfolio_rows import Batch, PortfolioRow
from shared.runtime.database.schema import metadata, migrate

__all__ = [
    "COMMAND_TIMEOUT_SECONDS",
    "Batch",
    "Cache",
    "Database",
    "PortfolioRow",
    "as_dicts",
    "is_outage",
    "metadata",
    "migrate",
]
