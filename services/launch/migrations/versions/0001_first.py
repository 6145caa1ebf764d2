"""Everything launch starts with: the plumbing's tables, its own, and the bell of the outbox.

Later migrations write out what they change; this one creates the tables as they are declared today.
"""

from alembic import op

from services.launch.store.tables import metadata
from shared.runtime import database, inbox, outbox  # noqa: F401 - their tables join database.metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    connection = op.get_bind()
    database.metadata.create_all(connection)
    metadata.create_all(connection)
    for statement in outbox.NOTIFY_ON_INSERT:
        op.execute(statement)
