"""Which errors mean that the database was away. What to do then is up to whoever caught one."""

import asyncpg
from sqlalchemy.exc import DBAPIError

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, crashed, starting up
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # what a connection that broke in mid-statement answers
    asyncpg.InterfaceError,
)


def is_outage(error: BaseException) -> bool:
    """Whether the database was away, as opposed to refusing what it was given."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig.__cause__ or error if error.orig else error
    # asyncpg's DataError, a wrong argument, is an InterfaceError too; only its being a ValueError tells.
    return isinstance(error, _AWAY) and not isinstance(error, ValueError)
