"""Scenarios. A database that is made today has the table from the first migration already."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table where it is missing."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS scenario (portfolio text NOT NULL, name text NOT NULL,"
        " body jsonb NOT NULL, PRIMARY KEY (portfolio, name))"
    )
